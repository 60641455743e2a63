"""A kernel as lines of source: directives, labels, instructions, and where they come from."""

from collections.abc import Iterable, Mapping, Sequence

from dstc_isa.printable import printable

INDENT = "    "
MANUAL = ".control manual"
"""The directive that leaves control codes as they are written."""

UNKNOWN_PLACE = "unknown source"


def place(file: str, line: int) -> str:
    """A line of a source file."""
    return f"{file}:{line}"


def raw_word(digits: str) -> str:
    """A word that is no instruction, by its hexadecimal digits."""
    return f".word 0x{digits}"


def kernel_lines(
    name: str, directives: Iterable[str], statements: Sequence[str], before: Mapping[int, Sequence[str]]
) -> list[str]:
    """A kernel; ``before``: whole lines that stand before statements, by their index, or behind the last one."""
    lines = [f".kernel {name}", *(INDENT + each for each in directives)]
    done = 0
    for index in sorted(before):
        lines += [INDENT + each for each in statements[done:index]]
        lines += before[index]
        done = index
    return [*lines, *(INDENT + each for each in statements[done:]), ".endkernel"]


def text_of(kernels: Iterable[Sequence[str]]) -> str:
    """Kernels, and what stands before them, as one text with a line between them."""
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in kernels if lines)


def padding(start: int, end: int, taken: set[str]) -> str:
    """The directive for shared memory without a name."""
    return f".shared {fresh(f'pad_0x{start:x}', taken)}, {end - start}, 1"


def labels_of(
    given: Mapping[str, int], destinations: Iterable[int], code_bytes: int, word_bytes: int, taken: set[str]
) -> dict[int, list[str]]:
    """Byte address -> labels to print there: those given that the language can write, else a new one.

    ``destinations``: addresses that need one if they are of an instruction, or of the end. ``taken``: names of others.
    """
    names: dict[int, list[str]] = {}
    for name, address in sorted(given.items(), key=lambda item: (item[1], item[0])):
        names.setdefault(address, [])
        if is_name(name):
            names[address].append(name)
    for address in destinations:
        if 0 <= address <= code_bytes and address % word_bytes == 0:
            names.setdefault(address, [])
    for address, here in names.items():
        if not here:
            here.append(fresh(f"L_0x{address:x}", taken))
    return names


def is_name(text: str) -> bool:
    """Whether the language takes a text as a name: letters, digits, ``_`` and ``$``."""
    return text.isascii() and text.replace("$", "_").isidentifier()


def label_lines(names: Iterable[str]) -> list[str]:
    """Labels, a line each."""
    return [f"{name}:" for name in names]


def fresh(name: str, taken: set[str]) -> str:
    """``name``, lengthened until it is not in ``taken``, to which it is added."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def source_notes(places: Iterable[tuple[int, str]]) -> dict[int, str]:
    """Index -> comment where the source line is another one than before; ``places``: index and place, ascending."""
    notes: dict[int, str] = {}
    shown = ""
    for index, each in places:
        if each != shown:
            notes[index] = f"{INDENT}// {printable(each)}"
            shown = each
    return notes
