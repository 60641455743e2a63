"""What every kind of operand is: its bits, its text, what it reads and writes, and how engines fetch it."""

import copy
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from attrs import field, frozen

from dstc_isa.isa.fetch import Fetched, Lane, RowWord, Word, words_in
from dstc_isa.isa.field import Field
from dstc_isa.isa.values import Value, Written
from dstc_isa.isa.word_format import WordFormat

Modifiers = Mapping[str, int]
Condition = str | tuple[str, frozenset[int]]
"""The name of a modifier that is there, or one with the values that it may have."""


@frozen
class Registers:
    """How many registers an operand spans: what ``count`` has for the value of ``modifier``, else one."""

    modifier: str
    count: Mapping[int, int]


Width = int | str | Registers
"""Registers that an operand spans; a string names the modifier that is a memory access's size (see ``width_of``)."""

WIDEST = 4
"""Registers of the widest operand whose width is a modifier's."""

WIDEST_SOURCE = 32
"""Registers that a source has at most: RZ reads as zero over so many."""


@frozen
class Form:
    """One encoding form of an instruction: its code in bits 9-11 and which operands are not registers.

    ``special``: indices of the operands that are immediates, or the one that is a constant. ``moved``: index
    of the operand that gives up slot b to it and sits in slot c instead, -1 for none.
    """

    code: int
    special: tuple[int, ...] = ()
    constant: bool = False
    moved: int = -1


