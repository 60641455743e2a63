"""Pictures of a sweep's rows: speed-up over dense, and how near each point comes to its bound."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from dstc_isa.options import check_name
from dstc_isa.report.headline import Limit
from dstc_isa.studies.figure_files import check_library, save_figure
from dstc_isa.studies.line_names import NAME_INCHES, name_ends
from dstc_isa.studies.overlaps import MARK_POINTS, Curve, coinciding, line_widths, mark_sizes
from dstc_isa.studies.point import BASELINE, Point, PointRow, varied_parameters

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

SPEEDUP, BOUND = "speedup", "bound"
AXES_INCHES = (6.2, 3.2)
CHARACTER_INCHES = 0.073
OUTSIDE_INCHES = 1.2
"""Height of a picture less that of its axes, about: title, ticks and axis label."""

LEGEND_COLUMNS = 3
MARKERS = "osD^vPX*<>ph"
STYLES = ("-", "-.", ":")
COLOURS = 10
QUIET = "0.35"
NEAR_SHARE = 0.01
"""Share of the axis within which two values are one on paper."""

FULL_PERCENT, LEAST_PERCENT = 104.0, 20.0
HEADROOM = 1.1


@frozen
class Series:
    """Points that differ in the density of A alone, in the order of their sparsity; ``failed`` ones have no row."""

    name: str
    kernel: str
    rows: tuple[PointRow, ...]
    failed: tuple[Point, ...]

    @property
    def reaches_all(self) -> bool:
        """Whether the one point stands for every density of A."""
        return bool(self.rows) and self.rows[0].density_a is None


@frozen
class Mark:
    """How a point is drawn: a shape, filled if a resource limits it."""

    shape: str
    filled: bool = True

    def style(self, colour: str, size: float) -> dict[str, Any]:
        """Keywords for Matplotlib."""
        face = colour if self.filled else "white"
        return {
            "marker": self.shape,
            "markersize": size,
            "color": colour,
            "markerfacecolor": face,
            "linestyle": "none",
            "clip_on": False,
        }


FAILED = Mark("x")


def draw(rows: Sequence[PointRow], directory: str | PathLike[str], failed: Sequence[Point] = ()) -> list[Path]:
    """Write the pictures that the rows allow, all of one study, as PNG and SVG; returns their files.

    ``speedup`` needs rows with a speed-up. ``failed``: points without a row. Raises PlotError without Matplotlib, and
    OSError for a file that cannot be written.
    """
    check_name("directory", directory, (str, PathLike), "a directory's name")
    check_library()
    drawn = []
    for name, picture, shown in (
        (SPEEDUP, speedup, [row for row in rows if row.speedup is not None]),
        (BOUND, bound, list(rows)),
    ):
        if shown:
            drawn += save_figure(picture(shown, failed), Path(directory), name)
    return drawn


def speedup(rows: Sequence[PointRow], failed: Sequence[Point] = ()) -> "Figure":
    """Speed-up over dense against the sparsity of A, a line for each kernel, density of B and set of overrides.

    Marks are hollow where no resource is the limit, and crosses where a point failed.
    """
    dense = Series(BASELINE, BASELINE, tuple(row for row in rows if row.kernel == BASELINE)[:1], ())
    others = [each for each in _series(rows, failed) if each.kernel != BASELINE]
    legend = {"a resource": Mark("o")} if any(map(_by_resource, rows)) else {}
    hollow = dict.fromkeys(row.headline.kind for row in rows if not _by_resource(row))
    if hollow:
        legend[", ".join(hollow)] = Mark("o", filled=False)
    return _picture(
        f"Speed-up over {BASELINE}",
        f"time of {BASELINE} / time",
        [dense, *others] if dense.rows else others,
        value=lambda row: row.speedup or 0.0,
        mark=lambda number, row: Mark(MARKERS[number % len(MARKERS)], _by_resource(row)),
        legend=legend,
        top=HEADROOM * max([1.0, *(row.speedup or 0.0 for row in rows)]),
    )


def bound(rows: Sequence[PointRow], failed: Sequence[Point] = ()) -> "Figure":
    """Share of its highest bound that each point reaches, marked by what limits it: a resource, or a wait.

    Marks are hollow where no resource is the limit, and crosses where a point failed.
    """
    limits = dict.fromkeys((row.headline.name, _by_resource(row)) for row in rows)
    legend = {name: Mark(MARKERS[number % len(MARKERS)], filled) for number, (name, filled) in enumerate(limits)}
    return _picture(
        "Share of the bound that is reached",
        "cycles of the bound / cycles (%)",
        _series(rows, failed),
        value=lambda row: 100 * row.share_of_bound,
        mark=lambda _, row: legend[row.headline.name],
        legend=legend,
        top=min(FULL_PERCENT, max(LEAST_PERCENT, HEADROOM * max(100 * row.share_of_bound for row in rows))),
    )


def _by_resource(row: PointRow) -> bool:
    return row.headline.limit is Limit.RESOURCE


def _series(rows: Iterable[PointRow], failed: Iterable[Point]) -> list[Series]:
    groups: dict[Any, tuple[list[PointRow], list[Point]]] = {}
    points: list[PointRow | Point] = [*rows, *failed]
    for each in points:
        kernel, _, density_b, overrides = each.key
        ran, not_run = groups.setdefault((kernel, density_b, overrides), ([], []))
        if isinstance(each, PointRow):
            ran.append(each)
        else:
            not_run.append(each)
    varied = varied_parameters(points)
    found = []
    for ran, not_run in groups.values():
        first = ran[0] if ran else not_run[0]
        ran.sort(key=lambda row: -row.measured_density_a)
        found.append(Series(_name(first, varied), first.kernel, tuple(ran), tuple(not_run)))
    return found


def _name(point: PointRow | Point, varied: Sequence[str]) -> str:
    density = [] if point.density_b is None else [f"B {100 * (1 - point.density_b):.4g} % zeros"]
    values = [f"{name}={point.overrides[name]}" for name in varied if name in point.overrides]
    return ", ".join([point.kernel, *density, *values])


def _sparsity(point: PointRow | Point) -> float:
    """Zeros of A in percent: as asked for, or as measured if the kernel does not depend on it, 0 if it was not."""
    measured = point.measured_density_a if isinstance(point, PointRow) else 1.0
    return 100 * (1 - (measured if point.density_a is None else point.density_a))


def _picture(
    title: str,
    axis: str,
    series: Sequence[Series],
    *,
    value: Callable[[PointRow], float],
    mark: Callable[[int, PointRow], Mark],
    legend: Mapping[str, Mark],
    top: float,
) -> "Figure":
    """Lines over the sparsity of A. ``mark``: of a row of the series of that number. ``top``: of the axis.

    Lines across are drawn last: their dashes let what is under them be seen.
    """
    series = sorted(series, key=lambda each: each.reaches_all)
    near = NEAR_SHARE * top
    places = {_sparsity(row) for each in series for row in each.rows}
    marked = [{_sparsity(row): value(row) for row in each.rows} for each in series]
    curves = [
        dict.fromkeys(places, value(each.rows[0])) if each.reaches_all else points
        for each, points in zip(series, marked, strict=True)
    ]
    across = sum(each.reaches_all for each in series)
    lines_only = len(series) - across
    widths = [*line_widths(curves[:lines_only], near), *line_widths(curves[lines_only:], near)]
    sizes, colours = mark_sizes(marked, near), _colours(series)
    crosses = mark_sizes([dict.fromkeys(map(_sparsity, each.failed), 0.0) for each in series], near)
    names = [
        f"{each.name} (coincides)" if same else each.name for each, same in zip(series, coinciding(curves), strict=True)
    ]
    explained = {**legend, "none: the point failed": FAILED} if any(each.failed for each in series) else legend
    figure, axes, height = _figure(title, names, series, explained)
    lines = []
    for number, each in enumerate(series):
        look = {"color": colours[number], "linewidth": widths[number], "zorder": 2 + number}
        lines.append((_line(axes, each, curves[number], STYLES[number // COLOURS % len(STYLES)], look), names[number]))
        for row in each.rows:
            style = mark(number, row).style(colours[number], sizes[number][_sparsity(row)])
            axes.plot([_sparsity(row)], [value(row)], zorder=2 + number, **style)
        for place, size in crosses[number].items():
            axes.plot([place], [0], zorder=2 + number, **FAILED.style(colours[number], size))
    axes.set_ylabel(axis)
    axes.set_ylim(0, top)
    name_ends(axes, lines, height)
    return figure


def _colours(series: Sequence[Series]) -> list[str]:
    """Dense in black and greys, the others in the order of Matplotlib's colours."""
    dense = [number for number, each in enumerate(series) if each.kernel == BASELINE]
    others = [number for number in range(len(series)) if number not in dense]
    greys = {number: f"{min(0.6, 0.2 * place):.1f}" for place, number in enumerate(dense)}
    return [greys.get(number) or f"C{others.index(number) % COLOURS}" for number in range(len(series))]


