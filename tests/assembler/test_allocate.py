import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.assembler.allocate import Interval, OutOfRegisters, assign
from dstc_isa.assembler.values import RegisterArray
from dstc_isa.syntax.source import Source
from dstc_isa.syntax.tree import Piece, Statement

STATEMENT = Statement(Source("t", ""), 1, (), Piece(".reg", 0))


@st.composite
def intervals(draw):
    width = draw(st.sampled_from([1, 2, 4]))
    array = RegisterArray("x", width, draw(st.integers(1, 8)), STATEMENT, alignment=width, read=draw(st.booleans()))
    start = draw(st.integers(0, 20))
    return Interval(array, start, start + draw(st.integers(1, 10)))


def registers(interval):
    return set(range(interval.array.start, interval.array.start + interval.array.size))


@given(st.lists(intervals(), max_size=12), st.integers(0, 1 << 20))
def test_live_names_share_no_register(found, fixed):
    shortage = None
    try:
        assign(found, fixed, 64)
    except OutOfRegisters as error:
        shortage = error
    if shortage is not None:
        held = sum(array.size for array in shortage.live)
        assert held + fixed.bit_count() + shortage.array.size + 3 * (len(shortage.live) + 20) > 64
        return
    for interval in found:
        if not interval.array.used:
            assert interval.array.start == -1
            continue
        assert interval.array.start % interval.array.alignment == 0
        assert max(registers(interval)) < 64
        assert not any(fixed >> register & 1 for register in registers(interval))
        for other in found:
            if other is not interval and other.array.used:
                if other.start < interval.end and interval.start < other.end:
                    assert not registers(interval) & registers(other)


def test_names_in_turn_take_the_same_registers():
    found = [Interval(RegisterArray(n, 1, 60, STATEMENT, read=True), i, i + 1) for i, n in enumerate("abc")]
    assign(found, 0, 64)
    assert [interval.array.start for interval in found] == [0, 0, 0]


@given(st.lists(intervals(), max_size=6), st.lists(st.tuples(st.integers(0, 63), st.integers(0, 20)), max_size=4))
def test_what_a_block_keeps_stays_where_it_is(found, places):
    kept = [
        Interval(RegisterArray("p", 1, 1, STATEMENT, read=True, start=place, kept=True), start, start + 3)
        for place, start in places
    ]
    try:
        assign(found + kept, 0, 64)
    except OutOfRegisters:
        return
    assert [interval.array.start for interval in kept] == [place for place, _ in places]
    for interval in found:
        for other in kept:
            if interval.array.used and other.start < interval.end and interval.start < other.end:
                assert other.array.start not in registers(interval)


def test_who_holds_the_registers_is_told():
    found = [Interval(RegisterArray(n, 1, 30, STATEMENT, read=True), 0, 9) for n in "abc"]
    with pytest.raises(OutOfRegisters) as caught:
        assign(found, 0, 64)
    assert [array.name for array in caught.value.live] == ["a", "b"]
