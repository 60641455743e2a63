"""Functions of a word as Python code, made from decision trees: each once, whoever needs it."""

import marshal
import re
from collections.abc import Sequence
from types import CodeType

from attrs import define, field

from dstc_isa.isa.symbolic import Branch, Leaf, Tree
from dstc_isa.listing.printer import REFUSED, WORD

REFUSE = f"raise {REFUSED}"
_FIELD = re.compile(rf"\(\({WORD} >> (\d+)\) & (0x[0-9a-f]+)\)")


@define
class Functions:
    """Functions by their source, each once."""

    names: dict[str, str] = field(factory=dict)

    def name(self, lines: Sequence[str], parameters: str = WORD) -> str:
        """The name of the function with this body."""
        body = "".join(f"    {line}\n" for line in _fields_first(lines))
        return self.names.setdefault(f"({parameters}):\n{body}", f"f{len(self.names)}")

    def of_tree(self, tree: Tree) -> str:
        """The name of the function of a decision tree."""
        return self.name(lines_of(tree))

    def compiled(self) -> dict[str, bytes]:
        """The marshalled code of each by its name."""
        found = {}
        for text, name in self.names.items():
            module = compile(f"def {name}{text}", "<printer>", "exec")
            found[name] = marshal.dumps(next(each for each in module.co_consts if isinstance(each, CodeType)))
        return found


def ends_of(tree: Tree) -> set[str | None]:
    """The sources of all leaves."""
    if isinstance(tree, Leaf):
        return {tree.source}
    if isinstance(tree, Branch):
        return ends_of(tree.then) | ends_of(tree.otherwise)
    return {end for _, way in tree.ways for end in ends_of(way)}


def lines_of(tree: Tree) -> list[str]:
    """The lines of a function that follows a tree."""
    if isinstance(tree, Leaf):
        return [REFUSE if tree.source is None else f"return {tree.source}"]
    if isinstance(tree, Branch):
        return [f"if {tree.condition}:", *_indented(tree.then), *lines_of(tree.otherwise)]
    if all(isinstance(way, Leaf) and (way.source is None or way.source[0] in "'\"") for _, way in tree.ways):
        texts = {number: str(way.source) for number, way in tree.ways if isinstance(way, Leaf)}
        table = ", ".join(texts.get(number, "None") for number in range(max(texts) + 1))
        refused = [f"if text is None: {REFUSE}"] if "None" in texts.values() else []
        return [f"text = ({table},)[{tree.number}]", *refused, "return text"]
    groups: dict[Tree, list[int]] = {}
    for number, way in tree.ways:
        groups.setdefault(way, []).append(number)
    *first, last = sorted(groups, key=lambda way: len(groups[way]))
    lines = []
    for way in first:
        numbers = ", ".join(map(str, groups[way]))
        lines += [f"if {tree.number} in {{{numbers}}}:", *_indented(way)]
    return [*lines, *lines_of(last)]


def _indented(tree: Tree) -> list[str]:
    return [f"    {line}" for line in lines_of(tree)]


def _fields_first(lines: Sequence[str]) -> list[str]:
    """The same lines with fields that are read more than once in variables."""
    text = "\n".join(lines)
    found = [match.group() for match in _FIELD.finditer(text)]
    first = []
    for number, each in enumerate(dict.fromkeys(found)):
        if found.count(each) > 1:
            first.append(f"x{number} = {each}")
            text = text.replace(each, f"x{number}")
    return [*first, *text.split("\n")]
