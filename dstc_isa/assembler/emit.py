"""From a plan and operand values to an instruction word, with what it reads and writes."""

from collections.abc import Sequence

from attrs import define

from dstc_isa.assembler.matching import Contribution, OperandPlan, Place
from dstc_isa.assembler.shared_offset import PLAIN
from dstc_isa.assembler.values import Late, Named, NamedAddress, NamedComplement, NamedPredicate, Sum, Virtual
from dstc_isa.assembler.values import Operand as Written
from dstc_isa.isa.codec import decode
from dstc_isa.isa.instruction import Alias, Instruction
from dstc_isa.isa.literal import pair_bits
from dstc_isa.isa.operand import Modifiers, Operand
from dstc_isa.isa.values import Immediate, Value
from dstc_isa.program import Location
from dstc_isa.syntax.tree import Bits, Statement

WORD_MASK = (1 << 32) - 1
_DEFERRED = (Late, Named, NamedAddress, NamedComplement, NamedPredicate)


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
    plan: OperandPlan | None
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
    def decoded(self) -> Instruction:
        """The instruction, once its word is complete; not of a ``.word``."""
        assert self.plan is not None
        return decode(self.plan.declaration.isa, self.word)

    @property
    def statement_id(self) -> int:
        """The same for everything that one line of source emitted."""
        return id(self.statement)


def contribute(plan: OperandPlan, place: Place, value: Written, here: int) -> Contribution:
    """What one operand adds to word and masks; RejectedOperand if its place does not take it."""
    operand = place.operand
    became = value.place() if isinstance(value, Named | NamedPredicate) else None
    if became is not None and became in place.known:
        return place.known[became]
    try:
        resolved = resolve(value if became is None else became, operand, plan.names, here)
    except (ValueError, OverflowError) as error:
        raise RejectedOperand(str(error), place.written) from None
    reason = operand.reject(resolved, plan.names)
    if reason:
        raise RejectedOperand(reason, place.written)
    index = plan.places.index(place)
    bits = operand.encode(resolved, plan.form, index)
    contribution = (bits, *operand.masks(resolved, plan.names))
    if became is not None:
        place.known[became] = contribution
    return contribution


def resolve(value: Written, operand: Operand, modifiers: Modifiers, here: int) -> Value:
    """The value as the instruction set knows it; ValueError if it cannot be one here."""
    if isinstance(value, Virtual):
        return operand.parse(value.place(), modifiers, here)
    if isinstance(value, Bits):
        return operand.parse(Immediate(value.value), modifiers, here)
    assert not isinstance(value, Late | Sum | str)
    return operand.parse(value, modifiers, here)


def claim(value: Virtual, operand: Operand, modifiers: Modifiers) -> None:
    """Note a named operand's use on its declaration; ValueError if the declaration is too small or too wide."""
    named = value.base if isinstance(value, NamedAddress | NamedComplement) else value
    width = operand.span(modifiers)
    if isinstance(value, NamedAddress) and value.wide and width == 1:
        return
    array = named.array
    array.written |= operand.destination
    array.read |= not operand.destination
    if isinstance(named, NamedPredicate):
        return
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
    plan: OperandPlan,
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
        if place.pair:
            word |= _pair(plan, place, values)
            continue
        contribution = known.get(keys[written] if written >= 0 else None)
        if contribution is None:
            value = values[written] if written >= 0 else place.default
            assert value is not None
            if isinstance(value, _DEFERRED):
                if not isinstance(value, Late):
                    try:
                        claim(value, place.operand, plan.names)
                    except ValueError as error:
                        raise RejectedOperand(str(error), written) from None
                deferred = deferred or []
                deferred.append((place, value))
                continue
            contribution = contribute(plan, place, value, here)
            if place.operand.relative and isinstance(value, int):
                target = value // plan.declaration.word.size
            elif not isinstance(value, float):
                known[keys[written] if written >= 0 else None] = contribution
        word |= contribution[0]
        reads |= contribution[1]
        writes |= contribution[2]
    if plan.declaration.same:
        _check_same(plan, values)
    if plan.alias is not None:
        _check_alias(plan, plan.alias, values)
    return Emitted(statement, plan, location, word, reads, writes, True, deferred, target=target)


def _pair(plan: OperandPlan, place: Place, values: Sequence[Written]) -> int:
    """The bits of an operand that is written as two numbers; RejectedOperand if one does not fit."""
    high, low = values[place.written], values[place.written + 1]
    assert isinstance(high, int | float)
    assert isinstance(low, int | float)
    try:
        bits = pair_bits(high, low)
    except ValueError as error:
        raise RejectedOperand(str(error), place.written) from None
    return place.operand.encode(Immediate(bits), plan.form, plan.places.index(place))


def _check_same(plan: OperandPlan, values: Sequence[Written]) -> None:
    """RejectedOperand if an operand is not the same as another that it should repeat."""
    given = [values[place.written] for place in plan.places]
    alike = [(each.array, each.offset) if isinstance(each, Named) else each for each in given]
    differing = plan.declaration.differing(alike)
    if differing >= 0:
        raise RejectedOperand("this operand repeats another", plan.places[differing].written)


def _check_alias(plan: OperandPlan, alias: Alias, values: Sequence[Written]) -> None:
    """RejectedOperand if the operands are not what a word behind the mnemonic says of them."""
    given = [values[place.written] if place.written >= 0 else place.default for place in plan.places]
    resolved = [Immediate(value & WORD_MASK) if isinstance(value, int) else value for value in given]
    if not plan.declaration.fits(alias, plan.names, resolved):  # type: ignore[arg-type]
        raise RejectedOperand(f".{alias.word} is written where {alias.meaning}", len(values) - 1)
