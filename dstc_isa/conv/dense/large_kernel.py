"""Convolutions with kernels of many rows or columns, as ones whose padding is stored and whose strides are channels.

``programs/conv_dense.dasm`` has a bit for each row and column of a kernel to tell which lie in the padding. Along an
axis with more of them than bits, zeros in memory stand for the padding, so that every one lies inside.
"""

import numpy as np
import numpy.typing as npt
from attrs import evolve

from dstc_isa.conv.dense.implicit_gemm import TAP_LIMIT, chunks_of
from dstc_isa.conv.shape import ConvShape

Halves = npt.NDArray[np.float16]
ROWS, COLUMNS = 0, 1


def with_stored_padding(x: Halves, w: Halves, shape: ConvShape) -> tuple[Halves, Halves, ConvShape]:
    """A convolution with the same result that the dense kernel takes; as it is if the kernel takes it already."""
    for axis, taps in ((ROWS, shape.rows), (COLUMNS, shape.columns)):
        if taps > TAP_LIMIT:
            x, shape = _stored(x, shape, axis)
            if shape.stride[axis] > 1 and shape.dilation[axis] == 1:
                x, w, shape = _strided(x, w, shape, axis)
    return x, w, shape


def _stored(x: Halves, shape: ConvShape, axis: int) -> tuple[Halves, ConvShape]:
    """The padding of an axis in memory."""
    before, after = shape.padding[2 * axis : 2 * axis + 2]
    wide = np.pad(x, [(before, after) if each == 2 + axis else (0, 0) for each in range(4)])
    above, below, left, right = shape.padding
    padding = (0, 0, left, right) if axis == ROWS else (above, below, 0, 0)
    return wide, evolve(shape, height=wide.shape[2], width=wide.shape[3], padding=padding)


def _strided(x: Halves, w: Halves, shape: ConvShape, axis: int) -> tuple[Halves, Halves, ConvShape]:
    """Values that a stride along an axis skips as channels, if that makes the sum shorter.

    Channels fill multiples of 8: one channel with a stride of 8 or more takes an eighth of the steps.
    """
    stride = shape.stride[axis]
    outputs = (shape.out_height, shape.out_width)[axis]
    folded_w = _folded(w, axis, stride)
    # Filled up, the kernel could see one output more.
    seen = [slice(outputs - 1 + size) if each == axis else slice(None) for each, size in enumerate(folded_w.shape[2:])]
    folded_x = _folded(x, axis, stride)[:, :, *seen]
    _, channels, height, width = folded_x.shape
    *_, rows, columns = folded_w.shape
    strides = (1, shape.stride[1]) if axis == ROWS else (shape.stride[0], 1)
    folded = evolve(shape, channels=channels, height=height, width=width, rows=rows, columns=columns, stride=strides)
    return (folded_x, folded_w, folded) if _depth(folded) < _depth(shape) else (x, w, shape)


def _folded(values: Halves, axis: int, stride: int) -> Halves:
    """(outer, channels, rows, columns) with every ``stride`` places of an axis as channels of one place."""
    place = 2 + axis
    size = -(-values.shape[place] // stride)
    room = size * stride - values.shape[place]
    whole = np.pad(values, [(0, room) if each == place else (0, 0) for each in range(4)])
    outer, channels, *sizes = whole.shape
    sizes[axis] = size
    apart = whole.reshape(whole.shape[:place] + (size, stride) + whole.shape[place + 1 :])
    return np.moveaxis(apart, place + 1, 2).reshape(outer, channels * stride, *sizes)


def _depth(shape: ConvShape) -> int:
    """Values of k of a group."""
    return chunks_of(shape) * shape.rows * shape.columns
