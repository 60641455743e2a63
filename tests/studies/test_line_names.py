from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.studies.line_names import apart


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.001, 0.08))
def test_apart(wanted: list[float], step: float) -> None:
    places = apart(sorted(wanted), step)
    assert len(places) == len(wanted)
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)
    assert all(above - below >= step - 1e-9 for below, above in pairwise(places))


@given(st.lists(st.integers(0, 20), unique=True))
def test_names_that_do_not_overlap_stay(numbers: list[int]) -> None:
    wanted = sorted(number / 20 for number in numbers)
    assert apart(wanted, 0.04) == pytest.approx(wanted)
