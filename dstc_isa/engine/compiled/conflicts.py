"""Tells whether CTAs depend on each other's order: which of them has read, written or reduced each unit of memory.

A granule's state is one 64-bit word. A CTA that uses it alone is its owner: bits 32 and up are the CTA's number plus
one, bits 16 to 31 the units it has written or reduced, bits 0 to 15 those it has read. A granule that several CTAs use
has ``SHARED`` set, in bits 0 to 15 the units that several have read, and above bit 32 the number of an entry with one
word for each unit, 0 if nothing else has been done to it. A host thread has a tracker of its own, so no access waits
for another thread; what the threads have seen is compared at the end.
"""

from typing import Any

from numba import int64

from dstc_isa.engine.compiled.allocations import find_allocation
from dstc_isa.engine.compiled.jit import compiled, inlined, merged
from dstc_isa.engine.compiled.raw_memory import (
    atomic_add,
    atomic_swap_if,
    load_i64,
    load_lanes_u32,
    load_u8,
    load_u32,
    store_i64,
    store_lanes_u32,
    store_u8,
)
from dstc_isa.engine.compiled.record_views import as_launch, as_tracker, detail_at, region_at
from dstc_isa.engine.register_rows import ROW_BYTES
from dstc_isa.engine.tracker_records import (
    CTA_BITS,
    PAGE_SHIFT,
    SEVERAL,
    TRACKER,
    UNITS,
    Conflict,
    Page,
    Use,
)
from dstc_isa.isa.lanes import ballot, lowest_bit, splat

OWNER = 32
SHARED = 1 << 62
ENTRY_MASK = (1 << 30) - 1
ALL_UNITS = (1 << UNITS) - 1
OWNED = (1 << OWNER) - 1
UNIT_SHIFT = 4
DETAIL_COUNT = TRACKER.offset("detail_count")
PAGE_BYTES = 1 << PAGE_SHIFT
WORD = 8


@compiled
def save_page(tracker: Any, region: Any, offset: Any) -> Any:
    """Keep what the page at an offset of a region holds, unless that has been done; returns when it has."""
    unit = tracker.unit
    granule = region.granule + (offset >> unit >> UNIT_SHIFT)
    page = granule << UNIT_SHIFT << unit >> PAGE_SHIFT
    place = tracker.pages + 4 * page
    if load_u32(place) >= Page.ZERO:
        return
    if atomic_swap_if(place, int64(Page.UNTOUCHED), int64(Page.BUSY)) != Page.UNTOUCHED:
        while atomic_swap_if(place, int64(Page.BUSY), int64(Page.BUSY)) == Page.BUSY:
            pass
        return
    first = offset >> PAGE_SHIFT << PAGE_SHIFT
    source = region.start + first
    target = tracker.saved + (page << PAGE_SHIFT)
    length = min(region.size - first, int64(PAGE_BYTES))
    rows = length // ROW_BYTES
    found = int64(Page.ZERO)
    row = int64(0)
    while row < rows and found == Page.ZERO:
        if ballot(load_lanes_u32(source + row * ROW_BYTES) != splat(0)) != 0:
            found = int64(Page.SAVED)
        row += 1
    for byte in range(rows * ROW_BYTES, length):
        if load_u8(source + byte) != 0:
            found = int64(Page.SAVED)
    if found == Page.SAVED:
        for number in range(rows):
            store_lanes_u32(target + number * ROW_BYTES, load_lanes_u32(source + number * ROW_BYTES))
        for byte in range(rows * ROW_BYTES, length):
            store_u8(target + byte, load_u8(source + byte))
    atomic_swap_if(place, int64(Page.BUSY), found)


@compiled
def report(address: Any, kind: Any, place: Any, unit: Any, first: Any, second: Any, pc: Any) -> Any:
    """Note a conflict between two uses, each ``use << CTA_BITS | cta``; the first one found counts."""
    tracker = as_tracker(address)
    if tracker.conflict != Conflict.NONE:
        return
    tracker.conflict = kind
    tracker.granule = (place - tracker.granules) // WORD
    tracker.place = unit
    tracker.first_use = first >> CTA_BITS
    tracker.first_cta = first & SEVERAL
    tracker.second_use = second >> CTA_BITS
    tracker.second_cta = second & SEVERAL
    tracker.second_pc = pc
    if tracker.stops != 0:
        as_launch(tracker.launch).cancelled = 1


