"""The two-level bitmap format of a sparse matrix: the arrays that a kernel reads from global memory."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from dstc_isa.errors import ArgumentTypeError, ShapeError, UsageError
from dstc_isa.halves import HALF, ValueRangeError, in_operand, overflowing, rounded_to_half
from dstc_isa.host_memory import require
from dstc_isa.real_arrays import REAL_KINDS, is_sparse, real_array
from dstc_isa.sparse.groups import StepGroups

if TYPE_CHECKING:
    from scipy.sparse import sparray, spmatrix

Side: TypeAlias = Literal["a", "b"]
Matrix: TypeAlias = "NDArray[Any] | sparray | spmatrix[Any]"

TILE_OUTER = 32
TILE_K = 16
"""Steps of a tile unless a kernel wants other ones: a multiple of ROW, and a tile's outer size at most."""

WORD_BITS = 32
ROW = 8
"""Values of a row: one for each of 8 steps, 16 bytes, what a lane loads at once."""

PLANE = 8
"""Rows of a plane, 128 bytes; behind each other those of a tile's steps, and again for its next values."""

MOST_SHIFT = 8
"""Where ``step_counts`` has the most values of a step; the fewest are in the bits below."""

WORD_LIMIT = 2**32 - 1
DIMENSION_LIMIT = 2**31 - 1

WORD = np.dtype("<u4")
_SLAB_ELEMENTS = 1 << 19


@frozen(eq=False)
class BitmapMatrix:
    """A matrix as two levels of bitmaps and condensed FP16 values; docs/sparse-format.md has the layout.

    Side "a" is M x K in tiles of 32 rows x ``tile_k``, side "b" K x N in tiles of ``tile_k`` x 32 columns; the side
    of 32 is called outer. ``warp_bitmap``: uint32 [tiles_outer, ceil(tiles_k / 32)]. ``tile_start``: uint32
    [tiles_outer + 1]. For T non-empty tiles, ``element_bitmap``: uint32 [T + 1, tile_k], the last zero;
    ``value_start``: uint32 [T + 1], in rows of ``values``: float16 [rows, 8]; ``step_counts``: uint32 [T + 1], the
    fewest and, shifted by MOST_SHIFT, the most values of a step of the tile; ``step_bitmap``: uint32 [T + 1], a bit for
    each step that has any. ``underflowed``: non-zero values that
    FP16 rounds to zero, not stored.
    """

    shape: tuple[int, int]
    side: Side
    tile_k: int
    warp_bitmap: NDArray[np.uint32]
    tile_start: NDArray[np.uint32]
    element_bitmap: NDArray[np.uint32]
    value_start: NDArray[np.uint32]
    step_counts: NDArray[np.uint32]
    step_bitmap: NDArray[np.uint32]
    values: NDArray[np.float16]
    nnz: int
    underflowed: int

    @property
    def tiles_outer(self) -> int:
        """Tiles along the rows of side "a", along the columns of side "b"."""
        return _tile_grid(self.shape, self.side, self.tile_k)[0]

    @property
    def tiles_k(self) -> int:
        """Tiles along the inner dimension."""
        return _tile_grid(self.shape, self.side, self.tile_k)[1]

    @property
    def tiles(self) -> int:
        """Tiles that are not empty."""
        return len(self.value_start) - 1

    def groups(self, size: int) -> StepGroups:
        """Groups of up to ``size`` values that outer products take."""
        present = np.unpackbits(self.warp_bitmap.view(np.uint8), axis=1, bitorder="little")
        values = np.bitwise_count(self.element_bitmap[: self.tiles]).astype(np.int64)
        return StepGroups.of(np.nonzero(present)[1], values, size)

    @property
    def density(self) -> float:
        """Stored values per element of the matrix, 0 to 1; 0 for a matrix without elements."""
        rows, columns = self.shape
        return self.nnz / (rows * columns) if rows and columns else 0.0

    @property
    def nbytes(self) -> int:
        """Bytes of the seven arrays."""
        levels = (self.warp_bitmap, self.tile_start, self.step_bitmap, self.element_bitmap)
        return sum(array.nbytes for array in (*levels, self.value_start, self.step_counts, self.values))

    def decode(self) -> NDArray[np.float16]:
        """Return the dense matrix, float16 of ``shape``."""
        matrix = np.zeros(self.shape, HALF)
        by_outer = matrix if self.side == "a" else matrix.T
        tile_k, tiles_k = self.tile_k, self.tiles_k
        tile = TILE_OUTER * tile_k
        for first, last in _slabs(self.tiles_outer, tiles_k * tile):
            start, stop = int(self.tile_start[first]), int(self.tile_start[last])
            present = np.unpackbits(self.warp_bitmap[first:last].view(np.uint8), axis=1, bitorder="little")
            tiles = np.zeros(((last - first) * tiles_k, tile), HALF)
            tiles[np.flatnonzero(present[:, :tiles_k])] = self.decode_tiles(start, stop).reshape(-1, tile)
            slab = tiles.reshape(last - first, tiles_k, tile_k, TILE_OUTER).transpose(0, 3, 1, 2)
            target = by_outer[first * TILE_OUTER : last * TILE_OUTER]
            rows = (last - first) * TILE_OUTER
            target[:] = slab.reshape(rows, tiles_k * tile_k)[: target.shape[0], : target.shape[1]]
        return matrix

    def decode_tiles(self, start: int, stop: int) -> NDArray[np.float16]:
        """Return the non-empty tiles of these numbers, float16 [stop - start, tile_k, 32]."""
        elements = np.unpackbits(self.element_bitmap[start:stop].view(np.uint8), axis=1, bitorder="little")
        elements = elements.reshape(-1, self.tile_k, TILE_OUTER) != 0
        tiles = np.zeros(elements.shape, HALF)
        tiles[elements] = self.values.reshape(-1)[
            _places(elements, self.value_start[start : stop + 1].astype(np.int64))
        ]
        return tiles


