"""Modifiers: words and stored values."""

from enum import IntEnum

import pytest

from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.modifier import SIZE_BYTES, Choice, Flag, Size, text_of
from dstc_isa.isa.volta import VOLTA
from tests.strategies import modifier_values


@pytest.mark.parametrize("declaration", VOLTA.declarations, ids=lambda d: f"{d.mnemonic}-0x{d.opcode:03x}")
def test_words_and_values_are_inverse(declaration: Declaration) -> None:
    for modifier in declaration.modifiers:
        words = modifier.kind.words()
        for value in words.values():
            assert words[modifier.kind.word_of(value)] == value
            assert modifier.kind.at.holds(value)
        assert modifier.default is None or modifier.default in modifier_values(modifier)


def test_a_name_with_an_underscore_is_a_number() -> None:
    assert text_of(Size._128) == "128"
    assert [text_of(size) for size in Size] == ["U8", "S8", "U16", "S16", "32", "64", "128"]


def test_sizes_in_bytes() -> None:
    assert [SIZE_BYTES[size] for size in Size] == [int(text_of(size).lstrip("US")) // 8 for size in Size]


def test_a_choice_without_that_value_is_a_value_error() -> None:
    class Level(IntEnum):
        LOW = 0
        HIGH = 3

    choice = Choice(Level, Field(72, 2))
    assert choice.words() == {"LOW": 0, "HIGH": 3}
    with pytest.raises(ValueError, match="2"):
        choice.word_of(2)


def test_a_flag_is_written_or_not() -> None:
    flag = Flag("FTZ", Field(80, 1))
    assert flag.words() == {"FTZ": 1}
    assert (flag.word_of(0), flag.word_of(1)) == ("", "FTZ")
