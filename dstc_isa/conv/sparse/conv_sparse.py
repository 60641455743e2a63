"""Convolution of sparse activations with sparse filters: activations are encoded, then ``programs/spconv*.dasm``."""

from typing import Literal, get_args

from attrs import frozen

from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.shape import ConvShape
from dstc_isa.conv.sparse.activations import encode_on_device
from dstc_isa.conv.sparse.convolve import SparseKernel, convolve, convolve_encoded
from dstc_isa.conv.sparse.sparse_plan import SparsePlan
from dstc_isa.conv.sparse.tiling import Tiling, check_tiling
from dstc_isa.engine.run_options import DEFAULTS, RunOptions
from dstc_isa.errors import ShapeError, UsageError
from dstc_isa.gpu import Gpu
from dstc_isa.options import check_choice

Skip = Literal["both", "weights"]


def check_skip(skip: object) -> None:
    """Raise UsageError for what is not one of ``Skip``."""
    check_choice("skip", skip, get_args(Skip))


@frozen
class SparseMethod:
    """How a convolution without zeros is computed; ``conv2d`` says what each is. UsageError for what does not fit."""

    kernel: SparseKernel = "spconv"
    skip: Skip = "both"
    channels_last: bool = False
    encoded: bool = False
    tiling: Tiling | None = None

    def __attrs_post_init__(self) -> None:
        check_choice("kernel", self.kernel, get_args(SparseKernel))
        check_skip(self.skip)
        if self.encoded and self.kernel != "spconv":
            raise UsageError(f"encoded goes with the kernel spconv, not with {self.kernel}")
        if self.encoded and self.channels_last:
            raise UsageError("channels_last is an order of FP32 results: not with encoded")
        if self.tiling is not None:
            check_tiling(self.tiling)

    @property
    def keeps_zeros(self) -> bool:
        """Whether zeros of the activations count as values."""
        return self.skip == "weights"


def conv_sparse(
    problem: ConvProblem, method: SparseMethod, *, gpu: Gpu | None, options: RunOptions = DEFAULTS
) -> ConvResult:
    """Encode the activations on the device and convolve them.

    Raises ShapeError for a convolution that the kernels cannot count, ResultRangeError for an encoded result beyond
    FP16's range.
    """
    plan = SparsePlan(problem.shape)
    given = encode_on_device(problem.activations, plan, gpu, keep_zeros=method.keeps_zeros, options=options)
    if not method.encoded:
        return convolve(
            given,
            plan,
            problem,
            channels_last=method.channels_last,
            kernel=method.kernel,
            tiling=method.tiling,
            gpu=gpu,
            options=options,
        )
    following = plan.followed_by(_next_shape(problem.shape))
    if following is None:
        raise ShapeError(
            f"the output {problem.shape.output_shape} has more positions of a filter than a sparse kernel counts: "
            "use fewer images, or no encoded result"
        )
    result, _ = convolve_encoded(
        given,
        plan,
        problem,
        following,
        keep_zeros=method.keeps_zeros,
        tiling=method.tiling,
        gpu=gpu,
        options=options,
    )
    return result


def _next_shape(shape: ConvShape) -> ConvShape:
    """A layer that reads each output once."""
    images, filters, height, width = shape.output_shape
    return ConvShape(images, filters, height, width, 1, 1, 1)
