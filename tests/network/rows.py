"""Rows of layers that were not run."""

from typing import Any

from dstc_isa.network.row import Cost, LayerRow
from tests.studies.rows import limit


def cost(cycles: int, share: float = 0.5, encode_cycles: int = 0) -> Cost:
    """Of kernels with so many cycles, of which the issue slots need a share."""
    return Cost(cycles, cycles / 1000, "issue slots", share, limit(share, "issue slots"), encode_cycles)


def row(dense: int = 40, weights: int = 20, dual: int = 10, **changes: Any) -> LayerRow:
    """A convolution with these cycles of its variants."""
    plain: dict[str, Any] = {
        "layer": "conv1",
        "operator": "Conv",
        "count": 1,
        "x": (1, 2, 4, 4),
        "w": (3, 2, 3, 3),
        "y": (1, 3, 4, 4),
        "stride": (1, 1),
        "padding": (1, 1, 1, 1),
        "dilation": (1, 1),
        "density_x": 0.5,
        "density_w": 0.25,
        "products": 864,
        "costs": {name: cost(cycles) for name, cycles in (("dense", dense), ("weights", weights), ("dual", dual))},
        "host_seconds": 0.1,
    }
    return LayerRow(**{**plain, **changes})
