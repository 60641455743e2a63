"""Which CTAs of a large grid are timed, and how sure an estimate from them is.

A sampled run is a part of the GPU: as many of its SMs as the share says, with their part of L2 and of the bandwidth,
run the same share of every stretch of the grid. They begin, come to waves and end as in the full run, so nothing has
to be extrapolated but what differs between CTAs, and how many SMs want the same data at once.
"""

from math import log, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen
from scipy.special import stdtrit

from dstc_isa.decimal_share import least_of
from dstc_isa.engine.ranges import Ranges

SEED = 20210614
LEAST_SMS = 8
"""Too few SMs say too little of the data that all share."""

LEAST_WAVES = 1.5
"""Below this few CTAs are followed by another on their slot, and there is no steady rate."""

STRETCHES = (8, 64)
"""Least and most stretches of the grid; between them each is a wave."""

CONFIDENCE = 0.95


@frozen(eq=False)
class SamplePlan:
    """``ctas``: those that are timed, ascending, of ``total``, on ``sms`` of the ``all_sms`` that the launch fills."""

    ctas: Ranges
    total: int
    sms: int
    all_sms: int

    @property
    def part(self) -> float:
        """Part of the GPU that is modelled."""
        return self.sms / self.all_sms

    def others(self) -> Ranges:
        """CTAs that are not timed, ascending."""
        return self.ctas.complement(self.total)

    def traffic(self, missed: int, moved: int) -> tuple[float, float]:
        """From the sectors that modelled SMs missed and that moved for them (not 0): how many SMs of the whole GPU
        miss the same sector, and the sectors that would move for all of them.

        A power law: where all SMs want the same data the first is their number, where each has its own it is 1, and for
        the rows and columns of a matrix's tiles the square root.
        """
        if self.sms == self.all_sms:
            return missed / moved, moved
        sharing = (missed / moved) ** (log(self.all_sms) / log(self.sms))
        return sharing, missed / self.part / sharing


def plan_whole(total: int, sms: int) -> SamplePlan:
    """The plan that times every CTA."""
    return SamplePlan(Ranges([range(total)]), total, sms, sms)


def plan_sample(share: float, total: int, sms: int, slots: int) -> SamplePlan:
    """Choose CTAs; all of them if the grid is too small for a sample or the share is (nearly) 1.

    ``sms``: that the launch fills; ``slots``: CTAs an SM holds. From each stretch of the grid one run of consecutive
    CTAs is taken, at a place drawn with a fixed seed, the same share of each.
    """
    chosen = max(min(LEAST_SMS, sms // 2), 2, least_of(share, sms))
    wave = sms * slots
    stretches = min(max(total // wave, STRETCHES[0]), STRETCHES[1])
    if chosen >= sms or total < LEAST_WAVES * wave or total * chosen < stretches * sms:
        return plan_whole(total, sms)
    place = np.random.default_rng(SEED)
    runs = []
    for stretch in range(stretches):
        first, end = (total * edge // stretches for edge in (stretch, stretch + 1))
        length = -(-end * chosen // sms) - -(-first * chosen // sms)
        start = int(place.integers(first, end - length, endpoint=True))
        runs.append(range(start, start + length))
    return SamplePlan(Ranges(runs), total, chosen, sms)


@frozen
class Sample:
    """How a launch was sampled: ``timed`` of ``ctas`` CTAs because ``share`` was asked for, on ``sms`` SMs.

    ``low`` and ``high``: ends of the 95 % interval of the cycles, equal to them if every CTA was timed. ``longest``:
    most instructions that one warp issued, of the timed CTAs and of the others. ``tail``: cycles that the longest of
    the others would take at a timed warp's cycles an instruction, never beyond ``high``.
    """

    share: float
    timed: int
    ctas: int
    sms: int
    low: int
    high: int
    longest: tuple[int, int]
    tail: int

    @property
    def uneven(self) -> bool:
        """Whether one warp that was not timed may take longer than the interval of the timed ones says."""
        return not self.complete and self.tail == self.high

    @property
    def complete(self) -> bool:
        """Whether every CTA was timed."""
        return self.timed == self.ctas

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``json.dump``."""
        return {
            "asked": self.share,
            "share": self.timed / self.ctas,
            "ctas_timed": self.timed,
            "ctas": self.ctas,
            "sms": self.sms,
            "low": self.low,
            "high": self.high,
            "longest_warp": {"timed": self.longest[0], "others": self.longest[1]},
        }


def relative_error(sums: npt.NDArray[np.int64], plan: SamplePlan) -> float:
    """Half the width of the interval, relative to the estimate, from the variance between groups of CTAs (Student t).

    A group is what one SM ran: CTAs of every stretch of the grid, dealt as they came. ``sums``: array of shape (SMs,
    2), the cycle at which it had finished and the instructions it had issued. The variance is that of the ratio of
    the two, with the correction for a finite population (Cochran, Sampling Techniques, 1977, sections 2.6 and 6.4).
    """
    cycles, issued = sums.T.astype(np.float64)
    count = len(cycles)
    rest = cycles - issued * cycles.sum() / issued.sum()
    spread = sqrt(float((rest**2).sum()) / (count - 1))
    error = spread / sqrt(count) / float(cycles.mean()) * sqrt(1 - len(plan.ctas) / plan.total)
    return min(1.0, float(stdtrit(count - 1, 0.5 + CONFIDENCE / 2)) * error)
