"""How a dense convolution is cut into CTAs of ``programs/conv_dense.dasm``: tile, parts of k, merged groups."""

from attrs import frozen

from dstc_isa.conv.dense.implicit_gemm import BLOCK_CHUNKS, CHUNK, chunks_of, padded_filters
from dstc_isa.conv.fitted import DenseCosts, dense_costs
from dstc_isa.conv.shape import PLANNED_SMS, ConvShape
from dstc_isa.engine.launch import MAX_GRID
from dstc_isa.errors import ShapeError


@frozen
class Tile:
    """A kernel: output pixels and filters of a CTA, values of k in a slab, warps that share them, parts of k or not."""

    pixels: int
    filters: int
    slab: int
    warps_along_k: int
    divides: bool

    @property
    def name(self) -> str:
        """Pixels by filters."""
        return f"{self.pixels}x{self.filters}"

    @property
    def kernel(self) -> str:
        """The kernel's name in ``programs/conv_dense.dasm``."""
        return f"conv_dense_{self.name}"


WIDE = Tile(128, 128, 32, 1, False)
NARROW = Tile(128, 64, 32, 2, False)
SMALL = Tile(64, 64, 64, 4, True)
COSTS = dense_costs()

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


def estimate(shape: ConvShape, plan: DensePlan, costs: DenseCosts = COSTS) -> float:
    """About how many cycles a plan takes: those of the SM with the most CTAs, which it runs two at a time."""
    merged, tile = shape.merged(plan.merged), costs.tiles[plan.tile.name]
    rows, columns = tiles_of(merged, plan.tile)
    slabs = part_slabs_of(merged, plan)
    ends = tile.ends + (costs.parts_end + costs.part_ends * plan.parts if plan.parts > 1 else 0)
    most = -(-rows * columns * merged.groups * plan.parts // PLANNED_SMS)
    pair = 2 * slabs * tile.slab_shared + ends
    return most // 2 * pair + most % 2 * (slabs * tile.slab_alone + ends)


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
