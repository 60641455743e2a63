"""Layers on the machine: operands as the kernels take them, and the facts of a row."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.shape import ConvShape, shape_of
from dstc_isa.conv.sparse.link import Kept, Link
from dstc_isa.exact import exact_convolution
from dstc_isa.network.device import Device, Measured
from dstc_isa.network.errors import NetworkError
from dstc_isa.network.narrow import carried
from dstc_isa.network.steps import ConvStep, ProductStep

Array = npt.NDArray[Any]
Facts = dict[str, Any]


def convolved(
    step: ConvStep, values: Mapping[str, Array], device: Device, link: Link | None = None
) -> tuple[Array, Measured, Facts]:
    """Run a convolution with what follows it; its output, costs, and facts of its row."""
    operands = _conv_operands(step, values)
    measured = device.convolve(*operands, step.relu, link)
    return _conv_output(step, values, measured.y), measured, conv_facts(operands[2], step.relu)


def convolved_again(
    step: ConvStep, values: Mapping[str, Array], device: Device, link: Link | None = None
) -> tuple[Array, Kept | None]:
    """The output of ``convolved``, and what it left on the device, without time."""
    y, kept = device.convolve_again(*_conv_operands(step, values), step.relu, link)
    return _conv_output(step, values, y), kept


def convolved_exactly(step: ConvStep, values: Mapping[str, Array]) -> Array:
    """The output of ``convolved`` without rounding before its end."""
    x, w, shape, bias = _conv_operands(step, values)
    return _conv_output(step, values, exact_convolution(x, w, shape, bias, step.relu, rounded=False).values)


def _conv_operands(step: ConvStep, values: Mapping[str, Array]) -> tuple[Array, Array, ConvShape, Array | None]:
    """Activations and filters in FP32 with two axes, the convolution's shape, and the bias."""
    x, w = values[step.x], values[step.weights]
    shape = conv_shape(step, x, w)
    if step.scale is not None:
        w = w * step.scale.reshape(-1, *(1,) * (w.ndim - 1))
    bias = None if step.bias is None else step.bias.astype(np.float32)
    flat_x, flat_w = _along_two(x, w, _geometry(x, w, step.attributes))
    return flat_x.astype(np.float32), flat_w.astype(np.float32), shape, bias


def _conv_output(step: ConvStep, values: Mapping[str, Array], y: Array) -> Array:
    """The device's result in the network's type and with its axes."""
    x = values[step.x]
    # A network of FP16 values has infinities where its results are beyond that.
    with np.errstate(over="ignore"):
        return _from_two(y, x, values[step.weights]).astype(x.dtype, copy=False)


@frozen
class _Geometry:
    """How filters move along the axes; ``before`` and ``after``: zeros around the activations."""

    stride: list[int]
    dilation: list[int]
    before: list[int]
    after: list[int]

    @property
    def along_two(self) -> "_Geometry":
        """Geometry of the convolution along two axes that stands for this one."""
        if len(self.stride) == 1:
            return _Geometry([1, *self.stride], [1, *self.dilation], [0, *self.before], [0, *self.after])
        return _Geometry(self.stride[-2:], self.dilation[-2:], self.before[-2:], self.after[-2:])


def _along_two(x: Array, w: Array, geometry: _Geometry) -> tuple[Array, Array]:
    """Operands of a convolution along one axis or three as ones along two.

    Of one axis, the other has size 1. Of three, each place of the filters along the first one is an image, and what
    they cover there are channels.
    """
    if w.ndim == 3:
        return x[:, :, None], w[:, :, None]
    if w.ndim == 4:
        return x, w
    depth = w.shape[2]
    wide = np.pad(x, ((0, 0), (0, 0), (geometry.before[0], geometry.after[0]), (0, 0), (0, 0)))
    reach = geometry.dilation[0] * (depth - 1) + 1
    starts = np.arange(0, wide.shape[2] - reach + 1, geometry.stride[0])
    covered = starts[:, None] + geometry.dilation[0] * np.arange(depth)
    windows = wide[:, :, covered].transpose(0, 2, 1, 3, 4, 5)
    images, channels = windows.shape[0] * windows.shape[1], windows.shape[2] * depth
    return windows.reshape(images, channels, *x.shape[3:]), w.reshape(len(w), w.shape[1] * depth, *w.shape[3:])


