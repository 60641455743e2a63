"""Rows of layers that were not run."""

from typing import Any

from dstc_isa.network.row import Cost, LayerRow


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
        "costs": {
            name: Cost(cycles, cycles / 1000, "issue slots", 0.5)
            for name, cycles in (("dense", dense), ("weights", weights), ("dual", dual))
        },
        "host_seconds": 0.1,
    }
    return LayerRow(**{**plain, **changes})
