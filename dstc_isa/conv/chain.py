"""Layers that feed each other on the device: each one's result is encoded there for the next.

A convolution encodes its result itself if the next layer has no stride; otherwise a launch of its own encodes the FP32
result and sorts it into the stride's phases.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from attrs import evolve, frozen

from dstc_isa.conv.activations import encode_on_device
from dstc_isa.conv.conv2d import Skip, check_skip
from dstc_isa.conv.convolve import convolve, convolve_encoded
from dstc_isa.conv.operands import half_activations, half_filters, of_filters
from dstc_isa.conv.plan import Plan
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.shape import ConvShape, Pair, ShapeError, shape_of
from dstc_isa.gpu import DEFAULT_GPU, Gpu, load_gpu
from dstc_isa.halves import overflowing, rounded_to_half
from dstc_isa.timing.run import RunOptions


@frozen(eq=False, kw_only=True)
class Layer:
    """A convolution with filters ``w``, as ``conv2d`` describes it, and what becomes of its result.

    ``scale``, ``offset``: of each filter, float32: the result times scale plus offset, with one rounding, as a batch
    normalisation does it; applied as the result is encoded for the next layer, so the last layer has none. ``relu``:
    negative ones then become 0.
    """

    w: npt.NDArray[Any]
    stride: Pair = 1
    padding: Pair = 0
    dilation: Pair = 1
    groups: int = 1
    bias: npt.NDArray[Any] | None = None
    relu: bool = False
    scale: npt.NDArray[Any] | None = None
    offset: npt.NDArray[Any] | None = None


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


def run_layers(
    x: npt.NDArray[Any],
    layers: Sequence[Layer],
    *,
    skip: Skip = "both",
    gpu: Gpu | str | None = DEFAULT_GPU,
    **options: Unpack[RunOptions],
) -> list[ConvResult]:
    """Convolve activations (images, channels, height, width) with one layer after the other; a result for each layer.

    Results stay in the device's memory. ``y`` of a result is what its convolution wrote: FP32 with bias and ReLU, or,
    where the next layer has no stride, the FP16 values that this one reads, with ``scale``, ``offset`` and ReLU.
    ``density_x`` is that of the values that the layer reads, with ``skip`` "weights" those that it does not skip.
    ``skip``, ``gpu``: as of ``conv2d``.

    Raises what ``conv2d`` raises, with the layer's number from 0, and ValueError if a result that is encoded for the
    next layer was finite and is beyond FP16's range.
    """
    check_skip(skip)
    machine = load_gpu(gpu) if isinstance(gpu, str) else gpu
    steps = _checked(np.asarray(x), layers)
    plans = _plans([step.shape for step in steps])
    keep_zeros = skip == "weights"
    encoded = encode_on_device(half_activations(np.asarray(x)), plans[0], machine, keep_zeros=keep_zeros, **options)
    results: list[ConvResult] = []
    for number, (step, plan) in enumerate(zip(steps, plans, strict=True)):
        last = number + 1 == len(steps)
        if not last and plans[number + 1].given_origin is not None:
            following = plans[number + 1]
            result, behind = convolve_encoded(
                encoded,
                plan,
                step.w,
                following,
                bias=step.bias,
                scale=step.scale,
                offset=step.offset,
                relu=step.relu,
                keep_zeros=keep_zeros,
                gpu=machine,
                **options,
            )
            if np.isinf(behind.values).any():
                unscaled = step.relu and not step.scaled
                wide = convolve(evolve(encoded, launches=()), plan, step.w, bias=step.bias, relu=unscaled)
                _check_range(number, step, wide.y)
        else:
            relu = step.relu and not step.scaled
            result = convolve(encoded, plan, step.w, bias=step.bias, relu=relu, gpu=machine, **options)
            if not last:
                behind = encode_on_device(
                    result.y,
                    plans[number + 1],
                    machine,
                    scale=step.scale,
                    offset=step.offset,
                    relu=step.scaled and step.relu,
                    keep_zeros=keep_zeros,
                    **options,
                )
                if np.isinf(behind.values).any():
                    _check_range(number, step, result.y)
        results.append(result)
        if not last:
            encoded = behind
    return results


def _plans(shapes: Sequence[ConvShape]) -> list[Plan]:
    """A plan for each layer, that of one without a stride in words of the outputs before it."""
    plans: list[Plan] = []
    for number, shape in enumerate(shapes):
        following = plans[-1].followed_by(shape) if plans else None
        plans.append(following or _with_room(shape, shapes[number + 1 :]))
    return plans


def _with_room(shape: ConvShape, behind: Sequence[ConvShape]) -> Plan:
    """The plan of a layer, its rows and images as long as those layers need that follow in words of its outputs."""
    own = Plan(shape)
    together = [own, *(Plan(each) for each in takewhile(lambda each: each.stride == (1, 1), behind))]
    try:
        return Plan(shape, max(plan.pitch for plan in together), max(plan.rows for plan in together))
    except ShapeError:
        return own


def _checked(x: npt.NDArray[Any], layers: Sequence[Layer]) -> list[_Step]:
    """All layers before the first one runs."""
    if not layers:
        raise ValueError("no layers: expected at least one")
    steps = []
    activations = x
    for number, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(f"layer {number} is a Layer, not {type(layer).__name__}")
        try:
            w = half_filters(np.asarray(layer.w))
            shape = shape_of(activations, w, layer.stride, layer.padding, layer.dilation, layer.groups)
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
        raise ValueError(
            f"layer {len(steps) - 1}: scale and offset are applied as the next layer's input is encoded, and there is "
            "none; fold them into w and bias"
        )
    return steps


def _check_range(number: int, step: _Step, y: npt.NDArray[np.float32]) -> None:
    """Raise ValueError for the first finite result that FP16 made infinite."""
    column = (slice(None), np.newaxis, np.newaxis)
    values = y.astype(np.float64)
    with np.errstate(invalid="ignore"):
        if step.scale is not None:
            values *= step.scale[column]
        if step.offset is not None:
            values += step.offset[column]
    if step.relu:
        values[values < 0] = 0
    beyond = np.argwhere(overflowing(values, rounded_to_half(values)))
    if len(beyond):
        place = tuple(beyond[0].tolist())
        raise ValueError(
            f"layer {number}: its result y{list(place)}, {values[place]:.6g} as the next layer reads it, is beyond "
            "FP16's range of +-65504; scale the filters or give the layer a scale"
        )