def _check_depth(x: Array, w: Array, geometry: _Geometry, groups: int) -> None:
    """Raise NetworkError for what is not to be seen any more in operands along two axes."""
    if x.shape[1] != w.shape[1] * groups:
        raise NetworkError(f"x has {x.shape[1]} channels, and w {w.shape[1]} for each of {groups} groups")
    depth, reach = x.shape[2] + geometry.before[0] + geometry.after[0], geometry.dilation[0] * (w.shape[2] - 1) + 1
    if reach > depth or geometry.stride[0] < 1:
        raise NetworkError(f"filters that cover {reach} along the first axis do not fit into {depth} with padding")


def _from_two(y: Array, x: Array, w: Array) -> Array:
    """The result of a convolution of ``x`` with ``w`` from that along two axes."""
    if w.ndim == 5:
        return y.reshape(len(x), -1, *y.shape[1:]).transpose(0, 2, 1, 3, 4)
    return y[:, :, 0] if w.ndim == 3 else y


def conv_shape(step: ConvStep, x: Array, w: Array) -> ConvShape:
    """The convolution of ``x`` with ``w``. Raises NetworkError or ShapeError for one that does not exist."""
    if x.ndim != w.ndim:
        raise _misfit(x, w)
    geometry = _geometry(x, w, step.attributes)
    if w.ndim == 5:
        _check_depth(x, w, geometry, int(step.attributes.get("group", 1)))
    flat_x, flat_w = _along_two(x, w, geometry)
    flat = geometry.along_two
    padding = (flat.before[0], flat.after[0], flat.before[1], flat.after[1])
    groups = int(step.attributes.get("group", 1))
    return shape_of(flat_x, flat_w, flat.stride, padding, flat.dilation, groups)


