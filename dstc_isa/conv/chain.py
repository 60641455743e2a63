"""Layers that feed each other on the device: each one's result is encoded there for the next.

A convolution encodes its result itself if the next layer has no stride and needs about as many positions; otherwise a
launch of its own encodes the FP32 result, for a stride into its phases.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.activations import EncodedActivations, encode_on_device
from dstc_isa.conv.conv2d import Skip, check_skip
from dstc_isa.conv.convolve import convolve, convolve_encoded
from dstc_isa.conv.operands import half_activations, half_filters, of_filters
from dstc_isa.conv.plan import Plan
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.result_range import ResultRangeError, check_range
from dstc_isa.conv.shape import ConvShape, Pair, shape_of
from dstc_isa.errors import ArgumentTypeError, ShapeError, UsageError
from dstc_isa.gpu import DEFAULT_GPU, Gpu, chosen_gpu
from dstc_isa.options import check_kind, kind_text, named_options
from dstc_isa.real_arrays import real_array
from dstc_isa.timing.run import RunOptions

WIDEST = 1.5
"""Positions of a layer that shares the pitch and rows of its neighbours, of those it needs."""


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


@frozen(eq=False)
class _Step:
    """A layer, its arrays checked."""

    shape: ConvShape
    w: npt.NDArray[np.float16]
    bias: npt.NDArray[np.float32] | None
    scale: npt.NDArray[np.float32] | None
    offset: npt.NDArray[np.float32] | None
    relu: bool

    @property
    def scaled(self) -> bool:
        """Its ReLU then is left to what encodes its result."""
        return self.scale is not None or self.offset is not None


@named_options
def run_layers(
    x: npt.ArrayLike,
    layers: Sequence[Layer],
    *,
    skip: Skip = "both",
    gpu: Gpu | str | None = DEFAULT_GPU,
    **options: Unpack[RunOptions],
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
    machine = chosen_gpu(gpu)
    activations = real_array("x", x)
    steps = _checked(activations, layers)
    plans = plans_of([step.shape for step in steps])
    keep_zeros = skip == "weights"
    encoded = encode_on_device(half_activations(activations), plans[0], machine, keep_zeros=keep_zeros, **options)
    results: list[ConvResult] = []
    for number, (step, plan) in enumerate(zip(steps, plans, strict=True)):
        try:
            if number + 1 == len(steps):
                results.append(_stored(encoded, plan, step, machine, **options))
                break
            result, encoded = _fed(encoded, plan, step, plans[number + 1], machine, keep_zeros, **options)
        except (ShapeError, ResultRangeError) as error:
            error.args = (f"layer {number}: {error}",)
            raise
        results.append(result)
    return results


def _stored(
    encoded: EncodedActivations, plan: Plan, step: _Step, gpu: Gpu | None, **options: Unpack[RunOptions]
) -> ConvResult:
    """A layer's FP32 result."""
    relu = step.relu and not step.scaled
    return convolve(encoded, plan, step.w, bias=step.bias, relu=relu, gpu=gpu, **options)


def _fed(
    encoded: EncodedActivations,
    plan: Plan,
    step: _Step,
    following: Plan,
    gpu: Gpu | None,
    keep_zeros: bool,
    **options: Unpack[RunOptions],
) -> tuple[ConvResult, EncodedActivations]:
    """A layer's result, and the same encoded for the next layer's plan."""
    if following.follows:
        return convolve_encoded(
            encoded,
            plan,
            step.w,
            following,
            bias=step.bias,
            scale=step.scale,
            offset=step.offset,
            relu=step.relu,
            keep_zeros=keep_zeros,
            gpu=gpu,
            **options,
        )
    result = _stored(encoded, plan, step, gpu, **options)
    behind = encode_on_device(
        result.y,
        following,
        gpu,
        scale=step.scale,
        offset=step.offset,
        relu=step.scaled and step.relu,
        keep_zeros=keep_zeros,
        **options,
    )
    if np.isinf(behind.values).any():
        check_range(result.y, step.scale, step.offset, step.relu)
    return result, behind


def plans_of(shapes: Sequence[ConvShape]) -> list[Plan]:
    """A plan for each layer, that of one without a stride in words of the outputs before it."""
    plans: list[Plan] = []
    for number, shape in enumerate(shapes):
        following = plans[-1].followed_by(shape) if plans else None
        if following is None or following.positions > WIDEST * Plan(shape).positions:
            following = _with_room(shape, shapes[number + 1 :])
        plans.append(following)
    return plans


def _with_room(shape: ConvShape, behind: Sequence[ConvShape]) -> Plan:
    """The plan of a layer, its rows and images as long as those layers need that follow in words of its outputs.

    As many layers as do not make the positions of one of them many more than it needs.
    """
    own = Plan(shape)
    rows, pitch, fewest = own.rows, own.pitch, own.positions
    for each in takewhile(lambda each: each.stride == (1, 1), behind):
        needed_rows, needed_pitch = Plan(each).needed
        more_rows, more_pitch = max(rows, needed_rows), max(pitch, needed_pitch)
        fewest = min(fewest, shape.images * needed_rows * needed_pitch)
        if shape.images * more_rows * more_pitch > WIDEST * fewest:
            break
        rows, pitch = more_rows, more_pitch
    try:
        return Plan(shape, pitch, rows)
    except ShapeError:
        return own


def _checked(x: npt.NDArray[Any], layers: Sequence[Layer]) -> list[_Step]:
    """All layers before the first one runs."""
    check_kind("layers", layers, Sequence, "a sequence of Layer")
    if not layers:
        raise UsageError("layers is empty: expected at least one")
    steps = []
    activations = x
    for number, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise ArgumentTypeError(f"layers: number {number} is a Layer, not {kind_text(layer)}")
        try:
            given = real_array("w", layer.w)
            shape = shape_of(activations, given, layer.stride, layer.padding, layer.dilation, layer.groups)
            w = half_filters(given)
            bias, scale, offset = (
                of_filters(getattr(layer, name), name, shape) for name in ("bias", "scale", "offset")
            )
            Plan(shape)
            step = _Step(shape, w, bias, scale, offset, layer.relu)
        except (ShapeError, TypeError, ValueError) as error:
            error.args = (f"layer {number}: {error}",)
            raise
        steps.append(step)
        activations = np.broadcast_to(np.float32(0), shape.output_shape)
    if steps[-1].scaled:
        raise UsageError(
            f"layer {len(steps) - 1}: scale and offset are applied as the next layer's input is encoded, and there is "
            "none; fold them into w and bias"
        )
    return steps
