"""Convolutions for tests: shapes of all kinds, operands, and their sums by an independent implementation."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.signal import correlate

from dstc_isa.conv.shape import ConvShape

DENSITIES = st.sampled_from([0.0, 0.03, 0.3, 0.7, 1.0])


@st.composite
def layer_shapes(draw: st.DrawFn) -> ConvShape:
    def number(low: int, high: int) -> int:
        return draw(st.integers(low, high))

    rows, columns = draw(
        st.one_of(
            st.sampled_from([(1, 1), (3, 3), (1, 7), (7, 1), (5, 2), (11, 11)]),
            st.tuples(st.integers(1, 11), st.integers(1, 11)),
        )
    )
    stride, dilation = (number(1, 4), number(1, 4)), (number(1, 3), number(1, 3))
    padding = (number(0, rows + 2), number(0, rows), number(0, columns), number(0, columns + 2))
    small = rows * columns > 20
    groups = draw(st.sampled_from([1, 1, 1, 2, 3, 8]))
    channels = groups * draw(st.sampled_from([1, 2, 3] if small or groups > 1 else [1, 3, 17, 33, 70]))
    filters = groups * draw(st.sampled_from([1, 5, 33, 70] if groups == 1 else [1, 2, 9]))
    least = [
        max(1, dilation[0] * (rows - 1) + 1 - sum(padding[:2])),
        max(1, dilation[1] * (columns - 1) + 1 - sum(padding[2:])),
    ]
    height, width = (number(size, size + 12) for size in least)
    images = number(1, 3)
    return ConvShape(images, channels, height, width, filters, rows, columns, stride, padding, dilation, groups)


def operands(shape: ConvShape, density_x: float, density_w: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random values, float16, of which these shares are not zero."""
    generator = np.random.default_rng(seed)

    def array(size: tuple[int, ...], density: float) -> np.ndarray:
        values = generator.standard_normal(size) * (generator.random(size) < density)
        return values.astype(np.float16)

    return array(shape.input_shape, density_x), array(shape.weight_shape, density_w)


def of_merged(w: np.ndarray, shape: ConvShape, merged: int) -> np.ndarray:
    """Filters with zeros for the channels of the other groups that theirs is merged with."""
    result = np.zeros((shape.filters, merged * shape.group_channels, *w.shape[2:]), w.dtype)
    for filter_ in range(shape.filters):
        first = filter_ // shape.group_filters % merged * shape.group_channels
        result[filter_, first : first + shape.group_channels] = w[filter_]
    return result


def options_of(shape: ConvShape) -> dict[str, Any]:
    """What ``conv2d`` is told of a shape."""
    return {name: getattr(shape, name) for name in ("stride", "padding", "dilation", "groups")}


def surrounded(x: np.ndarray, shape: ConvShape) -> np.ndarray:
    """``x`` with its padding."""
    above, below, left, right = shape.padding
    return np.pad(x, ((0, 0), (0, 0), (above, below), (left, right)))


def correlated(x: np.ndarray, w: np.ndarray, shape: ConvShape) -> np.ndarray:
    """The convolution in float64, by SciPy."""
    within = surrounded(x.astype(np.float64), shape)
    (down, across), (rows, columns) = shape.dilation, w.shape[2:]
    spread = np.zeros((*w.shape[:2], down * (rows - 1) + 1, across * (columns - 1) + 1))
    spread[:, :, ::down, ::across] = w
    result = np.zeros(shape.output_shape)
    for image in range(shape.images):
        for filter_ in range(shape.filters):
            first = filter_ // shape.group_filters * shape.group_channels
            seen = within[image, first : first + shape.group_channels]
            whole = correlate(seen, spread[filter_], mode="valid", method="direct")[0]
            result[image, filter_] = whole[:: shape.stride[0], :: shape.stride[1]]
    return result
