"""Operands of the dense kernels: checked, rounded to FP16 and padded, and the grid that covers the result."""

from typing import Any

import numpy as np
import numpy.typing as npt

from dstc_isa.errors import ShapeError
from dstc_isa.halves import halves
from dstc_isa.host_memory import require

CTA_TILE = 128
BLOCK = 128
SLAB = 32
BAND = 16
"""Tiles that a band of CTAs is high, at most: 160 CTAs run at a time on 80 SMs, which then is 16 by 10."""

VECTOR = 8
"""Values that a lane loads at once; rows of B and C are padded to a multiple of it."""

Halves = npt.NDArray[np.float16]


def check_shapes(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> tuple[int, int, int]:
    """Rows m, columns n and depth k of a product; ShapeError for shapes that do not fit or are empty."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ShapeError(f"a is {a.shape} and b is {b.shape}: expected (m, k) and (k, n)")
    (m, k), n = a.shape, b.shape[1]
    if 0 in (m, n, k):
        raise ShapeError(f"a is {m}x{k} and b is {k}x{n}: nothing to multiply")
    return m, n, k


def padded(values: npt.NDArray[Any], rows: int, columns: int) -> Halves:
    """``values`` rounded to FP16, with zeros up to a multiple of ``rows`` and of ``columns``.

    Raises ValueRangeError for the first finite value beyond FP16's range.
    """
    height, width = (-(-size // step) * step for size, step in zip(values.shape, (rows, columns), strict=True))
    require(4 * height * width, f"a {height}x{width} operand rounded to FP16, and a padded copy")
    rounded = halves(values)
    result = np.zeros((height, width), np.float16)
    result[: values.shape[0], : values.shape[1]] = rounded
    return result


def grid(m: int, n: int) -> tuple[int, int, int]:
    """The grid of a dense kernel: tiles that a band is high, columns of tiles, bands."""
    tiles = -(-m // CTA_TILE)
    bands = -(-tiles // BAND)
    return -(-tiles // bands), -(-n // CTA_TILE), bands
