"""2:4 structured sparsity: pruning, encoding, and the product with ``programs/gemm_sparse24.dasm``.

A row is cut into groups of four values; at most two of a group are kept. The encoding has two values of every group and
the position, 0 to 3, of each.
"""

from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from attrs import evolve, frozen

from dstc_isa.dense.launch import GemmResult, multiply
from dstc_isa.dense.operands import CTA_TILE, SLAB, VECTOR, Halves, check_shapes, padded
from dstc_isa.engine.run_options import RunKeywords, RunOptions
from dstc_isa.errors import DstcError
from dstc_isa.gpu import DEFAULT_GPU, Gpu, chosen_gpu
from dstc_isa.halves import in_operand, underflowed
from dstc_isa.host_memory import require
from dstc_isa.options import named_options
from dstc_isa.real_arrays import real_array

GROUP = 4
KEPT = 2
LANE_ROWS = 16
"""Rows of a block: a lane has the row of its number in every block."""

BLOCKS = 4
"""Blocks of rows in a warp's tile, a byte of a metadata word each."""

SLICES = 4
"""Groups of eight values of k in a slab, a metadata word each."""


class StructureError(DstcError, ValueError):
    """A matrix that is not 2:4 sparse."""


@frozen(eq=False)
class Structured:
    """A matrix of shape (rows, columns), columns a multiple of 4, in 2:4 form.

    ``values``: float16 (rows, columns/2), two of each group. ``positions``: uint8 of the same shape, where each
    stands in its group, ascending.
    """

    values: Halves
    positions: npt.NDArray[np.uint8]

    def decode(self) -> Halves:
        """The matrix with its zeros."""
        rows, kept = self.values.shape
        groups = np.zeros((rows, kept // KEPT, GROUP), np.float16)
        places = self.positions.reshape(rows, -1, KEPT).astype(np.intp)
        np.put_along_axis(groups, places, self.values.reshape(rows, -1, KEPT), axis=2)
        return groups.reshape(rows, -1)


def prune(a: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """``a`` with the two values of least magnitude of each four in a row made zero; of equals the first stay.

    A NaN counts as larger than any number.
    """
    rows, columns = a.shape
    width = -(-columns // GROUP) * GROUP
    require(24 * rows * width, f"pruning a {rows}x{width} matrix: magnitudes and their order")
    whole = np.zeros((rows, width), a.dtype)
    whole[:, :columns] = a
    groups = whole.reshape(rows, width // GROUP, GROUP)
    magnitudes = np.abs(groups.astype(np.float64))
    order = np.argsort(-np.where(np.isnan(magnitudes), np.inf, magnitudes), axis=2, kind="stable")
    np.put_along_axis(groups, order[:, :, KEPT:], groups.dtype.type(0), axis=2)
    return np.ascontiguousarray(whole[:, :columns])


def encode(a: npt.NDArray[Any]) -> Structured:
    """Compress a matrix that is 2:4 sparse along its rows, rounded to FP16; columns are padded to a multiple of 4.

    Raises StructureError for the first group with more than two values that are not zero.
    """
    halves = padded(a, 1, GROUP)
    groups = halves.reshape(len(halves), -1, GROUP)
    present = groups != 0
    crowded = np.argwhere(present.sum(axis=2) > KEPT)
    if len(crowded):
        row, group = crowded[0].tolist()
        first = GROUP * group
        count = int(present[row, group].sum())
        raise StructureError(
            f"row {row}, columns {first} to {first + GROUP - 1} have {count} values that are not zero: "
            "2:4 sparsity allows two of four; prune the matrix first"
        )
    places = np.sort(np.argsort(~present, axis=2, kind="stable")[:, :, :KEPT], axis=2)
    values = np.take_along_axis(groups, places, axis=2)
    shape = (len(halves), -1)
    return Structured(values.reshape(shape), places.astype(np.uint8).reshape(shape))


def position_words(positions: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """Metadata as the kernel reads it: (64 rows, slabs, 16 lanes, 4 slices) words; see ``programs/gemm_sparse24.dasm``.

    ``positions``: rows a multiple of 64, columns a multiple of 16.
    """
    rows, columns = positions.shape
    slabs = columns // (SLAB // KEPT)
    four = positions.reshape(rows, slabs, SLICES, GROUP).astype(np.uint32)
    octets = (four << np.arange(0, 8, 2, dtype=np.uint32)).sum(axis=3, dtype=np.uint32)
    tiles = octets.reshape(-1, BLOCKS, LANE_ROWS, slabs, SLICES)
    shifted = tiles << np.arange(0, 32, 8, dtype=np.uint32)[:, None, None, None]
    return np.ascontiguousarray(shifted.sum(axis=1, dtype=np.uint32).transpose(0, 2, 1, 3))


@named_options
def gemm_sparse24(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    gpu: Gpu | str | None = DEFAULT_GPU,
    **options: Unpack[RunKeywords],
) -> GemmResult:
    """Multiply ``a`` (m, k), 2:4 sparse along k, and ``b`` (k, n), rounded to FP16, in FP32 in the order of k.

    Values of ``a`` that its encoding drops do not meet ``b``. ``gpu``: what to time it on; None runs without time.
    ``options``: see ``RunOptions``.
    Raises ArgumentTypeError for what is no array of real numbers, ShapeError for shapes that do not fit or are empty,
    StructureError if ``a`` is not 2:4 sparse, ValueRangeError for a value beyond FP16's range.
    """
    return structured_product(a, b, gpu=chosen_gpu(gpu), options=RunOptions(**options))


def structured_product(a: npt.ArrayLike, b: npt.ArrayLike, *, gpu: Gpu | None, options: RunOptions) -> GemmResult:
    """Multiply as ``gemm_sparse24``."""
    a, b = real_array("a", a), real_array("b", b)
    m, n, k = check_shapes(a, b)
    with in_operand("a"):
        left = encode(padded(a, 1, SLAB))
    with in_operand("b"):
        right = padded(b, SLAB, VECTOR)
    positions = np.zeros((-(-m // CTA_TILE) * CTA_TILE, left.positions.shape[1]), np.uint8)
    positions[:m] = left.positions
    result = multiply(
        "gemm_sparse24",
        right,
        (m, n, k),
        {"a": left.values, "positions": position_words(positions)},
        gpu,
        options,
    )
    return evolve(result, underflowed_a=underflowed(a, left.values), underflowed_b=underflowed(b, right))
