"""Lines and marks of a picture that lie on each other: those under others are larger, so that all are seen."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

LINE_POINTS, MARK_POINTS = 1.5, 6.0
WIDER_POINTS, LARGER_POINTS = 2.0, 3.5
"""How much more a line or a mark has for each one over it."""

MOST_OVER = 4
"""So many over one another have a full step each; more of them share as much."""

Curve = Mapping[float, float]
"""Values of a line by place."""


def line_widths(curves: Sequence[Curve], near: float) -> list[float]:
    """The width of each line in points, in the order of drawing.

    Lines lie on each other if they do so at two places in a row, where values that differ by ``near`` at most are one.
    """
    over = [0] * len(curves)
    for number in reversed(range(len(curves))):
        upper = (n for n in range(number + 1, len(curves)) if _run_together(curves[number], curves[n], near))
        over[number] = max((over[n] + 1 for n in upper), default=0)
    step = WIDER_POINTS * _step(over)
    return [LINE_POINTS + step * count for count in over]


def mark_sizes(curves: Sequence[Curve], near: float) -> list[dict[float, float]]:
    """The size of the mark at each place of each line in points, in the order of drawing."""
    over = [
        {
            place: sum(place in other and abs(other[place] - value) <= near for other in curves[number + 1 :])
            for place, value in curve.items()
        }
        for number, curve in enumerate(curves)
    ]
    step = LARGER_POINTS * _step([count for counts in over for count in counts.values()])
    return [{place: MARK_POINTS + step * count for place, count in counts.items()} for counts in over]


def coinciding(curves: Sequence[Curve]) -> list[bool]:
    """Whether another line has the same values everywhere."""
    return [bool(curve) and curves.count(curve) > 1 for curve in curves]


def _step(over: Sequence[int]) -> float:
    return min(1.0, MOST_OVER / max([*over, 1]))


def _run_together(one: Curve, other: Curve, near: float) -> bool:
    met = [abs(one[place] - other[place]) <= near for place in sorted(one.keys() & other.keys())]
    return any(first and second for first, second in pairwise(met))
