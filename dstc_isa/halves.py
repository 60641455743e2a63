"""Rounding of matrices to FP16, and the values that FP16 cannot hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

HALF = np.dtype("<f2")


class ValueRangeError(ValueError):
    """A finite matrix value that no finite FP16 value represents; ``row`` and ``column`` count from 0."""

    def __init__(self, row: int, column: int, value: Any) -> None:
        super().__init__(
            f"row {row}, column {column} (counted from 0): {value} is beyond FP16's range of +-65504; scale the matrix"
        )
        self.row = row
        self.column = column
        self.value = value


@contextmanager
def in_matrix(name: str) -> Iterator[None]:
    """Say in a TypeError or ValueError about a matrix which one it is about."""
    try:
        yield
    except (TypeError, ValueError) as error:
        error.args = (f"matrix {name}: {error}",)
        raise


def rounded_to_half(values: NDArray[Any]) -> NDArray[np.float16]:
    """The nearest FP16 value of each, ties to even, rounded once; infinite where FP16 has no finite one."""
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        values = _round_to_odd(values)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return values.astype(HALF, copy=False)


def _round_to_odd(values: NDArray[Any]) -> NDArray[np.float64]:
    # NumPy narrows a long double by way of float64; an odd last bit there keeps the second rounding right.
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        near = values.astype(np.float64)
        adjust = (near != values) & (near.view(np.uint64) % 2 == 0) & ~np.isnan(values)
        near[adjust] = np.nextafter(near[adjust], np.where(values[adjust] > near[adjust], np.inf, -np.inf))
    return near


def overflowing(values: NDArray[Any], rounded: NDArray[np.float16]) -> NDArray[np.bool_]:
    """Where a finite value became infinite by rounding."""
    infinite = np.isinf(rounded)
    return infinite & np.isfinite(values) if infinite.any() else infinite
