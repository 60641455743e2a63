"""How a launch of the sparse convolution is cut into warps and CTAs."""

from collections.abc import Callable, Iterable

from attrs import frozen

from dstc_isa.conv.shape import PLANNED_SMS
from dstc_isa.conv.sparse.sparse_plan import STEPS, WINDOW, SparsePlan
from dstc_isa.errors import ArgumentTypeError, UsageError

WARPS = 4
"""Of a CTA, as many along the positions as there are not parts: they share the filters in L1."""

FILTER_TILES, PARTS = (2, 1), (1, 2, 4)


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


@frozen
class Cut:
    """A tiling, and which CTAs have whole windows.

    ``ctas``: of a group, if all had. ``whole``: those that have; behind them each is two, with half of each window.
    """

    tiling: Tiling
    ctas: int
    whole: int

    @property
    def launched(self) -> int:
        """CTAs of a group."""
        return 2 * self.ctas - self.whole


SPARSE_ROWS = 128
"""Rows of values of a k-tile, of 64 filters, that the kernels for sparse filters take."""

SLOTS = 2
"""CTAs that have room on an SM otherwise."""

WAVE = SLOTS * PLANNED_SMS
"""CTAs that have room at a time."""

SHORT_CTAS = WAVE
"""CTAs beyond which a third one on an SM has something to do: those of the short kernels."""


def program_for(program: str, cut: Cut, longest: int, groups: int) -> str:
    """The program that runs a launch, ``program`` itself or a form for sparse filters, whose results are the same.

    ``longest``: rows of values of the k-tile that has the most.
    """
    if cut.tiling.filter_tiles != 2 or longest > SPARSE_ROWS:
        return program
    return f"{program}_short" if _has_three_on_an_sm(cut, groups) else f"{program}_wide"


def _has_three_on_an_sm(cut: Cut, groups: int) -> bool:
    """Whether the short kernels do a cut of sparse filters, and have something to do for a third CTA."""
    return cut.tiling == Tiling(2, 1) and cut.whole == cut.ctas and cut.ctas * groups > SHORT_CTAS


DENSE = 0.75
"""Density from which on filters count as such that have hardly any zeros."""

FIXED_CYCLES, PARTS_CYCLES = 3000, 1000
"""Of a CTA: start, end and stores; and adding up parts."""

ALONE = {(2, 1): 147, (2, 2): 160, (2, 4): 225, (1, 1): 138, (1, 2): 115, (1, 4): 140}
BESIDE = {(2, 1): 122, (2, 2): 142, (2, 4): 210, (1, 1): 90, (1, 2): 95, (1, 4): 122}
SHORT_BESIDE = 150
"""Of a k-tile, by tiles of filters and parts: of a CTA that has its SM to itself, and of each of two and of three.

Fitted to 3x3 layers of 1 to 16 images at densities 0.5 and 0.25; of 28 the choice is the fastest of those tried for 26,
a twentieth slower for one and a sixth for one.
"""

DENSE_ALONE = {(2, False): 720, (2, True): 393, (1, False): 437, (1, True): 158}
DENSE_BESIDE = {(2, False): 540, (2, True): 262, (1, False): 280, (1, True): 170}
L2_BYTES = {1: 0.85 * 2048, 2: 0.75 * 2048, 4: 0.55 * 2048}
HALVES_OF_PARTS = 500
"""Without zeros, by tiles of filters and whether windows are halves; the bytes of filters that L2 delivers in a
cycle to sums of so many parts; and of a CTA with halves and parts beside one with whole windows. Fitted to 3x3 layers
of 1 to 32 images.
"""

STEPS_ALONE, STEPS_BESIDE = 570, 375
"""Of the kernel of BOHMMA and OHMMA, with 64 filters a warp; fitted at densities 0.5 and 0.25."""

FEW_MORE, RATHER_DENSE = PLANNED_SMS // 3, 0.28
"""CTAs beyond one for each SM, at most, and density of filters, at least, with which halves of windows pay where
filters have zeros: the tensor core has half as much to do then, the load and store unit as much as for a whole one."""


def choose_tiling(plan: SparsePlan, density_w: float, halves: bool = True) -> Tiling:
    """The tiling that takes the fewest cycles by a rough estimate from the shape and the density of the filters.

    ``halves``: whether the kernel can do halves of windows. The number of parts is the same whether it can or not, and
    wherever planes begin.
    """
    windows = _windows(plan)

    def cycles(tilings: Iterable[Tiling], halves: bool) -> float:
        return min(_estimate(plan, _cut(plan, windows, tiling, density_w, halves), density_w) for tiling in tilings)

    of_parts = [[Tiling(filter_tiles, parts) for filter_tiles in FILTER_TILES] for parts in PARTS]
    best = min(of_parts, key=lambda tilings: cycles(tilings, True) + cycles(tilings, False))
    return min(best, key=lambda tiling: cycles([tiling], halves))


