"""How a launch of the sparse convolution is cut into warps and CTAs."""

from collections.abc import Callable, Iterable

from attrs import frozen

from dstc_isa.conv.fitted import SparseCosts, sparse_costs
from dstc_isa.conv.shape import PLANNED_SMS
from dstc_isa.conv.sparse.sparse_plan import STEPS, WINDOW, SparsePlan
from dstc_isa.errors import ArgumentTypeError, UsageError

WARPS = 4
"""Warps of a CTA. Those that are not parts of a sum lie along the positions: they share the filters in L1."""

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


L2_BYTES = 2048
"""Bytes that L2 delivers in a cycle at its peak."""

COSTS = sparse_costs()


def choose_tiling(plan: SparsePlan, density_w: float, halves: bool = True) -> Tiling:
    """The tiling that takes the fewest cycles by a rough estimate from the shape and the density of the filters.

    ``halves``: whether the kernel can do halves of windows. The number of parts is the same whether it can or not, and
    wherever planes begin.
    """
    windows = _windows(plan)

    def cycles(tilings: Iterable[Tiling], halves: bool) -> float:
        return min(estimate(plan, _cut(plan, windows, tiling, density_w, halves), density_w) for tiling in tilings)

    of_parts = [[Tiling(filter_tiles, parts) for filter_tiles in FILTER_TILES] for parts in PARTS]
    best = min(of_parts, key=lambda tilings: cycles(tilings, True) + cycles(tilings, False))
    return min(best, key=lambda tiling: cycles([tiling], halves))


def choose_step_tiling(plan: SparsePlan) -> Tiling:
    """The tiling for the kernel of BOHMMA and OHMMA: 64 filters a warp, and as many parts as take the fewest cycles."""
    return min((Tiling(2, parts) for parts in PARTS), key=lambda tiling: estimate_steps(plan, tiling))


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


def _fixed_cycles(tiling: Tiling, costs: SparseCosts) -> float:
    return costs.fixed + (costs.parts if tiling.parts > 1 else 0)


def _cut(plan: SparsePlan, windows: int, tiling: Tiling, density_w: float, halves: bool) -> Cut:
    """The cut of so many windows by a tiling that takes the fewest cycles."""
    ctas = _ctas(plan, windows, tiling)
    more = ctas % PLANNED_SMS if plan.launched.groups == 1 else 0
    wholes = [ctas]
    if halves and density_w > COSTS.dense and (tiling.parts == 1 or tiling == Tiling(2, 2)):
        wholes += [0, ctas - more] if 2 * more <= PLANNED_SMS else [0]
    elif halves and density_w >= COSTS.rather_dense and tiling == Tiling(2, 1) and PLANNED_SMS < ctas <= WAVE:
        wholes = [ctas - more] if more <= COSTS.few_more else wholes
    cuts = [Cut(tiling, ctas, whole) for whole in wholes]
    return min(cuts, key=lambda cut: estimate(plan, cut, density_w))


def estimate(plan: SparsePlan, cut: Cut, density_w: float, costs: SparseCosts = COSTS) -> float:
    """Rough cycles of a launch: as many CTAs at a time as have room, for as long as the first SM takes."""
    groups, tiles, tiling = plan.launched.groups, len(plan.order), cut.tiling
    dense = density_w > costs.dense
    launched = groups * (cut.launched if dense else cut.ctas)
    wave = WAVE + PLANNED_SMS if not dense and _has_three_on_an_sm(cut, groups) else WAVE

    def cycles_of_tile(on_sm: range) -> float:
        if not dense:
            one = costs.alone[tiling.filter_tiles, tiling.parts]
            beside = costs.short_beside if len(on_sm) > SLOTS else costs.beside[tiling.filter_tiles, tiling.parts]
            return max(one, beside * len(on_sm))
        kinds = [(tiling.filter_tiles, number >= groups * cut.whole) for number in on_sm]
        if on_sm.start > 0 and len(kinds) < SLOTS:
            # Both CTAs of an SM end together, so it takes two more.
            kinds *= SLOTS
        together = sum(costs.dense_beside[kind] for kind in kinds)
        if tiling.parts > 1 and len(set(kinds)) > 1:
            together = costs.dense_beside[kinds[0]] + costs.halves_of_parts
        return max(costs.dense_alone[kinds[0]], together)

    cycles = _in_waves(plan, tiling, launched, wave, cycles_of_tile, costs)
    if not dense:
        return cycles
    filter_bytes = launched * tiles * 2 * STEPS * WINDOW * tiling.filter_tiles
    return max(cycles, _fixed_cycles(tiling, costs) + filter_bytes / (costs.l2_share[tiling.parts] * L2_BYTES))


def estimate_steps(plan: SparsePlan, tiling: Tiling, costs: SparseCosts = COSTS) -> float:
    """Rough cycles of a launch of the kernel of BOHMMA and OHMMA."""
    launched = plan.launched.groups * _ctas(plan, _windows(plan), tiling)

    def cycles_of_tile(on_sm: range) -> float:
        return max(costs.steps_alone, costs.steps_beside * len(on_sm))

    return _in_waves(plan, tiling, launched, WAVE, cycles_of_tile, costs)


def _in_waves(
    plan: SparsePlan,
    tiling: Tiling,
    launched: int,
    wave: int,
    of_tile: Callable[[range], float],
    costs: SparseCosts,
) -> float:
    """Cycles of CTAs that come ``wave`` at a time; ``of_tile``: of a k-tile, with these numbers on the first SM."""
    on_first = [range(first, min(first + wave, launched), PLANNED_SMS) for first in range(0, launched, wave)]
    tiles = len(plan.order) / tiling.parts
    return sum(_fixed_cycles(tiling, costs) + tiles * of_tile(on_sm) for on_sm in on_first)


def check_tiling(tiling: Tiling) -> None:
    """Raise ArgumentTypeError or UsageError for a tiling that there is no kernel for."""
    if not isinstance(tiling, Tiling):
        raise ArgumentTypeError(f"tiling is a Tiling, not {type(tiling).__name__}")
    if tiling.filter_tiles not in (1, 2):
        raise UsageError(f"a tiling has 1 or 2 filter tiles, not {tiling.filter_tiles}")
    if not 1 <= tiling.parts <= WARPS or tiling.parts.bit_count() != 1:
        raise UsageError(f"a tiling has a power of two of parts, at most {WARPS}, not {tiling.parts}")
