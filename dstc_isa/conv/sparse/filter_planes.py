"""Filters as the kernel of BOHMMA and OHMMA reads them: bitmaps of each k-tile, and its values in planes of 8 steps."""

from typing import Any

import numpy as np
import numpy.typing as npt

from dstc_isa.conv.sparse.filters import AHEAD, LINE, ROW, PackedFilters, filter_steps
from dstc_isa.conv.sparse.sparse_plan import STEPS, WINDOW, SparsePlan

PLANES = STEPS // ROW
"""Planes of a k-tile, in which a row of 16 bytes has a value of each of 8 steps."""

ROWS_BEHIND = PLANES * 2 * WINDOW
"""Rows that a warp reads behind its last k-tile's: as if there were one more."""


def pack_planes(w: npt.NDArray[np.float16], plan: SparsePlan, height: int) -> PackedFilters:
    """Pack filters, float16 of the plan's weight shape, for warps of 32 times ``height`` filters.

    Row i of a plane has the i-th values of its steps. A k-tile's planes follow each other, in each its tiles of 32
    filters. All have as many rows, which ``places`` tells: lines for the step of 32 filters that has the most values.
    """
    tiles, blocks = filter_steps(w, plan, height)
    steps = tiles.reshape(-1, STEPS, height, WINDOW)
    present = steps != 0
    rows = -(-present.sum(axis=3).max(axis=(1, 2)) // LINE) * LINE
    room = rows * PLANES * height
    starts = np.cumsum(room) - room
    bitmaps = np.packbits(present, axis=3, bitorder="little").view("<u4").reshape(-1, STEPS, height)
    places = np.stack((starts, rows), axis=1).astype(np.uint32)
    values: npt.NDArray[Any] = np.zeros((int(room.sum()) + ROWS_BEHIND, ROW), np.float16)
    ranks = np.cumsum(present, axis=3) - 1
    number, step, tile, filter_ = np.nonzero(present)
    of_plane = (step // ROW * height + tile) * rows[number]
    row = starts[number] + of_plane + ranks[number, step, tile, filter_]
    values[row, step % ROW] = steps[number, step, tile, filter_]
    return PackedFilters(
        np.pad(bitmaps, ((0, AHEAD), (0, 0), (0, 0))), np.pad(places, ((0, AHEAD), (0, 0))), values, blocks
    )
