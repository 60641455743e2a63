"""What a convolution computed, and the kernels that ran for it."""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.shape import ConvShape
from dstc_isa.halves import underflow_text
from dstc_isa.overview import HtmlOverview, array_text
from dstc_isa.report.document import document
from dstc_isa.report.statistics import RunStatistics
from dstc_isa.text.headings import Operand, cycles_of_parts, equation, executed_of_dense, headed
from dstc_isa.units.outer.unit import GROUP_COLUMNS, GROUP_ROWS


@frozen(eq=False, repr=False)
class ConvResult(HtmlOverview):
    """``y``: float32 of ``shape.output_shape``. ``launches``: kernels in the order they ran; the last one convolves.

    ``density_x``, ``density_w``: non-zero values per element after rounding to FP16, 0 to 1; ``density_x`` of
    ``convolve`` and of a chain: values that were encoded, per element that the layer reads. ``underflowed_x``,
    ``underflowed_w``: non-zero values that FP16 rounds to zero, as far as they were not rounded before.
    """

    y: npt.NDArray[np.float32]
    shape: ConvShape
    density_x: float
    density_w: float
    launches: tuple[RunStatistics, ...]
    underflowed_x: int = 0
    underflowed_w: int = 0

    def overview(self) -> Mapping[str, object]:
        """The result's shape, densities, launches and cycles."""
        return {
            "y": array_text(self.y),
            "density_x": f"{self.density_x:.4g}",
            "density_w": f"{self.density_w:.4g}",
            "launches": len(self.launches),
            "cycles": self.cycles,
        }

    @property
    def report(self) -> RunStatistics:
        """The kernel that convolves, below what the terminal says of the convolution."""
        return headed(self.run, _heading(self))

    @property
    def warning(self) -> str:
        """What FP16 took from weights and activations, in words; empty if it took nothing."""
        counts = {
            "weights": (self.underflowed_w, prod(self.shape.weight_shape)),
            "activations": (self.underflowed_x, prod(self.shape.input_shape)),
        }
        return underflow_text(counts)

    @property
    def run(self) -> RunStatistics:
        """The kernel that convolves."""
        return self.launches[-1]

    @property
    def cycles(self) -> int | None:
        """Cycles of all kernels, one after the other; None for a run without time."""
        timings = [launch.timing for launch in self.launches]
        if any(timing is None for timing in timings):
            return None
        return sum(timing.cycles for timing in timings if timing is not None)

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``json.dump``, without ``y`` and the kernels'."""
        return {
            "input": [*self.shape.input_shape],
            "weights": [*self.shape.weight_shape],
            "output": [*self.shape.output_shape],
            "stride": [*self.shape.stride],
            "padding": [*self.shape.padding],
            "dilation": [*self.shape.dilation],
            "groups": self.shape.groups,
            "density_x": self.density_x,
            "density_w": self.density_w,
            "underflowed_x": self.underflowed_x,
            "underflowed_w": self.underflowed_w,
            "cycles": self.cycles,
        }

    def to_dict(self) -> dict[str, Any]:
        """The report as the command line writes it with ``--json``, without ``y``."""
        return document("conv", self.launches, self.as_json())


def _heading(result: ConvResult) -> list[str]:
    """Shapes and densities, outer products, and cycles of the kernels."""
    shape = result.shape
    activations = Operand("x", shape.input_shape, result.density_x)
    weights = Operand("w", shape.weight_shape, result.density_w)
    lines = [equation(Operand("y", shape.output_shape), activations, weights), result.warning]
    timing = result.run.timing
    if timing is None or result.cycles is None:
        return lines
    executed = round(timing.counters["ohmma"])
    if executed:
        # Dense: all products, in groups of 8 filters by 16 outputs; positions between rows of the map come on top.
        outputs = shape.images * shape.out_height * shape.out_width
        groups = shape.groups * -(-shape.group_filters // GROUP_ROWS) * -(-outputs // GROUP_COLUMNS)
        dense = groups * shape.group_channels * shape.rows * shape.columns
        lines.append(executed_of_dense(executed, dense))
    before = result.cycles - timing.cycles
    if before:
        lines.append(cycles_of_parts(before, timing.cycles))
    return lines
