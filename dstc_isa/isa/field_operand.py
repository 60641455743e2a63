"""Operands with a bit field of their own: predicates, integers, addresses, labels and other names."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from dstc_isa.isa import masks
from dstc_isa.isa.fetch import Base, Call, Fetched, Lane, PredicatePlace, RowWord, Word
from dstc_isa.isa.field import Field
from dstc_isa.isa.lanes import FULL_MASK
from dstc_isa.isa.literal import whole
from dstc_isa.isa.operand import Condition, Form, Modifiers, Operand, Part, Parts
from dstc_isa.isa.register_operand import needed
from dstc_isa.isa.values import (
    PT,
    BarrierRegister,
    Immediate,
    Marker,
    Predicate,
    SpecialRegister,
    Target,
    Value,
    Written,
)
from dstc_isa.listing.numbers import from_next, hexadecimal

FARTHEST = (1 << 31) - 1
"""The longest distance that a row can hold, in bytes; no kernel is that long."""


@frozen
class PredicateOperand(Operand):
    """A predicate register, read or (``destination``) written; ``negate`` is the bit of ``!``, if any.

    The semantics gets 0 for one that is a scalar. ``unmodelled``: the machine executes the instruction with its default
    only, or does so with the modifiers of which a function says it.
    """

    at: Field
    negate: Field | None = None
    destination: bool = False
    optional: bool = False
    shown: bool | Condition = False
    only: Condition = ""
    unless: tuple[str, ...] = ()
    unmodelled: bool | Callable[[Modifiers], bool] = field(default=False, repr=False)
    default: Predicate | None = None
    written = frozenset({Predicate})

    @property
    def what(self) -> str:  # type: ignore[override]
        """The range, for messages."""
        return f"a predicate P0-P{self.at.maximum - 1} or PT"

    def table(self, moved: bool) -> dict[type, Parts]:
        """See ``Operand``."""
        refusal = f"predicates are P0 to P{self.at.maximum - 1} and PT"
        index = Part("index", self.at, refusal=refusal, top=PT)
        return {
            Predicate: (
                index,
                Part("negate", self.negate, "negate", flag=True, refusal="this predicate cannot be negated"),
            )
        }

    def obstacle(self, value: Any, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        alone = self.unmodelled if isinstance(self.unmodelled, bool) else self.unmodelled(modifiers)
        return f"{value} as this operand" if alone and value != self.default else None

    def display(self, name: str) -> str:
        """See ``Operand``."""
        return name.capitalize()

    def accepts(self) -> str:
        """See ``Operand``."""
        return self.what + ("; `!`" if self.negate else "")

    def touched(self, value: Any, modifiers: Modifiers) -> int:
        """See ``Operand``."""
        return masks.predicate(value.index)

    def row(self, value: Any, lane: Lane, modifiers: Modifiers) -> tuple[RowWord, ...]:
        """See ``Operand``."""
        if lane is Lane.SCALAR:
            return (0,)
        if self.destination:
            return (PredicatePlace(value.index, written=True),)
        return (PredicatePlace(value.index), FULL_MASK if value.negate else 0)

    def fetch(self, lane: Lane) -> Fetched:
        """See ``Operand``."""
        if lane is Lane.SCALAR:
            return Word(0)
        return Call("predicate", (Word(0, Base.PREDICATES), Word(1)))


@frozen
class ImmediateOperand(Operand):
    """An integer in a field of its own; ``unmodelled``: it is executed with its default only."""

    at: Field
    unmodelled: bool = field(default=False, repr=False)
    hexadecimal: bool = False
    optional: bool = False
    shown: bool | Condition = False
    only: Condition = ""
    unless: tuple[str, ...] = ()
    joined: bool = False
    default: Immediate | None = None
    written = frozenset({int})

    @property
    def what(self) -> str:  # type: ignore[override]
        """The range, for messages."""
        return f"an integer {self.at.minimum} to {self.at.maximum}"

    def table(self, moved: bool) -> dict[type, Parts]:
        """See ``Operand``."""
        return {Immediate: (Part("value", self.at, refusal=f"{{}} is not {self.what}"),)}

    def obstacle(self, value: Any, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        return f"{self.show(value, modifiers)} as this operand" if self.unmodelled and value != self.default else None

    def parse(self, written: Written, modifiers: Modifiers, here: int) -> Value:
        """See ``Operand``."""
        return (
            Immediate(whole(written)) if isinstance(written, int | float) else super().parse(written, modifiers, here)
        )

    def show(self, value: Any, modifiers: Modifiers) -> str:
        """See ``Operand``."""
        return hexadecimal(value.value) if self.hexadecimal else str(value.value)

    def row(self, value: Any, lane: Lane, modifiers: Modifiers) -> tuple[RowWord, ...]:
        """See ``Operand``."""
        return (value.value,)


@frozen
class SpecialRegisterOperand(Operand):
    """A machine register by name, from ``names`` (number -> name); ``modelled``: those that can be read, if not all."""

    at: Field
    names: Mapping[int, str]
    modelled: frozenset[int] | None = None
    what = "a special register such as SR_TID.X"
    written = frozenset({SpecialRegister})

    def table(self, moved: bool) -> dict[type, Parts]:
        """See ``Operand``."""
        codes = {number: number for number in self.names}
        undefined = "special register {} is not defined"
        return {SpecialRegister: (Part("number", self.at, codes=codes, refusal=self.expected, undefined=undefined),)}

    @property
    def expected(self) -> str:
        """See ``Operand``."""
        named = [name for number, name in self.names.items() if self.modelled is None or number in self.modelled]
        return f"expected one of {', '.join(named)}"

    def obstacle(self, value: Any, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        return None if self.modelled is None or value.number in self.modelled else self.names[value.number]

    def show(self, value: Any, modifiers: Modifiers) -> str:
        """See ``Operand``."""
        return self.names[value.number]

    def vocabulary(self) -> Mapping[str, Value]:
        """See ``Operand``."""
        return {name: SpecialRegister(number) for number, name in self.names.items()}

    def placeholder(self, name: str, form: Form, index: int) -> str:
        """See ``Operand``."""
        return "SR"

    def accepts(self) -> str:
        """See ``Operand``."""
        return ", ".join(f"{name} ({number})" for number, name in sorted(self.names.items()))

    def row(self, value: Any, lane: Lane, modifiers: Modifiers) -> tuple[RowWord, ...]:
        """See ``Operand``."""
        return (value.number,)


@frozen
class WordOperand(Operand):
    """One of some words, from ``names`` (number -> word)."""

    at: Field
    names: Mapping[int, str]
    written = frozenset({Marker})

    @property
    def what(self) -> str:  # type: ignore[override]
        """The range, for messages."""
        return f"a word such as {self.names[0]}"

    def table(self, moved: bool) -> dict[type, Parts]:
        """See ``Operand``."""
        codes = {name: number for number, name in self.names.items()}
        return {
            Marker: (Part("text", self.at, codes=codes, refusal=self.expected, undefined="word {} is not defined"),)
        }

    def vocabulary(self) -> Mapping[str, Value]:
        """See ``Operand``."""
        return {name: Marker(name) for name in self.names.values()}

    def row(self, value: Any, lane: Lane, modifiers: Modifiers) -> tuple[RowWord, ...]:
        """See ``Operand``."""
        return (next(number for number, name in self.names.items() if name == value.text),)


@frozen
class BarrierOperand(Operand):
    """A convergence barrier register."""

    at: Field
    what = "a convergence barrier B0-B15"
    written = frozenset({BarrierRegister})

    def table(self, moved: bool) -> dict[type, Parts]:
        """See ``Operand``."""
        return {BarrierRegister: (Part("index", self.at, refusal=self.expected),)}

    def placeholder(self, name: str, form: Form, index: int) -> str:
        """See ``Operand``."""
        return "B"

    def row(self, value: Any, lane: Lane, modifiers: Modifiers) -> tuple[RowWord, ...]:
        """See ``Operand``."""
        return (value.index,)


@frozen
class TargetOperand(Operand):
    """A label; the field holds the distance from the next instruction, in bytes.

    A number as ``default`` is the address that is meant where none is written. ``raw``: the distance itself is printed,
    and a number that stands behind a blank is one. ``absolute``: with that modifier the field holds the address itself.
    """

    at: Field | None = None
    optional: bool = False
    shown: bool | Condition = False
    joined: bool = False
    raw: bool = False
    absolute: str = ""
    default: Target | int | None = None
    what = "a label"
    relative = True

    @property
    def written(self) -> frozenset[type]:  # type: ignore[override]
        """See ``Operand``."""
        return frozenset({int, Target} if self.raw else {int})

    @property
    def _at(self) -> Field:
        return needed(self.at or self.word.target, "a label")

    def _is_absolute(self, modifiers: Modifiers) -> bool:
        return bool(self.absolute and modifiers[self.absolute])

    def table(self, moved: bool) -> dict[type, Parts]:
        """See ``Operand``."""
        step = 1 << self._at.scale
        return {Target: (Part("address", self._at, refusal=f"distance {{}} is not a multiple of {step}"),)}

    def parse(self, written: Written, modifiers: Modifiers, here: int) -> Value:
        """See ``Operand``."""
        if isinstance(written, int | float):
            address = whole(written)
            return Target(address if self._is_absolute(modifiers) else address - here - self.word.size)
        return super().parse(written, modifiers, here)

    def placeholder(self, name: str, form: Form, index: int) -> str:
        """See ``Operand``."""
        return "label"

    def accepts(self) -> str:
        """See ``Operand``."""
        step = 1 << self._at.scale
        return f"{self.what}; stored: the distance from the next instruction in units of {step} bytes"

    def show(self, value: Any, modifiers: Modifiers) -> str:
        """See ``Operand``."""
        if isinstance(value, int):
            return hexadecimal(value)
        if self.raw or self._is_absolute(modifiers):
            return hexadecimal(value.address)
        return from_next(value.address, self.word.size)

    def row(self, value: Any, lane: Lane, modifiers: Modifiers) -> tuple[RowWord, ...]:
        """See ``Operand``."""
        return (max(-FARTHEST - 1, min(FARTHEST, value.address)),)


@frozen
class MarkerOperand(Operand):
    """A fixed word in the operand list that occupies no bits, for all predicates; ``destination`` if it writes them."""

    text: str
    destination: bool = False
    written = frozenset({Marker})

    @property
    def what(self) -> str:  # type: ignore[override]
        """The word."""
        return self.text

    @property
    def partial(self) -> bool:
        """See ``Operand``."""
        return True

    def table(self, moved: bool) -> dict[type, Parts]:
        """See ``Operand``."""
        return {Marker: (Part("text", None, fixed=self.text, refusal=self.expected),)}

    def vocabulary(self) -> Mapping[str, Value]:
        """See ``Operand``."""
        return {self.text: Marker(self.text)}

    def display(self, name: str) -> str:
        """See ``Operand``."""
        return self.text

    def touched(self, value: Any, modifiers: Modifiers) -> int:
        """See ``Operand``."""
        return masks.PREDICATE_MASK

    def row(self, value: Any, lane: Lane, modifiers: Modifiers) -> tuple[RowWord, ...]:
        """See ``Operand``."""
        return (0,)
