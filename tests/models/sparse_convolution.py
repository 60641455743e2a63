"""Convolution in float32 that leaves out what a bitmap leaves out, product by product in a given order."""

import numpy as np


def sums_in_order(
    x: np.ndarray,
    inside: np.ndarray,
    w: np.ndarray,
    out: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    parts: list[list[int]],
) -> np.ndarray:
    """``x`` and ``w``, both float16, ``x`` with its padding: sums for an output of ``out`` rows and columns.

    ``inside``: which elements of ``x`` are values; others meet nothing, not even an infinite filter. ``parts``: the
    order of each part, indices into a filter's (channels, rows, columns); the sums of the parts are added in order.
    """
    filters, channels, rows, columns = w.shape
    per_group = filters // groups
    left, right = x.astype(np.float32), w.astype(np.float32)
    total = np.zeros((x.shape[0], filters, *out), np.float32)
    with np.errstate(invalid="ignore"):
        for number, part in enumerate(parts):
            sums = np.zeros_like(total)
            for k in part:
                channel, row, column = np.unravel_index(k, (channels, rows, columns))
                down = slice(row * dilation[0], row * dilation[0] + stride[0] * (out[0] - 1) + 1, stride[0])
                across = slice(column * dilation[1], column * dilation[1] + stride[1] * (out[1] - 1) + 1, stride[1])
                for group in range(groups):
                    seen = left[:, None, group * channels + channel, down, across]
                    exists = inside[:, None, group * channels + channel, down, across]
                    mine = slice(group * per_group, (group + 1) * per_group)
                    factor = right[None, mine, channel, row, column, None, None]
                    sums[:, mine] += np.where(exists & (factor != 0), seen * factor, np.float32(0))
            total = sums if number == 0 else total + sums
    return total
