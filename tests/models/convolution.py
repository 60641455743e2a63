"""Convolution in float32, product by product in a stated order."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

BLOCK = 64
CHUNK = 8


def places(channels: int, rows: int, columns: int) -> Iterator[tuple[int, int, int] | None]:
    """Channel, row and column of each k of ``conv_dense.dasm``; None where a chunk of channels is filled up."""
    for first in range(0, channels, BLOCK):
        last = min(first + BLOCK, -(-channels // CHUNK) * CHUNK)
        for row in range(rows):
            for column in range(columns):
                for channel in range(first, last):
                    yield (channel, row, column) if channel < channels else None


def in_order(
    x: np.ndarray,
    w: np.ndarray,
    out: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    runs: tuple[int, int, int],
) -> np.ndarray:
    """The sums of ``x``, which has its padding, and ``w``, both float16, for an output of ``out`` rows and columns.

    ``groups``: what the kernel computes apart; ``w`` has the channels of one. ``runs``: slab, warps that share it, and
    slabs of a part of k. Each warp adds its own products; warps of a part are added up in pairs, two apart and then
    neighbours, parts one after the other.
    """
    slab, warps, part_slabs = runs
    filters, channels, rows, columns = w.shape
    left, right = x.astype(np.float32), w.astype(np.float32)
    result = []
    for group in range(groups):
        own = right[group * filters // groups : (group + 1) * filters // groups]
        zero = np.zeros((x.shape[0], len(own), *out), np.float32)
        sums: dict[tuple[int, int], np.ndarray] = defaultdict(zero.copy)
        for k, place in enumerate(places(channels, rows, columns)):
            if place is not None:
                channel, row, column = place
                down = slice(row * dilation[0], row * dilation[0] + stride[0] * (out[0] - 1) + 1, stride[0])
                across = slice(column * dilation[1], column * dilation[1] + stride[1] * (out[1] - 1) + 1, stride[1])
                seen = left[:, None, group * channels + channel, down, across]
                sums[k // slab // part_slabs, k % slab * warps // slab] += (
                    seen * own[:, channel, row, column, None, None]
                )
        total = zero
        for part in range(1 + max(part for part, _ in sums)):
            of_warps = [sums[part, warp] for warp in range(warps)]
            while len(of_warps) > 1:
                half = len(of_warps) // 2
                of_warps = [of_warps[i] + of_warps[i + half] for i in range(half)]
            total = total + of_warps[0]
        result.append(total)
    return np.concatenate(result, axis=1)
