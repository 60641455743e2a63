"""Decoded instructions as rows of 32-bit words, the form the compiled engine executes.

A row holds the dispatch number (position in the registry), the guard, and then for each result and parameter of
the semantics the words that its fetch needs. ``layout`` is the one place that knows their order: the row writer
and the code generator both follow it.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
from attrs import define, field, frozen

from dstc_isa.engine.layout import FIRST_SLOT, POOL_ROW, PREDICATE_SINK, ROW_BYTES, SHARED_FIRST, SINK_ROW
from dstc_isa.isa.field_operand import AddressOperand, PredicateOperand
from dstc_isa.isa.instruction import REGISTRY, Declaration, Instruction, Lane, Parameter
from dstc_isa.isa.lanes import FULL_MASK, LANES
from dstc_isa.isa.operand import Operand
from dstc_isa.isa.register_operand import Destination, Literal, Source
from dstc_isa.isa.values import PT, RZ, Address, Constant, Immediate, Predicate, Register, SpecialRegister, Target

ABSOLUTE, NEGATE = 1, 2
WIDE_LANES = Lane.U64


@frozen
class Fetch:
    """One result or parameter: where its words start in the row and what they are."""

    name: str
    lane: Lane
    slot: int
    operand: Operand | None
    index: int
    parameter: Parameter | None = None

    @property
    def is_source(self) -> bool:
        """Lanes of a general source operand."""
        return isinstance(self.operand, Source) and self.lane is not Lane.INDEX

    @property
    def signed(self) -> bool:
        """Whether a word of sign flags follows."""
        operand = self.operand
        return (
            isinstance(operand, Source) and self.is_source and (operand.negate or operand.absolute) and not operand.raw
        )

    @property
    def halved(self) -> bool:
        """Whether a word of the half selector follows."""
        return isinstance(self.operand, Source) and (self.operand.halves or self.operand.half is not None)

    @property
    def words(self) -> int:
        """How many words of the row this takes."""
        if isinstance(self.operand, AddressOperand):
            return 3
        if isinstance(self.operand, PredicateOperand):
            return 1 if self.operand.destination else 2
        return 1 + self.signed + self.halved


@cache
def layout(declaration: Declaration) -> tuple[tuple[Fetch, ...], tuple[Fetch, ...]]:
    """The results and the parameters of an instruction's semantics with their places in the row."""
    slot = FIRST_SLOT
    results, parameters = [], []
    for index in declaration.results:
        fetch = Fetch(f"r{index}", declaration.lanes[index], slot, declaration.operands[index], index)
        results.append(fetch)
        slot += fetch.words
    for number, parameter in enumerate(declaration.parameters):
        if parameter.lane is Lane.WARP:
            continue
        operand = declaration.operands[parameter.operand] if parameter.operand >= 0 else None
        fetch = Fetch(f"x{number}", parameter.lane, slot, operand, parameter.operand, parameter)
        parameters.append(fetch)
        slot += fetch.words
    if slot > SHARED_FIRST:
        raise ValueError(f"{declaration.mnemonic} needs {slot} words of a row; there are {SHARED_FIRST}")
    return tuple(results), tuple(parameters)


@define
class Pool:
    """Immediates and constants of a launch as register rows behind each warp's own."""

    words: list[int] = field(factory=list)
    places: dict[tuple[int, ...], int] = field(factory=dict)

    def place(self, words: tuple[int, ...]) -> int:
        """Byte offset of rows that hold these 32-bit words, one after the other."""
        if words not in self.places:
            self.places[words] = (POOL_ROW + len(self.words)) * ROW_BYTES
            self.words += words
        return self.places[words]

    def rows(self) -> npt.NDArray[np.uint32]:
        """The rows, shape (n, 32)."""
        return np.repeat(np.array(self.words, np.uint32)[:, None], LANES, axis=1)


