"""Line tables keep every frame of every instruction."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.object.error import ObjectError
from dstc_isa.object.line_table import decode_locations, encode_locations
from dstc_isa.program import Frame, Location
from tests.object.programs import LOCATIONS


@settings(deadline=None)
@given(st.lists(LOCATIONS).map(tuple))
def test_locations_survive(locations: tuple[Location, ...]) -> None:
    assert decode_locations(encode_locations(locations), len(locations), "lines") == locations


@settings(deadline=None)
@given(st.binary(max_size=60), st.integers(0, 20))
def test_any_bytes_are_locations_or_refused(data: bytes, instructions: int) -> None:
    with suppress(ObjectError):
        assert len(decode_locations(data, instructions, "lines")) == instructions


@pytest.mark.parametrize("instructions", [0, 2])
def test_table_for_another_number_of_instructions(instructions: int) -> None:
    data = encode_locations(((Frame("a", 1),),))
    with pytest.raises(ObjectError, match="lines"):
        decode_locations(data, instructions, "lines")


def test_equal_locations_are_stored_once() -> None:
    location = (Frame("a.dasm", 7, "m"), Frame("a.dasm", 90))
    once, many = encode_locations((location,)), encode_locations((location,) * 50)
    assert len(many) == len(once) + 49
    assert once.count(b"a.dasm") == 1