@compiled
def after(entry: Any, use: Any, cta: Any) -> Any:
    """A unit's entry, ``use << CTA_BITS | cta``, once a CTA has used it too; -1 if the order of the two matters."""
    before = entry >> CTA_BITS
    if before == Use.NONE:
        return use << CTA_BITS | cta
    if entry & SEVERAL == cta and cta != SEVERAL:
        if use == before or (use == Use.READ and before == Use.WRITE):
            return entry
        return int64(Use.WRITE) << CTA_BITS | cta
    if use == before and use != Use.WRITE:
        return use << CTA_BITS | SEVERAL
    return int64(-1)


@compiled
def new_entry(address: Any, state: Any) -> Any:
    """Give a granule an entry for each of its units, as its state has it so far; its number, 0 if none is left."""
    tracker = as_tracker(address)
    number = atomic_add(address + DETAIL_COUNT, 1)
    if number >= tracker.detail_limit:
        return int64(0)
    uses = detail_at(tracker.details, number).uses
    cta = (state >> OWNER) - 1 if state < SHARED else int64(SEVERAL)
    for unit in range(UNITS):
        entry = int64(0)
        if state < SHARED and state >> (UNITS + unit) & 1 != 0:
            entry = int64(Use.WRITE) << CTA_BITS | cta
        elif state >> unit & 1 != 0:
            entry = int64(Use.READ) << CTA_BITS | cta
        uses[unit] = entry
    return number


@compiled
def use_units(address: Any, place: Any, cta: Any, units: Any, use: Any, pc: Any) -> Any:
    """Change a granule's state for a CTA's use of units, and report what that conflicts with."""
    tracker = as_tracker(address)
    state = load_i64(place)
    reads = state & ALL_UNITS
    writes = state >> UNITS & ALL_UNITS if state < SHARED else int64(0)
    if use <= Use.WRITE and (state == 0 or state >> OWNER == cta + 1):
        shift = UNITS if use == Use.WRITE else 0
        store_i64(place, (cta + 1) << OWNER | (state & OWNED) | units << shift)
        return
    if state < SHARED and use == Use.READ and writes == 0 and reads == units:
        store_i64(place, SHARED | units)
        return
    number = state >> OWNER & ENTRY_MASK if state >= SHARED else int64(0)
    if number == 0:
        number = new_entry(address, state)
        if number == 0:
            first = (state >> OWNER) - 1 if state < SHARED else int64(SEVERAL)
            if use == Use.READ and writes == 0:
                store_i64(place, SHARED | reads | units)
            else:
                before = int64(Use.WRITE if writes != 0 else Use.READ) << CTA_BITS | first
                mine = use << CTA_BITS | cta
                report(address, int64(Conflict.POSSIBLE), place, lowest_bit(units), before, mine, pc)
            return
    several = reads if state >= SHARED else int64(0)
    uses = detail_at(tracker.details, number).uses
    rest = units
    while rest != 0:
        unit = lowest_bit(rest)
        rest &= rest - 1
        before = uses[unit]
        entry = after(before, use, cta)
        if entry < 0:
            report(address, int64(Conflict.CERTAIN), place, unit, before, use << CTA_BITS | cta, pc)
            entry = use << CTA_BITS | cta
        uses[unit] = entry
        if entry == int64(Use.READ) << CTA_BITS | SEVERAL:
            several |= int64(1) << unit
        else:
            several &= ~(int64(1) << unit)
    store_i64(place, SHARED | number << OWNER | several)


@compiled
def track(address: Any, warp: Any, region: Any, place: Any, units: Any, offset: Any, use: Any) -> Any:
    """A warp uses units of the granule at ``place``, which is at an offset of its region."""
    state = load_i64(place)
    if use == Use.READ:
        if state & units == units and (state >= SHARED or state >> OWNER == warp.cta + 1):
            return
    else:
        if use == Use.WRITE and state >> OWNER == warp.cta + 1 and state >> UNITS & units == units:
            return
        save_page(as_tracker(address), region, offset)
    use_units(address, place, warp.cta, units, use, warp.pc - 1)