def _geometry(x: Array, w: Array, attributes: Mapping[str, Any]) -> _Geometry:
    axes = w.ndim - 2
    if _numbers(attributes, "kernel_shape", axes, 0) not in ([0] * axes, list(w.shape[2:])):
        said = "x".join(map(str, attributes["kernel_shape"]))
        raise NetworkError(f"kernel_shape says {said}, and w has filters of {'x'.join(map(str, w.shape[2:]))}")
    stride = _numbers(attributes, "strides", axes, 1)
    dilation = _numbers(attributes, "dilations", axes, 1)
    pads = _numbers(attributes, "pads", 2 * axes, 0)
    before, after = pads[:axes], pads[axes:]
    automatic = attributes.get("auto_pad", b"NOTSET").decode()
    if automatic == "VALID":
        before, after = [0] * axes, [0] * axes
    elif automatic.startswith("SAME"):
        for axis, (size, kernel) in enumerate(zip(x.shape[2:], w.shape[2:], strict=True)):
            reach = dilation[axis] * (kernel - 1) + 1
            whole = max(0, (-(-size // stride[axis]) - 1) * stride[axis] + reach - size)
            less = whole // 2
            before[axis], after[axis] = (less, whole - less) if automatic == "SAME_UPPER" else (whole - less, less)
    return _Geometry(stride, dilation, before, after)


def _numbers(attributes: Mapping[str, Any], name: str, count: int, default: int) -> list[int]:
    values = list(attributes.get(name, [default] * count))
    if len(values) != count:
        raise NetworkError(f"{name} has {count} numbers, not {len(values)}")
    return values


def multiplied(step: ProductStep, values: Mapping[str, Array], device: Device) -> tuple[Array, Measured, Facts]:
    """Run a Gemm or MatMul; output, costs, facts of its row. Factors and addend of a Gemm are the host's."""
    a, b, y_shape = _product_operands(step, values)
    measured = device.multiply(*_batches(a, b), step.weights)
    facts = product_facts(step.node.op_type, a.shape, b.shape, y_shape, step.weights)
    return _product_output(step, values, measured.y.reshape(y_shape)), measured, facts


def multiplied_again(step: ProductStep, values: Mapping[str, Array], device: Device) -> Array:
    """The output of ``multiplied``, without time."""
    a, b, y_shape = _product_operands(step, values)
    return _product_output(step, values, device.multiply_again(*_batches(a, b)).reshape(y_shape))


def multiplied_exactly(step: ProductStep, values: Mapping[str, Array]) -> Array:
    """The output of ``multiplied`` without rounding before its end."""
    a, b, y_shape = _product_operands(step, values)
    left, right = (each.astype(np.float64) for each in _batches(a, b))
    with np.errstate(invalid="ignore", over="ignore"):
        product = left @ right
    return _product_output(step, values, product.reshape(y_shape))


def _product_operands(step: ProductStep, values: Mapping[str, Array]) -> tuple[Array, Array, tuple[int, ...]]:
    """The two operands as they are multiplied, and the product's shape."""
    a, b = values[step.a], values[step.b]
    if 0 in (a.ndim, b.ndim) or (step.node.op_type == "Gemm" and not a.ndim == b.ndim == 2):
        raise _misfit(a, b)
    if step.attributes.get("transA"):
        a = a.T
    if step.attributes.get("transB"):
        b = b.T
    y_shape = _product_shape(a, b)
    if step.addend:
        _check_addend(values[step.addend], y_shape)
    return a, b, y_shape


def _product_output(step: ProductStep, values: Mapping[str, Array], y: Array) -> Array:
    """The device's result with a Gemm's factors and addend, in the network's type."""
    # A network of FP16 values has infinities where its results are beyond that, and an infinity leaves NaN behind.
    with np.errstate(over="ignore", invalid="ignore"):
        if step.node.op_type == "Gemm":
            y = y * np.float32(step.attributes.get("alpha", 1.0))
            beta = np.float32(step.attributes.get("beta", 1.0))
            # As in BLAS, an addend times 0 is not read: infinities in it would become NaN.
            if step.addend and beta:
                y = y + beta * carried(values[step.addend])
        return y.astype(values[step.a].dtype, copy=False)


def _misfit(a: Array, b: Array) -> NetworkError:
    return NetworkError(f"operands of shapes {a.shape} and {b.shape} do not fit each other")


def _check_addend(addend: Array, y_shape: tuple[int, ...]) -> None:
    try:
        np.broadcast_to(addend, y_shape)
    except ValueError:
        raise NetworkError(f"an addend of shape {addend.shape} does not fit a product of shape {y_shape}") from None


def _product_shape(a: Array, b: Array) -> tuple[int, ...]:
    """The shape of a product of arrays of one or more axes."""
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        raise _misfit(a, b)
    try:
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise _misfit(a, b) from None
    return lead + a.shape[-2:-1] + (() if b.ndim == 1 else b.shape[-1:])


def _batches(a: Array, b: Array) -> tuple[Array, Array]:
    """Operands as (batch, m, k) and (batch, k, n), one side's batch 1 where all share it."""
    wide_a = a[None] if a.ndim == 1 else a
    wide_b = b[:, None] if b.ndim == 1 else b
    (m, k), n = wide_a.shape[-2:], wide_b.shape[-1]
    lead = np.broadcast_shapes(wide_a.shape[:-2], wide_b.shape[:-2])
    if wide_b.size == k * n:
        return np.broadcast_to(wide_a, (*lead, m, k)).reshape(1, -1, k), wide_b.reshape(1, k, n)
    if wide_a.size == m * k:
        return wide_a.reshape(1, m, k), wide_b.reshape(-1, k, n)
    left, right = (
        np.broadcast_to(each, (*lead, *each.shape[-2:])).reshape(-1, *each.shape[-2:]) for each in (wide_a, wide_b)
    )
    return left, right


def conv_facts(shape: ConvShape, relu: bool) -> Facts:
    """Facts of a convolution."""
    return {
        "operator": "Conv",
        "x": shape.input_shape,
        "w": shape.weight_shape,
        "y": shape.output_shape,
        "stride": shape.stride,
        "padding": shape.padding,
        "dilation": shape.dilation,
        "groups": shape.groups,
        "relu": relu,
        "products": shape.products,
    }


def product_facts(
    operator: str, a: tuple[int, ...], b: tuple[int, ...], y: tuple[int, ...], weights: Literal["a", "b"] | None
) -> Facts:
    """Facts of a product of matrices (..., m, k) and (..., k, n)."""
    x, w = (b, a) if weights == "a" else (a, b)
    products = int(np.prod(y, dtype=np.int64)) * a[-1]
    return {"operator": operator, "x": x, "w": w, "y": y, "products": products}
