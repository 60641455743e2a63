"""Pictures of a sweep's rows: speed-up over dense, and how near each point comes to its bound."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from dstc_isa.errors import DstcError
from dstc_isa.studies.point import BASELINE, Row, varied_parameters
from dstc_isa.whole_file import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

SPEEDUP, BOUND = "speedup.png", "bound.png"
AXES_INCHES = (6.2, 3.2)
CHARACTER_INCHES = 0.073
LABEL_INCHES = 0.21
"""Height of a line of text beside the axes."""

DOTS_PER_INCH = 130
OUTSIDE_INCHES = 1.2
"""Height of a picture less that of its axes, about: title, ticks and axis label."""

LEGEND_COLUMNS = 3
MARKERS = "osD^vPX*<>ph"
STYLES = ("-", ":", "-.")
QUIET = "0.45"


class PlotError(DstcError):
    """Pictures cannot be drawn; the message says how to mend it."""


@frozen
class Series:
    """Points that differ in the density of A alone, in the order of their sparsity of A in percent."""

    name: str
    rows: tuple[Row, ...]

    @property
    def reaches_all(self) -> bool:
        """Whether the one point stands for every density of A."""
        return self.rows[0].density_a is None


def check_library() -> None:
    """Raise PlotError if there is no Matplotlib."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise PlotError(f"pictures need Matplotlib ({error}): pip install matplotlib, or the extra [plot]") from None


def draw(rows: Sequence[Row], directory: Path) -> list[Path]:
    """Write the pictures that the rows allow, all of one study; returns their files.

    ``speedup.png`` needs rows with a speed-up. Raises PlotError without Matplotlib.
    """
    check_library()
    drawn = []
    for name, picture, shown in (
        (SPEEDUP, speedup, [row for row in rows if row.speedup is not None]),
        (BOUND, bound, list(rows)),
    ):
        if shown:
            data = io.BytesIO()
            picture(shown).savefig(data, format="png", dpi=DOTS_PER_INCH)
            write_whole(directory / name, data.getvalue(), durable=True)
            drawn.append(directory / name)
    return drawn


def speedup(rows: Sequence[Row]) -> "Figure":
    """Speed-up over dense against the sparsity of A, a line for each kernel, density of B and set of overrides."""
    series = _series(row for row in rows if row.kernel != BASELINE)
    figure, axes = _figure([BASELINE, *(each.name for each in series)], f"Speed-up over {BASELINE}", rows)
    lines = [(axes.axhline(1, color="black", linewidth=1), BASELINE)]
    for number, each in enumerate(series):
        values = [row.speedup or 0.0 for row in each.rows]
        look = {"color": f"C{number % 10}", "marker": MARKERS[number % len(MARKERS)]}
        lines.append((_line(axes, each, values, look), each.name))
    axes.set_ylabel(f"time of {BASELINE} / time")
    axes.set_ylim(bottom=0)
    _name_ends(axes, lines)
    return figure


def bound(rows: Sequence[Row]) -> "Figure":
    """Share of its highest bound that each point reaches, marked by what limits it: a resource, or a wait."""
    series = _series(rows)
    limits = list(dict.fromkeys(row.headline.name for row in rows))
    columns = min(LEGEND_COLUMNS, len(limits))
    figure, axes = _figure(
        [each.name for each in series],
        "Share of the bound that is reached",
        rows,
        legend_rows=1 - -len(limits) // columns,
    )
    lines = []
    for number, each in enumerate(series):
        values = [100 * row.share_of_bound for row in each.rows]
        look = {"color": QUIET, "linestyle": STYLES[number % len(STYLES)], "linewidth": 1, "zorder": 1}
        lines.append((_line(axes, each, values, look), each.name))
    for number, limit in enumerate(limits):
        those = [row for row in rows if row.headline.name == limit]
        axes.scatter(
            _sparsities(those),
            [100 * row.share_of_bound for row in those],
            color=f"C{number % 10}",
            marker=MARKERS[number % len(MARKERS)],
            zorder=2,
            label=limit,
        )
    axes.set_ylabel("cycles of the bound / cycles (%)")
    axes.set_ylim(0, 103)
    figure.legend(loc="outside lower center", ncols=columns, frameon=False, title="limited by")
    _name_ends(axes, lines)
    return figure


def _line(axes: "Axes", series: Series, values: list[float], look: dict[str, Any]) -> "Line2D":
    """A series over the sparsity of A; one point that stands for all has a line across."""
    (line,) = axes.plot(_sparsities(series.rows), values, **look)
    if series.reaches_all:
        return axes.axhline(values[-1], color=line.get_color(), linestyle="--", linewidth=1, zorder=1)
    return line


def _series(rows: Iterable[Row]) -> list[Series]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        kernel, _, density_b, overrides = row.key
        groups.setdefault((kernel, density_b, overrides), []).append(row)
    varied = varied_parameters([row for group in groups.values() for row in group])
    return [
        Series(_name(group[0], varied), tuple(sorted(group, key=lambda row: -row.measured_density_a)))
        for group in groups.values()
    ]


def _name(row: Row, varied: Sequence[str]) -> str:
    density = [] if row.density_b is None else [f"B {100 * (1 - row.density_b):.4g} % zeros"]
    values = [f"{name.rpartition('.')[2]} {row.overrides[name]}" for name in varied if name in row.overrides]
    return ", ".join([row.kernel, *density, *values])


def _sparsities(rows: Iterable[Row]) -> list[float]:
    asked = ((row.measured_density_a if row.density_a is None else row.density_a) for row in rows)
    return [100 * (1 - density) for density in asked]


def _figure(names: Sequence[str], title: str, rows: Sequence[Row], legend_rows: int = 0) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    row = rows[0]
    width = AXES_INCHES[0] + CHARACTER_INCHES * max(map(len, names))
    height = max(AXES_INCHES[1], LABEL_INCHES * len(names)) + OUTSIDE_INCHES + LABEL_INCHES * legend_rows
    # A figure of its own has the Agg canvas and touches no state of pyplot's.
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    varied = varied_parameters(rows)
    fixed = [f"{name}={value}" for name, value in row.overrides.items() if name not in varied]
    axes.set_title(f"{title}: {row.m} x {row.n} x {row.k} on {', '.join([row.gpu, *fixed])}", fontsize=11, loc="left")
    axes.set_xlabel("sparsity of A (% zeros)")
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _name_ends(axes: "Axes", lines: Sequence[tuple["Line2D", str]]) -> None:
    """Write the name of each line right of the axes, moved apart where two would overlap, with a leader to its end."""
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top)
    ends = [(float(np.asarray(line.get_ydata())[-1]), line, name) for line, name in lines]
    ends.sort(key=lambda end: end[0])
    wanted = [(value - bottom) / (top - bottom) for value, _, _ in ends]
    step = LABEL_INCHES / max(AXES_INCHES[1], LABEL_INCHES * len(lines))
    for (_, line, name), place, value in zip(ends, apart(wanted, step), wanted, strict=True):
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
