"""A convolution of sparse activations with sparse filters on the emulated machine."""

from typing import Literal, Unpack, get_args

import numpy as np
import numpy.typing as npt
from attrs import evolve

from dstc_isa.conv.activations import encode_on_device
from dstc_isa.conv.convolve import convolve, convolve_encoded
from dstc_isa.conv.dense import conv_dense
from dstc_isa.conv.operands import half_activations, half_filters, of_filters
from dstc_isa.conv.plan import Plan
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.shape import ConvShape, Pair, shape_of
from dstc_isa.conv.tiling import Tiling, check_tiling
from dstc_isa.errors import ShapeError, UsageError
from dstc_isa.gpu import DEFAULT_GPU, Gpu, chosen_gpu
from dstc_isa.halves import underflowed
from dstc_isa.options import check_choice, named_options
from dstc_isa.program_files import CONV_KERNELS
from dstc_isa.real_arrays import real_array
from dstc_isa.timing.run import RunOptions

ConvKernel = Literal["spconv", "spconv_ohmma", "conv_dense"]
Skip = Literal["both", "weights"]


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
    **options: Unpack[RunOptions],
) -> ConvResult:
    """Convolve activations (images, channels, height, width) with filters (filters, channels / groups, rows, columns).

    ``stride``, ``padding``, ``dilation``: see ``shape_of``. Values are rounded to FP16; products are added in FP32, one
    rounding each, in the order of ``Plan.order``. Then ``bias``, float32 of a number for each filter, is added, and
    ``relu`` makes negative results 0. ``kernel``: "conv_dense" multiplies every zero, in an order of its own;
    "spconv_ohmma" has the paper's instructions, the bits of "spconv" for the same tiling, and no ``encoded`` result. Of
    these two: ``skip``: zeros of "both" or of the "weights" alone; ``channels_last``: the device writes the result in
    this order, and ``y`` is a view of it; ``encoded``: the device writes it as a layer without a stride reads it, and
    ``y`` has its FP16 values; ``tiling``: chosen by size if None. ``gpu``: what to time it on; None runs without time.

    Raises ShapeError for a convolution that does not exist, ArgumentTypeError for what is no array of real numbers,
    ValueRangeError for a value beyond FP16's range, with ``encoded`` ResultRangeError for one of the result, and
    UsageError for an option that is wrong.
    """
    x, w = real_array("x", x), real_array("w", w)
    check_choice("kernel", kernel, CONV_KERNELS)
    check_skip(skip)
    if kernel == "conv_dense":
        if skip != "both" or channels_last or encoded or tiling is not None:
            raise UsageError("skip, channels_last, encoded and tiling go with a sparse kernel, not with conv_dense")
        return conv_dense(
            x,
            w,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias,
            relu=relu,
            gpu=gpu,
            **options,
        )
    if encoded and kernel != "spconv":
        raise UsageError(f"encoded goes with the kernel spconv, not with {kernel}")
    if encoded and channels_last:
        raise UsageError("channels_last is an order of FP32 results: not with encoded")
    if tiling is not None:
        check_tiling(tiling)
    shape = shape_of(x, w, stride, padding, dilation, groups)
    machine = chosen_gpu(gpu)
    plan = Plan(shape)
    halves_x, halves_w = half_activations(x), half_filters(w)
    checked_bias = of_filters(bias, "bias", shape)
    keep_zeros = skip == "weights"
    given = encode_on_device(halves_x, plan, machine, keep_zeros=keep_zeros, **options)
    density = float(np.count_nonzero(halves_x) / x.size)
    if encoded:
        following = plan.followed_by(_next_shape(shape))
        if following is None:
            raise ShapeError(
                f"the output {shape.output_shape} has more positions of a filter than a sparse kernel counts: "
                "use fewer images, or no encoded result"
            )
        result, _ = convolve_encoded(
            given,
            plan,
            halves_w,
            following,
            bias=checked_bias,
            relu=relu,
            keep_zeros=keep_zeros,
            tiling=tiling,
            gpu=machine,
            density_x=density,
            **options,
        )
    else:
        result = convolve(
            given,
            plan,
            halves_w,
            bias=checked_bias,
            relu=relu,
            channels_last=channels_last,
            kernel=kernel,
            tiling=tiling,
            gpu=machine,
            density_x=density,
            **options,
        )
    return evolve(result, underflowed_x=underflowed(x, halves_x), underflowed_w=underflowed(w, halves_w))


def _next_shape(shape: ConvShape) -> ConvShape:
    """A layer that reads each output once."""
    images, filters, height, width = shape.output_shape
    return ConvShape(images, filters, height, width, 1, 1, 1)


def check_skip(skip: object) -> None:
    """Raise UsageError for what is not one of ``Skip``."""
    check_choice("skip", skip, get_args(Skip))