class ConstantReader:
    """Reads the launch's constant banks for operands of the form c[bank][offset]."""

    def __init__(self, banks: dict[int, bytes]) -> None:
        self.banks = banks

    def read(self, constant: Constant, words: int) -> tuple[int, ...]:
        """That many 32-bit words; IndexError if the bank does not have them."""
        data = self.banks.get(constant.bank, b"")
        if constant.offset + 4 * words > len(data):
            raise IndexError(
                f"c[0x{constant.bank:x}][0x{constant.offset:x}] is outside bank {constant.bank}, "
                f"which has {len(data)} bytes"
            )
        return tuple(
            int.from_bytes(data[constant.offset + 4 * i : constant.offset + 4 * i + 4], "little") for i in range(words)
        )


def source_words(value: Immediate | Constant, wide: bool, banks: ConstantReader) -> tuple[int, ...]:
    """The 32-bit words of an immediate (sign-extended where 64 bits are read) or a constant operand."""
    if isinstance(value, Constant):
        return banks.read(value, 2 if wide else 1)
    high = FULL_MASK if value.value >> 31 else 0
    return (value.value, high) if wide else (value.value,)


def reach(target: Target) -> int:
    """The distance of a branch, limited to what a row can hold; no kernel is that long."""
    return max(-(1 << 31), min((1 << 31) - 1, target.address))


def row_of(instruction: Instruction, pool: Pool, banks: ConstantReader) -> list[int]:
    """The words of one instruction's row; IndexError for a constant outside its bank."""
    results, parameters = layout(instruction.declaration)
    guard = instruction.guard
    declaration = instruction.declaration
    in_time = not declaration.keeps_to_warp
    row = [dispatch_number(declaration), guard.index, FULL_MASK if guard.negate else 0, int(in_time)]
    for fetch in (*results, *parameters):
        row += _words(fetch, instruction, pool, banks)
    return row


@cache
def dispatch_number(declaration: Declaration) -> int:
    """Position of a declaration in the registry."""
    return REGISTRY.index(declaration)


def _words(fetch: Fetch, instruction: Instruction, pool: Pool, banks: ConstantReader) -> list[int]:
    parameter = fetch.parameter
    if parameter is not None and parameter.derived is not None:
        return [parameter.derived.compute(instruction)]
    if parameter is not None and parameter.modifier >= 0:
        return [instruction.modifiers[parameter.modifier]]
    value, operand = instruction.operands[fetch.index], fetch.operand
    match value:
        case Register() if isinstance(operand, Destination):
            row = SINK_ROW if value.index == RZ else value.index
            return [row if fetch.lane is Lane.INDEX else row * ROW_BYTES]
        case Register() | Immediate() | Constant() if fetch.is_source:
            return _source(fetch, value, pool, banks)
        case Register():
            return [value.index]
        case Predicate() if isinstance(operand, PredicateOperand) and operand.destination:
            return [8 * (PREDICATE_SINK if value.index == PT else value.index)]
        case Predicate():
            return [8 * value.index, FULL_MASK if value.negate else 0]
        case Address() if isinstance(operand, AddressOperand):
            names = instruction.declaration.modifier_values(instruction.modifiers)
            kind = value.bank if operand.constant else int(operand.is_wide(names))
            return [value.register * ROW_BYTES, value.offset, kind]
        case Target():
            return [reach(value)]
        case Immediate():
            return [value.value]
        case SpecialRegister():
            return [value.number]
    return [getattr(value, "index", 0)]


def _source(fetch: Fetch, value: Register | Immediate | Constant, pool: Pool, banks: ConstantReader) -> list[int]:
    if isinstance(value, Register):
        words = [value.index * ROW_BYTES]
    else:
        words = [pool.place(source_words(value, fetch.lane is WIDE_LANES, banks))]
    if fetch.signed:
        flags = 0 if isinstance(value, Immediate) else ABSOLUTE * value.absolute + NEGATE * value.negate
        words.append(flags)
    if fetch.halved:
        words.append(value.half if isinstance(value, Register) else -1)
    return words


def is_packed(fetch: Fetch) -> bool:
    """Whether a source is a pair of halves, so that its sign is two bits."""
    return isinstance(fetch.operand, Source) and fetch.operand.literal is Literal.HALVES
