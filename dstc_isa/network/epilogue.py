"""What follows a convolution directly and is taken into it: factors and addends per filter, and ReLU."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from dstc_isa.halves import rounded_to_half
from dstc_isa.network.branches import STANDARD, Guarded
from dstc_isa.network.narrow import carried
from dstc_isa.network.steps import ConvStep, HostStep, attributes_of

if TYPE_CHECKING:
    from onnx import NodeProto

Array = npt.NDArray[Any]
Readers: TypeAlias = Mapping[str, list[Guarded | None]]
"""Who reads a value, by its name; None stands for what is no node of the graph itself."""

SMALLEST_SCALE = 2.0**-64
"""A product of factors below this would lose results in FP32, one factor after the other."""

LARGEST_HALF, LARGEST_FLOAT = 65504.0, float(np.finfo(np.float32).max)


def with_epilogue(step: ConvStep, readers: Readers, constants: Mapping[str, Array]) -> ConvStep:
    """Take in what multiplies and adds constants per filter, and then a ReLU; each must be the only reader.

    What would not give what the operators give one by one stays behind, and all that follows it.
    """
    weights = carried(constants[step.weights])
    best = step
    for longer in _longer(step, readers, constants):
        if not _keeps_values(longer, weights):
            break
        if longer.scale is None or _fits_half(longer.scale, weights):
            best = longer
    return best if best is step else attrs.evolve(best, alone=step)


def apart(step: ConvStep, x: Array) -> list[ConvStep | HostStep]:
    """The step itself, or what it stands for one by one if ``x`` asks for that.

    A filter times 0 has nothing but zeros, and the machine multiplies none of them: it would miss the NaN that an
    infinity of the activations leaves behind.
    """
    if step.alone is None or step.scale is None or step.scale.all() or np.isfinite(carried(x)).all():
        return [step]
    return [step.alone, *(HostStep(node, step.guards) for node in step.nodes[1:])]


def _longer(step: ConvStep, readers: Readers, constants: Mapping[str, Array]) -> Iterator[ConvStep]:
    """The step with one operator more each time, for as long as there is one of the right kind."""
    while not step.relu:
        reading = readers.get(step.output, [])
        reader = reading[0] if len(reading) == 1 else None
        if reader is None or reader.node.domain not in STANDARD or reader.guards != step.guards:
            return
        node = reader.node
        if node.op_type == "Relu":
            step = attrs.evolve(step, relu=True)
        else:
            numbers = _factor_and_addend(node, step, constants)
            if numbers is None:
                return
            step = _times_plus(step, *numbers)
        step = attrs.evolve(step, nodes=(*step.nodes, node), output=node.output[0])
        yield step


def _factor_and_addend(node: "NodeProto", step: ConvStep, constants: Mapping[str, Array]) -> tuple[Array, Array] | None:
    """What an operator multiplies each filter's results by, and then adds to them; None for another operator."""
    if node.op_type == "BatchNormalization" and _is_inference(node, step, constants):
        gain, offset, mean, variance = (constants[name].astype(np.float64) for name in node.input[1:5])
        spread = variance + attributes_of(node).get("epsilon", 1e-5)
        # What comes of no root, or of a division by zero, is for the host to say.
        if not (spread > 0).all():
            return None
        with np.errstate(invalid="ignore", over="ignore"):
            factor = gain / np.sqrt(spread)
            return factor, offset - mean * factor
    value = _per_filter(node, step, constants) if node.op_type in ("Mul", "Add") else None
    if value is None:
        return None
    return (value, np.zeros(len(value))) if node.op_type == "Mul" else (np.ones(len(value)), value)


def _times_plus(step: ConvStep, factor: Array, addend: Array) -> ConvStep:
    with np.errstate(invalid="ignore", over="ignore"):
        scale = factor if step.scale is None else step.scale * factor
        bias = addend if step.bias is None else step.bias * factor + addend
    return attrs.evolve(step, scale=scale, bias=bias)


def _keeps_values(step: ConvStep, weights: Array) -> bool:
    """Whether nothing in a convolution can become infinite, a NaN or lost between the operators, on FP16 activations.

    An infinite bias, for one, is gone for good when it is multiplied by 0, and so is a result beyond FP32's range.
    """
    scale, bias = step.scale, step.bias
    if scale is None or bias is None:
        return True
    with np.errstate(invalid="ignore", over="ignore"):
        largest = abs(_scaled(weights, scale)).sum(1) * LARGEST_HALF + abs(bias)
    return bool(((largest <= LARGEST_FLOAT) & ((scale == 0) | (abs(scale) >= SMALLEST_SCALE))).all())


def _fits_half(scale: Array, weights: Array) -> bool:
    """Whether scaled weights are within FP16's range, and no filter loses all that FP16 has of it without the scale."""
    there, scaled = rounded_to_half(weights.reshape(len(weights), -1)), rounded_to_half(_scaled(weights, scale))
    lost = there.any(1) & ~scaled.any(1) & (scale != 0)
    return bool(np.isfinite(scaled).all() and not lost.any())


def _scaled(weights: Array, scale: Array) -> Array:
    """Weights times their filter's scale, a row for each filter."""
    rows: Array = weights.reshape(len(weights), -1) * scale[:, None]
    return rows


def _is_inference(node: "NodeProto", step: ConvStep, constants: Mapping[str, Array]) -> bool:
    """Whether a BatchNormalization takes given statistics, those of each filter."""
    attributes = attributes_of(node)
    if attributes.get("training_mode", 0) or len([name for name in node.output if name]) != 1:
        return False
    # Old versions can have statistics of each place of the map.
    if not attributes.get("spatial", 1):
        return False
    # Others of another shape are for the host to refuse.
    filters = (len(constants[step.weights]),)
    return all(name in constants and constants[name].shape == filters for name in node.input[1:5])


def _per_filter(node: "NodeProto", step: ConvStep, constants: Mapping[str, Array]) -> Array | None:
    """The constant of an Add or Mul for all values of a filter, one for each."""
    other = next((name for name in node.input if name != step.output), "")
    if other not in constants:
        return None
    value, weights = constants[other], constants[step.weights]
    filters = len(weights)
    spatial = weights.ndim - 2
    if value.size == 1 and value.ndim <= weights.ndim:
        return np.full(filters, value.item(), np.float64)
    if value.shape in ((filters, *(1,) * spatial), (1, filters, *(1,) * spatial)):
        return value.ravel().astype(np.float64)
    return None
