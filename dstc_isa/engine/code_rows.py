"""Decoded instructions as rows of 32-bit words, the form the compiled engine executes.

A row holds the dispatch number of the instruction, the guard, and then for each result and parameter of
the semantics the words that its fetch needs. ``fetches`` is the one place that knows their order: the row writer
and the code generator both follow it.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
from attrs import define, field, frozen

from dstc_isa.engine.launch_records import CODE
from dstc_isa.engine.register_rows import POOL_ROW, PREDICATE_SINK, ROW_BYTES, SINK_ROW, WORD_BYTES
from dstc_isa.isa.fetch import Fetched, Lane, Pooled, PredicatePlace, RegisterNumber, RegisterPlace, RowWord, Word
from dstc_isa.isa.instruction import Declaration, Instruction, Parameter
from dstc_isa.isa.instruction_set import Isa, known
from dstc_isa.isa.lanes import FULL_MASK, LANES
from dstc_isa.isa.operand import Operand
from dstc_isa.isa.values import PT, RZ, Constant, Immediate

FIRST_SLOT = CODE.offset("operands") // WORD_BYTES
SLOTS = CODE.fields["operands"].words
"""Words of a row, and the first of them, that operands share."""


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
def fetches(declaration: Declaration) -> tuple[tuple[Fetch, ...], tuple[Fetch, ...]]:
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
    if slot > FIRST_SLOT + SLOTS:
        raise ValueError(f"{declaration.mnemonic} needs {slot - FIRST_SLOT} words of a row; there are {SLOTS}")
    return tuple(results), tuple(parameters)


@define
class Pool:
    """Immediates and constants of a kernel as register rows behind each warp's own; a launch has the constants."""

    length: int = 0
    places: dict[tuple[int, ...] | tuple[Constant, bool], int] = field(factory=dict)

    def place(self, value: Immediate | Constant, wide: bool) -> int:
        """Byte offset of the row that holds a value, or if it is ``wide`` of two."""
        source = (value, wide) if isinstance(value, Constant) else immediate_words(value, wide)
        if source not in self.places:
            self.places[source] = (POOL_ROW + self.length) * ROW_BYTES
            self.length += 1 + wide
        return self.places[source]

    def rows(self, banks: "ConstantReader") -> npt.NDArray[np.uint32]:
        """The rows, shape (n, 32); IndexError for a constant outside its bank."""
        words: list[int] = []
        for source in self.places:
            match source:
                case (Constant() as constant, wide):
                    words += banks.read(constant, 1 + wide)
                case _:
                    words += source
        return np.repeat(np.array(words, np.uint32)[:, None], LANES, axis=1)


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
    return banks.read(value, 1 + wide) if isinstance(value, Constant) else immediate_words(value, wide)


def immediate_words(value: Immediate, wide: bool) -> tuple[int, ...]:
    """The 32-bit word of an immediate, or with ``wide`` two: its 64 bits, or if it has but 32 those with their sign."""
    low, high = value.value & FULL_MASK, value.value >> 32
    if not high and low >> 31:
        high = FULL_MASK
    return (low, high) if wide else (low,)


def operand_words(instruction: Instruction, pool: Pool) -> list[int]:
    """What the row of an instruction has in its slots, from the first on."""
    results, parameters = fetches(instruction.declaration)
    return [_number(word, pool) for fetch in (*results, *parameters) for word in words_of(fetch, instruction)]


def shipped() -> list[Declaration]:
    """The instructions that the package declares and executes, in the order of their dispatch numbers."""
    return [d for isa in known() for d in isa.declarations if d.shipped and not d.unmodelled]


def foreign(isa: Isa) -> list[Declaration]:
    """Those of an instruction set from files of the user's, in the order of their dispatch numbers."""
    return [d for d in isa.declarations if not d.shipped and not d.unmodelled]


@cache
def dispatch_number(declaration: Declaration) -> int:
    """The number by which compiled code knows an instruction.

    Numbers of the package's come first; those behind are the user's, the same ones in each instruction set.
    """
    own = shipped()
    return own.index(declaration) if declaration.shipped else len(own) + foreign(declaration.isa).index(declaration)


def words_of(fetch: Fetch, instruction: Instruction) -> tuple[RowWord, ...]:
    """The words of a result or parameter of an instruction."""
    if fetch.operand is not None:
        names = instruction.declaration.modifier_values(instruction.modifiers)
        return fetch.operand.row(instruction.operands[fetch.index], fetch.lane, names)
    assert fetch.parameter is not None
    if fetch.parameter.derived is not None:
        return (fetch.parameter.derived.compute(instruction),)
    return (instruction.modifiers[fetch.parameter.modifier],)


def _number(word: RowWord, pool: Pool) -> int:
    """A word as the compiled engine has it: places as byte offsets."""
    match word:
        case RegisterPlace():
            return register_row(word) * ROW_BYTES
        case RegisterNumber():
            return register_row(word)
        case PredicatePlace():
            return 8 * predicate_slot(word)
        case Pooled():
            return pool.place(word.value, word.wide)
    return word


def register_row(word: RegisterPlace | RegisterNumber) -> int:
    """The row of registers that a word names."""
    return SINK_ROW if word.written and word.index == RZ else word.index


def predicate_slot(word: PredicatePlace) -> int:
    """The predicate that a word names, among the places of predicates."""
    return PREDICATE_SINK if word.written and word.index == PT else word.index
