"""The packed format: tiles of 32 k whose values stand k after k, as the 64-row sequenced outer product takes them."""

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from dstc_isa.errors import ShapeError
from dstc_isa.halves import HALF
from dstc_isa.sparse.bitmap import ROW, TILE_OUTER, WORD, BitmapMatrix, Side
from dstc_isa.sparse.groups import StepGroups, products
from dstc_isa.units.outer.unit import GROUP_COLUMNS, GROUP_ROWS, LONGEST

STEPS = LONGEST

WORDS: dict[Side, int] = {"a": 2, "b": 1}
"""Tiles of the bitmap format that a tile spans along the outer side: words of a step's bitmap, lines of a tile's."""

LINE = 64
"""Halves of a line: 128 bytes, as a cache has them."""

LINE_WORDS = LINE // 2
LINE_BYTES = 2 * LINE
ROW_BYTES = 2 * ROW

WARPS = 8
"""Warps of a CTA."""

BAND = 16
"""Rows of tiles that go through the columns of C side by side, at most."""

TILE_LIMIT = 1 << 28
"""Tiles of a matrix, empty ones included: 2 GiB of descriptions."""

_SLAB_TILES = 1 << 9


@frozen(eq=False)
class PackedMatrix:
    """A matrix in tiles of 64 rows x 32 k (side "a") or 32 k x 32 columns (side "b"); docs/sparse-format.md.

    ``tiles``: uint32 [tiles_outer, tiles_k, 2], a tile's first line and its rows of 8 values, none if it is empty.
    ``lines``: float16 [lines, 64], of each tile that is not empty its bitmaps, uint32 [32, words], then its values; at
    the end bitmaps without an element. ``words``: words of a step's bitmap.
    """

    tiles: NDArray[np.uint32]
    lines: NDArray[np.float16]
    words: int

    @property
    def tiles_outer(self) -> int:
        """Tiles along the rows of side "a", along the columns of side "b"."""
        return int(self.tiles.shape[0])

    @property
    def tiles_k(self) -> int:
        """Tiles along the inner dimension."""
        return int(self.tiles.shape[1])

    @property
    def empty(self) -> int:
        """First line of the bitmaps without an element."""
        return len(self.lines) - self.words

    @property
    def bytes_of_outer(self) -> float:
        """Bytes of a row of tiles along k, on average over those rows."""
        rows = self.tiles[:, :, 1]
        held = np.count_nonzero(rows) * self.words * LINE_BYTES + int(rows.sum(dtype=np.int64)) * ROW_BYTES
        return held / self.tiles_outer

    def bitmaps(self, first_lines: NDArray[Any]) -> NDArray[np.uint32]:
        """The bitmaps of tiles that begin at these lines, uint32 [tiles, 32 k, words]."""
        lines = self.lines.view(WORD)[first_lines[:, None] + np.arange(self.words)]
        return lines.reshape(-1, STEPS, self.words)

    def groups(self, size: int) -> StepGroups:
        """Groups of up to ``size`` values that outer products take."""
        outer, k = np.nonzero(self.tiles[:, :, 1])
        values = np.bitwise_count(self.bitmaps(self.tiles[outer, k, 0])).sum(axis=2, dtype=np.int64)
        return StepGroups.of(k, values, size)


