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
from dstc_isa.isa.fetch import Fetched, Lane, Pooled, PredicatePlace, RegisterNumber, RegisterPlace, RowWord, Word
from dstc_isa.isa.instruction import REGISTRY, Declaration, Instruction, Parameter
from dstc_isa.isa.lanes import FULL_MASK, LANES
from dstc_isa.isa.operand import Operand
from dstc_isa.isa.values import PT, RZ, Constant, Immediate


@frozen
class Fetch:
    """One result or parameter: ``slot`` is where its ``words`` start in the row; the semantics receives ``fetched``."""

    name: str
    lane: Lane
    slot: int
    operand: Operand | None
    index: int
    parameter: Parameter | None = None

    words: int = field(init=False)
    fetched: Fetched = field(init=False)

    @words.default
    def _count_words(self) -> int:
        # A result is put and not fetched.
        return 1 if self.operand is None or self.parameter is None else self.operand.words(self.lane)

    @fetched.default
    def _fetched_from_words(self) -> Fetched:
        return Word(0) if self.operand is None else self.operand.fetch(self.lane)


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


def row_of(instruction: Instruction, pool: Pool, banks: ConstantReader) -> list[int]:
    """The words of one instruction's row; IndexError for a constant outside its bank."""
    results, parameters = layout(instruction.declaration)
    guard = instruction.guard
    declaration = instruction.declaration
    in_time = not declaration.keeps_to_warp
    row = [dispatch_number(declaration), guard.index, FULL_MASK if guard.negate else 0, int(in_time)]
    for fetch in (*results, *parameters):
        row += [_number(word, pool, banks) for word in words_of(fetch, instruction)]
    return row


@cache
def dispatch_number(declaration: Declaration) -> int:
    """Position of a declaration in the registry."""
    return REGISTRY.index(declaration)


def words_of(fetch: Fetch, instruction: Instruction) -> tuple[RowWord, ...]:
    """The words of a result or parameter of an instruction."""
    if fetch.operand is not None:
        names = instruction.declaration.modifier_values(instruction.modifiers)
        return fetch.operand.row(instruction.operands[fetch.index], fetch.lane, names)
    assert fetch.parameter is not None
    if fetch.parameter.derived is not None:
        return (fetch.parameter.derived.compute(instruction),)
    return (instruction.modifiers[fetch.parameter.modifier],)


def _number(word: RowWord, pool: Pool, banks: ConstantReader) -> int:
    """A word as the compiled engine has it: places as byte offsets."""
    match word:
        case RegisterPlace():
            return register_row(word) * ROW_BYTES
        case RegisterNumber():
            return register_row(word)
        case PredicatePlace():
            return 8 * predicate_slot(word)
        case Pooled():
            return pool.place(source_words(word.value, word.wide, banks))
    return word


def register_row(word: RegisterPlace | RegisterNumber) -> int:
    """The row of registers that a word names."""
    return SINK_ROW if word.written and word.index == RZ else word.index


def predicate_slot(word: PredicatePlace) -> int:
    """The predicate that a word names, among the places of predicates."""
    return PREDICATE_SINK if word.written and word.index == PT else word.index
