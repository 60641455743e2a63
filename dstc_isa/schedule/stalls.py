"""Stall counts: the cycles between a fixed-latency instruction and those that need its result."""

from collections.abc import Iterable

from attrs import Factory, define, frozen

from dstc_isa.isa.control import AFTER_SETTING
from dstc_isa.isa.masks import PLACES, bits_of
from dstc_isa.schedule.hazard import Hazard
from dstc_isa.schedule.work import Work

Key = tuple[int, int]
"""A place and the producer of a result for it.

Behind the places of results stand the scoreboards, which can be waited for some time after they were set.
"""

State = dict[Key, int]
"""Results under way, and the cycle at which each producer issued, at the latest."""


def assign_stalls(
    work: list[Work], successors: list[tuple[int, ...]], roots: Iterable[int], hazards: list[Hazard], most: int
) -> None:
    """Raise stall counts, up to ``most``, until every result is ready when it is used, on every path from a root."""
    blocks = _blocks(work, successors, roots)
    entry: dict[int, State] = {start: {} for start in blocks}
    reached = _reached(blocks, successors, roots)
    waiting = sorted(blocks, reverse=True)
    while waiting:
        start = waiting.pop()
        told = hazards if start in reached else []
        leaving = _block(work, successors, start, blocks[start], entry[start], told, most)
        for target in successors[blocks[start] - 1]:
            # What control never gets to brings nothing with it.
            known = target in entry and (start in reached or target not in reached)
            if known and _join(entry[target], leaving):
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


def _reached(blocks: dict[int, int], successors: list[tuple[int, ...]], roots: Iterable[int]) -> set[int]:
    """The blocks that control can come to."""
    reached: set[int] = set()
    waiting = [root for root in roots if root in blocks]
    while waiting:
        start = waiting.pop()
        if start not in reached:
            reached.add(start)
            waiting += [target for target in successors[blocks[start] - 1] if target in blocks]
    return reached


def _join(known: State, arriving: State) -> bool:
    """Take the later of two states into ``known``; whether it changed."""
    changed = False
    for key, issued in arriving.items():
        if key not in known or known[key] < issued:
            known[key] = issued
            changed = True
    return changed


@define
class _Clock:
    """Cycles that have surely passed since an instruction issued, or a block was entered.

    Each has its own: if an instruction between two others is late, a port that an earlier one held is free sooner after
    it. ``free``: when ports are, on this clock. ``before``: when the previous instruction issued.
    """

    elapsed: int = 0
    before: int = 0
    free: dict[str, int] = Factory(dict)

    def reach(self, w: Work, cycles: int) -> None:
        """Go to the issue of the next instruction, ``cycles`` after the previous one or when its port is free."""
        self.elapsed = self.before + cycles
        if w.initiation:
            self.elapsed = max(self.elapsed, self.free.get(w.port, 0))

    def issue(self, w: Work) -> None:
        """Issue an instruction at this moment, which keeps its port busy for the cycles of its initiation."""
        self.before = self.elapsed
        if w.initiation:
            self.free[w.port] = self.elapsed + w.initiation


ENTRY = -1
"""The clock that starts with the block."""


@frozen
class _Need:
    """``cycles`` from the previous instruction's issue, because of a ``producer``, by a place and a kind of hazard."""

    cycles: int = 0
    producer: int = -1
    place: int = -1
    kind: str = ""


Pending = dict[Key, tuple[int, int]]
"""Results under way: when the producer issued, and the clock that this is counted on."""


def _lasts(place: int, by: Work) -> int:
    """Cycles from a producer's issue until nothing depends on the time any more."""
    return AFTER_SETTING if place >= PLACES else by.longest