@frozen
class PackedProduct:
    """A product of two packed matrices: how warps share it, and what the kernel is told."""

    a: PackedMatrix
    b: PackedMatrix

    @property
    def column_shift(self) -> int:
        """Log2 of the warps of a CTA along columns: 2 or 1, whichever brings fewer bytes of both matrices to an SM."""
        return 2 if self.a.bytes_of_outer >= self.b.bytes_of_outer else 1

    def groups(self) -> int:
        """Groups of products that the sequenced outer products walk."""
        return products(self.a.groups(GROUP_ROWS), self.b.groups(GROUP_COLUMNS))

    def launch(self, c: NDArray[np.float32], at_once: int) -> tuple[tuple[int, ...], dict[str, Any]]:
        """Grid and arguments of the kernel for the product ``c``, of which ``at_once`` CTAs run at a time."""
        along_columns = 1 << self.column_shift
        along_rows = WARPS // along_columns
        columns = -(-self.b.tiles_outer // along_columns)
        rows = -(-self.a.tiles_outer // along_rows)
        bands = -(-rows // (BAND // along_rows))
        band = -(-rows // bands)
        parts = bands * band * columns
        arguments = {
            "a_tiles": self.a.tiles,
            "a_lines": self.a.lines,
            "b_tiles": self.b.tiles,
            "b_lines": self.b.lines,
            "out": c,
            "m": c.shape[0],
            "n": c.shape[1],
            "a_tile_rows": self.a.tiles_outer,
            "b_tile_columns": self.b.tiles_outer,
            "tiles_k": self.a.tiles_k,
            "a_empty": self.a.empty,
            "b_empty": self.b.empty,
            "column_shift": self.column_shift,
            "parts": parts,
            "columns": columns,
            "per_column": (2**32 - 1) // columns,
            "band": band,
            "per_band": (2**32 - 1) // band,
        }
        return (min(parts, at_once),), arguments


def pack(matrix: BitmapMatrix) -> PackedMatrix:
    """Join the tiles of a bitmap matrix to those of the packed format; ShapeError if they are too many."""
    words = WORDS[matrix.side]
    tiles_outer, tiles_k = -(-matrix.tiles_outer // words), -(-matrix.tiles_k * matrix.tile_k // STEPS)
    if tiles_outer * tiles_k > TILE_LIMIT:
        raise ShapeError(
            f"{matrix.shape[0]} x {matrix.shape[1]} elements are too many for the packed format: at most {TILE_LIMIT} "
            f"tiles of {TILE_OUTER * words} x {STEPS}, empty ones included; the kernel spgemm takes more"
        )
    tiles = np.zeros((tiles_outer * tiles_k, 2), WORD)
    lines = [np.zeros((words, LINE), HALF)]
    step = max(1, _SLAB_TILES // max(1, tiles_k))
    done = 0
    for first in range(0, tiles_outer, step):
        last = min((first + step) * words, matrix.tiles_outer)
        places, starts, rows, of_slab = _joined(matrix, first * words, last, tiles_k)
        tiles[places] = np.stack((done + starts, rows), axis=1)
        lines.insert(-1, of_slab)
        done += len(of_slab)
    return PackedMatrix(tiles.reshape(tiles_outer, tiles_k, 2), np.concatenate(lines), words)


def _joined(
    matrix: BitmapMatrix, first: int, last: int, tiles_k: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float16]]:
    """Joined tiles of the bitmap format's tile rows ``first`` to ``last``: places, first lines, rows, lines."""
    words, tile_k = WORDS[matrix.side], matrix.tile_k
    tiles_of_steps = STEPS // tile_k
    start, stop = int(matrix.tile_start[first]), int(matrix.tile_start[last])
    present = np.unpackbits(matrix.warp_bitmap[first:last].view(np.uint8), axis=1, bitorder="little")
    outer, k = np.nonzero(present)
    places, number = np.unique((outer + first) // words * tiles_k + k // tiles_of_steps, return_inverse=True)
    at = number, k % tiles_of_steps, slice(None), outer % words
    bitmaps = np.zeros((len(places), tiles_of_steps, tile_k, words), WORD)
    bitmaps[at] = matrix.element_bitmap[start:stop]
    dense = np.zeros((*bitmaps.shape, TILE_OUTER), HALF)
    dense[at] = matrix.decode_tiles(start, stop)
    present = np.unpackbits(bitmaps.view(np.uint8), bitorder="little").view(np.bool_)
    condensed = dense.reshape(-1)[present]
    counts = np.bitwise_count(bitmaps).sum(axis=(1, 2, 3), dtype=np.int64)
    lengths = words + -(-counts // LINE)
    starts = np.cumsum(lengths) - lengths
    lines = np.zeros((int(lengths.sum()), LINE), HALF)
    lines.view(WORD)[starts[:, None] + np.arange(words)] = bitmaps.reshape(-1, words, LINE_WORDS)
    firsts = LINE * (starts + words) - (np.cumsum(counts) - counts)
    lines.reshape(-1)[np.arange(len(condensed)) + np.repeat(firsts, counts)] = condensed
    return places, starts, -(-counts // ROW), lines
