"""From a timed sample of a launch to the whole: one factor for everything, so that bounds, stalls and cycles agree."""

import numpy as np
import numpy.typing as npt
from attrs import evolve

from dstc_isa.engine.compiled.workers import Outcome
from dstc_isa.engine.execution import Execution
from dstc_isa.timing.result import Timing
from dstc_isa.timing.sample import Sample, SamplePlan, relative_error


def extrapolate(
    timed: Timing,
    plan: SamplePlan,
    share: float,
    sums: npt.NDArray[np.int64],
    longest: int,
    others: Outcome | None,
) -> Timing:
    """The timing of a launch of which a part of the GPU ran the planned CTAs, and nothing but results the ``others``.

    ``sums``: per SM, as for ``relative_error``. ``longest``: most instructions that one timed warp issued. The factor
    is instructions that all CTAs executed over those of the timed ones. The part of the GPU is smaller by about as
    much, so cycles change by no more than timed CTAs have more or less to do.

    The interval holds the estimate by CTAs too, whatever each executes, and the time that the longest of the other
    warps would take at a timed one's cycles an instruction. It takes at least a cycle an instruction.
    """
    if others is None:
        sample = Sample(share, plan.total, plan.total, plan.all_sms, timed.cycles, timed.cycles, (longest, 0), 0)
        return evolve(timed, sample=sample)
    ran, rest = timed.execution, others.execution
    execution = Execution(
        ran.issued + rest.issued,
        ran.skipped + rest.skipped,
        ran.seconds + rest.seconds,
        max(ran.threads, rest.threads),
    )
    factor = executed(execution) / executed(ran)
    cycles = timed.cycles * factor * plan.part
    issued, stalls, free = (
        np.rint(counts * factor).astype(np.int64) for counts in (ran.issued, timed.stalls, timed.free)
    )
    counters = {name: round(count * factor) for name, count in timed.counters.items()}
    counters["warp_cycles"] = int(issued.sum() - free.sum() + stalls.sum())
    counters["ctas_done"] = plan.total
    error = relative_error(sums, plan)
    by_ctas = timed.cycles * plan.part * plan.total / len(plan.ctas)
    tail = round(others.longest * timed.counters["warp_cycles"] / int(ran.issued.sum()))
    return evolve(
        timed,
        execution=execution,
        cycles=max(round(cycles), others.longest),
        issued=issued,
        stalls=stalls,
        free=free,
        counters=counters,
        port_busy={name: round(busy * factor) for name, busy in timed.port_busy.items()},
        sms=plan.all_sms,
        dram_sectors=round(timed.dram_sectors * factor * plan.part),
        sample=Sample(
            share,
            len(plan.ctas),
            plan.total,
            plan.sms,
            max(round(min(cycles, by_ctas) * (1 - error)), others.longest),
            max(round(max(cycles, by_ctas) * (1 + error)), others.longest, tail),
            (longest, others.longest),
            tail,
        ),
    )


def executed(execution: Execution) -> int:
    """Warp instructions whose guard held in some lane."""
    return int(execution.issued.sum() - execution.skipped.sum())
