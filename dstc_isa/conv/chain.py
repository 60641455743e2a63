"""Layers that feed each other on the device: each one's result is encoded there for the next."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from attrs import evolve, frozen

from dstc_isa.conv.operands import half_activations
from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.result_range import ResultRangeError
from dstc_isa.conv.shape import ConvShape, Pair, shape_of
from dstc_isa.conv.sparse.activations import EncodedActivations, encode_on_device
from dstc_isa.conv.sparse.conv_sparse import Skip, check_skip
from dstc_isa.conv.sparse.link import HOST, Left, Link, convolve_linked, encoded_for
from dstc_isa.conv.sparse.sparse_plan import SparsePlan
from dstc_isa.engine.run_options import RunKeywords, RunOptions
from dstc_isa.errors import ArgumentTypeError, ShapeError, UsageError
from dstc_isa.gpu import DEFAULT_GPU, Gpu, chosen_gpu
from dstc_isa.halves import underflowed
from dstc_isa.options import check_kind, kind_text, named_fields, named_options
from dstc_isa.real_arrays import real_array

WIDEST = 1.5
"""Positions of a layer that shares the pitch and rows of its neighbours, of those it needs."""


@named_fields
@frozen(eq=False, kw_only=True)
class Layer:
    """A convolution with filters ``w``, as ``conv2d`` describes it, and what becomes of its result.

    ``scale``, ``offset``: of each filter, float32: the result times scale plus offset, with one rounding, as a batch
    normalisation does it; applied as the result is encoded for the next layer, so the last layer has none. ``relu``:
    negative ones then become 0.
    """

    w: npt.ArrayLike
    stride: Pair = 1
    padding: Pair = 0
    dilation: Pair = 1
    groups: int = 1
    bias: npt.ArrayLike | None = None
    relu: bool = False
    scale: npt.ArrayLike | None = None
    offset: npt.ArrayLike | None = None


@named_options
def run_layers(
    x: npt.ArrayLike,
    layers: Sequence[Layer],
    *,
    skip: Skip = "both",
    gpu: Gpu | str | None = DEFAULT_GPU,
    **options: Unpack[RunKeywords],
) -> list[ConvResult]:
    """Convolve activations (images, channels, height, width) with one layer after the other; a result for each layer.

    Results stay in the device's memory. ``y`` of a result is what its convolution wrote: the FP16 values that the next
    layer reads, with ``scale``, ``offset`` and ReLU, if that layer follows in words of its outputs; else FP32 with
    bias, and with ReLU unless there are ``scale`` or ``offset``, which come with it as another launch encodes it.
    ``density_x`` is that of the values that the layer reads, with ``skip`` "weights" those that it does not skip.
    ``skip``, ``gpu``: as of ``conv2d``.

    Raises what ``conv2d`` raises, with the layer's number from 0, and ResultRangeError if a result that is encoded for
    the next layer was finite and is beyond FP16's range.
    """
    check_skip(skip)
    chosen = RunOptions(**options)
    machine = chosen_gpu(gpu)
    keep_zeros = skip == "weights"
    activations = real_array("x", x)
    problems = _problems(activations, layers)
    plans = plans_of([problem.shape for problem in problems])
    halves = half_activations(activations)
    problems[0] = evolve(problems[0], underflowed_x=underflowed(activations, halves))
    kept: EncodedActivations = encode_on_device(halves, plans[0], machine, keep_zeros=keep_zeros, options=chosen)
    results: list[ConvResult] = []
    for number, (problem, plan) in enumerate(zip(problems, plans, strict=True)):
        following = plans[number + 1] if number + 1 < len(plans) else None
        link = Link(plan, Left(f"layer {number - 1}" if number else HOST, kept), following)
        try:
            result, left = convolve_linked(problem, link, keep_zeros=keep_zeros, gpu=machine, options=chosen)
            if following is not None and left is not None:
                kept = encoded_for(following, left, machine, keep_zeros=keep_zeros, options=chosen)
        except (ShapeError, ResultRangeError) as error:
            error.args = (f"layer {number}: {error}",)
            raise
        results.append(result)
    return results


def plans_of(shapes: Sequence[ConvShape]) -> list[SparsePlan]:
    """A plan for each layer, that of one without a stride in words of the outputs before it."""
    plans: list[SparsePlan] = []
    for number, shape in enumerate(shapes):
        following = plans[-1].followed_by(shape) if plans else None
        if following is None or following.positions > WIDEST * SparsePlan(shape).positions:
            following = _with_room(shape, shapes[number + 1 :])
        plans.append(following)
    return plans


def _with_room(shape: ConvShape, behind: Sequence[ConvShape]) -> SparsePlan:
    """The plan of a layer, its rows and images as long as those layers need that follow in words of its outputs.

    As many layers as do not make the positions of one of them many more than it needs.
    """
    own = SparsePlan(shape)
    rows, pitch, fewest = own.rows, own.pitch, own.positions
    for each in takewhile(lambda each: each.stride == (1, 1), behind):
        needed_rows, needed_pitch = SparsePlan(each).needed
        more_rows, more_pitch = max(rows, needed_rows), max(pitch, needed_pitch)
        fewest = min(fewest, shape.images * needed_rows * needed_pitch)
        if shape.images * more_rows * more_pitch > WIDEST * fewest:
            break
        rows, pitch = more_rows, more_pitch
    try:
        return SparsePlan(shape, pitch, rows)
    except ShapeError:
        return own


def _problems(x: npt.NDArray[Any], layers: Sequence[Layer]) -> list[ConvProblem]:
    """All layers, checked before the first one runs; the device has their activations."""
    check_kind("layers", layers, Sequence, "a sequence of Layer")
    if not layers:
        raise UsageError("layers is empty: expected at least one")
    problems = []
    activations = x
    for number, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise ArgumentTypeError(f"layers: number {number} is a Layer, not {kind_text(layer)}")
        try:
            w = real_array("w", layer.w)
            shape = shape_of(activations, w, layer.stride, layer.padding, layer.dilation, layer.groups)
            problem = ConvProblem.shaped(
                shape, None, w, bias=layer.bias, scale=layer.scale, offset=layer.offset, relu=layer.relu
            )
            SparsePlan(shape)
        except (ShapeError, TypeError, ValueError) as error:
            error.args = (f"layer {number}: {error}",)
            raise
        problems.append(problem)
        activations = np.broadcast_to(np.float32(0), shape.output_shape)
    if problems[-1].scaled:
        raise UsageError(
            f"layer {len(problems) - 1}: scale and offset are applied as the next layer's input is encoded, and there "
            "is none; fold them into w and bias"
        )
    return problems
