"""Names of lines, written right of the axes beside each line's end."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

NAME_INCHES = 0.21
"""Height of a name."""


def name_ends(axes: "Axes", lines: Sequence[tuple["Line2D", str]], height: float) -> None:
    """Write the name of each line, moved apart where two would overlap, with a leader to its end.

    ``height``: of the axes, in inches.
    """
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top)
    ends = [(float(np.asarray(line.get_ydata())[-1]), line, name) for line, name in lines]
    ends.sort(key=lambda end: end[0])
    wanted = [(value - bottom) / (top - bottom) for value, _, _ in ends]
    for (_, line, name), place, value in zip(ends, apart(wanted, NAME_INCHES / height), wanted, strict=True):
        style: dict[str, Any] = {"color": line.get_color(), "linestyle": line.get_linestyle(), "linewidth": 1}
        axes.plot([1.005, 1.035], [value, place], transform=axes.transAxes, clip_on=False, **style)
        axes.text(1.045, place, name, transform=axes.transAxes, color=line.get_color(), fontsize=9, va="center")


def apart(wanted: Sequence[float], step: float) -> list[float]:
    """Places from 0 to 1 near the ``wanted`` ones, which rise, at least ``step`` from each other if so many fit."""
    groups: list[list[float]] = []
    for value in wanted:
        groups.append([value])
        while len(groups) > 1 and _start(groups[-2], step) + len(groups[-2]) * step > _start(groups[-1], step):
            upper = groups.pop()
            groups[-1] += upper
    places = [_start(group, step) + number * step for group in groups for number in range(len(group))]
    last = len(places) - 1
    return [min(max(place, n * step), 1 - (last - n) * step) for n, place in enumerate(places)]


def _start(group: Sequence[float], step: float) -> float:
    return sum(group) / len(group) - step * (len(group) - 1) / 2
