"""Operands of convolutions, checked: activations and filters in FP16, numbers of filters in FP32."""

from typing import Any

import numpy as np
import numpy.typing as npt

from dstc_isa.conv.shape import ConvShape
from dstc_isa.errors import ShapeError
from dstc_isa.halves import ValueRangeError, halves, in_operand
from dstc_isa.real_arrays import real_array

ACTIVATION_AXES = ("image", "channel", "row", "column")
FILTER_AXES = ("filter", "channel", "row", "column")


def half_activations(x: npt.NDArray[Any]) -> npt.NDArray[np.float16]:
    """Activations, which are real numbers, rounded to FP16; ValueRangeError for a value beyond FP16's range."""
    with in_operand("x"):
        return halves(x, ACTIVATION_AXES)


def half_filters(w: npt.NDArray[Any]) -> npt.NDArray[np.float16]:
    """Filters, otherwise as ``half_activations``."""
    with in_operand("w"):
        return halves(w, FILTER_AXES)


def merge_groups(w: npt.NDArray[np.float16], shape: ConvShape, merged: int) -> npt.NDArray[np.float16]:
    """Weights of ``shape`` as those of a convolution whose groups are ``merged`` of its groups each.

    The result has a filter's channels among zeros for those of the other groups.
    """
    by_group = w.reshape(-1, merged, shape.group_filters, *w.shape[1:])
    whole = np.zeros((len(by_group), merged, shape.group_filters, merged, *w.shape[1:]), np.float16)
    each = np.arange(merged)
    whole[:, each, :, each] = by_group.transpose(1, 0, 2, 3, 4, 5)
    return whole.reshape(shape.filters, merged * shape.group_channels, shape.rows, shape.columns)


def of_filters(values: npt.ArrayLike | None, name: str, shape: ConvShape) -> npt.NDArray[np.float32] | None:
    """A number for each filter as float32 of shape (filters,); ``name``: what errors call it, such as bias.

    Raises ShapeError for another shape, ArgumentTypeError for what is not real, ValueRangeError for a value beyond
    FP32's range.
    """
    if values is None:
        return None
    numbers = real_array(name, values)
    if numbers.shape != (shape.filters,):
        raise ShapeError(f"{name} has a number for each of the {shape.filters} filters; its shape is {numbers.shape}")
    with np.errstate(over="ignore", under="ignore"):
        rounded = np.ascontiguousarray(numbers, np.float32)
    beyond = np.flatnonzero(np.isinf(rounded) & np.isfinite(numbers))
    if len(beyond):
        with in_operand(name):
            raise ValueRangeError([int(beyond[0])], numbers[beyond[0]], ("filter",), "FP32's range")
    return rounded
