"""Which scoreboard an instruction signals whose latency no stall count covers, and who waits for it."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from attrs import define

from dstc_isa.isa.control import NO_SCOREBOARD, SCOREBOARDS
from dstc_isa.isa.masks import PLACES, bits_of
from dstc_isa.isa.unit import Unit
from dstc_isa.schedule.hazard import Hazard
from dstc_isa.schedule.work import Work

TILES = SCOREBOARDS - 1
SOURCES = SCOREBOARDS - 2
RESULTS = range(SCOREBOARDS - 2)
FAST, SLOW = (0, 1, 2), (3, 2)
"""Scoreboards of results that do and do not come from global memory, in a kernel that has both."""

NEAR = 8
"""Results share a scoreboard if they are needed within this fraction of the distance to where they are needed."""


def assign_scoreboards(
    work: list[Work], successors: list[tuple[int, ...]], roots: Iterable[int], hazards: list[Hazard]
) -> None:
    """Choose scoreboards and waits.

    Outer products share one scoreboard, since only the last of them is ever waited for; so do the late reads of the
    load and store unit, which end in order. Results have the other four: those first needed by the same instruction
    share one. A scoreboard that a written code names is left to those, as long as others remain.
    """
    _choose(work, successors)
    _Waits(work, successors, hazards).solve(roots)


def _choose(work: list[Work], successors: list[tuple[int, ...]]) -> None:
    """Scoreboards of all producers, by who needs each first in the order of the text, loops gone round once."""
    touched = _first_touches(work, successors)
    groups = [_Group() for _ in RESULTS]
    kinds = {w.slow for w in work if w.awaited and not w.tile}
    mixed = len(kinds) > 1
    overwritten = 0
    taken = set()
    for w in work:
        overwritten |= w.writes
        if w.keeps_write:
            taken.add(w.write)
    for index, w in enumerate(work):
        if w.late & overwritten and not w.keeps_read:
            w.read = SOURCES
        if not w.awaited or w.keeps_write:
            continue
        if w.tile:
            w.write = TILES
            continue
        needed = touched[index]
        boards = SLOW if w.slow and mixed else FAST if mixed else RESULTS
        board = _board(groups, index, needed, w.slow, [board for board in boards if board not in taken] or boards)
        group = groups[board]
        slow = w.slow or (group.slow and group.end > index)
        groups[board] = _Group(max(group.end, needed), needed, slow)
        w.write = board


@define
class _Group:
    """Results that share a scoreboard: the last place one is needed, the place of the latest, and if it is slow."""

    end: int = -1
    last: int = -1
    slow: bool = False


def _board(groups: list[_Group], index: int, needed: int, slow: bool, boards: Sequence[int]) -> int:
    """A board with an open group awaited at about the same place, else a closed one, else the one awaited nearest."""
    alike = [board for board in boards if groups[board].end > index and groups[board].slow == slow]
    nearest = min(alike, key=lambda board: abs(groups[board].last - needed), default=-1)
    if nearest >= 0 and abs(groups[nearest].last - needed) * NEAR <= needed - index:
        return nearest
    closed = [board for board in boards if groups[board].end <= index]
    if closed:
        return min(closed, key=lambda board: groups[board].end)
    if nearest >= 0:
        return nearest
    return min(boards, key=lambda board: abs(groups[board].last - needed))


def _first_touches(work: list[Work], successors: list[tuple[int, ...]]) -> list[int]:
    """For each producer the index of the first instruction behind it that touches its results.

    Past a backward branch the count goes on behind the branch with the head of the loop.
    """
    count = len(work)
    never = 2 * count
    heads: dict[int, list[int]] = {
        target: [never] * PLACES for index, s in enumerate(successors) for target in s if target <= index
    }
    found = [never] * count
    for _ in range(2 if heads else 1):
        place = [never] * PLACES
        for index in range(count - 1, -1, -1):
            for target in successors[index]:
                if target <= index:
                    ahead = index + 1 - target
                    place = [min(here, there + ahead) for here, there in zip(place, heads[target], strict=True)]
            w = work[index]
            if w.awaited and not w.tile:
                found[index] = min(place[bit] for bit in bits_of(w.writes))
            for bit in bits_of((w.reads | w.writes) & ~w.tile):
                place[bit] = index
            if index in heads:
                heads[index] = place[:]
    return found


def _any_of(producers: Sequence[int], places: int) -> int:
    """Producers of any of some places."""
    found = 0
    for place in bits_of(places):
        found |= producers[place]
    return found


_Packed = int | tuple[int, ...]
"""A mask as it is kept for each instruction: a long one with few bits by their positions."""

SHORT, FEW = 1 << 10, 16
"""Bits of masks that are kept as they are, and set ones that are kept by position."""

REMEMBERED = 1 << 12
"""Kinds of instructions for which it is remembered what they touch."""


def _packed(mask: int) -> _Packed:
    if mask.bit_length() <= SHORT or mask.bit_count() > FEW:
        return mask
    return tuple(bits_of(mask))


def _unpacked(kept: _Packed) -> int:
    return kept if isinstance(kept, int) else sum(1 << bit for bit in kept)


class _Waits:
    """The data flow: which producers are still under way, as bit masks over producers."""

    def __init__(self, work: list[Work], successors: list[tuple[int, ...]], hazards: list[Hazard]) -> None:
        self.work, self.successors, self.hazards = work, successors, hazards
        self.producers = [i for i, w in enumerate(work) if w.awaited or w.late]
        self.results = [0] * PLACES
        self.tiles = [0] * PLACES
        self.sources = [0] * PLACES
        self.by_write = [0] * (NO_SCOREBOARD + 1)
        self.by_read = [0] * (NO_SCOREBOARD + 1)
        self.own: dict[int, int] = {}
        for number, index in enumerate(self.producers):
            bit = 1 << number
            w = work[index]
            self.own[index] = number
            if w.awaited:
                for place in bits_of(w.writes):
                    (self.tiles if w.tile >> place & 1 else self.results)[place] |= bit
            for place in bits_of(w.late):
                self.sources[place] |= bit
            self.by_write[w.write] |= bit
            self.by_read[w.read] |= bit
        fixed = [i for i in self.producers if work[i].awaited and not work[i].variable]
        self.forwarding = {
            pipe: self._mask(i for i in fixed if work[i].forwards and work[i].pipe is pipe)
            for pipe in {w.pipe for w in work}
        }
        remembered = lru_cache(maxsize=REMEMBERED)
        self.touched = remembered(self._touched)
        self.overwritten = remembered(lambda writes: _any_of(self.sources, writes))
        users = {(w.kind, w.latency) for w in work}
        self.in_turn = {(kind, most): self._mask(i for i in fixed if work[i].to[kind] <= most) for kind, most in users}

    def _mask(self, producers: Iterable[int]) -> int:
        mask = 0
        for index in producers:
            mask |= 1 << self.own[index]
        return mask

    def _touched(
        self, reads: int, writes: int, tile: int, accumulators: int, pipe: Unit | None, kind: int, latency: int
    ) -> int:
        """Producers that an instruction must wait for, of all that it reads or writes.

        Of its accumulators those that are no outer products, and that do not forward them to it. Of what it overwrites
        those that would write later than it does.
        """
        needed = _any_of(self.results, reads & ~accumulators | tile) | _any_of(self.tiles, (reads | writes) & ~tile)
        if accumulators and pipe is not None:
            needed |= _any_of(self.results, accumulators) & ~self.forwarding[pipe]
        return needed | _any_of(self.results, writes) & ~self.in_turn[kind, latency]

    def solve(self, roots: Iterable[int]) -> None:
        """Iterate to a fixed point; waits are added on the way, since a pending producer stays pending."""
        count = len(self.work)
        state: list[tuple[_Packed, _Packed] | None] = [None] * count
        waiting = []
        for root in roots:
            if root < count:
                state[root] = (0, 0)
                waiting.append(root)
        while waiting:
            index = waiting.pop()
            while True:
                before = state[index]
                assert before is not None
                after = self._through(index, *map(_unpacked, before))
                following = []
                for successor in self.successors[index]:
                    if not 0 <= successor < count:
                        continue
                    known = state[successor]
                    joined = after
                    if known is not None:
                        joined = (_unpacked(known[0]) | after[0], _unpacked(known[1]) | after[1])
                    packed = (_packed(joined[0]), _packed(joined[1]))
                    if packed != known:
                        state[successor] = packed
                        following.append(successor)
                if not following:
                    break
                index, *rest = following
                waiting += rest

    def _through(self, index: int, results: int, sources: int) -> tuple[int, int]:
        w = self.work[index]
        touched = self.touched(w.reads, w.writes, w.tile, w.accumulators, w.pipe, w.kind, w.latency)
        needed, needed_sources = touched & results, self.overwritten(w.writes) & sources
        if w.indirect:
            needed, needed_sources = results, sources
        boards = w.wait
        if not w.keeps_wait:
            for board in range(SCOREBOARDS):
                if self.by_write[board] & needed or self.by_read[board] & needed_sources:
                    boards |= 1 << board
            w.wait = boards
        done, read = 0, 0
        for board in range(SCOREBOARDS):
            if boards >> board & 1:
                done |= self.by_write[board]
                read |= self.by_read[board]
        results &= ~done
        sources &= ~(read | done)
        if needed & results or needed_sources & sources:
            self._report(index, needed & results, needed_sources & sources)
            results &= ~needed
            sources &= ~needed_sources
        if index in self.own:
            own = 1 << self.own[index]
            if w.awaited:
                results |= own
            if w.late:
                sources |= own
        return results, sources

    def _report(self, index: int, results: int, sources: int) -> None:
        w = self.work[index]
        for number in bits_of(results):
            producer = self.producers[number]
            p = self.work[producer]
            common = p.writes & (w.reads | w.writes)
            # A fixed latency ends without a wait: cycles decide.
            if common and p.variable:
                place = next(iter(bits_of(common & w.reads or common)))
                kind = "RAW" if common & w.reads else "WAW"
                self.hazards.append(Hazard(producer, index, kind, place, unset=p.write == NO_SCOREBOARD))
        for number in bits_of(sources):
            producer = self.producers[number]
            p = self.work[producer]
            place = next(iter(bits_of(p.late & w.writes)), -1)
            if place >= 0:
                unset = p.read == NO_SCOREBOARD and p.write == NO_SCOREBOARD
                self.hazards.append(Hazard(producer, index, "WAR", place, unset=unset))
