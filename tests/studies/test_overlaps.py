from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.studies.overlaps import coinciding, line_widths, mark_sizes

NEAR = 0.1
CURVES = st.lists(st.dictionaries(st.integers(0, 4), st.integers(0, 3), max_size=4), max_size=6)
"""Curves on a lattice, so that many meet."""


@given(CURVES)
def test_marks_at_one_point_have_sizes_of_their_own(curves: list[dict[float, float]]) -> None:
    found: dict[tuple[float, float], list[float]] = {}
    for curve, sizes in zip(curves, mark_sizes(curves, NEAR), strict=True):
        assert sizes.keys() == curve.keys()
        for place, size in sizes.items():
            found.setdefault((place, curve[place]), []).append(size)
    for sizes_there in found.values():
        assert sizes_there == sorted(set(sizes_there), reverse=True)


@given(CURVES)
def test_lines_that_run_together_have_widths_of_their_own(curves: list[dict[float, float]]) -> None:
    widths = line_widths(curves, NEAR)
    for number, under in enumerate(curves):
        for upper in range(number + 1, len(curves)):
            common = sorted(under.keys() & curves[upper].keys())
            same = [under[place] == curves[upper][place] for place in common]
            if any(same[n] and same[n + 1] for n in range(len(same) - 1)):
                assert widths[number] > widths[upper]


@given(CURVES)
def test_a_curve_coincides_if_another_is_the_same(curves: list[dict[float, float]]) -> None:
    assert coinciding(curves) == [bool(curve) and curves.count(curve) > 1 for curve in curves]


def test_lines_apart_or_crossing_have_one_width() -> None:
    rising, falling, above = ({0: 0, 1: 1, 2: 2}, {0: 2, 1: 1, 2: 0}, {0: 5, 1: 5, 2: 5})
    assert len(set(line_widths([rising, falling, above], NEAR))) == 1


def test_many_lines_on_each_other_stay_within_the_picture() -> None:
    curves = [{0.0: 1.0, 1.0: 1.0}] * 40
    widths = line_widths(curves, NEAR)
    assert widths == sorted(set(widths), reverse=True)
    assert widths[0] < 12
    assert max(mark_sizes(curves, NEAR)[0].values()) < 24
