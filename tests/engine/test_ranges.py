from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.engine.ranges import Ranges

EDGES = st.lists(st.integers(0, 9), max_size=12).map(lambda gaps: list(accumulate(gaps)))
"""Ascending places at which ranges begin and end."""


def ranges(edges: list[int]) -> list[range]:
    return [range(start, stop) for start, stop in list(pairwise(edges))[::2]]


@given(EDGES, st.integers(0, 120), st.integers(0, 120))
def test_they_are_the_sequence_of_their_numbers(edges: list[int], start: int, stop: int) -> None:
    parts = ranges(edges)
    listed = [number for part in parts for number in part]
    found = Ranges(parts)
    assert list(found) == listed
    assert len(found) == len(listed)
    assert [found[place] for place in range(len(found))] == listed
    assert list(found[start:stop]) == listed[start:stop]


@given(EDGES, st.integers(0, 50))
def test_the_complement_is_all_others(edges: list[int], more: int) -> None:
    parts = ranges(edges)
    total = max(edges, default=0) + more
    listed = {number for part in parts for number in part}
    assert list(Ranges(parts).complement(total)) == [number for number in range(total) if number not in listed]


@given(EDGES)
def test_steps_tell_each_number_from_its_place(edges: list[int]) -> None:
    found = Ranges(ranges(edges))
    steps = found.steps().tolist()
    numbers = [place + sum(more for first, more in steps if first <= place) for place in range(len(found))]
    assert numbers == list(found)
