"""Stall counts: the cycles between a fixed-latency instruction and those that need its result."""

from collections.abc import Iterable

from attrs import Factory, define, evolve, frozen

from dstc_isa.isa.control import AFTER_SETTING
from dstc_isa.isa.masks import PLACES, bits_of
from dstc_isa.isa.unit import Unit
from dstc_isa.schedule.hazard import Hazard
from dstc_isa.schedule.work import Work


@frozen
class _Result:
    """What is under way: from ``since`` on the cycles until it can be used.

    ``to``: by its user's ``Work.kind``. ``accumulated``: by an accumulation of ``pipe``, which is None where several
    pipes may have it under way. ``producer``: who brings it, or did at last.
    """

    since: int
    to: tuple[int, ...]
    accumulated: int
    pipe: Unit | None
    producer: int

    @property
    def last(self) -> int:
        """Cycle from which anybody can use it."""
        return self.since + max(self.accumulated, *self.to)

    def ready(self, w: Work, place: int) -> int:
        """Cycle from which an instruction can read it in a place."""
        if self.pipe is w.pipe and w.accumulators >> place & 1:
            return self.since + self.accumulated
        return self.since + w.needs(self.to, place)

    def joined(self, other: "_Result") -> "_Result":
        """What is the later of the two for everybody."""
        to = tuple(max(self.since + a, other.since + b) for a, b in zip(self.to, other.to, strict=True))
        accumulated = max(self.since + self.accumulated, other.since + other.accumulated)
        if self.pipe is other.pipe:
            return _Result(0, to, accumulated, self.pipe, other.producer)
        return _Result(0, tuple(max(each, accumulated) for each in to), accumulated, None, other.producer)

    def covers(self, other: "_Result") -> bool:
        """Whether it is as late as another one for everybody."""
        mine = (*self.to, self.accumulated)
        others = (*other.to, other.accumulated)
        return all(self.since + a >= other.since + b for a, b in zip(mine, others, strict=True))


State = dict[int, _Result]
"""Results by place, and behind these places the scoreboards, which can be waited for some time after being set."""


def assign_stalls(
    work: list[Work], successors: list[tuple[int, ...]], roots: Iterable[int], hazards: list[Hazard], most: int
) -> None:
    """Raise stall counts, up to ``most``, until every result is ready when it is used, on every path."""
    blocks = _blocks(work, successors, roots)
    entry: dict[int, State] = {start: {} for start in blocks}
    waiting = sorted(blocks, reverse=True)
    while waiting:
        start = waiting.pop()
        leaving = _block(work, successors, start, blocks[start], entry[start], hazards, most)
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
        if before is None or not before.covers(result):
            known[place] = result if before is None else before.joined(result)
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


Pending = dict[int, tuple[_Result, int]]
"""Results under way and the clock that each is counted on."""


def _needed(w: Work, pending: Pending, clocks: dict[int, _Clock]) -> _Need:
    """What keeps an instruction from issuing longest, if anything does."""
    most = _Need()
    late = 0
    busy = 0
    for place in pending:
        busy |= 1 << place
    for place in bits_of((w.reads | w.wait << PLACES) & busy):
        result, key = pending[place]
        cycle = result.ready(w, place)
        if cycle - clocks[key].elapsed > late:
            late = cycle - clocks[key].elapsed
            most = _Need(cycle - clocks[key].before, result.producer, place, "RAW" if place < PLACES else "WAIT")
    for place in bits_of(w.writes & ~w.tile & busy):
        result, key = pending[place]
        cycle = result.since + result.to[w.kind] - w.latency + 1
        if cycle - clocks[key].elapsed > late:
            late = cycle - clocks[key].elapsed
            most = _Need(cycle - clocks[key].before, result.producer, place, "WAW")
    return most


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
    pending: Pending = {place: (result, ENTRY) for place, result in entering.items()}
    clocks = {ENTRY: _Clock()}
    for index in range(start, end):
        w = work[index]
        if index > start:
            previous = work[index - 1]
            if previous.boards() & w.wait and not previous.keeps_stall:
                previous.stall = max(previous.stall, AFTER_SETTING)
            for clock in clocks.values():
                clock.reach(w, previous.elapses)
            needed = _needed(w, pending, clocks)
            if needed.cycles:
                _raise(work, index - 1, index, needed, hazards, most)
                for clock in clocks.values():
                    clock.reach(w, previous.elapses)
        pending = {place: (r, key) for place, (r, key) in pending.items() if r.last > clocks[key].elapsed}
        clocks = {key: clock for key, clock in clocks.items() if any(key == k for _, k in pending.values())}
        clocks[index] = _Clock()
        for clock in clocks.values():
            clock.issue(w)
        if w.writes and not w.variable and (not w.awaited or w.forwards):
            to = (w.accumulate,) * len(w.to) if w.awaited else w.to
            result = _Result(0, to, w.accumulate, w.pipe, index)
            for place in bits_of(w.writes):
                pending[place] = result, index
        for board in bits_of(w.boards()):
            set_ = _Result(0, (AFTER_SETTING,) * max(1, len(w.to)), AFTER_SETTING, None, index)
            pending[PLACES + board] = set_, index
    last = work[end - 1]
    wanted, following = _Need(), -1
    for target in successors[end - 1]:
        if 0 <= target < len(work):
            if last.boards() & work[target].wait and not last.keeps_stall:
                last.stall = max(last.stall, AFTER_SETTING)
            needed = _needed(work[target], pending, clocks)
            if needed.cycles > wanted.cycles:
                wanted, following = needed, target
    left = {place: evolve(r, since=r.since - clocks[key].elapsed) for place, (r, key) in pending.items()}
    if last.indirect and left and not last.keeps_stall:
        last.stall = max(last.stall, min(most, max(r.last for r in left.values())))
    if wanted.cycles > last.elapses:
        _raise(work, end - 1, following, wanted, hazards, most)
    return {place: evolve(r, since=r.since - last.elapses) for place, r in left.items() if r.last > last.elapses}


def _raise(work: list[Work], index: int, consumer: int, needed: _Need, hazards: list[Hazard], most: int) -> None:
    """Let cycles pass after an instruction as far as its author and ``most`` allow; a lack is a hazard."""
    w = work[index]
    wanted = needed.cycles + w.vanishes
    if not w.keeps_stall:
        w.stall = max(w.stall, min(wanted, most))
    if w.stall < wanted:
        hazards.append(Hazard(needed.producer, consumer, needed.kind, needed.place, missing=wanted - w.stall))
