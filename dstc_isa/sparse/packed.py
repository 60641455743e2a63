"""The packed format: tiles of 32 k whose values stand k after k, as the 64-row sequenced outer product takes them."""

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from dstc_isa.halves import HALF
from dstc_isa.isa.tensor import GROUP_COLUMNS, GROUP_ROWS
from dstc_isa.isa.warp import LONGEST
from dstc_isa.sparse.bitmap import ROW, TILE_K, TILE_OUTER, WORD, BitmapMatrix, Side

STEPS = LONGEST
TILES_K = STEPS // TILE_K
"""Tiles of the bitmap format that a tile spans along k."""

WORDS: dict[Side, int] = {"a": 2, "b": 1}
"""And along the outer side: words of a step's bitmap."""

BEHIND = 32
"""Rows of zeros behind the last value, which a kernel may read ahead of what it needs."""

WARPS = 8
"""Of a CTA."""

_SLAB_TILES = 1 << 9


@frozen(eq=False)
class PackedMatrix:
    """A matrix in tiles of 64 rows x 32 k (side "a") or 32 k x 32 columns (side "b"); docs/sparse-format.md.

    For T non-empty tiles, ``tiles``: uint32 [tiles_outer, tiles_k + 1, 2], how many of them are before a tile, and its
    first row of ``values``; a tile without rows is empty. ``bitmaps``: uint32 [T + 1, 32, words], the last zero.
    ``values``: float16 [rows, 8].
    """

    tiles: NDArray[np.uint32]
    bitmaps: NDArray[np.uint32]
    values: NDArray[np.float16]

    @property
    def tiles_outer(self) -> int:
        """Tiles along the rows of side "a", along the columns of side "b"."""
        return self.tiles.shape[0]

    @property
    def tiles_k(self) -> int:
        """Tiles along the inner dimension."""
        return self.tiles.shape[1] - 1

    @property
    def empty(self) -> int:
        """Number of the tile without an element, behind those that have any."""
        return len(self.bitmaps) - 1

    def groups(self, size: int) -> NDArray[np.int64]:
        """Groups of up to ``size`` values that outer products take, per k of whole tiles, summed over tiles: int64."""
        present = np.diff(self.tiles[:, :, 1].astype(np.int64), axis=1) > 0
        counts = np.bitwise_count(self.bitmaps[: self.empty]).sum(axis=2, dtype=np.int64)
        total = np.zeros((self.tiles_k, STEPS), np.int64)
        np.add.at(total, np.nonzero(present)[1], -(-counts // size))
        return total.reshape(-1)


@frozen
class PackedProduct:
    """A product of two packed matrices: how warps share it, and what the kernel is told."""

    a: PackedMatrix
    b: PackedMatrix

    @property
    def column_shift(self) -> int:
        """Log2 of the warps of a CTA along columns, those that load fewest bytes of both matrices together."""
        return 2

    @property
    def cta(self) -> tuple[int, int]:
        """Rows and columns of a CTA's part of the product."""
        along_columns = 1 << self.column_shift
        return WARPS // along_columns * TILE_OUTER * WORDS["a"], along_columns * TILE_OUTER * WORDS["b"]

    def groups(self) -> int:
        """Groups of products that the sequenced outer products walk."""
        return int(self.a.groups(GROUP_ROWS) @ self.b.groups(GROUP_COLUMNS))

    def arguments(self) -> dict[str, Any]:
        """The kernel arguments of the operands."""
        return {
            "a_tiles": self.a.tiles,
            "a_bitmaps": self.a.bitmaps,
            "a_values": self.a.values,
            "b_tiles": self.b.tiles,
            "b_bitmaps": self.b.bitmaps,
            "b_values": self.b.values,
            "a_tile_rows": self.a.tiles_outer,
            "b_tile_columns": self.b.tiles_outer,
            "tiles_k": self.a.tiles_k,
            "a_empty": self.a.empty,
            "b_empty": self.b.empty,
            "column_shift": self.column_shift,
        }


def pack(matrix: BitmapMatrix) -> PackedMatrix:
    """Join the tiles of a bitmap matrix to those of the packed format."""
    words = WORDS[matrix.side]
    tiles_outer, tiles_k = -(-matrix.tiles_outer // words), -(-matrix.tiles_k // TILES_K)
    places, bitmaps, values = [], [np.zeros((1, STEPS, words), WORD)], [np.zeros((BEHIND, ROW), HALF)]
    step = max(1, _SLAB_TILES // max(1, tiles_k))
    for first in range(0, tiles_outer, step):
        of_slab = _joined(matrix, first * words, min((first + step) * words, matrix.tiles_outer), tiles_k)
        places.append(of_slab[0])
        bitmaps.insert(-1, of_slab[1])
        values.insert(-1, of_slab[2])
    place = np.concatenate(places) if places else np.zeros(0, np.int64)
    all_bitmaps = np.concatenate(bitmaps)
    first_rows = np.concatenate(([0], np.cumsum(_rows(all_bitmaps[:-1]))))
    before = np.searchsorted(place, np.arange(tiles_outer)[:, None] * tiles_k + np.arange(tiles_k + 1))
    return PackedMatrix(
        tiles=np.stack((before, first_rows[before]), axis=2).astype(WORD),
        bitmaps=all_bitmaps,
        values=np.concatenate(values),
    )


def _rows(bitmaps: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Rows of values of each tile."""
    rows: NDArray[np.int64] = -(-np.bitwise_count(bitmaps).sum(axis=(1, 2), dtype=np.int64) // ROW)
    return rows


def _joined(
    matrix: BitmapMatrix, first: int, last: int, tiles_k: int
) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.float16]]:
    """Of tile rows ``first`` to ``last`` of the bitmap format: places of joined tiles, their bitmaps and values."""
    words = WORDS[matrix.side]
    start, stop = int(matrix.tile_start[first]), int(matrix.tile_start[last])
    present = np.unpackbits(matrix.warp_bitmap[first:last].view(np.uint8), axis=1, bitorder="little")
    outer, k = np.nonzero(present)
    places, number = np.unique((outer + first) // words * tiles_k + k // TILES_K, return_inverse=True)
    at = number, k % TILES_K, slice(None), outer % words
    bitmaps = np.zeros((len(places), TILES_K, TILE_K, words), WORD)
    bitmaps[at] = matrix.element_bitmap[start:stop]
    dense = np.zeros((*bitmaps.shape, TILE_OUTER), HALF)
    dense[at] = matrix.decode_tiles(start, stop)
    bitmaps = bitmaps.reshape(-1, STEPS, words)
    condensed = dense.reshape(-1)[np.unpackbits(bitmaps.view(np.uint8), bitorder="little").view(np.bool_).reshape(-1)]
    counts = np.bitwise_count(bitmaps).sum(axis=(1, 2), dtype=np.int64)
    rows = _rows(bitmaps)
    padding = np.cumsum(ROW * rows - counts) - (ROW * rows - counts)
    values = np.zeros(ROW * int(rows.sum()), HALF)
    values[np.arange(len(condensed)) + np.repeat(padding, counts)] = condensed
    return places, bitmaps, values.reshape(-1, ROW)
