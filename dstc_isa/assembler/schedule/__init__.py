"""Fills in control codes: scoreboards for variable latencies, stall counts for fixed ones.

The rules are those of docs/language.md, "Control codes". What the author wrote is kept, and hazards it leaves are
found on the way.
"""

from dstc_isa.assembler.emit import Emitted
from dstc_isa.assembler.flow import successors_of
from dstc_isa.assembler.schedule.hazard import Hazard
from dstc_isa.assembler.schedule.reuse import mark_reuse
from dstc_isa.assembler.schedule.scoreboards import assign_scoreboards
from dstc_isa.assembler.schedule.stalls import assign_stalls
from dstc_isa.assembler.schedule.work import CONTROL_MASK, work_of
from dstc_isa.gpu import Gpu

__all__ = ["Hazard", "schedule"]


def schedule(emitted: list[Emitted], labels: set[int], gpu: Gpu, manual: bool) -> list[Hazard]:
    """Give every instruction without a control prefix its control code; the hazards that written ones leave.

    ``labels``: indices of instructions that have a label, to which an indirect branch may go. ``manual``: all codes
    count as written. Reuse bits are set as well.
    """
    work = [work_of(e, gpu, manual) for e in emitted]
    successors = [successors_of(index, e) if e.plan is not None else (index + 1,) for index, e in enumerate(emitted)]
    roots = {0}
    if any(w.indirect for w in work):
        roots |= labels | {index + 1 for index, w in enumerate(work) if w.jumps}
    hazards: list[Hazard] = []
    assign_scoreboards(work, successors, roots, hazards)
    assign_stalls(work, successors, roots, hazards)
    if not manual:
        mark_reuse(emitted, labels)
    for e, w in zip(emitted, work, strict=True):
        if not w.fixed:
            e.word = e.word & ~CONTROL_MASK | w.control_word()
    worst: dict[tuple[int, int, str], Hazard] = {}
    for hazard in hazards:
        key = (hazard.consumer, hazard.producer, hazard.kind)
        if key not in worst or worst[key].missing < hazard.missing:
            worst[key] = hazard
    return [worst[key] for key in sorted(worst)]
