"""What host threads need to know whether CTAs depend on their order, and to begin again if they do."""

import ctypes
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from attrs import define

from dstc_isa.engine.compiled import cache
from dstc_isa.engine.compiled.host_threads import run_threads
from dstc_isa.engine.compiled.state import LaunchState
from dstc_isa.engine.execution import Dependence
from dstc_isa.engine.launch import Launch
from dstc_isa.engine.record_layout import Array, Record
from dstc_isa.engine.supervision import Supervisor
from dstc_isa.engine.tracker_records import (
    COMPARISON,
    DETAIL,
    PAGE_SHIFT,
    REGION,
    SEVERAL,
    TRACKER,
    UNITS,
    Conflict,
    Page,
    Use,
)
from dstc_isa.host_memory import require
from dstc_isa.isa.access import access_size
from dstc_isa.isa.effects import Effect
from dstc_isa.isa.instruction import Instruction

COMPARE = cache.Entry("compare", "dstc_isa.engine.compiled.conflicts", "comparer_of", "as_comparison")
PAGE_BYTES = 1 << PAGE_SHIFT
WORD_BYTES = 4
MOST_DETAILS = 1 << 20


@define
class Region:
    """Host memory that allocations share no byte of with those of another: address, bytes, first page."""

    start: int
    size: int
    page: int = 0


@define
class Tracker:
    """What one host thread has seen of the accesses to memory."""

    record: Record
    arrays: dict[str, Array]

    def field(self, name: str) -> int:
        """A field of the tracker record."""
        return int(self.record[name])


def regions_of(launch: Launch) -> list[Region]:
    """The host memory of a launch's allocations; arrays that overlap are one region."""
    spans = sorted((a.array.ctypes.data, a.size) for a in launch.memory.allocations if a.size)
    regions: list[Region] = []
    for start, size in spans:
        if regions and start < regions[-1].start + regions[-1].size:
            last = regions[-1]
            last.size = max(last.size, start + size - last.start)
        else:
            regions.append(Region(start, size))
    page = 0
    for region in regions:
        region.page = page
        page += -(-region.size // PAGE_BYTES)
    return regions


def unit_shift(instructions: Sequence[Instruction | None]) -> int:
    """Log2 of the bytes of the least piece of global memory that a kernel's loads and stores move, at most a word."""
    least = WORD_BYTES
    for instruction in instructions:
        if instruction is None:
            continue
        effects = instruction.declaration.effects
        if Effect.GLOBAL in effects and not effects.isdisjoint({Effect.LOAD, Effect.STORE}):
            least = min(least, access_size(instruction) or 1)
    return least.bit_length() - 1


class Tracking:
    """Trackers of a launch's host threads, and the memory as it was before."""

    def __init__(self, state: LaunchState) -> None:
        self.state = state
        self.regions = regions_of(state.launch)
        self.unit = unit_shift(state.instructions)
        self.granules_a_page = PAGE_BYTES >> self.unit >> (UNITS.bit_length() - 1)
        pages = sum(-(-region.size // PAGE_BYTES) for region in self.regions)
        self.granules = pages * self.granules_a_page
        self.pages = np.zeros(max(1, pages), np.uint32)
        self.saved = np.empty((max(1, pages), PAGE_BYTES), np.uint8)
        each = [self.region_of(allocation.array.ctypes.data) for allocation in state.launch.memory.allocations]
        self.table = REGION.new(
            len(each),
            start=[region.start for region in each],
            size=[region.size for region in each],
            granule=[region.page * self.granules_a_page for region in each],
        )

    def region_of(self, address: int) -> Region:
        """The region that a host address lies in, or, of an array without bytes, none."""
        return next((r for r in self.regions if r.start <= address < r.start + r.size), Region(0, 0))

    def new_tracker(self, stops: bool) -> Tracker:
        """A tracker for a host thread; ``stops``: a conflict that it sees ends the run."""
        require(8 * self.granules, "a record of which CTA uses which memory (--any-order does without)")
        granules = np.zeros(max(1, self.granules), np.int64)
        limit = min(self.granules, MOST_DETAILS) + 1
        details = np.empty(limit, DETAIL.dtype)
        tracker = TRACKER.new(
            stops=stops,
            unit=self.unit,
            detail_limit=limit,
            detail_count=1,
        )
        arrays = TRACKER.point(
            tracker,
            launch=self.state.record,
            regions=self.table,
            granules=granules,
            details=details,
            pages=self.pages,
            saved=self.saved,
        )
        return Tracker(tracker, arrays)

    def restore(self) -> None:
        """Put the memory back as it was before the launch."""
        for region in self.regions:
            count = -(-region.size // PAGE_BYTES)
            known = self.pages[region.page : region.page + count]
            for page in np.flatnonzero(known).tolist():
                first = page * PAGE_BYTES
                length = min(PAGE_BYTES, region.size - first)
                if known[page] == Page.SAVED:
                    ctypes.memmove(region.start + first, self.saved[region.page + page].ctypes.data, length)
                else:
                    ctypes.memset(region.start + first, 0, length)
        self.pages[:] = 0

    def found(
        self, trackers: list[Tracker], supervisor: Supervisor, announce: Callable[[str], None] | None
    ) -> Dependence | None:
        """How CTAs depend on their order, from what all threads have seen; None if they do not."""
        if len(trackers) > 1 and not any(tracker.field("conflict") for tracker in trackers):
            self._compare(trackers, supervisor, announce)
        for tracker in trackers:
            if tracker.field("conflict"):
                return self._dependence(tracker)
        return None

    def _compare(self, trackers: list[Tracker], supervisor: Supervisor, announce: Callable[[str], None] | None) -> None:
        addresses = np.array([tracker.record.ctypes.data for tracker in trackers], np.int64)
        edges = np.linspace(0, self.granules, len(trackers) + 1).astype(np.int64)
        parts = []
        for first, end in pairwise(edges.tolist()):
            part = COMPARISON.new(count=len(trackers), first=first, end=end)
            COMPARISON.point(part, trackers=addresses)
            parts.append(part)
        with supervisor.paused():
            compare = cache.load(COMPARE, announce)
        run_threads(compare, [part.ctypes.data for part in parts], self.state.record, supervisor)

    def _dependence(self, tracker: Tracker) -> Dependence:
        first, second = (tracker.field(name) for name in ("first_cta", "second_cta"))
        return Dependence(
            certain=tracker.field("conflict") == Conflict.CERTAIN,
            place=self._place(tracker.field("granule"), tracker.field("place")),
            ctas=(None if first == SEVERAL else first, None if second == SEVERAL else second),
            uses=(use_name(tracker.field("first_use")), use_name(tracker.field("second_use"))),
            instruction=None if tracker.field("second_pc") < 0 else tracker.field("second_pc"),
        )

    def _place(self, granule: int, unit: int) -> str:
        """The element of an array that a unit belongs to."""
        page = granule // self.granules_a_page
        region = [r for r in self.regions if r.page <= page][-1]
        offset = ((granule - region.page * self.granules_a_page) * UNITS + unit) << self.unit
        address = region.start + offset
        for allocation in self.state.launch.memory.allocations:
            array = allocation.array
            inside = address - array.ctypes.data
            if 0 <= inside < array.nbytes:
                where = np.unravel_index(inside // array.itemsize, array.shape)
                return f"{allocation.name}[{', '.join(str(int(i)) for i in where)}]"
        return "memory"


def use_name(use: int) -> str:
    """What a CTA did to memory, as a verb."""
    names = {int(Use.READ): "reads", int(Use.WRITE): "writes"}
    return names.get(use, "reduces")