def encode(matrix: Matrix, side: Side, tile_k: int = TILE_K) -> BitmapMatrix:
    """Encode a dense array or a SciPy sparse matrix, rows x columns, as operand ``side`` of a product.

    ``tile_k``: steps of a tile, 8, 16, 24 or 32.

    Values are rounded to FP16, to nearest even; zeros are dropped; duplicates of a sparse matrix are summed in its
    own type first. Raises TypeError for what is not a real matrix, ValueRangeError for a value beyond FP16's range,
    ValueError for wrong dimensions and for sizes that the format's 32-bit words cannot hold.
    """
    if not isinstance(side, str) or side not in ("a", "b"):
        raise UsageError(f'side is "a" (left operand) or "b" (right operand), not {side!r}')
    if tile_k not in range(ROW, TILE_OUTER + 1, ROW):
        raise UsageError(f"tile_k: a tile has 8, 16, 24 or 32 steps, not {tile_k}")
    if is_sparse(matrix):
        sparse: Any = matrix
        if sparse.dtype.kind not in REAL_KINDS:
            raise ArgumentTypeError(f"{side}: expected real numbers, not {sparse.dtype}")
        _check_dimensions(side, sparse.shape)
        with in_operand(side):
            return _encode_sparse(sparse, side, tile_k)
    dense = real_array(side, matrix)
    _check_dimensions(side, dense.shape)
    with in_operand(side):
        return _encode_dense(dense, side, tile_k)


def _check_dimensions(side: Side, shape: tuple[int, ...]) -> None:
    if len(shape) != 2:
        raise ShapeError(f"{side}: a matrix has 2 dimensions, this array has {len(shape)}: shape {shape}")


