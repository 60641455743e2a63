"""Dense matrix times dense matrix on the inner-product tensor core, with ``programs/gemm_dense.dasm``."""

from typing import Unpack

import numpy.typing as npt
from attrs import evolve

from dstc_isa.dense.launch import GemmResult, multiply
from dstc_isa.dense.operands import SLAB, VECTOR, check_shapes, padded
from dstc_isa.engine.run_options import RunKeywords, RunOptions
from dstc_isa.gpu import DEFAULT_GPU, Gpu, chosen_gpu
from dstc_isa.halves import in_operand, underflowed
from dstc_isa.options import named_options
from dstc_isa.real_arrays import real_array


@named_options
def gemm_dense(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    gpu: Gpu | str | None = DEFAULT_GPU,
    **options: Unpack[RunKeywords],
) -> GemmResult:
    """Multiply arrays, or what NumPy reads as such, of shapes (m, k) and (k, n), rounded to FP16, in FP32, k in order.

    ``gpu``: what to time it on; None runs without time. ``options``: see ``RunOptions``.
    Raises ArgumentTypeError for what is no array of real numbers, ShapeError for shapes that do not fit or are empty,
    ValueRangeError for a value beyond FP16's range.
    """
    return dense_product(a, b, gpu=chosen_gpu(gpu), options=RunOptions(**options))


def dense_product(a: npt.ArrayLike, b: npt.ArrayLike, *, gpu: Gpu | None, options: RunOptions) -> GemmResult:
    """Multiply as ``gemm_dense``."""
    a, b = real_array("a", a), real_array("b", b)
    m, n, k = check_shapes(a, b)
    with in_operand("a"):
        left = padded(a, 1, SLAB)
    with in_operand("b"):
        right = padded(b, SLAB, VECTOR)
    result = multiply(
        "gemm_dense",
        right,
        (m, n, k),
        {"a": left},
        gpu,
        options,
    )
    return evolve(result, underflowed_a=underflowed(a, left), underflowed_b=underflowed(b, right))
