"""Operands that are general registers: sources, which can also be immediates or constants, and destinations."""

import struct
from enum import Enum
from typing import Any

from attrs import evolve, frozen

from dstc_isa.isa.field import Field
from dstc_isa.isa.operand import Form, Modifiers, Operand, Width, width_of
from dstc_isa.isa.values import REGISTERS, RZ, Constant, Immediate, Register, Value, decorate


class Literal(Enum):
    """How an immediate in a source slot is written and what its 32 bits mean."""

    INTEGER = "a 32-bit integer"
    FLOAT = "a 32-bit float"
    HALVES = "a float that both 16-bit halves take"


@frozen
class Place:
    """The bits of one physical source slot: register number, negate, absolute, reuse."""

    register: Field
    negate: Field
    absolute: Field
    reuse: Field
    select: Field


PLACES = {
    "a": Place(Field(24, 8), Field(72, 1), Field(73, 1), Field(122, 1), Field(76, 2)),
    "b": Place(Field(32, 8), Field(63, 1), Field(62, 1), Field(123, 1), Field(60, 2)),
    "c": Place(Field(64, 8), Field(75, 1), Field(74, 1), Field(124, 1), Field(84, 2)),
    "e": Place(Field(40, 8), Field(49, 1), Field(48, 1), Field(125, 1), Field(50, 2)),
}
IMMEDIATE_32 = Field(32, 32)
CONSTANT_OFFSET = Field(40, 14, scale=2)
CONSTANT_BANK = Field(54, 5)


