"""Filters as the sparse kernel reads them: bitmaps of each k-tile and its values, packed k after k."""

from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.plan import STEPS, WINDOW, Plan

ROW = 8
"""Values of 16 bytes."""

AHEAD = 4
"""K-tiles that the kernel reads behind the last one."""


@frozen(eq=False)
class PackedFilters:
    """Filters in tiles of 32 by 16 steps, ``side_by_side`` of them next to each other for each k-tile.

    ``bits``: uint32 (tiles, 16), which filters have a value at a step. ``places``: uint32 (k-tiles, 2, side_by_side),
    the first rows of tiles' values and their numbers of rows. ``values``: float16 (rows, 8), k after k, filter after
    filter. ``blocks``: warps along the filters of a group.
    """

    bits: npt.NDArray[np.uint32]
    places: npt.NDArray[np.uint32]
    values: npt.NDArray[np.float16]
    blocks: int


def pack_filters(w: npt.NDArray[np.float16], plan: Plan, side_by_side: int) -> PackedFilters:
    """Pack filters, float16 of the plan's weight shape, for warps of 32 times ``side_by_side`` filters."""
    shape, order = plan.shape, plan.order.reshape(-1)
    blocks = -(-shape.group_filters // (WINDOW * side_by_side))
    columns = w.reshape(shape.groups, shape.group_filters, -1)
    steps: npt.NDArray[Any] = np.zeros((shape.groups, blocks * side_by_side * WINDOW, len(order)), np.float16)
    steps[:, : shape.group_filters] = np.where(order >= 0, columns[:, :, order], np.float16(0))
    # Group, block, k-tile, tile of the block, step, filter.
    tiles = steps.reshape(shape.groups, blocks, side_by_side, WINDOW, -1, STEPS).transpose(0, 1, 4, 2, 5, 3)
    tiles = np.ascontiguousarray(tiles).reshape(-1, STEPS * WINDOW)
    present = tiles != 0
    bits = np.zeros((len(tiles) + AHEAD * side_by_side, STEPS), np.uint32)
    bits[: len(tiles)] = np.packbits(present, axis=1, bitorder="little").view("<u4")
    counts = present.sum(axis=1)
    rows = -(-counts // ROW)
    starts = np.cumsum(rows) - rows
    places = np.zeros((len(tiles) // side_by_side + AHEAD, 2, side_by_side), np.uint32)
    places[:-AHEAD, 0] = starts.reshape(-1, side_by_side)
    places[:-AHEAD, 1] = rows.reshape(-1, side_by_side)
    values = np.zeros(max(1, int(rows.sum())) * ROW, np.float16)
    ranks = np.cumsum(present, axis=1) - 1
    values[(starts[:, None] * ROW + ranks)[present]] = tiles[present]
    return PackedFilters(bits, places, values.reshape(-1, ROW), blocks)
