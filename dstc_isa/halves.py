"""Rounding of arrays to FP16, and the values that FP16 cannot hold."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dstc_isa.errors import DstcError

HALF = np.dtype("<f2")


MATRIX_AXES = ("row", "column")
HALF_RANGE = "FP16's range of +-65504"


class ValueRangeError(DstcError, ValueError):
    """A finite value beyond the ``range`` of a format; ``place`` is its index, from 0, along each of ``axes``."""

    def __init__(
        self, place: Sequence[int], value: Any, axes: Sequence[str] = MATRIX_AXES, range: str = HALF_RANGE
    ) -> None:
        where = ", ".join(f"{axis} {index}" for axis, index in zip(axes, place, strict=True))
        super().__init__(f"{where} (counted from 0): {value} is beyond {range}; scale the values")
        self.place = tuple(place)
        self.value = value


@contextmanager
def in_operand(name: str) -> Iterator[None]:
    """Say in a TypeError or ValueError about an operand which one it is about."""
    try:
        yield
    except (TypeError, ValueError) as error:
        error.args = (f"{name}: {error}",)
        raise


def halves(values: NDArray[Any], axes: Sequence[str] = MATRIX_AXES) -> NDArray[np.float16]:
    """The nearest FP16 value of each; ValueRangeError for the first finite one beyond FP16's range.

    ``axes``: what the message calls the dimensions.
    """
    rounded = rounded_to_half(values)
    beyond = np.argwhere(overflowing(values, rounded))
    if len(beyond):
        place = tuple(beyond[0].tolist())
        raise ValueRangeError(place, values[place], axes)
    return rounded


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


def underflowed(values: NDArray[Any], rounded: NDArray[np.float16]) -> int:
    """How many values that are not zero became zero by rounding."""
    return int(np.count_nonzero(values) - np.count_nonzero(rounded))


def underflow_text(counts: Mapping[str, tuple[int, int]]) -> str:
    """A warning of values that became zero by rounding, and what helps; empty if none did.

    ``counts``: what values are called -> how many became zero, and how many there are.
    """
    lost = [f"{count:,} of {size:,} {name}" for name, (count, size) in counts.items() if count]
    if not lost:
        return ""
    return f"{' and '.join(lost)} became 0 in FP16, whose smallest number is 6e-08: scale them up, and the result down"


def overflowing(values: NDArray[Any], rounded: NDArray[np.float16]) -> NDArray[np.bool_]:
    """Where a finite value became infinite by rounding."""
    infinite = np.isinf(rounded)
    return infinite & np.isfinite(values) if infinite.any() else infinite
