"""A convolution of sparse activations with sparse filters on the emulated machine."""

from typing import Literal, Unpack

import numpy.typing as npt

from dstc_isa.conv.dense.conv_dense import convolve_densely
from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.shape import Pair
from dstc_isa.conv.sparse.conv_sparse import Skip, SparseMethod, check_skip, conv_sparse
from dstc_isa.conv.sparse.tiling import Tiling
from dstc_isa.engine.run_options import RunKeywords, RunOptions
from dstc_isa.errors import UsageError
from dstc_isa.gpu import DEFAULT_GPU, Gpu, chosen_gpu
from dstc_isa.options import check_choice, named_options
from dstc_isa.program_files import CONV_KERNELS

ConvKernel = Literal["spconv", "spconv_ohmma", "conv_dense"]


@named_options
def conv2d(
    x: npt.ArrayLike,
    w: npt.ArrayLike,
    *,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    bias: npt.ArrayLike | None = None,
    relu: bool = False,
    kernel: ConvKernel = "spconv",
    skip: Skip = "both",
    channels_last: bool = False,
    encoded: bool = False,
    tiling: Tiling | None = None,
    gpu: Gpu | str | None = DEFAULT_GPU,
    **options: Unpack[RunKeywords],
) -> ConvResult:
    """Convolve activations (images, channels, height, width) with filters (filters, channels / groups, rows, columns).

    ``stride``, ``padding``, ``dilation``: see ``shape_of``. Values are rounded to FP16; products are added in FP32, one
    rounding each, in the order of ``SparsePlan.order``. Then ``bias``, float32 of a number for each filter, is added,
    and ``relu`` makes negative results 0. ``kernel``: "conv_dense" multiplies every zero, in an order of its own;
    "spconv_ohmma" has the paper's instructions, the bits of "spconv" for the same tiling, and no ``encoded`` result. Of
    these two: ``skip``: zeros of "both" or of the "weights" alone; ``channels_last``: the device writes the result in
    this order, and ``y`` is a view of it; ``encoded``: the device writes it as a layer without a stride reads it, and
    ``y`` has its FP16 values; ``tiling``: chosen by size if None. ``gpu``: what to time it on; None runs without time.

    Raises ShapeError for a convolution that does not exist, ArgumentTypeError for what is no array of real numbers,
    ValueRangeError for a value beyond FP16's range, with ``encoded`` ResultRangeError for one of the result, and
    UsageError for an option that is wrong.
    """
    check_choice("kernel", kernel, CONV_KERNELS)
    check_skip(skip)
    if kernel == "conv_dense" and (skip != "both" or channels_last or encoded or tiling is not None):
        raise UsageError("skip, channels_last, encoded and tiling go with a sparse kernel, not with conv_dense")
    method = None if kernel == "conv_dense" else SparseMethod(kernel, skip, channels_last, encoded, tiling)
    problem = ConvProblem.of(
        x, w, stride=stride, padding=padding, dilation=dilation, groups=groups, bias=bias, relu=relu
    )
    machine, chosen = chosen_gpu(gpu), RunOptions(**options)
    if method is None:
        return convolve_densely(problem, gpu=machine, options=chosen)
    return conv_sparse(problem, method, gpu=machine, options=chosen)
