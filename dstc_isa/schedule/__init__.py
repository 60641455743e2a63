"""Fills in control codes: scoreboards for variable latencies, stall counts for fixed ones.

The rules are those of docs/language.md, "Control codes". What the author wrote is kept, and hazards it leaves are
found on the way. Where more cycles must pass than a stall count holds, NOPs come in between; in a kernel whose
instructions must stay where they are, scoreboards cover long latencies instead.
"""

from collections.abc import Callable, Collection, Sequence

from attrs import frozen

from dstc_isa.gpu import Gpu
from dstc_isa.isa.access import Access
from dstc_isa.program import ControlRecord
from dstc_isa.schedule.hazard import Hazard
from dstc_isa.schedule.padding import Padding, nops_in
from dstc_isa.schedule.scoreboards import assign_scoreboards
from dstc_isa.schedule.stalls import assign_stalls
from dstc_isa.schedule.work import Work, work_of

__all__ = ["Code", "Hazard", "Schedule", "schedule"]

UNBOUNDED = 1 << 40
"""More cycles than any hazard asks for."""


@frozen
class Code:
    """Instructions to be scheduled: of each the word, with its author's control code or the default, and its access.

    ``successors``: indices of those that may follow each. ``record``: whose the control codes are. ``room``: how many
    NOPs may be put in, 0 if instructions must stay where they are.
    """

    words: Sequence[int]
    accesses: Sequence[Access]
    successors: Sequence[tuple[int, ...]]
    record: ControlRecord
    room: int


@frozen
class Schedule:
    """Words with control codes filled in, the hazards that written ones leave, and the NOPs still to be put in."""

    words: tuple[int, ...]
    hazards: list[Hazard]
    padding: Padding


def schedule(code: Code, gpu: Gpu) -> Schedule:
    """Fill in the control codes that are not their author's; the words are of the GPU's instruction set."""
    codes = gpu.isa.word.control
    each = list(zip(code.words, code.accesses, code.record.written, strict=True))

    def gather(boards: bool) -> list[Work]:
        return [work_of(word, access, gpu, written, boards) for word, access, written in each]

    longest = codes.stall.maximum
    work, hazards = solve(gather, code.successors, code.record.landings, code.room, longest)
    words = (
        word if w.fixed else word & ~codes.mask | w.control_word() for word, w in zip(code.words, work, strict=True)
    )
    return Schedule(tuple(words), hazards, padding_of(work, code.successors, longest))


def solve(
    gather: Callable[[bool], list[Work]],
    successors: Sequence[tuple[int, ...]],
    landings: Collection[int],
    room: int,
    longest: int,
) -> tuple[list[Work], list[Hazard]]:
    """Decide the control codes of what ``gather`` gives, for each pair of instructions the hazard that lacks most.

    Stall counts may come out longer than the ``longest`` where up to ``room`` NOPs make up for it. If there is no room,
    the instructions are gathered anew, with long latencies left to scoreboards.
    """
    for boards, most in ((False, UNBOUNDED), (True, longest)):
        work = gather(boards)
        hazards: list[Hazard] = []
        roots = {0, *landings}
        assign_scoreboards(work, list(successors), roots, hazards)
        assign_stalls(work, list(successors), roots, hazards, most)
        if sum(nops_in(w.stall, longest) for w in work) <= room:
            break
    worst: dict[tuple[int, int, str], Hazard] = {}
    for hazard in hazards:
        key = (hazard.consumer, hazard.producer, hazard.kind)
        if key not in worst or worst[key].missing < hazard.missing:
            worst[key] = hazard
    return work, [worst[key] for key in sorted(worst)]


def padding_of(work: Sequence[Work], successors: Sequence[tuple[int, ...]], longest: int) -> Padding:
    """Cycles by which stall counts exceed the longest, by instruction: before one that branches, behind any other."""
    before, after = [0] * len(work), [0] * len(work)
    for index, w in enumerate(work):
        if w.stall > longest:
            (after if successors[index] == (index + 1,) else before)[index] = w.stall - longest
    return Padding(before, after)
