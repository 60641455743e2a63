"""Functions that print the words of an instruction set, made from its declarations: decoding and text in one step.

What decodes and prints an instruction that is known is executed symbolically. Operands of the same kind at the same
place have one function.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any, overload

from attrs import fields

from dstc_isa.isa.codec import decode_operand, reserved_bits
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.modifier import Modifier
from dstc_isa.isa.operand import Form, Operand
from dstc_isa.isa.symbolic import Fields, Path, Tree, Unknown, UntraceableError, explore
from dstc_isa.isa.text import alias_of, format_modifier, format_operands, format_prefix, statement
from dstc_isa.isa.traced_functions import REFUSE, Functions, ends_of, lines_of
from dstc_isa.isa.values import Target, Value
from dstc_isa.listing.printer import LABEL, WORD, Printer

MNEMONIC = "mnemonic"

Sources = Mapping[str, tuple[str, tuple[int, ...]]]
"""Modifier -> the source of its number, and the values that have a word."""

Traced = Callable[[Path, Any, Fields], Any]
"""What is executed symbolically, with a word and the modifiers in it."""


KnownTrees = dict[object, list[tuple[dict[str, object], Tree]]]
"""Trees of the texts of operands, by what tells operands from each other, with the modifiers that they depend on."""


class _Misplaced(ValueError):
    """Registers stand where they cannot."""


def compile_printer(isa: Isa) -> Printer:
    """The printer of an instruction set. Raises UntraceableError."""
    functions, known = Functions(), KnownTrees()
    prefix = functions.of_tree(_explored(isa, {}, lambda path, word, _: _prefix(isa, word)))
    bodies = {d.code(form): _Body(functions, known, d, form).names() for d in isa.declarations for form in d.forms}
    guarded = isa.word.guard.mask | isa.word.guard_negate.mask | isa.word.control.mask
    return Printer(isa.word.size, isa.word.opcode.mask, guarded, prefix, bodies, functions.compiled())


def _prefix(isa: Isa, word: int) -> str:
    return format_prefix(isa.word.control.decode(word), isa.word.decode_guard(word))


def _explored(isa: Isa, sources: Sources, traced: Traced, asked: set[str] | None = None) -> Tree:
    """The decision tree of what is done with a word; ``asked``: gets the names of modifiers on which it depends."""

    def function(path: Path) -> Any:
        word = Unknown(path, WORD, range(1 << isa.word.bits))
        return traced(path, word, Fields(path, sources, set() if asked is None else asked))

    return explore(function, ValueError)


class _Body:
    """The functions of one form of an instruction."""

    def __init__(self, functions: Functions, known: KnownTrees, declaration: Declaration, form: Form) -> None:
        self.functions, self.known, self.declaration, self.form = functions, known, declaration, form
        self.isa = declaration.isa
        self.kinds = [operand.kind_in(form, index) for index, operand in enumerate(declaration.operands)]
        self.words = [_words(modifier) for modifier in declaration.modifiers]
        self.sources: Sources = {
            modifier.name: (_source(self.isa, modifier), tuple(n for n, word in enumerate(words) if word is not None))
            for modifier, words in zip(declaration.modifiers, self.words, strict=True)
        }

    def names(self) -> tuple[str, str]:
        """The names of the functions that make its text and the distance of its target, which may be none."""
        lines, mnemonic = self._head()
        pieces = [self._piece(index, lines) for index in range(len(self.kinds))]

        def text(path: Path) -> str:
            for piece in pieces:
                piece.path = path

            def target(_: int) -> str | None:
                return path.place(LABEL) if path.decide(f"{LABEL} is not None") else None

            values: list[Value] = [Target(0) if kind is Target else object.__new__(kind) for kind in self.kinds]
            return statement(path.place(MNEMONIC), format_operands(pieces, values, {}, target))

        ends = lines_of(explore(text, ValueError))
        lines += [line.replace(f"{{{MNEMONIC}}}", mnemonic) for line in ends]
        targets = [index for index, kind in enumerate(self.kinds) if kind is Target]
        if len(targets) > 1:
            raise UntraceableError(f"{self.declaration.mnemonic} has two targets, and a label is of one")
        distance = self._distance(targets[0]) if targets else ""
        return self.functions.name(lines, f"{WORD}, {LABEL}"), distance

    def _head(self) -> tuple[list[str], str]:
        """The lines that look at bits, modifiers and rule, and the mnemonic as a piece of an f-string."""
        declaration, functions = self.declaration, self.functions
        lines = _fixed(declaration, self.form)
        mnemonic = declaration.mnemonic
        if declaration.aliases:
            lines.append(f"alias = {functions.of_tree(_explored(self.isa, self.sources, self._alias))}({WORD})")
            mnemonic += "{alias}"
        for number, ((source, values), words) in enumerate(zip(self.sources.values(), self.words, strict=True)):
            lines.append(f"m{number} = {words!r}[{source}]")
            if len(values) < len(words):
                lines.append(f"if m{number} is None: {REFUSE}")
            mnemonic += f"{{m{number}}}"
        if declaration.rule is not None:
            lines.append(f"{functions.of_tree(_explored(self.isa, self.sources, self._rule))}({WORD})")
        lines += [f"{functions.of_tree(tree)}({WORD})" for tree in self._overlaps()]
        return lines, mnemonic

    def _rule(self, path: Path, word: int, modifiers: Fields) -> None:
        assert self.declaration.rule is not None
        if self.declaration.rule(modifiers) is not None:
            raise ValueError

    def _overlaps(self) -> Iterator[Tree]:
        """The trees that refuse a source in a destination that is to be apart."""
        operands = self.declaration.operands
        for (target, first), (source, second) in permutations(zip(operands, range(len(operands)), strict=True), 2):

            def apart(
                path: Path,
                word: int,
                modifiers: Fields,
                target: Operand = target,
                source: Operand = source,
                places: tuple[int, int] = (first, second),
            ) -> None:
                decoded = _Decoded(self, word, modifiers)
                if source.lies_in(decoded[places[1]], target, decoded[places[0]], modifiers):
                    raise _Misplaced

            if target.apart and not source.destination:
                yield _explored(self.isa, self.sources, apart)

    def _alias(self, path: Path, word: int, modifiers: Fields) -> str:
        alias = alias_of(self.declaration, modifiers, _Decoded(self, word, modifiers))
        return alias and f".{alias}"

    def _piece(self, index: int, lines: list[str]) -> "_Piece":
        """What is printed of the operand at ``index``; ``lines`` gets what has to be known for it."""
        operand = self.declaration.operands[index]
        behind = zip(self.declaration.operands[index + 1 :], self.kinds[index + 1 :], strict=True)
        stays = any(each.optional and kind is self.kinds[index] for each, kind in behind)
        tree = self._operand(index, hides=True, idle="False" if stays else "None")
        name = self.functions.of_tree(tree)
        if not {"None", "False"} & ends_of(tree):
            return _Piece(operand, f"{name}({WORD})")
        lines.append(f"t{index} = {name}({WORD})")
        if not stays:
            return _Piece(operand, f"t{index}", f"t{index}")
        whole = self.functions.of_tree(self._operand(index, hides=False))
        return _Piece(operand, f"t{index}", f"t{index}", f"{whole}({WORD})")

    def _operand(self, index: int, *, hides: bool, idle: str = "") -> Tree:
        """The tree of an operand's text, found once for all with the same bits and the same modifiers.

        ``hides``: it is None where it may be left out, and ``idle`` where it must be.
        """
        operand = self.declaration.operands[index]

        def shown(path: Path, word: int, modifiers: Fields) -> str | bool | None:
            value = decode_operand(operand, self.form, index, word, modifiers)
            if operand.misfit(value, modifiers):
                raise _Misplaced
            if hides and operand.idle(modifiers):
                return None if idle == "None" else False
            return None if hides and operand.hides(value, modifiers) else operand.show(value, modifiers)

        place = (self.kinds[index], self.form.moved == index, hides, idle)
        known = self.known.setdefault((*place, _identity(operand)), [])
        for depends, tree in known:
            if all(self.sources.get(name) == source for name, source in depends.items()):
                return tree
        asked: set[str] = set()
        tree = _explored(self.isa, self.sources, shown, asked)
        known.append(({name: self.sources.get(name) for name in asked}, tree))
        return tree

    def _distance(self, index: int) -> str:
        operand = self.declaration.operands[index]

        def distance(path: Path, word: int, modifiers: Fields) -> int:
            value = decode_operand(operand, self.form, index, word, modifiers)
            assert isinstance(value, Target)
            return value.address

        return self.functions.of_tree(_explored(self.isa, self.sources, distance))


class _Decoded(Sequence[Value]):
    """The operands of an instruction, each decoded when it is looked at."""

    def __init__(self, body: _Body, word: int, modifiers: Fields) -> None:
        self._body, self._word, self._modifiers = body, word, modifiers

    @overload
    def __getitem__(self, index: int) -> Value: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Value]: ...

    def __getitem__(self, index: Any) -> Any:
        operand = self._body.declaration.operands[index]
        return decode_operand(operand, self._body.form, index, self._word, self._modifiers)

    def __len__(self) -> int:
        return len(self._body.kinds)


class _Piece(Operand):
    """An operand as an expression of the source; ``hidden``: the variable that is None where it may be left out.

    That is False where it must be. ``whole``: the text of one that might be left out and is not.
    """

    def __init__(self, operand: Operand, text: str, hidden: str = "", whole: str = "") -> None:
        self.optional, self.joined = operand.optional, operand.joined
        self.text, self.hidden, self.whole = text, hidden, whole
        self.path = Path({})

    def idle(self, modifiers: Any) -> bool:
        """See ``Operand``."""
        return bool(self.whole) and self.path.decide(f"{self.hidden} is False")

    def hides(self, value: Any, modifiers: Any) -> bool:
        """See ``Operand``."""
        return bool(self.hidden) and self.path.decide(f"{self.hidden} is None")

    def show(self, value: Any, modifiers: Any) -> str:
        """See ``Operand``."""
        return self.path.place(self.whole if self.whole and self.hides(value, modifiers) else self.text)


def _identity(operand: Operand) -> object:
    """What tells operands of one format from each other."""
    values = [getattr(operand, each.name) for each in fields(type(operand))]  # type: ignore[arg-type]
    return (type(operand), *(id(each) if callable(each) else repr(each) for each in values))


def _words(modifier: Modifier) -> tuple[str | None, ...]:
    """What is written for each number of a modifier; None for one without a meaning."""
    found: list[str | None] = []
    for number in range(modifier.kind.at.maximum + 1):
        try:
            word = format_modifier(modifier, number)
        except ValueError:
            found.append(None)
        else:
            found.append(word and f".{word}")
    return tuple(found)


def _source(isa: Isa, modifier: Modifier) -> str:
    """The source of a modifier's number."""
    number: Any = modifier.kind.at.extract(Unknown(Path({}), WORD, range(1 << isa.word.bits)))  # type: ignore[arg-type]
    source: str = number.source
    return source


def _fixed(declaration: Declaration, form: Form) -> list[str]:
    """The line that looks at bits that are the same in every word."""
    mask, value = reserved_bits(declaration, form), 0
    for held in declaration.held:
        mask |= held.at.mask
        value |= held.at.insert(held.value)
    return [f"if {WORD} & {mask:#x} != {value:#x}: {REFUSE}"] if mask else []
