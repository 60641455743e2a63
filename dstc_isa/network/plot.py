"""The picture of a run: time of each layer in every variant, and speed-ups over dense."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dstc_isa.network.row import SPARSE_VARIANTS, VARIANTS, LayerRow, Variant, totals
from dstc_isa.studies.plots import DOTS_PER_INCH, check_library
from dstc_isa.whole_file import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES: dict[Variant, str] = {"dense": "dense", "weights": "weights sparse", "dual": "both sides sparse"}
COLOURS: dict[Variant, str] = {"dense": "0.6", "weights": "C0", "dual": "C3"}
LAYER_INCHES, SIDE_INCHES, HEIGHT_INCHES = 0.42, 1.6, 6.0
LEAST_WIDTH_INCHES = 6.4
GROUP_WIDTH = 0.8
SIDE_BARS = 0.6
"""Room beside the first and the last bars, in layers."""

LABEL_LENGTH = 28


def draw(rows: Sequence[LayerRow], title: str, path: Path) -> None:
    """Write the picture. Raises PlotError without Matplotlib."""
    check_library()
    data = io.BytesIO()
    picture(rows, title).savefig(data, format="png", dpi=DOTS_PER_INCH)
    write_whole(path, data.getvalue(), durable=True)


def picture(rows: Sequence[LayerRow], title: str) -> "Figure":
    """Bars for each layer: its time, as often as the network has it, above; speed-ups over dense below."""
    from matplotlib.figure import Figure

    width = max(LEAST_WIDTH_INCHES, SIDE_INCHES + LAYER_INCHES * (len(rows) + 1))
    figure = Figure(figsize=(width, HEIGHT_INCHES), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    whole = totals(rows)
    _bars(above, {v: [row.count * row.costs[v].microseconds for row in rows] for v in VARIANTS}, [])
    above.set_ylabel("time (us)")
    above.set_title(title, fontsize=11, loc="left")
    figure.legend(*above.get_legend_handles_labels(), loc="outside upper left", ncols=len(VARIANTS), frameon=False)
    speedups = {v: [row.speedup(v) for row in rows] for v in SPARSE_VARIANTS}
    _bars(below, speedups, [whole.speedup(v) for v in SPARSE_VARIANTS])
    below.axhline(1, color="black", linewidth=1)
    below.set_ylabel("time of dense / time")
    names = [_label(row) for row in rows]
    below.set_xlim(-SIDE_BARS, len(rows) + SIDE_BARS)
    below.set_xticks(range(len(rows) + 1), [*names, "all layers"], rotation=45, ha="right", fontsize=8)
    return figure


def _bars(axes: "Axes", values: dict[Variant, list[float]], whole: list[float]) -> None:
    width = GROUP_WIDTH / len(values)
    for number, (variant, heights) in enumerate(values.items()):
        bars = heights + whole[number : number + 1]
        places = np.arange(len(bars)) + (number - (len(values) - 1) / 2) * width
        axes.bar(places, bars, width, color=COLOURS[variant], label=NAMES[variant])
    axes.grid(color="0.92", axis="y")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _label(row: LayerRow) -> str:
    name = row.layer if len(row.layer) <= LABEL_LENGTH else f"...{row.layer[3 - LABEL_LENGTH :]}"
    return name if row.count == 1 else f"{row.count} x {name}"
