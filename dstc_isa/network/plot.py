"""The picture of a run: time of each layer in every variant, speed-ups over dense, and both of all layers."""

import math
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstc_isa.network.record import PICTURE
from dstc_isa.network.row import SPARSE_VARIANTS, VARIANTS, LayerRow, Variant, totals
from dstc_isa.options import check_name
from dstc_isa.printable import printable
from dstc_isa.report.headline import Limit
from dstc_isa.studies.figure_files import check_library, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES: dict[Variant, str] = {"dense": "dense", "weights": "weights sparse", "dual": "both sides sparse"}
COLOURS: dict[Variant, str] = {"dense": "0.65", "weights": "C0", "dual": "C3"}
HATCH = "////"
LAYER_INCHES, SIDE_INCHES, HEIGHT_INCHES = 0.48, 1.8, 6.4
LEAST_WIDTH_INCHES = 6.4
GROUP_WIDTH = 0.84
SIDE_BARS = 0.6
"""Room beside the first and the last bars, in layers."""

HEADROOM = 1.17
"""Height of an axis over its highest bar, for the value on it."""

DIGITS = 3
LABEL_LENGTH = 28


def draw(rows: Sequence[LayerRow], title: str, directory: str | PathLike[str]) -> list[Path]:
    """Write the picture as PNG and SVG; returns its files. Raises PlotError without Matplotlib, and OSError."""
    check_name("directory", directory, (str, PathLike), "a directory's name")
    check_library()
    return save_figure(picture(rows, title), Path(directory), PICTURE)


def picture(rows: Sequence[LayerRow], title: str) -> "Figure":
    """Bars for each layer: its time, as often as the network has it, above; speed-ups over dense below.

    All layers together stand beside them; their time has an axis of its own.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    width = max(LEAST_WIDTH_INCHES, SIDE_INCHES + LAYER_INCHES * (len(rows) + 1))
    figure = Figure(figsize=(width, HEIGHT_INCHES), layout="constrained")
    (above, all_above), (below, all_below) = figure.subplots(
        2, 2, sharex="col", width_ratios=[len(rows) - 1 + 2 * SIDE_BARS, 2 * SIDE_BARS]
    )
    all_below.sharey(below)
    whole = totals(rows)
    found = {v: [row.costs[v].headline for row in rows] for v in VARIANTS}
    others = sorted({each.kind for part in found.values() for each in part if each.limit is not Limit.RESOURCE})
    waits = {v: [each.limit is not Limit.RESOURCE for each in part] for v, part in found.items()}
    _bars(above, {v: [row.count * row.costs[v].microseconds for row in rows] for v in VARIANTS}, waits)
    _bars(all_above, {v: [whole.microseconds[v]] for v in VARIANTS})
    _bars(all_below, {v: [whole.speedup(v)] for v in SPARSE_VARIANTS})
    # The two share their axis, which is to be that of the layers: their fastest is no slower than all together.
    _bars(below, {v: [row.speedup(v) for row in rows] for v in SPARSE_VARIANTS})
    for axes in (below, all_below):
        axes.axhline(1, color="black", linewidth=1)
    all_below.tick_params(labelleft=False)
    all_above.locator_params(axis="y", nbins=4)
    above.set_ylabel("time (us)")
    below.set_ylabel("time of dense / time")
    above.set_title(printable(title), fontsize=11, loc="left", parse_math=False)
    handles = above.get_legend_handles_labels()[0]
    if others:
        label = f"hatched: limited by {', '.join(others)}"
        handles.append(Patch(facecolor="0.8", edgecolor="white", linewidth=0, hatch=HATCH, label=label))
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), frameon=False)
    below.set_xlim(-SIDE_BARS, len(rows) - 1 + SIDE_BARS)
    all_below.set_xlim(-SIDE_BARS, SIDE_BARS)
    for axes, names in ((below, [_label(row) for row in rows]), (all_below, ["all layers"])):
        manner: dict[str, Any] = {"ha": "right", "rotation_mode": "anchor", "fontsize": 8, "parse_math": False}
        axes.set_xticks(range(len(names)), names, rotation=45, **manner)
    return figure


def _bars(
    axes: "Axes", values: Mapping[Variant, Sequence[float]], hatched: Mapping[Variant, Sequence[bool]] | None = None
) -> None:
    """Groups of bars with their values on them."""
    width = GROUP_WIDTH / len(values)
    for number, (variant, heights) in enumerate(values.items()):
        places = [place + (number - (len(values) - 1) / 2) * width for place in range(len(heights))]
        hatch = [HATCH if each else "" for each in hatched[variant]] if hatched else None
        bars = axes.bar(places, heights, width, color=COLOURS[variant], label=NAMES[variant], hatch=hatch)
        for bar in bars:
            # The edge has the colour of the hatch; it is as wide as the gap between bars.
            bar.set(edgecolor="white", linewidth=0.5)
        axes.bar_label(bars, list(map(_short, heights)), rotation=90, fontsize=6.5, padding=2)
    axes.set_ylim(0, HEADROOM * max([*_known(values.values()), 0.0]) or 1)
    axes.grid(color="0.92", axis="y")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _known(values: Iterable[Sequence[float]]) -> list[float]:
    return [each for part in values for each in part if not math.isnan(each)]


def _short(value: float) -> str:
    """A value in three digits, of which two at most are behind the point; nothing for one that is not known."""
    if math.isnan(value):
        return ""
    before = len(str(int(value)))
    return f"{value:,.{min(2, max(0, DIGITS - before))}f}"


def _label(row: LayerRow) -> str:
    layer = printable(row.layer)
    name = layer if len(layer) <= LABEL_LENGTH else f"...{layer[3 - LABEL_LENGTH :]}"
    return name if row.count == 1 else f"{row.count} x {name}"
