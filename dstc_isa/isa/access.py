"""What an instruction reads and writes: registers and predicates, named by its operands and its guard."""

from collections.abc import Iterator

from attrs import frozen

from dstc_isa.isa.codec import DecodeError, decode
from dstc_isa.isa.fetch import Lane
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.masks import predicate
from dstc_isa.isa.modifier import SIZE_BYTES, Choice, Size, WideSize
from dstc_isa.isa.operand import Operand
from dstc_isa.isa.values import RZ, Register, Value


@frozen
class Access:
    """Masks of registers and predicates (see ``isa.masks``); ``reads`` has the guard's."""

    reads: int = 0
    writes: int = 0


def accessed(instruction: Instruction) -> Access:
    """The registers and predicates that an instruction reads and writes."""
    reads, writes = predicate(instruction.guard.index), 0
    for masks in _masks(instruction):
        reads |= masks[1]
        writes |= masks[2]
    return Access(reads, writes)


def accessed_by(isa: Isa, word: int) -> Access:
    """The same of a word, which accesses nothing if it is no instruction."""
    try:
        return accessed(decode(isa, word))
    except DecodeError:
        return Access()


def addends(instruction: Instruction) -> int:
    """Mask of what an instruction reads in slot c and nowhere else: what a multiplication is added to."""
    found = others = 0
    for operand, reads, _ in _masks(instruction):
        if operand.slot == "c":
            found |= reads
        elif not operand.destination:
            others |= reads
    return found & ~others


def access_size(instruction: Instruction) -> int | None:
    """Bytes that each lane accesses of memory, by a modifier that is a ``Size``; None without one."""
    for modifier, value in zip(instruction.declaration.modifiers, instruction.modifiers, strict=True):
        if isinstance(modifier.kind, Choice) and modifier.kind.values in (Size, WideSize):
            return SIZE_BYTES[value]
    return None


def _masks(instruction: Instruction) -> Iterator[tuple[Operand, int, int]]:
    names = instruction.declaration.modifier_values(instruction.modifiers)
    for operand, value in zip(instruction.declaration.operands, instruction.operands, strict=True):
        yield operand, *operand.masks(value, names)


def sources(instruction: Instruction) -> list[tuple[str, Register, int]]:
    """Physical slot, register and number of registers of each source that is a register, RZ included."""
    return [(operand.slot, value, span) for operand, value, span, _ in _registers(instruction) if operand.slot]


def results(instruction: Instruction) -> Iterator[tuple[int, int, Lane]]:
    """Register, number of registers and type of each result that goes to registers."""
    for operand, value, span, lane in _registers(instruction):
        if operand.destination and value.index != RZ:
            yield value.index, span, lane


def accumulator(instruction: Instruction) -> tuple[int, int] | None:
    """The first register and the number of registers of the operand that is added to in place, None without one."""
    found = ((value.index, span) for operand, value, span, _ in _registers(instruction) if operand.accumulates)
    return next(found, None)


def _registers(instruction: Instruction) -> Iterator[tuple[Operand, Register, int, Lane]]:
    declaration = instruction.declaration
    names = declaration.modifier_values(instruction.modifiers)
    values: tuple[Value, ...] = instruction.operands
    for operand, lane, value in zip(declaration.operands, declaration.lanes, values, strict=True):
        if isinstance(value, Register) and not operand.idle(names):
            yield operand, value, operand.span(names), lane
