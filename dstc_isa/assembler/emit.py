"""From a plan and operand values to an instruction word, with what it reads and writes."""

import struct
from collections.abc import Sequence
from math import isfinite

from attrs import define, evolve

from dstc_isa.assembler.matching import Contribution, Place, Plan
from dstc_isa.assembler.shared_offset import PLAIN
from dstc_isa.assembler.values import (
    Complement,
    Late,
    Named,
    NamedAddress,
    NamedPredicate,
)
from dstc_isa.assembler.values import Operand as Written
from dstc_isa.isa.field import WORD_BYTES
from dstc_isa.isa.field_operand import AddressOperand, ImmediateOperand, MarkerOperand, TargetOperand
from dstc_isa.isa.operand import Operand, width_of
from dstc_isa.isa.register_operand import Destination, Literal, Source
from dstc_isa.isa.values import PT, REGISTERS, RZ, Address, Constant, Immediate, Predicate, Register, Target, Value
from dstc_isa.program import Location
from dstc_isa.syntax.tree import Bits, Statement

PREDICATE_SHIFT = 256
REGISTER_MASK = (1 << REGISTERS) - 1
PREDICATE_MASK = ((1 << PT) - 1) << PREDICATE_SHIFT
_DEFERRED = (Late, Named, NamedAddress, NamedPredicate)


class RejectedOperand(Exception):
    """A value that its place does not take; ``index`` is the written operand, -1 for the guard."""

    def __init__(self, message: str, index: int, expected: str = "") -> None:
        super().__init__(message)
        self.index = index
        self.expected = expected


@define(eq=False, repr=False)
class Emitted:
    """An instruction in the kernel under assembly; ``plan`` is None for a ``.word``.

    ``word`` lacks the ``deferred`` operands (place, value) until they are known. ``reads`` and ``writes`` are
    masks: bit r for register r, bit 256 + p for predicate p. ``always``: the guard is PT. ``target`` is the
    index of the instruction that a label operand names, or -1. ``location`` begins with the statement's own
    frame. ``array``: the shared array that its number counts from, as ``shared_offset`` has it.
    """

    statement: Statement
    plan: Plan | None
    location: Location
    word: int
    reads: int
    writes: int
    always: bool
    deferred: list[tuple[Place, Written]] | None = None
    guard: NamedPredicate | None = None
    target: int = -1
    array: int = PLAIN

    @property
    def statement_id(self) -> int:
        """The same for everything that one line of source emitted."""
        return id(self.statement)


def contribute(plan: Plan, place: Place, value: Written, here: int) -> Contribution:
    """What one operand adds to word and masks; RejectedOperand if its place does not take it."""
    operand = place.operand
    try:
        resolved = convert(value, operand, here, extended(plan))
    except (ValueError, OverflowError) as error:
        raise RejectedOperand(str(error), place.written) from None
    reason = operand.reject(resolved, plan.names)
    if reason:
        raise RejectedOperand(reason, place.written)
    index = plan.places.index(place)
    bits = operand.encode(resolved, plan.form, index)
    reads, writes = masks(operand, resolved, plan.names)
    return bits, reads, writes


def extended(plan: Plan) -> bool:
    """Whether the .X modifier is written, with which a negated source is only complemented."""
    return bool(plan.names.get("extended"))


def convert(value: Written, operand: Operand, here: int, complement: bool) -> Value:
    """The value as the instruction set knows it; ValueError if it cannot be one here."""
    if isinstance(value, Complement):
        if not (complement and isinstance(operand, Source) and operand.raw):
            raise ValueError("~ stands before a source of IADD3.X only")
        value = evolve(value.value, negate=True)
    if isinstance(value, NamedAddress | NamedPredicate | Named):
        return value.place()
    if isinstance(value, int | float | Bits):
        if isinstance(operand, TargetOperand):
            return Target(_whole(value) - here - WORD_BYTES)
        return Immediate(literal(value, operand))
    if isinstance(operand, AddressOperand) and isinstance(value, Constant):
        if value.negate or value.absolute:
            raise ValueError("a constant in memory is loaded as it is, without a sign")
        return Address(RZ, value.offset, bank=value.bank)
    assert not isinstance(value, Late | str)
    return value  # type: ignore[return-value]


def literal(value: int | float | Bits, operand: Operand) -> int:
    """The stored integer of a written number; ValueError or OverflowError says why there is none."""
    kind = operand.literal if isinstance(operand, Source) else Literal.INTEGER
    if isinstance(value, Bits):
        if isinstance(operand, ImmediateOperand):
            raise ValueError("expected an integer, not the bits of a float")
        return value.value
    if kind is Literal.INTEGER:
        whole = _whole(value)
        if isinstance(operand, Source) and operand.literal_at is None:
            if not -(1 << 31) <= whole < 1 << 32:
                raise ValueError(f"{whole} does not fit 32 bits: -2147483648 to 4294967295")
            return whole % (1 << 32)
        return whole
    code, limit = ("<f", "FP32") if kind is Literal.FLOAT else ("<e", "FP16")
    try:
        packed = struct.pack(code, float(value))
    except OverflowError:
        raise ValueError(f"{value} is beyond the range of {limit}") from None
    bits = int.from_bytes(packed, "little")
    return bits if kind is Literal.FLOAT else bits | bits << 16