@frozen
class Source(Operand):
    """A general source: register, and where ``imm``/``const`` give a form code also an immediate or c[][].

    ``halves``: both 16-bit halves are used, and .H0_H0 or .H1_H1 repeats one. ``half``: the bit that names the
    one half used. ``several``: the declaration's ``forms`` say when this is an immediate, in ``literal_at``.
    ``raw``: the semantics handles the sign itself.
    """

    slot: str
    negate: bool = False
    absolute: bool = False
    width: Width = 1
    imm: int = 0
    const: int = 0
    literal: Literal = Literal.INTEGER
    halves: bool = False
    half: Field | None = None
    literal_at: Field | None = None
    several: bool = False
    raw: bool = False
    optional: bool = False
    default: Register | None = None

    @property
    def what(self) -> str:  # type: ignore[override]
        """The operand's kinds, for messages."""
        kinds = ["a register"]
        if self.half:
            kinds = ["a register half such as R4.H0"]
        if self.imm or self.several:
            kinds.append(self.literal.value)
        if self.const:
            kinds.append("a constant c[bank][offset]")
        return " or ".join(kinds)

    def place(self, form: Form, index: int) -> Place:
        """The physical slot in this form."""
        return PLACES["c" if form.moved == index else self.slot]

    @property
    def literal_field(self) -> Field:
        """Where an immediate is stored."""
        return self.literal_at or IMMEDIATE_32

    def _signs(self, place: Place) -> list[Field]:
        fields = []
        if self.negate:
            fields.append(place.negate)
        if self.absolute:
            fields.append(place.absolute)
        return fields

    def fields(self, form: Form, index: int) -> tuple[Field, ...]:
        """See ``Operand``."""
        if index in form.special:
            if form.constant:
                return (CONSTANT_OFFSET, CONSTANT_BANK, *self._signs(PLACES["b"]))
            return (self.literal_field,)
        place = self.place(form, index)
        fields = [place.register, place.reuse, *self._signs(place)]
        if self.halves:
            fields.append(place.select)
        if self.half:
            fields.append(self.half)
        return tuple(fields)

    def reject(self, value: Value, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        if isinstance(value, Register):
            if self.half and value.half < 0:
                return "one half must be named: .H0 or .H1"
            if value.half >= 0 and not (self.half or self.halves):
                return "this operand is a whole register"
            return reject_modifiers(value, self.negate, self.absolute) or reject_register(
                value, width_of(self.width, modifiers)
            )
        if isinstance(value, Constant) and self.const:
            return reject_modifiers(value, self.negate, self.absolute) or reject_constant(value)
        if isinstance(value, Immediate) and (self.imm or self.several):
            if not self.literal_field.holds(value.value):
                return f"{value.value} is outside 0 to {self.literal_field.maximum}"
            return None
        return f"expected {self.what}"

    def encode(self, value: Any, form: Form, index: int) -> int:
        """See ``Operand``."""
        if index in form.special:
            if isinstance(value, Immediate):
                return self.literal_field.insert(value.value)
            place, word = PLACES["b"], CONSTANT_OFFSET.insert(value.offset) | CONSTANT_BANK.insert(value.bank)
        else:
            place = self.place(form, index)
            word = place.register.insert(value.index)
            if value.reuse:
                word |= place.reuse.mask
            if self.halves:
                word |= place.select.insert(0 if value.half < 0 else 2 + value.half)
            if self.half:
                word |= self.half.insert(value.half)
        if value.negate:
            word |= place.negate.mask
        if value.absolute:
            word |= place.absolute.mask
        return word

    def decode(self, word: int, form: Form, index: int) -> Value:
        """See ``Operand``; ValueError for a half selector that has no meaning."""
        if index in form.special and not form.constant:
            return Immediate(self.literal_field.extract(word))
        constant = index in form.special
        place = PLACES["b"] if constant else self.place(form, index)
        negate = self.negate and bool(word & place.negate.mask)
        absolute = self.absolute and bool(word & place.absolute.mask)
        if constant:
            return Constant(CONSTANT_BANK.extract(word), CONSTANT_OFFSET.extract(word), negate, absolute)
        half = -1
        if self.halves:
            selector = place.select.extract(word)
            if selector == 1:
                raise ValueError("half selector 1 is not defined")
            half = selector - 2 if selector else -1
        if self.half:
            half = self.half.extract(word)
        reuse = bool(word & place.reuse.mask)
        return Register(place.register.extract(word), negate, absolute, half, reuse)

    def format(self, value: Any) -> str:
        """See ``Operand``."""
        if isinstance(value, Immediate):
            return format_literal(value.value, self.literal)
        if isinstance(value, Register) and self.halves and value.half >= 0:
            plain = evolve(value, half=-1, negate=False, absolute=False, reuse=False)
            text = f"{plain}.H{value.half}_H{value.half}" + (".reuse" if value.reuse else "")
            return decorate(text, value.negate, value.absolute)
        return str(value)


@frozen
class Destination(Operand):
    """A general register that the instruction writes, ``width`` registers from it on."""

    width: Width = 1
    at: Field = Field(16, 8)
    accumulates: bool = False
    optional: bool = False
    default: Register | None = None
    destination = True
    what = "a register"

    def fields(self, form: Form, index: int) -> tuple[Field, ...]:
        """See ``Operand``."""
        return (self.at,)

    def reject(self, value: Value, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        if not isinstance(value, Register):
            return f"expected {self.what}"
        if value.negate or value.absolute or value.half >= 0 or value.reuse:
            return "a destination is a plain register"
        width = width_of(self.width, modifiers)
        if self.accumulates and value.index == RZ:
            return f"an accumulator is {width} registers, not RZ"
        return reject_register(value, width)

    def encode(self, value: Any, form: Form, index: int) -> int:
        """See ``Operand``."""
        return self.at.insert(value.index)

    def decode(self, word: int, form: Form, index: int) -> Value:
        """See ``Operand``."""
        return Register(self.at.extract(word))


def reject_register(value: Register, width: int) -> str | None:
    """Why a register number does not do for ``width`` consecutive registers."""
    if value.index == RZ:
        return None
    if not 0 <= value.index < REGISTERS:
        return f"registers are R0 to R{REGISTERS - 1} and RZ"
    if width in (2, 4) and value.index % width:
        return f"R{value.index} starts {width} registers here and must be a multiple of {width}"
    if value.index + width > REGISTERS:
        return f"{width} registers from R{value.index} go past R{REGISTERS - 1}"
    return None


def reject_modifiers(value: Register | Constant, negate: bool, absolute: bool) -> str | None:
    """Why the signs written on an operand are not available here."""
    if value.negate and not negate:
        return "this operand cannot be negated"
    if value.absolute and not absolute:
        return "this operand has no absolute value"
    return None


def reject_constant(value: Constant) -> str | None:
    """Why a constant operand does not fit."""
    if not CONSTANT_BANK.holds(value.bank):
        return f"bank {value.bank} is outside 0 to {CONSTANT_BANK.maximum}"
    if not CONSTANT_OFFSET.holds(value.offset):
        return f"offset {value.offset} is not a multiple of 4 from 0 to {CONSTANT_OFFSET.maximum}"
    return None


def format_literal(bits: int, literal: Literal) -> str:
    """Write a 32-bit immediate so that reading it gives the same bits."""
    if literal is Literal.FLOAT:
        value = struct.unpack("<f", bits.to_bytes(4, "little"))[0]
        text = repr(value)
        if text[-1].isdigit() and "n" not in text and struct.pack("<f", float(text)) == bits.to_bytes(4, "little"):
            return text
        return f"0f{bits:08x}"
    if literal is Literal.HALVES and bits >> 16 == bits & 0xFFFF:
        value = struct.unpack("<e", bits.to_bytes(4, "little")[:2])[0]
        text = repr(value)
        if text[-1].isdigit() and "n" not in text:
            return text
    if literal is Literal.HALVES:
        return f"0f{bits:08x}"
    return f"0x{bits:x}"
