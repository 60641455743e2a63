"""Dense matrix times dense matrix on the inner-product tensor core, with ``programs/gemm_dense.dasm``."""

from typing import Any, Unpack

import numpy.typing as npt

from dstc_isa.dense.launch import GemmResult, multiply
from dstc_isa.dense.operands import SLAB, VECTOR, check_shapes, padded
from dstc_isa.gpu import DEFAULT_GPU, Gpu
from dstc_isa.halves import in_matrix
from dstc_isa.options import named_options
from dstc_isa.timing.run import RunOptions


@named_options
def gemm_dense(
    a: npt.NDArray[Any],
    b: npt.NDArray[Any],
    *,
    gpu: Gpu | str | None = DEFAULT_GPU,
    **options: Unpack[RunOptions],
) -> GemmResult:
    """Multiply two dense arrays of shapes (m, k) and (k, n), rounded to FP16, in FP32 in the order of k.

    ``gpu``: what to time it on; None runs without time. ``options``: see ``RunOptions``.
    Raises ValueError for shapes that do not fit or are empty, ValueRangeError for a value beyond FP16's range.
    """
    m, n, _ = check_shapes(a, b)
    with in_matrix("a"):
        left = padded(a, 1, SLAB)
    with in_matrix("b"):
        right = padded(b, SLAB, VECTOR)
    return multiply(
        "gemm_dense",
        right,
        (m, n),
        {"a": left},
        gpu,
        **options,
    )
