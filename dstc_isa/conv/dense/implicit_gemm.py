"""A convolution as a product without its lowered matrix: layouts and tables of ``programs/conv_dense.dasm``.

Rows of the product are output pixels, columns are filters. k goes by blocks of 64 channels, in a block by taps (row by
row of the kernel), in a tap by channels; ``Order`` has it in units of a chunk, 8 channels of a tap.
"""

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.shape import ConvShape
from dstc_isa.host_memory import require

CHUNK = 8
"""Channels that a lane loads at once, 16 bytes."""

BLOCK_CHUNKS = 8
"""Chunks of a block of channels: a line of L1."""

TAP_LIMIT = 15
"""Rows and columns of a kernel with padding, at most: bits of a word say which of a pixel's lie inside the image.

Where there are more, the image has no padding along that axis, all lie inside, and one bit says so.
"""

COLUMN_BIT = 16
NEVER_INSIDE = 1 << 31

Halves = npt.NDArray[np.float16]
Words = npt.NDArray[np.uint32]


@frozen
class Order:
    """Taps and chunks of a group's k in the order they are added: int arrays of one length."""

    row: npt.NDArray[np.intp]
    column: npt.NDArray[np.intp]
    chunk: npt.NDArray[np.intp]


def chunks_of(shape: ConvShape) -> int:
    """Chunks of a group's channels, the last one filled up with zeros."""
    return -(-shape.group_channels // CHUNK)


def padded_filters(shape: ConvShape) -> int:
    """Filters of a group, a multiple of what a lane loads at once."""
    return -(-shape.group_filters // CHUNK) * CHUNK


def order_of(shape: ConvShape) -> Order:
    """The order in which a group's k is added up."""
    chunks = np.arange(chunks_of(shape))
    row, column, chunk = np.meshgrid(np.arange(shape.rows), np.arange(shape.columns), chunks, indexing="ij")
    by_block = np.lexsort([axis.ravel() for axis in (chunk, column, row, chunk // BLOCK_CHUNKS)])
    return Order(*(axis.ravel()[by_block] for axis in (row, column, chunk)))


def activations(x: Halves, shape: ConvShape) -> Halves:
    """``x`` as the kernel reads it: images, rows, columns, groups, channels of a group filled up to chunks."""
    by_group = x.reshape(shape.images, shape.groups, shape.group_channels, shape.height, shape.width)
    pixels = shape.images * shape.height * shape.width
    require(2 * pixels * shape.groups * chunks_of(shape) * CHUNK, f"activations of {pixels} pixels, padded")
    result = np.zeros(
        (shape.images, shape.height, shape.width, shape.groups, chunks_of(shape) * CHUNK), dtype=np.float16
    )
    result[..., : shape.group_channels] = by_group.transpose(0, 3, 4, 1, 2)
    return result


def weights(w: Halves, shape: ConvShape, order: Order, depth: int) -> Halves:
    """``w`` as the kernel reads it: groups, ``depth`` values of k in order and then zeros, filters of a group."""
    by_group = w.reshape(shape.groups, shape.group_filters, shape.group_channels, shape.rows, shape.columns)
    filters, taps = shape.filters, shape.rows * shape.columns
    require(6 * filters * chunks_of(shape) * CHUNK * taps, f"weights of {filters} filters of {taps} taps, padded")
    whole = np.zeros(
        (shape.groups, chunks_of(shape) * CHUNK, shape.group_filters, shape.rows, shape.columns), np.float16
    )
    whole[:, : shape.group_channels] = by_group.transpose(0, 2, 1, 3, 4)
    chunked = whole.reshape(shape.groups, -1, CHUNK, *whole.shape[2:])
    ordered = chunked.transpose(0, 1, 4, 5, 2, 3)[:, order.chunk, order.row, order.column]
    rows = ordered.reshape(shape.groups, -1, shape.group_filters)
    result = np.zeros((shape.groups, depth, padded_filters(shape)), np.float16)
    result[:, : rows.shape[1], : rows.shape[2]] = rows
    return result


def tap_table(shape: ConvShape, order: Order, entries: int) -> Words:
    """For each chunk of k: chunks from a pixel's first tap to it, and its bits in a pixel's word.

    ``entries``: rows of the table; those behind the end of k lie inside no image.
    """
    pixel = shape.groups * chunks_of(shape)
    down, across = shape.dilation
    table = np.zeros((entries, 2), np.uint32)
    table[:, 1] = NEVER_INSIDE
    used = len(order.chunk)
    table[:used, 0] = (order.row * down * shape.width + order.column * across) * pixel + order.chunk
    row, column = (_bit(each, taps) for each, taps in ((order.row, shape.rows), (order.column, shape.columns)))
    table[:used, 1] = (1 << row) | (1 << (column + COLUMN_BIT))
    return table


def pixel_table(shape: ConvShape, entries: int) -> Words:
    """For each output pixel: chunks to its first tap modulo 2**32, and which kernel rows and columns lie inside.

    ``entries``: rows of the table; behind the last pixel no tap lies inside.
    """
    above, _, left, _ = shape.padding
    y = np.arange(shape.out_height) * shape.stride[0] - above
    x = np.arange(shape.out_width) * shape.stride[1] - left
    rows = _inside(y, np.arange(shape.rows) * shape.dilation[0], shape.height)
    columns = _inside(x, np.arange(shape.columns) * shape.dilation[1], shape.width) << COLUMN_BIT
    images = np.arange(shape.images)[:, None, None]
    first = (images * shape.height + y[:, None]) * shape.width + x
    table = np.zeros((entries, 2), np.uint32)
    table[: first.size, 0] = (first * (shape.groups * chunks_of(shape))).astype(np.uint32).ravel()
    table[: first.size, 1] = np.broadcast_to(rows[:, None] | columns, first.shape).ravel()
    return table


def _bit(tap: npt.NDArray[np.intp], taps: int) -> npt.NDArray[np.intp]:
    """The bit of each of a kernel's rows or columns."""
    return tap if taps <= TAP_LIMIT else np.zeros_like(tap)


def _inside(first: npt.NDArray[np.intp], taps: npt.NDArray[np.intp], size: int) -> npt.NDArray[np.intp]:
    """Bit t of element i: whether tap t of position i lies in 0 to ``size``."""
    place = first[:, None] + taps
    inside = (place >= 0) & (place < size)
    together = len(taps) > TAP_LIMIT
    each = inside.all(axis=1, keepdims=True) if together else inside
    bits: npt.NDArray[np.intp] = np.where(each, 1 << np.arange(each.shape[1]), 0).sum(axis=1)
    return bits