def _needed(work: list[Work], w: Work, pending: Pending, clocks: dict[int, _Clock]) -> _Need:
    """What keeps an instruction from issuing longest, if anything does: of what lacks as much, the first place read."""
    most = _Need()
    late = 0
    read, written = w.reads | w.wait << PLACES, w.writes & ~w.tile
    touched = read | written
    uses = sorted(key for key in pending if touched >> key[0] & 1)
    for place, producer in uses:
        if not read >> place & 1:
            continue
        by = work[producer]
        if place >= PLACES:
            lasts = AFTER_SETTING
        else:
            lasts = by.accumulate if by.pipe is w.pipe and w.accumulators >> place & 1 else w.needs(by.to, place)
        issued, key = pending[place, producer]
        if issued + lasts - clocks[key].elapsed > late:
            late = issued + lasts - clocks[key].elapsed
            most = _Need(issued + lasts - clocks[key].before, producer, place, "RAW" if place < PLACES else "WAIT")
    for place, producer in uses:
        if not written >> place & 1:
            continue
        issued, key = pending[place, producer]
        cycle = issued + work[producer].to[w.kind] - w.latency + 1
        if cycle - clocks[key].elapsed > late:
            late = cycle - clocks[key].elapsed
            most = _Need(cycle - clocks[key].before, producer, place, "WAW")
    return most


def _arrived(work: list[Work], w: Work, pending: Pending) -> Pending:
    """What is still under way once an instruction has waited for its scoreboards."""
    if not w.wait:
        return pending
    return {key: at for key, at in pending.items() if key[0] >= PLACES or not w.wait >> work[key[1]].write & 1}


def _block(
    work: list[Work],
    successors: list[tuple[int, ...]],
    start: int,
    end: int,
    entering: State,
    hazards: list[Hazard],
    most: int,
) -> State:
    """Schedule a block; what is still under way when its successors begin, counted from there."""
    pending: Pending = {key: (issued, ENTRY) for key, issued in entering.items()}
    clocks = {ENTRY: _Clock()}
    for index in range(start, end):
        w = work[index]
        pending = _arrived(work, w, pending)
        if index > start:
            previous = work[index - 1]
            if previous.boards() & w.wait and not previous.keeps_stall:
                previous.stall = max(previous.stall, AFTER_SETTING)
            for clock in clocks.values():
                clock.reach(w, previous.elapses)
            needed = _needed(work, w, pending, clocks)
            if needed.cycles:
                _raise(work, index - 1, index, needed, hazards, most)
                for clock in clocks.values():
                    clock.reach(w, previous.elapses)
        overwritten = 0 if w.guarded or w.variable else w.writes
        pending = {
            (place, producer): (issued, key)
            for (place, producer), (issued, key) in pending.items()
            if not overwritten >> place & 1 and issued + _lasts(place, work[producer]) > clocks[key].elapsed
        }
        clocks = {key: clock for key, clock in clocks.items() if any(key == k for _, k in pending.values())}
        clocks[index] = _Clock()
        for clock in clocks.values():
            clock.issue(w)
        for place in bits_of((0 if w.variable else w.writes) | w.boards() << PLACES):
            pending[place, index] = 0, index
    last = work[end - 1]
    wanted, following = _Need(), -1
    for target in successors[end - 1]:
        if 0 <= target < len(work):
            if last.boards() & work[target].wait and not last.keeps_stall:
                last.stall = max(last.stall, AFTER_SETTING)
            needed = _needed(work, work[target], _arrived(work, work[target], pending), clocks)
            if needed.cycles > wanted.cycles:
                wanted, following = needed, target
    left = {(place, producer): issued - clocks[key].elapsed for (place, producer), (issued, key) in pending.items()}
    if last.indirect and left and not last.keeps_stall:
        latest = max(issued + _lasts(place, work[producer]) for (place, producer), issued in left.items())
        last.stall = max(last.stall, min(most, latest))
    if wanted.cycles > last.elapses:
        _raise(work, end - 1, following, wanted, hazards, most)
    return {
        (place, producer): issued - last.elapses
        for (place, producer), issued in left.items()
        if issued + _lasts(place, work[producer]) > last.elapses
    }


def _raise(work: list[Work], index: int, consumer: int, needed: _Need, hazards: list[Hazard], most: int) -> None:
    """Let cycles pass after an instruction as far as its author and ``most`` allow; a lack is a hazard."""
    w = work[index]
    wanted = needed.cycles + w.vanishes
    if not w.keeps_stall:
        w.stall = max(w.stall, min(wanted, most))
    if w.stall < wanted:
        hazards.append(Hazard(needed.producer, consumer, needed.kind, needed.place, missing=wanted - w.stall))
