"""What a convolution computed, and the kernels that ran for it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.shape import ConvShape
from dstc_isa.overview import HtmlOverview, array_text
from dstc_isa.report.document import document
from dstc_isa.report.statistics import RunStatistics


@frozen(eq=False, repr=False)
class ConvResult(HtmlOverview):
    """``y``: float32 of ``shape.output_shape``. ``launches``: kernels in the order they ran; the last one convolves.

    ``density_x``, ``density_w``: non-zero values per element after rounding to FP16, 0 to 1; ``density_x`` of
    ``convolve`` and of a chain: values that were encoded, per element that the layer reads.
    """

    y: npt.NDArray[np.float32]
    shape: ConvShape
    density_x: float
    density_w: float
    launches: tuple[RunStatistics, ...]

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
        """The same as ``run``, as other results call it."""
        return self.run

    @property
    def run(self) -> RunStatistics:
        """The kernel that convolves."""
        return self.launches[-1]

    @property
    def cycles(self) -> int | None:
        """Of all kernels, one after the other; None for a run without time."""
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
            "cycles": self.cycles,
        }

    def to_dict(self) -> dict[str, Any]:
        """The report as the command line writes it with ``--json``, without ``y``."""
        return document("conv", self.launches, self.as_json())
