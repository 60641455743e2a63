"""Operands with a bit field of their own: predicates, integers, addresses, labels and other names."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from dstc_isa.isa.field import WORD_BYTES, Field
from dstc_isa.isa.operand import Form, Modifiers, Operand
from dstc_isa.isa.register_operand import CONSTANT_BANK, PLACES, reject_register
from dstc_isa.isa.values import (
    PT,
    Address,
    BarrierRegister,
    Immediate,
    Marker,
    Predicate,
    Register,
    SpecialRegister,
    Target,
    Value,
)


@frozen
class PredicateOperand(Operand):
    """A predicate register, read or (``destination``) written; ``negate`` is the bit of ``!``, if any."""

    at: Field
    negate: Field | None = None
    destination: bool = False
    optional: bool = False
    default: Predicate | None = None
    what = "a predicate P0-P6 or PT"

    def fields(self, form: Form, index: int) -> tuple[Field, ...]:
        """See ``Operand``."""
        return (self.at, self.negate) if self.negate else (self.at,)

    def reject(self, value: Value, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        if not isinstance(value, Predicate):
            return f"expected {self.what}"
        if not 0 <= value.index <= PT:
            return "predicates are P0 to P6 and PT"
        if value.negate and not self.negate:
            return "this predicate cannot be negated"
        return None

    def encode(self, value: Any, form: Form, index: int) -> int:
        """See ``Operand``."""
        word = self.at.insert(value.index)
        return word | self.negate.mask if value.negate and self.negate else word

    def decode(self, word: int, form: Form, index: int) -> Value:
        """See ``Operand``."""
        return Predicate(self.at.extract(word), bool(self.negate and word & self.negate.mask))


@frozen
class ImmediateOperand(Operand):
    """An integer in a field of its own."""

    at: Field
    hexadecimal: bool = False
    optional: bool = False
    default: Immediate | None = None

    @property
    def what(self) -> str:  # type: ignore[override]
        """The range, for messages."""
        return f"an integer {self.at.minimum} to {self.at.maximum}"

    def fields(self, form: Form, index: int) -> tuple[Field, ...]:
        """See ``Operand``."""
        return (self.at,)

    def reject(self, value: Value, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        if not isinstance(value, Immediate):
            return f"expected {self.what}"
        if not self.at.holds(value.value):
            return f"{value.value} is not {self.what}"
        return None

    def encode(self, value: Any, form: Form, index: int) -> int:
        """See ``Operand``."""
        return self.at.insert(value.value)

    def decode(self, word: int, form: Form, index: int) -> Value:
        """See ``Operand``."""
        return Immediate(self.at.extract(word))

    def format(self, value: Any) -> str:
        """See ``Operand``."""
        return f"0x{value.value:x}" if self.hexadecimal and value.value >= 0 else str(value.value)


@frozen
class AddressOperand(Operand):
    """``[Ra + offset]``; ``wide`` names the modifier (or is True) that makes the base a 64-bit pair."""

    offset: Field
    wide: str | bool = False
    constant: bool = False
    base: Field = PLACES["a"].register
    bank: Field = CONSTANT_BANK
    what: str = field(init=False, default="an address such as [R2+0x10]")

    def fields(self, form: Form, index: int) -> tuple[Field, ...]:
        """See ``Operand``."""
        return (self.base, self.offset, self.bank) if self.constant else (self.base, self.offset)

    def is_wide(self, modifiers: Modifiers) -> bool:
        """Whether the base is a pair of registers."""
        return bool(modifiers[self.wide]) if isinstance(self.wide, str) else self.wide

    def reject(self, value: Value, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        if not isinstance(value, Address) or (value.bank >= 0) != self.constant:
            return f"expected {'a constant c[0x3][R2+0x10]' if self.constant else self.what}"
        if not self.offset.holds(value.offset):
            return f"offset {value.offset} is outside {self.offset.minimum} to {self.offset.maximum}"
        if self.constant and not self.bank.holds(value.bank):
            return f"bank {value.bank} is outside 0 to {self.bank.maximum}"
        if value.wide and not self.is_wide(modifiers):
            return "the base is one 32-bit register here"
        return reject_register(Register(value.register), 2 if self.is_wide(modifiers) else 1)

    def encode(self, value: Any, form: Form, index: int) -> int:
        """See ``Operand``."""
        word = self.base.insert(value.register) | self.offset.insert(value.offset)
        return word | self.bank.insert(value.bank) if self.constant else word

    def decode(self, word: int, form: Form, index: int) -> Value:
        """See ``Operand``."""
        bank = self.bank.extract(word) if self.constant else -1
        return Address(self.base.extract(word), self.offset.extract(word), bank=bank)


@frozen
class SpecialRegisterOperand(Operand):
    """A machine register by name, from ``names`` (number -> name)."""

    at: Field
    names: Mapping[int, str]
    what = "a special register such as SR_TID.X"

    def fields(self, form: Form, index: int) -> tuple[Field, ...]:
        """See ``Operand``."""
        return (self.at,)

    def reject(self, value: Value, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        if isinstance(value, SpecialRegister) and value.number in self.names:
            return None
        return f"expected one of {', '.join(self.names.values())}"

    def encode(self, value: Any, form: Form, index: int) -> int:
        """See ``Operand``."""
        return self.at.insert(value.number)

    def decode(self, word: int, form: Form, index: int) -> Value:
        """See ``Operand``; ValueError for a number without a name."""
        number = self.at.extract(word)
        if number not in self.names:
            raise ValueError(f"special register {number} is not defined")
        return SpecialRegister(number)

    def format(self, value: Any) -> str:
        """See ``Operand``."""
        return self.names[value.number]


@frozen
class BarrierOperand(Operand):
    """A convergence barrier register."""

    at: Field
    what = "a convergence barrier B0-B15"

    def fields(self, form: Form, index: int) -> tuple[Field, ...]:
        """See ``Operand``."""
        return (self.at,)

    def reject(self, value: Value, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        if isinstance(value, BarrierRegister) and self.at.holds(value.index):
            return None
        return f"expected {self.what}"

    def encode(self, value: Any, form: Form, index: int) -> int:
        """See ``Operand``."""
        return self.at.insert(value.index)

    def decode(self, word: int, form: Form, index: int) -> Value:
        """See ``Operand``."""
        return BarrierRegister(self.at.extract(word))


@frozen
class TargetOperand(Operand):
    """A label; the field holds the distance from the next instruction, in bytes."""

    at: Field = Field(34, 48, signed=True, scale=2)
    what = "a label"

    def fields(self, form: Form, index: int) -> tuple[Field, ...]:
        """See ``Operand``."""
        return (self.at,)

    def reject(self, value: Value, modifiers: Modifiers) -> str | None:
        """See ``Operand``; the value is the distance."""
        if not isinstance(value, Target):
            return f"expected {self.what}"
        return None if self.at.holds(value.address) else f"distance {value.address} is not a multiple of 4"

    def encode(self, value: Any, form: Form, index: int) -> int:
        """See ``Operand``."""
        return self.at.insert(value.address)

    def decode(self, word: int, form: Form, index: int) -> Value:
        """See ``Operand``."""
        return Target(self.at.extract(word))

    def format(self, value: Any) -> str:
        """See ``Operand``; without symbols it is printed from this instruction."""
        return f".{value.address + WORD_BYTES:+d}"


@frozen
class MarkerOperand(Operand):
    """A fixed word in the operand list that occupies no bits; ``destination`` if it stands for what is written."""

    text: str
    destination: bool = False

    @property
    def what(self) -> str:  # type: ignore[override]
        """The word."""
        return self.text

    def fields(self, form: Form, index: int) -> tuple[Field, ...]:
        """See ``Operand``."""
        return ()

    def reject(self, value: Value, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        return None if value == Marker(self.text) else f"expected {self.text}"

    def encode(self, value: Any, form: Form, index: int) -> int:
        """See ``Operand``."""
        return 0

    def decode(self, word: int, form: Form, index: int) -> Value:
        """See ``Operand``."""
        return Marker(self.text)
