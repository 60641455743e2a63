"""Layers that feed each other on the device: each one's result is encoded there for the next."""

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.activations import EncodedActivations, encode_on_device
from dstc_isa.conv.conv2d import Skip, check_skip, convolve
from dstc_isa.conv.operands import half_activations, half_filters, of_filters
from dstc_isa.conv.plan import Plan
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.shape import Pair, ShapeError, shape_of
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
    """A layer, its arrays checked, and the plan of its convolution."""

    plan: Plan
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

    Results stay in FP32 in the device's memory, from which the next layer's encoding reads them and rounds them to
    FP16. ``y`` of a result is what its convolution wrote: with bias and ReLU, but before ``scale`` and ``offset`` and
    the ReLU behind them. Its ``density_x`` is that of the values that the layer reads, with ``skip`` "weights" those
    that it does not skip. ``skip``, ``gpu``: as of ``conv2d``.

    Raises what ``conv2d`` raises, with the layer's number from 0, and ValueError if a result that is encoded for the
    next layer was finite and is beyond FP16's range.
    """
    check_skip(skip)
    machine = load_gpu(gpu) if isinstance(gpu, str) else gpu
    steps = _checked(np.asarray(x), layers)
    results: list[ConvResult] = []
    given: npt.NDArray[Any] = half_activations(np.asarray(x))
    before: _Step | None = None
    encodings: list[EncodedActivations] = []
    for step in steps:
        encoded = encode_on_device(
            given,
            step.plan,
            machine,
            scale=before.scale if before is not None else None,
            offset=before.offset if before is not None else None,
            relu=before is not None and before.scaled and before.relu,
            keep_zeros=skip == "weights",
            **options,
        )
        relu = step.relu and not step.scaled
        result = convolve(encoded, step.plan, step.w, bias=step.bias, relu=relu, gpu=machine, **options)
        encodings.append(encoded)
        results.append(result)
        given, before = result.y, step
    for number, (step, result, encoded) in enumerate(zip(steps, results, encodings[1:], strict=False)):
        if np.isinf(encoded.values[: encoded.count]).any():
            _check_range(number, step, result.y)
    return results


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
            step = _Step(Plan(shape), w, bias, scale, offset, layer.relu)
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
