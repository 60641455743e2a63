"""From a timed sample of a launch to the whole: one factor for everything, so that bounds, stalls and cycles agree."""

import numpy as np
import numpy.typing as npt
from attrs import evolve

from dstc_isa.engine.execution import Execution
from dstc_isa.timing.result import Timing
from dstc_isa.timing.sample import Sample, SamplePlan, relative_error


def extrapolate(
    timed: Timing, plan: SamplePlan, share: float, sums: npt.NDArray[np.int64], others: Execution | None
) -> Timing:
    """The timing of a launch of which a part of the GPU ran the planned CTAs, and nothing but results the ``others``.

    ``sums``: per SM, as for ``relative_error``. The factor is instructions that all CTAs executed over those of the
    timed ones. The part of the GPU is smaller by about as much, so cycles change by no more than timed CTAs have more
    or less to do.
    """
    if others is None:
        sample = Sample(share, plan.total, plan.total, plan.all_sms, timed.cycles, timed.cycles)
        return evolve(timed, sample=sample)
    ran = timed.execution
    execution = Execution(
        ran.issued + others.issued,
        ran.skipped + others.skipped,
        ran.seconds + others.seconds,
        max(ran.threads, others.threads),
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
    return evolve(
        timed,
        execution=execution,
        cycles=round(cycles),
        issued=issued,
        stalls=stalls,
        free=free,
        counters=counters,
        port_busy={name: round(busy * factor) for name, busy in timed.port_busy.items()},
        sms=plan.all_sms,
        dram_sectors=round(timed.dram_sectors * factor * plan.part),
        sample=Sample(
            share, len(plan.ctas), plan.total, plan.sms, round(cycles * (1 - error)), round(cycles * (1 + error))
        ),
    )


def executed(execution: Execution) -> int:
    """Warp instructions whose guard held in some lane."""
    return int(execution.issued.sum() - execution.skipped.sum())
