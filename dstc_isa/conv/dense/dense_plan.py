"""How a dense convolution is cut into CTAs of ``programs/conv_dense.dasm``: tile, parts of k, merged groups."""

from attrs import frozen

from dstc_isa.conv.dense.implicit_gemm import BLOCK_CHUNKS, CHUNK, chunks_of, padded_filters
from dstc_isa.conv.shape import PLANNED_SMS, ConvShape
from dstc_isa.engine.launch import MAX_GRID
from dstc_isa.errors import ShapeError


@frozen
class Tile:
    """A kernel: output pixels and filters of a CTA, values of k in a slab, warps that share them, parts of k or not.

    Cycles as measured on ``v100-dstc``: of a slab for a CTA that has an SM to itself and for each of two that share
    one, and what a CTA takes apart from its slabs.
    """

    kernel: str
    pixels: int
    filters: int
    slab: int
    warps_along_k: int
    divides: bool
    slab_alone: int
    slab_shared: int
    ends: int


WIDE = Tile("conv_dense_128x128", 128, 128, 32, 1, False, slab_alone=1340, slab_shared=1200, ends=4000)
NARROW = Tile("conv_dense_128x64", 128, 64, 32, 2, False, slab_alone=720, slab_shared=641, ends=4500)
SMALL = Tile("conv_dense_64x64", 64, 64, 64, 4, True, slab_alone=710, slab_shared=656, ends=4100)
PARTS_END, PART_ENDS = 2000, 500
"""Cycles that adding up parts takes, and for each part."""

PART_LIMIT = 32


@frozen
class DensePlan:
    """``tile``; ``parts``: CTAs that share the k of one tile; ``merged``: groups that are computed as one."""

    tile: Tile
    parts: int = 1
    merged: int = 1


def slabs_of(shape: ConvShape, tile: Tile) -> int:
    """Slabs of a group's k."""
    return -(-chunks_of(shape) * CHUNK * shape.rows * shape.columns // tile.slab)


def tiles_of(shape: ConvShape, tile: Tile) -> tuple[int, int]:
    """Tiles of a group: along output pixels, along filters."""
    return -(-shape.pixels // tile.pixels), -(-padded_filters(shape) // tile.filters)


def part_slabs_of(shape: ConvShape, plan: DensePlan) -> int:
    """Slabs of a part of k, the last one excepted."""
    return -(-slabs_of(shape, plan.tile) // plan.parts)


def check_grid(row_tiles: int, depth: int) -> None:
    """ShapeError for more tiles of outputs, or more groups and parts, than a grid has."""
    if row_tiles > MAX_GRID[1]:
        raise ShapeError(
            f"the output has {row_tiles} tiles, conv_dense takes {MAX_GRID[1]}: use fewer images at a time"
        )
    if depth > MAX_GRID[2]:
        raise ShapeError(f"conv_dense takes {MAX_GRID[2]} groups, not {depth}: use fewer at a time")


def estimate(shape: ConvShape, plan: DensePlan) -> int:
    """About how many cycles a plan takes: those of the SM with the most CTAs, which it runs two at a time."""
    merged = shape.merged(plan.merged)
    rows, columns = tiles_of(merged, plan.tile)
    slabs = part_slabs_of(merged, plan)
    ends = plan.tile.ends + (PARTS_END + PART_ENDS * plan.parts if plan.parts > 1 else 0)
    most = -(-rows * columns * merged.groups * plan.parts // PLANNED_SMS)
    pair = 2 * slabs * plan.tile.slab_shared + ends
    return most // 2 * pair + most % 2 * (slabs * plan.tile.slab_alone + ends)


def plan_of(shape: ConvShape, *, merge: bool = True) -> DensePlan:
    """The plan with the lowest estimate; the first of equals.

    Groups are merged as long as their channels fill no more than one block, and only if ``merge`` allows it.
    """
    room = BLOCK_CHUNKS * CHUNK // shape.group_channels
    groups = [count for count in range(1, room + 1) if shape.groups % count == 0] if merge else []
    candidates = [
        DensePlan(tile, parts, merged)
        for merged in groups or [1]
        for tile in (WIDE, NARROW, SMALL)
        for parts in range(1, (min(PART_LIMIT, slabs_of(shape.merged(merged), tile)) if tile.divides else 1) + 1)
    ]
    return min(candidates, key=lambda plan: estimate(shape, plan))
