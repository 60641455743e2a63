"""Text from files as a terminal can take it: names of layers, tensors and kernels may hold anything."""


def printable(text: str) -> str:
    """``text`` on one line that any terminal takes, other characters as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text.replace("\t", " "))


def printable_lines(text: str) -> str:
    """The same of each line of a text that has several."""
    return "\n".join(map(printable, text.split("\n")))
