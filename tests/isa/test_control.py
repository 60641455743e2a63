"""Scheduling bits and the control prefix."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.isa.control import DEFAULT, Control, ControlFields, Prefix
from dstc_isa.isa.field import Field
from dstc_isa.isa.volta import VOLTA
from tests.strategies import controls

CODES = VOLTA.word.control


@settings(deadline=None)
@given(controls())
def test_the_word_and_the_prefix_hold_everything(control: Control) -> None:
    assert CODES.decode(CODES.encode(control)) == control
    assert Control.parse(str(control)) == control


@settings(deadline=None)
@given(controls(), st.integers(0, (1 << 128) - 1))
def test_only_the_control_bits_count(control: Control, other: int) -> None:
    assert CODES.mask == (1 << 122) - (1 << 105)
    assert CODES.encode(control) & ~CODES.mask == 0
    assert CODES.decode(CODES.encode(control) | other & ~CODES.mask) == control


@settings(deadline=None)
@given(st.one_of(st.text(max_size=30), st.from_regex(r"B[-0-9]{6}:R[-0-9]:W[-0-9]:[-Y]:S[0-9]{1,3}", fullmatch=True)))
def test_any_other_prefix_is_a_value_error(text: str) -> None:
    try:
        control = Control.parse(text)
    except ValueError:
        return
    assert Control.parse(str(control)) == control


def test_example() -> None:
    control = Control.parse("B01---5:R3:W2:Y:S04")
    assert control == Control(stall=4, yields=True, write=2, read=3, wait=0b100011)
    word = CODES.encode(control)
    assert (word >> 105 & 15, word >> 109 & 1, word >> 110 & 7, word >> 113 & 7, word >> 116 & 63) == (4, 0, 2, 3, 35)


@settings(deadline=None)
@given(controls())
def test_a_prefix_without_open_parts_keeps_all(control: Control) -> None:
    assert Prefix.parse(str(control)) == Prefix(control)


@pytest.mark.parametrize(
    ("text", "control", "kept"),
    [
        ("B?:R?:W3:-:S?", Control(write=3), (False, False, True, False)),
        ("B01----:R?:W-:Y:S04?", Control(stall=4, yields=True, wait=3), (True, False, True, False)),
        ("B?:R4:W?:-:S02", Control(stall=2, read=4), (False, True, False, True)),
    ],
)
def test_open_prefixes(text: str, control: Control, kept: tuple[bool, ...]) -> None:
    prefix = Prefix.parse(text)
    assert prefix.control == control
    assert (prefix.wait, prefix.read, prefix.write, prefix.stall) == kept


@pytest.mark.parametrize("text", ["B?:R?:W?:-:S1600000?", "B?:R?:W6:-:S?", "B??????:R?:W?:-:S?", "?", "B?:R?:W?:?:S?"])
def test_wrong_open_prefixes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="looks like"):
        Prefix.parse(text)


def test_default() -> None:
    assert str(DEFAULT) == "B------:R-:W-:-:S01"
    assert CODES.decode(CODES.encode(DEFAULT)) == DEFAULT


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("B0-----:R-:W-:-", "looks like"),
        ("B1-----:R-:W-:-:S01", "place 0 of the wait mask"),
        ("B------:R6:W-:-:S01", "looks like"),
        ("B------:R-:W-:-:S1234567", "looks like"),
    ],
)
def test_what_is_wrong_is_said(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Control.parse(text)


@pytest.mark.parametrize("control", [Control(write=6), Control(read=6), Control(stall=16), Control(wait=64)])
def test_values_that_have_no_encoding_are_refused(control: Control) -> None:
    with pytest.raises(ValueError, match=r"does not|0 to 15"):
        CODES.encode(control)


def test_fields_too_narrow_for_scoreboards_are_refused() -> None:
    narrow = ControlFields(Field(0, 4), Field(4, 1), Field(5, 2, name="write"), Field(7, 3), Field(10, 6))
    with pytest.raises(ValueError, match="write has the values 0 to 7, not 0 to 3"):
        narrow.check()


def test_fields_that_hold_more_than_scoreboards_are_refused() -> None:
    wide = ControlFields(Field(0, 4), Field(4, 1), Field(5, 4), Field(9, 3), Field(12, 6))
    with pytest.raises(ValueError, match="write has the values 0 to 7, not 0 to 15"):
        wide.check()


def test_a_stall_has_as_many_digits_as_its_field_takes() -> None:
    assert Control.parse("B------:R-:W-:-:S127").stall == 127
    assert Prefix.parse("B?:R-:W-:-:S127").control.stall == 127


def test_the_least_stall_is_what_an_object_can_keep() -> None:
    assert not Prefix.parse("B?:R?:W?:-:S15?").stall
    with pytest.raises(ValueError, match="the least stall is 0 to 15 cycles, not 16"):
        Prefix.parse("B?:R?:W?:-:S16?")