@frozen
class Part:
    """What one attribute of an operand's value is stored in; without a field it is always ``fixed``.

    ``role``: what diagrams call the field, nothing where the operand's name says it. ``flag``: the attribute is a bool.
    ``codes``: the stored number of each value, if it is not the value itself. ``refusal``: what is said of a value that
    it does not take, and ``undefined`` of a number without a value; ``{}`` stands for either. ``top``: the value that
    the field's greatest number stands for, such as RZ. ``end``: the least number that the field cannot have.
    """

    of: str
    at: Field | None
    role: str = ""
    flag: bool = False
    fixed: Any = False
    codes: Mapping[Any, int] | None = None
    refusal: str = ""
    undefined: str = ""
    top: int | None = None
    end: int | None = None
    _values: Mapping[int, Any] | None = field(init=False, default=None, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        """Have the value of each stored number at hand, the first of several."""
        if self.codes is not None:
            values = {code: value for value, code in reversed([*self.codes.items()])}
            object.__setattr__(self, "_values", values)

    def reject(self, value: Any) -> str | None:
        """Why the attribute cannot be stored, or None if it can."""
        held = getattr(value, self.of)
        if self.at is None:
            fits = held == self.fixed
        else:
            fits = self._holds(held) if self.codes is None else held in self.codes
        return None if fits else (self.refusal or self._outside()).format(held)

    def _holds(self, held: Any) -> bool:
        assert self.at is not None
        if self.top is None:
            return self.at.holds(held) and (self.end is None or held < self.end)
        return bool(held == self.top or (self.at.holds(held) and held != self.at.maximum))

    def _outside(self) -> str:
        assert self.at is not None
        step = f"not a multiple of {1 << self.at.scale} from" if self.at.scale else "outside"
        return f"{self.of} {{}} is {step} {self.at.minimum} to {self.at.maximum}"

    def insert(self, value: Any) -> int:
        """The field's bits for the attribute of ``value``."""
        assert self.at is not None
        held = getattr(value, self.of)
        if self.top is not None and held == self.top:
            held = self.at.maximum
        return self.at.insert(held if self.codes is None else self.codes[held])

    def extract(self, word: int) -> Any:
        """The attribute that ``word`` holds in the field; ValueError for a number that has no meaning."""
        assert self.at is not None
        stored = self.at.extract(word)
        if self.top is not None and stored == self.at.maximum:
            return self.top
        if self._values is None:
            if self.end is None or stored < self.end:
                return stored
        elif stored in self._values:
            return self._values[stored]
        raise ValueError(self.undefined.format(stored))


Parts = tuple[Part, ...]


class _Layout:
    """The parts of one kind of value, arranged for encoding and decoding: flags are mostly clear."""

    def __init__(self, parts: Parts) -> None:
        self.stored = tuple(part for part in parts if part.at is not None)
        self.flags = tuple(part for part in self.stored if part.flag)
        self.numbers = tuple(part for part in self.stored if not part.flag)
        self.flags_mask = sum(part.at.mask for part in self.flags if part.at is not None)
        self.usual = {part.of: part.fixed for part in parts if part.at is None} | {f.of: False for f in self.flags}

    def encode(self, value: Any) -> int:
        """The word's bits for a value."""
        word = 0
        for part in self.stored:
            word |= part.insert(value)
        return word

    def decode(self, word: int) -> dict[str, Any]:
        """The attributes of the value in ``word``."""
        held = {**self.usual}
        for part in self.numbers:
            held[part.of] = part.extract(word)
        if word & self.flags_mask:
            for part in self.flags:
                held[part.of] = bool(part.extract(word))
        return held


class Operand:
    """Base of all operand kinds: a kind states its parts, and what differs from what stands here.

    ``optional`` operands may be left out and are then ``default``; they are printed all the same if they are
    ``shown``, or if that condition on the modifiers holds. ``only``: the condition without which it is ``default`` in
    every word, and not written; ``unless``: the modifiers with each of which it is the same. ``joined``: a blank
    stands before it instead of a comma. ``destination``: it is written; ``accumulates``: and read as well; ``apart``:
    while others are still read, so that none may lie in it; ``partial``: some of what it stands for may stay as it
    was. ``slot``: the physical source slot of a register, or empty. ``relative``: its value depends on where the
    instruction stands. ``written``: types of what may be written for it. ``word``: the format of its instruction's
    word, which it has once that is declared.
    """

    optional: bool = False
    default: Value | int | None = None
    shown: bool | Condition = False
    only: Condition = ""
    unless: tuple[str, ...] = ()
    joined: bool = False
    destination: bool = False
    accumulates: bool = False
    apart: bool = False
    relative: bool = False
    slot: str = ""
    what: str = "an operand"
    written: frozenset[type] = frozenset()
    word: WordFormat

    @property
    def pairs(self) -> bool:
        """Whether it can be written as two numbers."""
        return False

    @property
    def partial(self) -> bool:
        """See above."""
        return self.accumulates

    # Bits

    def table(self, moved: bool) -> dict[type, Parts]:
        """The parts of each kind of value that can stand here, in the order in which they are checked.

        The first kind is that of the register form; ``moved``: it sits in slot c instead of b.
        """
        raise NotImplementedError

    @cached_property
    def _table(self) -> dict[type, Parts]:
        return self.table(False)

    @cached_property
    def _layout(self) -> dict[type, _Layout]:
        return {kind: _Layout(parts) for kind, parts in self._table.items()}

    @cached_property
    def _moved(self) -> tuple[dict[type, Parts], dict[type, _Layout]]:
        table = self.table(True)
        return table, {kind: _Layout(parts) for kind, parts in table.items()}

    def _layout_of(self, kind: type, form: Form, index: int) -> _Layout:
        return (self._moved[1] if form.moved == index else self._layout)[kind]

    @cached_property
    def kinds(self) -> tuple[type, ...]:
        """The kinds of value that can stand here."""
        return tuple(self._table)

    def kind_in(self, form: Form, index: int) -> type:
        """The kind of value that stands here in a form, as the operand at ``index``."""
        return self.kinds[0]

    def parts(self, form: Form, index: int) -> Parts:
        """The parts of the operand in a form."""
        return (self._moved[0] if form.moved == index else self._table)[self.kind_in(form, index)]

    def forms(self, index: int, in_b: int) -> tuple[Form, ...]:
        """The forms that it adds to an instruction as the operand at ``index``; the one at ``in_b`` is in slot b."""
        return ()

    def fields(self, form: Form, index: int) -> tuple[Field, ...]:
        """The bit fields this operand occupies in a form."""
        return tuple(part.at for part in self.parts(form, index) if part.at is not None)

    def admits(self, value: Value) -> bool:
        """Whether ``value`` is of a kind that can stand here."""
        return type(value) in self._table

    @property
    def expected(self) -> str:
        """What is said of a value of another kind."""
        return f"expected {self.what}"

    def reject(self, value: Value, modifiers: Modifiers) -> str | None:
        """Why ``value`` cannot stand here, or None if it can."""
        return self.unstorable(value, modifiers) or self.misfit(value, modifiers)

    def unstorable(self, value: Value, modifiers: Modifiers) -> str | None:
        """Why no word has ``value`` here, whether it could be executed or not; None if one has."""
        if not self.admits(value):
            return self.expected
        for part in self._table[type(value)]:
            reason = part.reject(value)
            if reason is not None:
                return reason
        return self.stray(value, modifiers)

    def stray(self, value: Value, modifiers: Modifiers) -> str | None:
        """Why ``value`` cannot stand beside modifiers though its bits are free, or None if it can."""
        if self.idle(modifiers) and value != self.default:
            return "this operand does not go with these modifiers"
        return None

    def alternative(self, value: Value, modifiers: Modifiers) -> Value | None:
        """Another value with the bits of ``value`` that can stand beside modifiers, or None if there is none."""
        return None

    def misfit(self, value: Any, modifiers: Modifiers) -> str | None:
        """Why a value that can be stored cannot be executed all the same, None if it can."""
        return None

    def obstacle(self, value: Any, modifiers: Modifiers) -> str | None:
        """What of a value the machine does not model, None if there is nothing."""
        return None

    def idle(self, modifiers: Modifiers) -> bool:
        """Whether it is ``default`` because of a modifier that is there or is not (see ``only`` and ``unless``)."""
        if self.only and not holds(self.only, modifiers):
            return True
        return bool(self.unless) and any(modifiers[name] for name in self.unless)

    def encode(self, value: Value, form: Form, index: int) -> int:
        """The word's bits for ``value``."""
        return self._layout_of(type(value), form, index).encode(value)

    def decode(self, word: int, form: Form, index: int) -> Value:
        """The value in ``word``; ValueError for a number that has no meaning."""
        kind = self.kind_in(form, index)
        value: Value = kind(**self._layout_of(kind, form, index).decode(word))
        return value

    # Text

    def parse(self, written: Written, modifiers: Modifiers, here: int) -> Value:
        """The value that is meant by what was written, ``here`` the instruction's address; ValueError if none is."""
        return written  # type: ignore[return-value]

    def kind_of(self, written: type) -> type:
        """The kind of value that something written of this type is."""
        return self.kinds[0]

    def hides(self, value: Value, modifiers: Modifiers) -> bool:
        """Whether the text of an instruction can go without ``value``."""
        if self.idle(modifiers):
            return True
        shown = self.shown if isinstance(self.shown, bool) else holds(self.shown, modifiers)
        return self.optional and value == self.default and not shown

    def show(self, value: Any, modifiers: Modifiers) -> str:
        """Assembly text of ``value``."""
        return str(value)

    def vocabulary(self) -> Mapping[str, Value]:
        """Words that it adds to the language, with what they mean."""
        return {}

    def display(self, name: str) -> str:
        """The operand's name as descriptions use it, given that of the semantics' parameter."""
        return name

    def placeholder(self, name: str, form: Form, index: int) -> str:
        """What stands for it in the line that shows how an instruction is written."""
        return self.display(name)

    def accepts(self) -> str:
        """What may stand in its place, for the manual: kinds, ranges and signs."""
        return self.what

    @property
    def use(self) -> str:
        """Whether an instruction reads it, writes it, or both."""
        return "read and written" if self.accumulates else "written" if self.destination else "read"

    # Registers and predicates

    def span(self, modifiers: Modifiers) -> int:
        """Registers that it stands for, from the one named."""
        return 1

    @property
    def widest(self) -> int:
        """The most registers that it can stand for."""
        return 1

    def touched(self, value: Any, modifiers: Modifiers) -> int:
        """Mask of the registers and predicates that it stands for (see ``isa.masks``)."""
        return 0

    def masks(self, value: Any, modifiers: Modifiers) -> tuple[int, int]:
        """Masks of the registers and predicates that are read, and written, through it."""
        touched = 0 if self.idle(modifiers) else self.touched(value, modifiers)
        if not self.destination:
            return touched, 0
        return (touched if self.accumulates else 0), touched

    def lies_in(self, value: Any, target: "Operand", written: Any, modifiers: Modifiers) -> bool:
        """Whether what it reads is written through another operand that is to be ``apart``."""
        if not target.apart or self.destination:
            return False
        return bool(self.masks(value, modifiers)[0] & target.masks(written, modifiers)[1])

    # Execution

    def row(self, value: Any, lane: Lane, modifiers: Modifiers) -> tuple[RowWord, ...]:
        """The words of a decoded row from which it is fetched as ``lane``, or, of a result, to which that is put."""
        raise NotImplementedError

    def fetch(self, lane: Lane) -> Fetched:
        """What the semantics receives, from those words."""
        return Word(0)

    def words(self, lane: Lane) -> int:
        """How many words of a row it takes as a parameter of the semantics."""
        return 1 + max(word.number for word in words_in(self.fetch(lane)))


def width_of(width: Width, modifiers: Modifiers) -> int:
    """Registers an operand spans, given the values of its instruction's modifiers."""
    if isinstance(width, int):
        return width
    if isinstance(width, Registers):
        return width.count.get(modifiers[width.modifier], 1)
    return {5: 2, 6: WIDEST, 7: WIDEST}.get(modifiers[width], 1)


def holds(condition: Condition, modifiers: Modifiers) -> bool:
    """Whether modifiers are as a condition demands."""
    if isinstance(condition, str):
        return bool(modifiers[condition])
    name, values = condition
    return modifiers[name] in values


def bound(operand: Operand, word: WordFormat) -> Operand:
    """The same operand as part of words of a format."""
    own = copy.copy(operand)
    object.__setattr__(own, "word", word)
    return own