def _tile_grid(shape: tuple[int, int], side: Side, tile_k: int) -> tuple[int, int]:
    outer, inner = shape if side == "a" else shape[::-1]
    return -(-outer // TILE_OUTER), -(-inner // tile_k)


def _checked_tile_grid(shape: tuple[int, int], side: Side, tile_k: int) -> tuple[int, int]:
    tiles_outer, tiles_k = _tile_grid(shape, side, tile_k)
    if max(shape) > DIMENSION_LIMIT or tiles_outer * tiles_k > WORD_LIMIT:
        raise ShapeError(
            f"a {shape[0]} x {shape[1]} matrix is too large for the bitmap format: "
            f"at most {DIMENSION_LIMIT} rows or columns and {WORD_LIMIT} tiles of 32 x {tile_k}"
        )
    return tiles_outer, tiles_k


def _slabs(tiles_outer: int, elements: int) -> Iterator[tuple[int, int]]:
    """Ranges of tile rows, of so many elements each, small enough that the work on one stays in cache."""
    step = max(1, _SLAB_ELEMENTS // max(1, elements))
    for first in range(0, tiles_outer, step):
        yield first, min(first + step, tiles_outer)


def _places(elements: NDArray[np.bool_], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the values of ``elements`` [tiles, k, 32] stand, in their order; ``starts``: first rows, and the end."""
    ranks = np.cumsum(elements, axis=2, dtype=np.int8)
    tile_k = elements.shape[1]
    places = _column_places(starts[:-1], tile_k)[:, :, None] + _rank_places(ranks.astype(np.int64) - 1, tile_k)
    return places[elements]


def _column_places(firsts: NDArray[np.int64], tile_k: int) -> NDArray[np.int64]:
    """Where the first value of each step of each tile stands, [tiles, tile_k]; ``firsts``: the tiles' first rows."""
    step = np.arange(tile_k)
    places: NDArray[np.int64] = ROW * (firsts[:, None] + step // ROW * PLANE) + step % ROW
    return places


def _rank_places(ranks: NDArray[np.int64], tile_k: int) -> NDArray[np.int64]:
    """How far behind the first value of their step those of these numbers stand."""
    return ROW * (ranks // PLANE * tile_k + ranks % PLANE)


def _encode_dense(matrix: NDArray[Any], side: Side, tile_k: int) -> BitmapMatrix:
    tiles_outer, tiles_k = _checked_tile_grid(matrix.shape, side, tile_k)
    by_outer = matrix if side == "a" else matrix.T
    numbers, bitmaps, values = [np.empty(0, np.int64)], [np.empty((0, tile_k), WORD)], [np.empty(0, HALF)]
    nonzero = 0
    for first, last in _slabs(tiles_outer, tiles_k * TILE_OUTER * tile_k):
        slab = by_outer[first * TILE_OUTER : last * TILE_OUTER]
        nonzero += int(np.count_nonzero(slab))
        rounded = rounded_to_half(slab)
        overflows = overflowing(slab, rounded)
        if overflows.any():
            outer, k = np.argwhere(overflows)[0]
            raise _range_error(side, first * TILE_OUTER + outer, k, slab[outer, k])
        tiles = _tiles(rounded, tiles_k, tile_k, "C" if side == "a" else "F")
        # Shifting the sign out tests both zeros at once, much faster than a comparison of FP16.
        elements = tiles.view(np.uint16) << 1 != 0
        bitmap = np.packbits(elements, axis=1, bitorder="little").view(WORD)
        present = np.flatnonzero(bitmap.any(axis=1))
        kept, columns = elements[present], bitmap[present]
        starts = _value_starts(np.bitwise_count(columns))
        condensed = np.zeros(starts[-1] * ROW, HALF)
        condensed[_places(kept.reshape(-1, tile_k, TILE_OUTER), starts)] = tiles[present][kept]
        numbers.append(first * tiles_k + present)
        bitmaps.append(columns)
        values.append(condensed)
    return _assemble(
        matrix.shape, side, np.concatenate(numbers), np.concatenate(bitmaps), np.concatenate(values), nonzero
    )


def _tiles(slab: NDArray[np.float16], tiles_k: int, tile_k: int, order: Literal["C", "F"]) -> NDArray[np.float16]:
    """Cut an [outer, k] slab into rows [tiles, 32 * tile_k], k after k, zero where the slab ends."""
    rows = -(-slab.shape[0] // TILE_OUTER)
    whole = np.zeros((rows * TILE_OUTER, tiles_k * tile_k), HALF, order=order)
    whole[: slab.shape[0], : slab.shape[1]] = slab
    cut = whole.reshape(rows, TILE_OUTER, tiles_k, tile_k).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(cut).reshape(-1, TILE_OUTER * tile_k)


def _encode_sparse(matrix: Any, side: Side, tile_k: int) -> BitmapMatrix:
    _, tiles_k = _checked_tile_grid(matrix.shape, side, tile_k)
    coordinates = matrix.tocoo()
    row, column, data = coordinates.row.astype(np.int64), coordinates.col.astype(np.int64), coordinates.data
    outer, k = (row, column) if side == "a" else (column, row)
    # Tile row, then k, then outer element: the order of the format, because a tile is consecutive k.
    place = (outer // TILE_OUTER * (tiles_k * tile_k) + k) * TILE_OUTER + outer % TILE_OUTER
    order = np.argsort(place, kind="stable")
    place = place[order]
    firsts = _group_starts(place)
    place = place[firsts]
    with np.errstate(over="ignore", invalid="ignore"):
        data = np.add.reduceat(data[order], firsts, dtype=data.dtype)
    rounded = rounded_to_half(data)
    overflows = np.flatnonzero(overflowing(data, rounded))
    if len(overflows):
        outer, k = _outer_and_k(place[overflows], tiles_k * tile_k)
        worst = np.lexsort((k, outer))[0]
        raise _range_error(side, outer[worst], k[worst], data[overflows[worst]])
    kept = rounded != 0
    place, rounded = place[kept], rounded[kept]

    column_starts = _group_starts(place // TILE_OUTER)
    columns = place[column_starts] // TILE_OUTER
    numbers = np.unique(columns // tile_k)
    bits = np.left_shift(WORD.type(1), (place % TILE_OUTER).astype(WORD))
    bitmaps = np.zeros((len(numbers), tile_k), WORD)
    tile_of_column = np.searchsorted(numbers, columns // tile_k)
    bitmaps[tile_of_column, columns % tile_k] = np.bitwise_or.reduceat(bits, column_starts)
    starts = _value_starts(np.bitwise_count(bitmaps))
    values = np.zeros(starts[-1] * ROW, HALF)
    counts = np.diff(column_starts, append=len(place))
    ranks = np.arange(len(place)) - np.repeat(column_starts, counts)
    firsts = _column_places(starts[:-1], tile_k)[tile_of_column, columns % tile_k]
    values[np.repeat(firsts, counts) + _rank_places(ranks, tile_k)] = rounded
    return _assemble(matrix.shape, side, numbers, bitmaps, values, int(np.count_nonzero(data)))


def _group_starts(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices of the first of each run of equal keys."""
    return np.flatnonzero(np.diff(keys, prepend=-1))


def _outer_and_k(place: NDArray[np.int64], padded_k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    tile_row, k = np.divmod(place // TILE_OUTER, padded_k)
    return tile_row * TILE_OUTER + place % TILE_OUTER, k


def _range_error(side: Side, outer: np.int64, k: np.int64, value: Any) -> ValueRangeError:
    row, column = (outer, k) if side == "a" else (k, outer)
    return ValueRangeError((int(row), int(column)), value)


def _value_starts(counts: NDArray[Any]) -> NDArray[np.int64]:
    """First row of each tile, ``counts`` [tiles, k]: the values of its steps; the last entry is the rows in all."""
    parts = -(-counts.max(axis=1, initial=0).astype(np.int64) // PLANE)
    starts = np.concatenate(([0], np.cumsum(counts.shape[1] * parts)))
    if starts[-1] > WORD_LIMIT:
        raise ValueError(
            f"the matrix's non-zero values take {starts[-1]} rows of 16 bytes: "
            f"the bitmap format holds at most {WORD_LIMIT}; split the matrix"
        )
    return starts


def _assemble(
    shape: tuple[int, int],
    side: Side,
    numbers: NDArray[np.int64],
    element_bitmap: NDArray[np.uint32],
    values: NDArray[np.float16],
    nonzero: int,
) -> BitmapMatrix:
    """Add the first level; ``numbers``: ascending positions of the non-empty tiles in the grid, row after row."""
    tile_k = element_bitmap.shape[1]
    tiles_outer, tiles_k = _tile_grid(shape, side, tile_k)
    words = -(-tiles_k // WORD_BITS)
    require(tiles_outer * words * WORD.itemsize, f"the bitmap of {tiles_outer}x{tiles_k} tiles")
    warp_bitmap = np.zeros((tiles_outer, words), WORD)
    tile_row, tile_column = np.divmod(numbers, max(1, tiles_k))
    word = tile_row * words + tile_column // WORD_BITS
    starts = _group_starts(word)
    bits = np.left_shift(WORD.type(1), (tile_column % WORD_BITS).astype(WORD))
    warp_bitmap.reshape(-1)[word[starts]] = np.bitwise_or.reduceat(bits, starts)
    element_bitmap = np.concatenate((element_bitmap, np.zeros((1, tile_k), WORD)))
    counts = np.bitwise_count(element_bitmap).astype(WORD)
    nnz = int(counts.sum(dtype=np.int64))
    return BitmapMatrix(
        shape=(int(shape[0]), int(shape[1])),
        side=side,
        tile_k=tile_k,
        warp_bitmap=warp_bitmap,
        tile_start=np.searchsorted(numbers, np.arange(tiles_outer + 1) * tiles_k).astype(WORD),
        element_bitmap=element_bitmap,
        value_start=_value_starts(counts[:-1]).astype(WORD),
        step_counts=counts.min(axis=1) | counts.max(axis=1) << MOST_SHIFT,
        step_bitmap=np.left_shift((counts != 0).astype(WORD), np.arange(tile_k, dtype=WORD)).sum(axis=1, dtype=WORD),
        values=np.concatenate((values.reshape(-1, ROW), np.zeros((TILE_OUTER // PLANE * tile_k, ROW), HALF))),
        nnz=nnz,
        underflowed=nonzero - nnz,
    )