def choose_step_tiling(plan: SparsePlan) -> Tiling:
    """The tiling for the kernel of BOHMMA and OHMMA: 64 filters a warp, and as many parts as take the fewest cycles."""

    def cycles(tiling: Tiling) -> float:
        launched = plan.launched.groups * _ctas(plan, _windows(plan), tiling)
        return _in_waves(plan, tiling, launched, WAVE, lambda on_sm: max(STEPS_ALONE, STEPS_BESIDE * len(on_sm)))

    return min((Tiling(2, parts) for parts in PARTS), key=cycles)


def choose_cut(plan: SparsePlan, tiling: Tiling, density_w: float, halves: bool) -> Cut:
    """Which CTAs of a tiling have halves of windows, if the kernel can do them."""
    return _cut(plan, plan.tiles, tiling, density_w, halves)


def _windows(plan: SparsePlan) -> int:
    """Windows of outputs of a plan without room for others, wherever planes begin."""
    rows, pitch = plan.needed
    return -(-plan.launched.images * rows * pitch // WINDOW)


def _ctas(plan: SparsePlan, windows: int, tiling: Tiling) -> int:
    """CTAs of a group."""
    return -(-plan.launched.group_filters // (WINDOW * tiling.filter_tiles)) * -(-windows // tiling.windows)


def _fixed_cycles(tiling: Tiling) -> int:
    return FIXED_CYCLES + (PARTS_CYCLES if tiling.parts > 1 else 0)


def _cut(plan: SparsePlan, windows: int, tiling: Tiling, density_w: float, halves: bool) -> Cut:
    """The cut of so many windows by a tiling that takes the fewest cycles."""
    ctas = _ctas(plan, windows, tiling)
    more = ctas % PLANNED_SMS if plan.launched.groups == 1 else 0
    wholes = [ctas]
    if halves and density_w > DENSE and (tiling.parts == 1 or tiling == Tiling(2, 2)):
        wholes += [0, ctas - more] if 2 * more <= PLANNED_SMS else [0]
    elif halves and density_w >= RATHER_DENSE and tiling == Tiling(2, 1) and PLANNED_SMS < ctas <= WAVE:
        wholes = [ctas - more] if more <= FEW_MORE else wholes
    cuts = [Cut(tiling, ctas, whole) for whole in wholes]
    return min(cuts, key=lambda cut: _estimate(plan, cut, density_w))


def _estimate(plan: SparsePlan, cut: Cut, density_w: float) -> float:
    """Roughly the cycles of a launch: as many CTAs at a time as have room, for as long as the first SM takes."""
    groups, tiles, tiling = plan.launched.groups, len(plan.order), cut.tiling
    dense = density_w > DENSE
    launched = groups * (cut.launched if dense else cut.ctas)
    wave = WAVE + PLANNED_SMS if not dense and _has_three_on_an_sm(cut, groups) else WAVE

    def cycles_of_tile(on_sm: range) -> float:
        if not dense:
            one = ALONE[tiling.filter_tiles, tiling.parts]
            beside = SHORT_BESIDE if len(on_sm) > SLOTS else BESIDE[tiling.filter_tiles, tiling.parts]
            return max(one, beside * len(on_sm))
        kinds = [(tiling.filter_tiles, number >= groups * cut.whole) for number in on_sm]
        if on_sm.start > 0 and len(kinds) < SLOTS:
            # Both CTAs of an SM end together, so it takes two more.
            kinds *= SLOTS
        together = sum(DENSE_BESIDE[kind] for kind in kinds)
        if tiling.parts > 1 and len(set(kinds)) > 1:
            together = DENSE_BESIDE[kinds[0]] + HALVES_OF_PARTS
        return max(DENSE_ALONE[kinds[0]], together)

    cycles = _in_waves(plan, tiling, launched, wave, cycles_of_tile)
    if not dense:
        return cycles
    filter_bytes = launched * tiles * 2 * STEPS * WINDOW * tiling.filter_tiles
    return max(cycles, _fixed_cycles(tiling) + filter_bytes / L2_BYTES[tiling.parts])


def _in_waves(plan: SparsePlan, tiling: Tiling, launched: int, wave: int, of_tile: Callable[[range], float]) -> float:
    """Cycles of CTAs that come ``wave`` at a time; ``of_tile``: of a k-tile, with these numbers on the first SM."""
    on_first = [range(first, min(first + wave, launched), PLANNED_SMS) for first in range(0, launched, wave)]
    tiles = len(plan.order) / tiling.parts
    return sum(_fixed_cycles(tiling) + tiles * of_tile(on_sm) for on_sm in on_first)


def check_tiling(tiling: Tiling) -> None:
    """Raise ArgumentTypeError or UsageError for a tiling that there is no kernel for."""
    if not isinstance(tiling, Tiling):
        raise ArgumentTypeError(f"tiling is a Tiling, not {type(tiling).__name__}")
    if tiling.filter_tiles not in (1, 2):
        raise UsageError(f"a tiling has 1 or 2 filter tiles, not {tiling.filter_tiles}")
    if not 1 <= tiling.parts <= WARPS or tiling.parts.bit_count() != 1:
        raise UsageError(f"a tiling has a power of two of parts, at most {WARPS}, not {tiling.parts}")
