"""Filters as the sparse kernel reads them: bitmaps of each k-tile and its values, packed k after k."""

from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.operands import merge_groups
from dstc_isa.conv.sparse.sparse_plan import STEPS, WINDOW, SparsePlan

ROW = 8
"""Values of 16 bytes."""

LINE = 8
"""Rows of a line of L1: a k-tile's values begin with one, so that a load of 32 rows reads no more than four."""

AHEAD = 15
"""K-tiles behind the last one whose places or bitmaps the kernel reads or prefetches: a warp without a k-tile reads the
first two, and 12 behind those 4 bytes of a sector of places."""

ROWS_AHEAD = 320
"""Rows of values that it prefetches behind the first one of a k-tile: 4 KB behind 1 KB as it begins."""


@frozen(eq=False)
class PackedFilters:
    """Filters in tiles of 32 times ``height`` filters by 32 steps, one for each k-tile.

    ``tiles``: uint32 (k-tiles, 32 steps, height), for each step a bitmap of the filters that have a value. ``places``:
    uint32 (k-tiles, 2), the first row of the tile's values, and their number of rows. ``values``: float16 (rows, 8),
    step after step, filter after filter. ``blocks``: warps along the filters of a group.
    """

    tiles: npt.NDArray[np.uint32]
    places: npt.NDArray[np.uint32]
    values: npt.NDArray[np.float16]
    blocks: int

    @property
    def longest(self) -> int:
        """Rows of the k-tile that has the most."""
        return int(self.places[:, 1].max())


def filter_steps(w: npt.NDArray[np.float16], plan: SparsePlan, height: int) -> tuple[npt.NDArray[np.float16], int]:
    """Filters in the order of steps, float16 (k-tiles, 32 steps * 32 * ``height`` filters), and their blocks.

    K-tiles of a group's block follow each other, blocks and groups too.
    """
    shape, order = plan.launched, plan.order.reshape(-1)
    of_warp = WINDOW * height
    blocks = -(-shape.group_filters // of_warp)
    columns = merge_groups(w, plan.shape, plan.merged).reshape(shape.groups, shape.group_filters, -1)
    steps: npt.NDArray[Any] = np.zeros((shape.groups, blocks * of_warp, len(order)), np.float16)
    steps[:, : shape.group_filters] = np.where(order >= 0, columns[:, :, order], np.float16(0))
    # Group, block, k-tile, step, filter.
    tiles = steps.reshape(shape.groups, blocks, of_warp, -1, STEPS).transpose(0, 1, 3, 4, 2)
    return np.ascontiguousarray(tiles).reshape(-1, STEPS * of_warp), blocks


def pack_filters(w: npt.NDArray[np.float16], plan: SparsePlan, height: int) -> PackedFilters:
    """Pack filters, float16 of the plan's weight shape, for warps of 32 times ``height`` filters."""
    tiles, blocks = filter_steps(w, plan, height)
    present = tiles != 0
    rows = -(-present.sum(axis=1) // ROW)
    room = -(-rows // LINE) * LINE
    starts = np.cumsum(room) - room
    bitmaps = np.packbits(present, axis=1, bitorder="little").view("<u4")
    tiles_behind = ((0, AHEAD), (0, 0))
    places = np.pad(np.stack((starts, rows), axis=1).astype(np.uint32), tiles_behind)
    values = np.zeros((int(room.sum()) + ROWS_AHEAD) * ROW, np.float16)
    ranks = np.cumsum(present, axis=1) - 1
    values[(starts[:, None] * ROW + ranks)[present]] = tiles[present]
    of_steps = np.pad(bitmaps, tiles_behind).reshape(-1, STEPS, height)
    return PackedFilters(of_steps, places, values.reshape(-1, ROW), blocks)
