"""Bit fields of the instruction word."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from dstc_isa.isa.field import Field
from dstc_isa.isa.volta import VOLTA
from tests.strategies import field_values


@st.composite
def fields(draw: st.DrawFn) -> Field:
    width = draw(st.integers(1, 64))
    return Field(draw(st.integers(0, VOLTA.word.bits - width)), width, draw(st.booleans()), draw(st.integers(0, 4)))


def field_and_value() -> SearchStrategy[tuple[Field, int]]:
    return fields().flatmap(lambda field: st.tuples(st.just(field), field_values(field)))


@settings(deadline=None)
@given(field_and_value(), st.integers(0, (1 << VOLTA.word.bits) - 1))
def test_extract_reads_what_insert_stores(pair: tuple[Field, int], other: int) -> None:
    field, value = pair
    word = field.insert(value)
    assert field.holds(value)
    assert word & ~field.mask == 0
    assert field.extract(word | other & ~field.mask) == value


@settings(deadline=None)
@given(fields(), st.integers(0, (1 << VOLTA.word.bits) - 1))
def test_insert_stores_what_extract_reads(field: Field, word: int) -> None:
    value = field.extract(word)
    assert field.minimum <= value <= field.maximum
    assert field.insert(value) == word & field.mask


@settings(deadline=None)
@given(fields(), st.integers(-(1 << 70), 1 << 70))
def test_a_value_that_does_not_fit_is_refused(field: Field, value: int) -> None:
    assume(not field.holds(value))
    with pytest.raises(ValueError, match="does not fit"):
        field.insert(value)


def test_limits() -> None:
    assert (Field(0, 8).minimum, Field(0, 8).maximum) == (0, 255)
    assert (Field(0, 8, signed=True).minimum, Field(0, 8, signed=True).maximum) == (-128, 127)
    scaled = Field(34, 48, signed=True, scale=2)
    assert (scaled.minimum, scaled.maximum) == (-(1 << 49), (1 << 49) - 4)
    assert not scaled.holds(2)


def test_layout() -> None:
    assert Field(4, 8).mask == 0xFF0
    assert Field(4, 8, signed=True).insert(-1) == 0xFF0
    assert Field(4, 8, scale=2).insert(8) == 0x20