@compiled
def track_bytes(address: Any, warp: Any, allocation: Any, host: Any, size: Any, use: Any) -> Any:
    """A warp uses ``size`` bytes at a host address that lie in an allocation."""
    tracker = as_tracker(address)
    region = region_at(tracker.regions, allocation)
    offset = host - region.start
    unit = tracker.unit
    first = offset >> unit
    last = (offset + size - 1) >> unit
    base = tracker.granules + region.granule * WORD
    low = first & (UNITS - 1)
    for granule in range(first >> UNIT_SHIFT, (last >> UNIT_SHIFT) + 1):
        units = int64(ALL_UNITS) << low & ALL_UNITS
        if granule == last >> UNIT_SHIFT:
            units &= (int64(2) << (last & (UNITS - 1))) - 1
        track(address, warp, region, base + granule * WORD, units, granule << UNIT_SHIFT << unit, use)
        low = int64(0)


@compiled
def track_scattered(address: Any, warp: Any, size: Any, use: Any) -> Any:
    """A warp uses ``size`` bytes at the host address that scratch has for each executing lane."""
    tracker = as_tracker(address)
    unit = tracker.unit
    place = units = offset = int64(0)
    region = region_at(tracker.regions, int64(0))
    rest = warp.mask
    while rest != 0:
        lane = lowest_bit(rest)
        rest &= rest - 1
        host = load_i64(warp.scratch + WORD * lane)
        device = load_i64(warp.addresses + WORD * lane)
        allocation = find_allocation(warp, device)
        here = region_at(tracker.regions, allocation)
        at = host - here.start
        first = at >> unit
        last = (at + size - 1) >> unit
        if first >> UNIT_SHIFT != last >> UNIT_SHIFT:
            track_bytes(address, warp, allocation, host, size, use)
            continue
        granule = tracker.granules + (here.granule + (first >> UNIT_SHIFT)) * WORD
        if granule != place:
            if place != 0:
                track(address, warp, region, place, units, offset, use)
            region = here
            place = granule
            offset = at
            units = int64(0)
        low = first & (UNITS - 1)
        units |= ((int64(2) << (last & (UNITS - 1))) - 1) & ~((int64(1) << low) - 1)
    if place != 0:
        track(address, warp, region, place, units, offset, use)


@inlined
def note_bytes(warp: Any, host: Any, size: Any, use: Any) -> Any:
    """Let the warp's tracker know of a use of consecutive bytes in the allocation that was found last."""
    address = load_i64(warp.tracker)
    if address != 0:
        track_bytes(address, warp, warp.last_allocation, host, size, use)


@inlined
def note_scattered(warp: Any, size: Any, use: Any) -> Any:
    """Let the warp's tracker know of a use of ``size`` bytes at the host address that scratch has for each lane."""
    address = load_i64(warp.tracker)
    if address != 0:
        track_scattered(address, warp, size, use)


def comparer_of(run_warp: Any) -> Any:
    """The function that finds conflicts between what the trackers of several threads have seen."""

    @compiled
    def replay(source: Any, target: Any, granule: Any, state: Any) -> Any:
        """Do to a granule of one tracker what another one has seen done to it."""
        place = as_tracker(target).granules + granule * WORD
        if state < SHARED:
            cta = (state >> OWNER) - 1
            if state & ALL_UNITS != 0:
                use_units(target, place, cta, state & ALL_UNITS, int64(Use.READ), int64(-1))
            if state >> UNITS & ALL_UNITS != 0:
                use_units(target, place, cta, state >> UNITS & ALL_UNITS, int64(Use.WRITE), int64(-1))
            return
        number = state >> OWNER & ENTRY_MASK
        if number == 0:
            use_units(target, place, int64(SEVERAL), state & ALL_UNITS, int64(Use.READ), int64(-1))
            return
        for unit in range(UNITS):
            entry = detail_at(as_tracker(source).details, number).uses[unit]
            if entry != 0:
                use_units(target, place, entry & SEVERAL, int64(1) << unit, entry >> CTA_BITS, int64(-1))

    @merged
    def compare(comparison: Any) -> Any:
        """Compare the granules of this thread's part."""
        count = comparison.count
        for granule in range(comparison.first, comparison.end):
            base = int64(0)
            for number in range(count):
                tracker = load_i64(comparison.trackers + WORD * number)
                state = load_i64(as_tracker(tracker).granules + granule * WORD)
                if state == 0:
                    continue
                if base == 0:
                    base = tracker
                elif state >> OWNER != SHARED >> OWNER or state != load_i64(as_tracker(base).granules + granule * WORD):
                    replay(tracker, base, granule, state)

    return compare
