"""Decoded rows: every instruction fits, and words do not overlap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.engine.code_rows import FIRST_SLOT, SLOTS, ConstantReader, Pool, fetches, operand_words, source_words
from dstc_isa.engine.register_rows import POOL_ROW, ROW_BYTES
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.values import Constant, Immediate
from tests.strategies import EXECUTED, U32, instructions

NAMES = [f"{d.mnemonic}-{d.opcode:x}" for d in EXECUTED]
BANKS = ConstantReader(dict.fromkeys(range(32), bytes(range(256)) * 257))


@pytest.mark.parametrize("declaration", EXECUTED, ids=NAMES)
def test_words_lie_behind_each_other(declaration: Declaration) -> None:
    results, parameters = fetches(declaration)
    slot = FIRST_SLOT
    for fetch in (*results, *parameters):
        assert fetch.slot == slot
        slot += fetch.words
    assert slot <= FIRST_SLOT + SLOTS
    assert len({f.name for f in (*results, *parameters)}) == len(results) + len(parameters)


@given(instructions(executed=True))
def test_rows_are_as_long_as_their_layout_and_hold_32_bit_words(instruction: object) -> None:
    from dstc_isa.isa.instruction import Instruction

    assert isinstance(instruction, Instruction)
    words = operand_words(instruction, Pool())
    results, parameters = fetches(instruction.declaration)
    assert len(words) == sum(f.words for f in (*results, *parameters))
    assert all(-(1 << 31) <= word <= U32 for word in words)


@given(st.lists(st.tuples(st.integers(0, U32), st.booleans()), max_size=20))
def test_pool_holds_each_value_once(values: list[tuple[int, bool]]) -> None:
    pool = Pool()
    wanted = [source_words(Immediate(value), wide, BANKS) for value, wide in values]
    places = [pool.place(Immediate(value), wide) for value, wide in values]
    rows = pool.rows(BANKS)
    assert len(rows) == sum(len(words) for words in set(wanted))
    for words, place in zip(wanted, places, strict=True):
        first = place // ROW_BYTES - POOL_ROW
        assert rows[first : first + len(words), 7].tolist() == list(words)


def test_a_launch_says_what_constants_are() -> None:
    pool = Pool()
    place = pool.place(Constant(0, 4), True)
    assert pool.place(Constant(0, 4), True) == place
    assert pool.place(Immediate(3), False) == place + 2 * ROW_BYTES
    for text in (b"....abcdefgh", b"....ABCDEFGH"):
        words = [int.from_bytes(text[at : at + 4], "little") for at in (4, 8)]
        assert pool.rows(ConstantReader({0: text}))[:, 31].tolist() == [*words, 3]
    with pytest.raises(IndexError, match="outside bank 0"):
        pool.rows(ConstantReader({0: b"short"}))


def test_immediates_are_sign_extended_to_pairs() -> None:
    assert source_words(Immediate(5), True, BANKS) == (5, 0)
    assert source_words(Immediate(0x80000000), True, BANKS) == (0x80000000, U32)


def test_constants_end_with_their_bank() -> None:
    banks = ConstantReader({2: b"abcdefgh"})
    assert banks.read(Constant(2, 4), 1) == (int.from_bytes(b"efgh", "little"),)
    for constant, words in ((Constant(2, 4), 2), (Constant(2, 8), 1), (Constant(1, 0), 1)):
        with pytest.raises(IndexError, match=f"outside bank {constant.bank}"):
            banks.read(constant, words)
