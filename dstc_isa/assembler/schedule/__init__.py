"""Fills in control codes: scoreboards for variable latencies, stall counts for fixed ones.

The rules are those of docs/language.md, "Control codes". What the author wrote is kept, and hazards it leaves are
found on the way. Where more cycles must pass than a stall count holds, NOPs come in between; in a kernel whose
instructions must stay where they are, scoreboards cover long latencies instead.
"""

from collections.abc import Callable, Collection, Sequence

from attrs import frozen

from dstc_isa.assembler.emit import Emitted
from dstc_isa.assembler.flow import successors_of
from dstc_isa.assembler.schedule.hazard import Hazard
from dstc_isa.assembler.schedule.padding import Padding, nops_in
from dstc_isa.assembler.schedule.reuse import mark_reuse
from dstc_isa.assembler.schedule.scoreboards import assign_scoreboards
from dstc_isa.assembler.schedule.stalls import assign_stalls
from dstc_isa.assembler.schedule.work import CONTROL_MASK, MAXIMUM_STALL, Work, work_of, written_byte
from dstc_isa.gpu import Gpu
from dstc_isa.program import RAW, ControlRecord

__all__ = ["Hazard", "Schedule", "schedule", "solve"]

UNBOUNDED = 1 << 40
"""More cycles than any hazard asks for."""


@frozen
class Schedule:
    """Filled-in control codes: the hazards that written ones leave, the NOPs still to be put in, and the record."""

    hazards: list[Hazard]
    padding: Padding
    record: ControlRecord


def schedule(emitted: list[Emitted], labels: set[int], gpu: Gpu, manual: bool, room: int) -> Schedule:
    """Give every instruction without a control prefix its control code.

    ``labels``: indices of instructions that have a label, to which an indirect branch may go. ``manual``: all codes
    count as written. ``room``: how many NOPs may be put in, 0 if instructions must stay where they are. Reuse bits are
    set as well.
    """
    successors = [successors_of(index, e) if e.plan is not None else (index + 1,) for index, e in enumerate(emitted)]
    written = [work_of(e, gpu, manual, boards=False) for e in emitted]
    landings: set[int] = set()
    if any(w.indirect for w in written):
        landings = {0} | labels | {index + 1 for index, w in enumerate(written) if w.jumps}
        room = 0
    record = ControlRecord(
        bytes(RAW if e.plan is None else written_byte(w) for e, w in zip(emitted, written, strict=True)),
        tuple(sorted(landings)),
        room > 0,
    )

    def gather(boards: bool) -> list[Work]:
        return [work_of(e, gpu, manual, boards) for e in emitted]

    work, hazards = solve(gather, successors, landings, room)
    if not manual:
        mark_reuse(emitted, labels)
    for e, w in zip(emitted, work, strict=True):
        if not w.fixed:
            e.word = e.word & ~CONTROL_MASK | w.control_word()
    return Schedule(hazards, padding_of(work, successors), record)


def solve(
    gather: Callable[[bool], list[Work]],
    successors: Sequence[tuple[int, ...]],
    landings: Collection[int],
    room: int,
) -> tuple[list[Work], list[Hazard]]:
    """Decide the control codes of what ``gather`` gives, for each pair of instructions the hazard that lacks most.

    Stall counts may come out longer than their field where up to ``room`` NOPs make up for it. If there is no room,
    the instructions are gathered anew, with long latencies left to scoreboards.
    """
    for boards, most in ((False, UNBOUNDED), (True, MAXIMUM_STALL)):
        work = gather(boards)
        hazards: list[Hazard] = []
        roots = {0, *landings}
        assign_scoreboards(work, list(successors), roots, hazards)
        assign_stalls(work, list(successors), roots, hazards, most)
        if sum(nops_in(w.stall) for w in work) <= room:
            break
    worst: dict[tuple[int, int, str], Hazard] = {}
    for hazard in hazards:
        key = (hazard.consumer, hazard.producer, hazard.kind)
        if key not in worst or worst[key].missing < hazard.missing:
            worst[key] = hazard
    return work, [worst[key] for key in sorted(worst)]


def padding_of(work: Sequence[Work], successors: Sequence[tuple[int, ...]]) -> Padding:
    """The cycles that stall counts do not hold, by instruction: before one that branches, behind any other."""
    before, after = [0] * len(work), [0] * len(work)
    for index, w in enumerate(work):
        if w.stall > MAXIMUM_STALL:
            (after if successors[index] == (index + 1,) else before)[index] = w.stall - MAXIMUM_STALL
    return Padding(before, after)