def _whole(value: int | float | Bits) -> int:
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        shown = (
            f"; its FP32 bits are 0f{struct.pack('>f', value).hex()}" if isfinite(value) and abs(value) < 3e38 else ""
        )
        raise ValueError(f"expected an integer, not {value}{shown}")
    raise ValueError("expected an integer, not the bits of a float")


def masks(operand: Operand, value: Value, names: dict[str, int]) -> tuple[int, int]:
    """What an operand reads and writes."""
    if isinstance(value, Register):
        if value.index == RZ:
            return 0, 0
        assert isinstance(operand, Source | Destination)
        mask = ((1 << width_of(operand.width, names)) - 1) << value.index
        if not isinstance(operand, Destination):
            return mask, 0
        return (mask if operand.accumulates else 0), mask
    if isinstance(value, Predicate):
        mask = 0 if value.index == PT else 1 << PREDICATE_SHIFT + value.index
        return (0, mask) if operand.destination else (mask, 0)
    if isinstance(value, Address):
        assert isinstance(operand, AddressOperand)
        width = 2 if operand.is_wide(names) else 1
        return (0 if value.register == RZ else ((1 << width) - 1) << value.register), 0
    if isinstance(operand, MarkerOperand):
        return (0, PREDICATE_MASK) if operand.destination else (PREDICATE_MASK, 0)
    return 0, 0


def claim(value: Written, operand: Operand, names: dict[str, int]) -> None:
    """Note a named operand's use on its declaration; ValueError if the declaration is too small or too wide."""
    if isinstance(value, NamedPredicate):
        value.array.written |= operand.destination
        value.array.read |= not operand.destination
        return
    if isinstance(value, Complement) and isinstance(value.value, Named):
        value = value.value
    if isinstance(value, NamedAddress):
        assert isinstance(operand, AddressOperand)
        named, width = value.base, 2 if operand.is_wide(names) else 1
        if value.wide and width == 1:
            return
    elif isinstance(value, Named):
        assert isinstance(operand, Source | Destination)
        named, width = value, width_of(operand.width, names)
    else:
        return
    array = named.array
    array.written |= operand.destination
    array.read |= not operand.destination
    if named.width > width:
        parts = ".lo or .hi" if named.width == 2 else ".x to .w, .lo or .hi"
        raise ValueError(f"{array.name} is {named.width} registers and this operand is {width}: name its {parts}")
    if named.offset + width > array.size:
        kind = {2: ".reg.64", 4: ".reg.128"}.get(width, f".reg name[{width}]")
        raise ValueError(
            f"this operand is {width} registers and {array.name} has"
            f" {array.size - named.offset} here: declare it {kind}"
        )
    if width in (2, 4):
        if named.offset % width:
            raise ValueError(f"this operand starts {width} registers at a multiple of {width} elements")
        array.alignment = max(array.alignment, width)


def emit(
    plan: Plan,
    values: Sequence[Written],
    keys: Sequence[object],
    here: int,
    statement: Statement,
    location: Location,
) -> Emitted:
    """An unguarded instruction; operands that are not known yet are deferred.

    ``keys`` are what the values are remembered by: their text, or themselves. RejectedOperand if one is refused.
    """
    word, reads, writes, target = plan.fixed, 0, 0, -1
    deferred: list[tuple[Place, Written]] | None = None
    for written, known, place in plan.slots:
        contribution = known.get(keys[written] if written >= 0 else None)
        if contribution is None:
            value = values[written] if written >= 0 else place.default
            assert value is not None
            if isinstance(value, _DEFERRED) or (isinstance(value, Complement) and isinstance(value.value, Named)):
                try:
                    claim(value, place.operand, plan.names)
                except ValueError as error:
                    raise RejectedOperand(str(error), written) from None
                deferred = deferred or []
                deferred.append((place, value))
                continue
            contribution = contribute(plan, place, value, here)
            if isinstance(place.operand, TargetOperand):
                assert isinstance(value, int)
                target = value // WORD_BYTES
            elif not isinstance(value, float):
                known[keys[written] if written >= 0 else None] = contribution
        word |= contribution[0]
        reads |= contribution[1]
        writes |= contribution[2]
    return Emitted(statement, plan, location, word, reads, writes, True, deferred, target=target)
