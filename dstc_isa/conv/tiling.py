"""How a launch of the sparse convolution is cut into warps and CTAs."""

from attrs import frozen

from dstc_isa.conv.plan import WINDOW, Plan
from dstc_isa.conv.shape import PLANNED_SMS

WARPS = 4
"""Of a CTA, as many along the positions as there are not parts: they share the filters in L1."""


@frozen
class Tiling:
    """How a launch cuts a convolution: tiles of 32 filters of a warp, and parts of the sum."""

    filter_tiles: int
    parts: int

    def kernel(self, program: str) -> str:
        """The name of a program's kernel."""
        return f"{program}_{WINDOW * self.filter_tiles}x{WINDOW}{'_parts' if self.parts > 1 else ''}"

    @property
    def windows(self) -> int:
        """Windows of outputs that a CTA has side by side."""
        return WARPS // self.parts


SHORT_ROWS = 128
"""Rows of values of a k-tile that the kernels take of which three CTAs have room on an SM instead of two."""

SHORT_CTAS = 2 * PLANNED_SMS
"""CTAs beyond which a third one on an SM has something to do."""


def program_for(program: str, tiling: Tiling, longest: int, ctas: int) -> str:
    """The program that runs a launch, ``program`` itself or its short form, whose results are the same.

    ``longest``: rows of values of the k-tile that has the most.
    """
    short = tiling == Tiling(2, 1) and longest <= SHORT_ROWS and ctas > SHORT_CTAS
    return f"{program}_short" if short else program


FIXED_CYCLES = 5000
TILE_CYCLES, DENSE_TILE_CYCLES = {1: 160, 2: 220}, {1: 330, 2: 420}
"""Of a CTA: start, end and stores; and a k-tile with so many tiles of filters, which have zeros or hardly any.

Fitted to 3x3 layers at densities 0.5 and 0.25 and without zeros, and to those of a pruned VGG-16: for each, the
chosen tiling was the fastest or at most a quarter slower.
"""

DENSE = 0.75
"""Density from which on filters count as such that have hardly any zeros."""


def choose_tiling(plan: Plan, density_w: float) -> Tiling:
    """The tiling that takes the fewest cycles by a rough estimate from the shape and the density of the filters."""
    shape, tiles = plan.launched, len(plan.order)
    rows, pitch = plan.needed
    windows = -(-shape.images * rows * pitch // WINDOW)
    tile_cycles = DENSE_TILE_CYCLES if density_w > DENSE else TILE_CYCLES

    def estimate(tiling: Tiling) -> float:
        along = -(-shape.group_filters // (WINDOW * tiling.filter_tiles))
        warps = shape.groups * along * windows * tiling.parts
        of_cta = FIXED_CYCLES + tiles / tiling.parts * tile_cycles[tiling.filter_tiles]
        return max(1.0, warps / WARPS / PLANNED_SMS) * of_cta

    return min((Tiling(filters, parts) for filters in (2, 1) for parts in (1, 2, 4)), key=estimate)


def check_tiling(tiling: Tiling) -> None:
    """Raise TypeError or ValueError for a tiling that there is no kernel for."""
    if not isinstance(tiling, Tiling):
        raise TypeError(f"tiling is a Tiling, not {type(tiling).__name__}")
    if tiling.filter_tiles not in (1, 2):
        raise ValueError(f"a tiling has 1 or 2 filter tiles, not {tiling.filter_tiles}")
    if not 1 <= tiling.parts <= WARPS or tiling.parts.bit_count() != 1:
        raise ValueError(f"a tiling has a power of two of parts, at most {WARPS}, not {tiling.parts}")
