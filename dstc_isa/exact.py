"""Products and convolutions in float64 by NumPy and SciPy alone, and how far a kernel's results may be from them.

A product of two FP16 values is exact in FP32, and each addition rounds once. A result of ``n`` roundings of at most
``u = 2**-24`` each is therefore within ``n u / (1 - n u)`` times the sum of the products' magnitudes of the exact one,
in whatever order they are added: the bound of Higham, Accuracy and Stability of Numerical Algorithms, section 3.1.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from dstc_isa.halves import rounded_to_half

if TYPE_CHECKING:
    from dstc_isa.conv.shape import ConvShape

UNIT = 2.0**-24
HALF_UNIT, LEAST_HALF = 2.0**-11, 2.0**-25
"""Largest errors of a rounding to FP16: this share of a value, or half the smallest subnormal."""

MORE_ROUNDINGS = 40
"""Roundings beyond one a product: up to 32 parts of a sum, warps that share one, a bias, and those of float64."""

Bilinear = Callable[[Any, Any], Any]


@frozen(eq=False)
class Exact:
    """``values``: float64 results. ``magnitudes``: the sums of the products' magnitudes; ``roundings``: of a result.

    ``half``: whether results are rounded to FP16 in the end. Where a NaN or an infinity takes part, the magnitude is
    not finite and nothing is expected.
    """

    values: NDArray[np.float64]
    magnitudes: NDArray[np.float64]
    roundings: int
    half: bool = False

    @property
    def tolerances(self) -> NDArray[np.float64]:
        """How far each result may be from the value."""
        share = self.roundings * UNIT
        tolerances = self.magnitudes * (share / (1 - share) if share < 1 else math.inf)
        return tolerances + (abs(self.values) + tolerances) * HALF_UNIT + LEAST_HALF if self.half else tolerances

    def in_half(self) -> "Exact":
        """The same of results that are rounded to FP16 in the end."""
        return evolve(self, half=True)


@frozen
class Verdict:
    """What a comparison found.

    ``error``: the largest difference, at ``place``, where ``got`` stands for ``expected`` and ``tolerance`` is allowed.
    ``wrong``: results that are beyond their tolerance, of which ``place`` is then one. ``compared``: results that are
    numbers made of numbers.
    """

    error: float
    place: tuple[int, ...]
    got: float
    expected: float
    tolerance: float
    wrong: int
    compared: int
    results: int

    @property
    def text(self) -> str:
        """The outcome in a line."""
        if not self.compared:
            return "verified: nothing to compare"
        where = f"at {list(self.place)}: {self.got:.9g} for {self.expected:.9g}, tolerance {self.tolerance:.3g}"
        left = self.results - self.compared
        more = f"; {left:,} not compared, as an infinity or a NaN takes part" if left else ""
        if self.wrong:
            return f"WRONG: {self.wrong:,} of {self.compared:,} results; error {self.error:.3g} {where}{more}"
        return f"verified {self.compared:,} results: largest error {self.error:.3g} {where}{more}"

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``json.dump``."""
        return {
            "largest_error": _number(self.error),
            "place": list(self.place),
            "got": _number(self.got),
            "expected": _number(self.expected),
            "tolerance": _number(self.tolerance),
            "wrong": self.wrong,
            "compared": self.compared,
            "results": self.results,
        }


def compare(results: NDArray[Any], exact: Exact) -> Verdict:
    """Compare a kernel's results with the exact ones, of the same shape."""
    compared = np.isfinite(exact.magnitudes)
    with np.errstate(invalid="ignore"):
        errors = np.where(compared, abs(results.astype(np.float64) - exact.values), 0)
    errors[np.isnan(errors)] = math.inf
    tolerances = exact.tolerances
    beyond = compared & ~(errors <= tolerances)
    if not results.size:
        return Verdict(0.0, (), 0.0, 0.0, 0.0, 0, 0, 0)
    worst = np.argmax(np.where(beyond, errors, -1.0) if beyond.any() else errors)
    place = tuple(int(each) for each in np.unravel_index(worst, errors.shape))
    return Verdict(
        float(errors[place]),
        place,
        float(results[place]),
        float(exact.values[place]),
        float(tolerances[place]),
        int(beyond.sum()),
        int(compared.sum()),
        results.size,
    )


def exact_product(a: Any, b: Any) -> Exact:
    """The product of two matrices, arrays or SciPy's, after rounding to FP16."""
    left, right = _halves(a), _halves(b)
    return _exact(lambda x, y: _dense(x @ y), left, right, a.shape[1] + MORE_ROUNDINGS)


def exact_convolution(
    x: NDArray[Any],
    w: NDArray[Any],
    shape: "ConvShape",
    bias: NDArray[Any] | None = None,
    relu: bool = False,
    *,
    rounded: bool = True,
) -> Exact:
    """The convolution of arrays of four axes; ``rounded``: after rounding to FP16."""
    left, right = (_halves(each) if rounded else np.asarray(each, np.float64) for each in (x, w))
    roundings = shape.group_channels * shape.rows * shape.columns + MORE_ROUNDINGS
    exact = _exact(lambda x, w: _convolved(x, w, shape), left, right, roundings)
    values, magnitudes = exact.values, exact.magnitudes
    if bias is not None:
        added = np.asarray(bias, np.float64)[:, None, None]
        with np.errstate(invalid="ignore"):
            values, magnitudes = values + added, magnitudes + abs(added)
    return Exact(np.where(values < 0, 0.0, values) if relu else values, magnitudes, roundings)


def _exact(product: Bilinear, a: Any, b: Any, roundings: int) -> Exact:
    with np.errstate(invalid="ignore"):
        values, magnitudes = product(a, b), product(abs(a), abs(b))
    return Exact(values, magnitudes, roundings)


def _halves(matrix: Any) -> Any:
    """Rounded to FP16, in float64; of a SciPy matrix one with sums in place of duplicates."""
    if isinstance(matrix, np.ndarray):
        return rounded_to_half(matrix).astype(np.float64)
    from scipy.sparse import csr_array

    # Duplicates are summed in the matrix's own type, before rounding.
    summed = csr_array(matrix)
    summed.sum_duplicates()
    return csr_array((rounded_to_half(summed.data).astype(np.float64), summed.indices, summed.indptr), summed.shape)


def _dense(product: Any) -> NDArray[np.float64]:
    dense: NDArray[np.float64] = product.toarray() if hasattr(product, "toarray") else np.asarray(product)
    return dense


def _convolved(x: NDArray[np.float64], w: NDArray[np.float64], shape: "ConvShape") -> NDArray[np.float64]:
    """Tap by tap, each a product of matrices for each image and group."""
    above, below, left, right = shape.padding
    wide = np.pad(x, ((0, 0), (0, 0), (above, below), (left, right)))
    (down, across), (step, stride) = shape.dilation, shape.stride
    filters = w.reshape(shape.groups, shape.group_filters, shape.group_channels, shape.rows, shape.columns)
    y = np.zeros((shape.images, shape.groups, shape.group_filters, shape.out_height * shape.out_width))
    for row in range(shape.rows):
        for column in range(shape.columns):
            top, first = row * down, column * across
            seen = wide[:, :, top : top + (shape.out_height - 1) * step + 1 : step]
            seen = seen[..., first : first + (shape.out_width - 1) * stride + 1 : stride]
            y += filters[..., row, column] @ seen.reshape(shape.images, shape.groups, shape.group_channels, -1)
    return y.reshape(shape.output_shape)


def _number(value: float) -> float | None:
    """JSON has neither NaN nor infinities."""
    return value if math.isfinite(value) else None
