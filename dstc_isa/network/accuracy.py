"""How far results are from those without rounding to FP16 and without an order of additions."""

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.shape import ConvShape
from dstc_isa.exact import exact_convolution
from dstc_isa.halves import rounded_to_half

Array = npt.NDArray[Any]
DIGITS = 6
"""Digits of figures, since the last ones of a sum in float64 depend on how a library cuts it."""


@frozen
class Accuracy:
    """Differences from the results of the operands as they are given, in float64; None if nothing is finite.

    ``error_max``: the largest one. ``error_relative``: the Euclidean norm of all, over that of the results.
    ``error_of_rounding``: the same of results whose operands alone were rounded to FP16; what it does not explain came
    of adding up in FP32. Both relative errors are None if all results are 0.
    """

    error_max: float | None
    error_relative: float | None
    error_of_rounding: float | None = None

    def as_json(self) -> dict[str, float | None]:
        """Plain data for ``json.dump``."""
        return attrs.asdict(self)


UNKNOWN = Accuracy(None, None)


def accuracy_of(y: Array, exact: Array, of_rounded: Array | None = None) -> Accuracy:
    """Compare results with exact ones, and these with those of rounded operands; what is not finite is left out."""
    exact = np.asarray(exact, np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        differences = np.asarray(y, np.float64) - exact
        rounding = None if of_rounded is None else np.asarray(of_rounded, np.float64) - exact
    finite = np.isfinite(differences) & (np.isfinite(rounding) if rounding is not None else True)
    if not finite.any():
        return UNKNOWN
    size = np.linalg.norm(exact[finite])
    relative = [
        None if each is None or not size else _figure(np.linalg.norm(each[finite]) / size)
        for each in (differences, rounding)
    ]
    return Accuracy(_figure(abs(differences[finite]).max()), *relative)


def convolution_accuracy(y: Array, x: Array, w: Array, shape: ConvShape, bias: Array | None, relu: bool) -> Accuracy:
    """Accuracy of a convolution of ``x`` with ``w``, operands that are not rounded yet."""
    exact, of_rounded = (
        exact_convolution(x, w, shape, bias, relu, rounded=rounded).values for rounded in (False, True)
    )
    return accuracy_of(y, exact, of_rounded)


def product_accuracy(y: Array, a: Array, b: Array) -> Accuracy:
    """Accuracy of a product of (batch, m, k) with (batch, k, n), not rounded yet; one side of the batch may be 1."""
    with np.errstate(invalid="ignore"):
        exact, of_rounded = (
            left.astype(np.float64) @ right.astype(np.float64)
            for left, right in ((a, b), (rounded_to_half(a), rounded_to_half(b)))
        )
    return accuracy_of(y, exact, of_rounded)


def _figure(value: Any) -> float:
    return float(f"{float(value):.{DIGITS}g}")