def _line(axes: "Axes", series: Series, curve: Curve, style: str, look: Mapping[str, Any]) -> "Line2D":
    """A series without its marks; one point that stands for all has a line across, points that failed have none."""
    if series.reaches_all:
        return axes.axhline(next(iter(curve.values())), linestyle="--", **look)
    (line,) = axes.plot(list(curve) or [0], list(curve.values()) or [0], linestyle=style, **look)
    return line


def _figure(
    title: str, names: Sequence[str], series: Sequence[Series], legend: Mapping[str, Mark]
) -> "tuple[Figure, Axes, float]":
    """A figure with empty axes, and their height in inches."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    columns = min(LEGEND_COLUMNS, len(legend)) or 1
    legend_rows = 1 - -len(legend) // columns
    height = max(AXES_INCHES[1], NAME_INCHES * len(names))
    # A figure of its own has the Agg canvas and touches no state of pyplot's.
    figure = Figure(
        figsize=(
            AXES_INCHES[0] + CHARACTER_INCHES * max(map(len, names)),
            height + OUTSIDE_INCHES + NAME_INCHES * legend_rows,
        ),
        layout="constrained",
    )
    axes = figure.subplots()
    rows = [row for each in series for row in each.rows]
    varied = varied_parameters([*rows, *(point for each in series for point in each.failed)])
    first = rows[0]
    fixed = [f"{name}={value}" for name, value in first.overrides.items() if name not in varied]
    machine = ", ".join([first.gpu, *fixed])
    axes.set_title(f"{title}: {first.m} x {first.n} x {first.k} on {machine}", fontsize=11, loc="left")
    axes.set_xlabel("sparsity of A (% zeros)")
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    handles = [Line2D([], [], label=name, **mark.style(QUIET, MARK_POINTS)) for name, mark in legend.items()]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=columns, frameon=False, title="limited by", fontsize=9
    )
    return figure, axes, height
