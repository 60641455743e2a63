"""Stall counts: the cycles between a fixed-latency instruction and those that need its result."""

from collections.abc import Iterable

from dstc_isa.assembler.schedule.hazard import PLACES, Hazard
from dstc_isa.assembler.schedule.scoreboards import bits_of
from dstc_isa.assembler.schedule.work import MAXIMUM_STALL, Work
from dstc_isa.isa.instruction import Pipe

Result = tuple[int, int, Pipe | None, int]
"""Cycle from which a result can be used, the same for accumulation, the pipe it is for, and the producer.

Behind the places of results stand the scoreboards, which can be waited for some time after they were set.
"""

State = dict[int, Result]
AFTER_SETTING = 2
"""Cycles from setting a scoreboard to the first instruction that can wait for it."""


def assign_stalls(
    work: list[Work], successors: list[tuple[int, ...]], roots: Iterable[int], hazards: list[Hazard]
) -> None:
    """Raise stall counts until every result is ready when it is used, on every path."""
    blocks = _blocks(work, successors, roots)
    entry: dict[int, State] = {start: {} for start in blocks}
    waiting = sorted(blocks, reverse=True)
    while waiting:
        start = waiting.pop()
        leaving = _block(work, successors, start, blocks[start], entry[start], hazards)
        for target in successors[blocks[start] - 1]:
            if target in entry and _join(entry[target], leaving):
                waiting.append(target)


def _blocks(work: list[Work], successors: list[tuple[int, ...]], roots: Iterable[int]) -> dict[int, int]:
    """Start -> end of each basic block."""
    count = len(work)
    starts = {0, *roots}
    for index, following in enumerate(successors):
        if following != (index + 1,):
            starts |= {index + 1, *following}
    ordered = sorted(s for s in starts if 0 <= s < count)
    return dict(zip(ordered, [*ordered[1:], count], strict=True))


def _join(known: State, arriving: State) -> bool:
    """Take the later of two states into ``known``; whether it changed."""
    changed = False
    for place, result in arriving.items():
        before = known.get(place)
        if before is None:
            known[place] = result
            changed = True
        elif result[0] > before[0] or result[1] > before[1]:
            pipe = before[2] if before[2] is result[2] else None
            ready = max(result[0], before[0])
            known[place] = (ready, max(result[1], before[1]) if pipe else ready, pipe, result[3])
            changed = True
    return changed


def _needed(w: Work, state: State) -> tuple[int, int, int, str]:
    """The cycle from which an instruction may issue, with the producer, place and kind that say so."""
    least = (0, -1, -1, "")
    busy = 0
    for place in state:
        busy |= 1 << place
    for place in bits_of((w.reads | w.wait << PLACES) & busy):
        ready, accumulated, pipe, producer = state[place]
        cycle = accumulated if pipe is w.pipe and w.accumulators >> place & 1 else ready
        if cycle > least[0]:
            least = (cycle, producer, place, "RAW" if place < PLACES else "WAIT")
    if w.writes & busy:
        for place in bits_of(w.writes & ~w.tile & busy):
            ready, _, _, producer = state[place]
            cycle = ready - w.latency + 1
            if cycle > least[0]:
                least = (cycle, producer, place, "WAW")
    return least


def _block(
    work: list[Work],
    successors: list[tuple[int, ...]],
    start: int,
    end: int,
    entering: State,
    hazards: list[Hazard],
) -> State:
    """Schedule a block; what is still under way when its successors begin, counted from there."""
    state = dict(entering)
    cycle, before = 0, 0
    free: dict[str, int] = {}
    for index in range(start, end):
        w = work[index]
        if w.initiation:
            cycle = max(cycle, free.get(w.port, 0))
        if state:
            needed = _needed(w, state)
            if needed[0] > cycle:
                if index > start:
                    _raise(work, index - 1, needed[0] - before, index, needed, hazards)
                    cycle = max(cycle, before + work[index - 1].elapses)
            state = {place: result for place, result in state.items() if result[0] > cycle}
        if w.initiation:
            free[w.port] = cycle + w.initiation
        if not w.variable and w.writes:
            result = (cycle + w.latency, cycle + w.accumulate, w.pipe, index)
            for place in bits_of(w.writes):
                state[place] = result
        for board in bits_of(w.boards()):
            state[PLACES + board] = (cycle + AFTER_SETTING, cycle + AFTER_SETTING, None, index)
        before = cycle
        if index + 1 < end:
            if w.boards() & work[index + 1].wait and not w.keeps_stall:
                w.stall = max(w.stall, AFTER_SETTING)
            cycle += w.elapses
    last = work[end - 1]
    wanted = (0, -1, -1, "")
    following = -1
    for target in successors[end - 1]:
        if 0 <= target < len(work):
            if last.boards() & work[target].wait and not last.keeps_stall:
                last.stall = max(last.stall, AFTER_SETTING)
            needed = _needed(work[target], state)
            if needed[0] > wanted[0]:
                wanted, following = needed, target
    if last.indirect and state and not last.keeps_stall:
        last.stall = max(last.stall, min(MAXIMUM_STALL, max(r[0] for r in state.values()) - cycle))
    if wanted[0] > cycle + last.elapses:
        _raise(work, end - 1, wanted[0] - cycle, following, wanted, hazards)
    cycle += last.elapses
    return {
        place: (ready - cycle, accumulated - cycle, pipe, producer)
        for place, (ready, accumulated, pipe, producer) in state.items()
        if ready > cycle
    }


def _raise(
    work: list[Work], index: int, wanted: int, consumer: int, needed: tuple[int, int, int, str], hazards: list[Hazard]
) -> None:
    """Let ``wanted`` cycles pass after an instruction as far as its author and field allow; a lack is a hazard."""
    w = work[index]
    wanted += w.vanishes
    if not w.keeps_stall:
        w.stall = max(w.stall, min(wanted, MAXIMUM_STALL))
    if w.stall < wanted:
        _, producer, place, kind = needed
        hazards.append(Hazard(producer, consumer, kind, place, missing=wanted - w.stall))
