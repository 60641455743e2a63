"""Global memory below an SM: its L1, the L2 that all share, DRAM.

Within an epoch an SM sees the L2 as it was at the start of the epoch, and its own misses since.
"""

from typing import Any

from dstc_isa.engine.compiled.jit import compiled
from dstc_isa.engine.compiled.raw_memory import load_i64, store_i64
from dstc_isa.isa.lanes import count_bits
from dstc_isa.timing.compiled.model_views import fill_at, logged_at, pending_at, sm_at
from dstc_isa.timing.model_records import FAR, PENDING_ENTRIES, SECTORS, TICKS

HASH = 0x1E3779B97F4A7C15
HASH_SHIFT = 24
HASH_MASK = (1 << 31) - 1
STORED = 1 << 8
"""Marks logged sectors that were stored and not loaded."""

SECTOR_MASK = STORED - 1


@compiled
def set_of(line: Any, sets: Any) -> Any:
    """The set of a line: a multiplicative hash, so that strides do not fall into few sets."""
    return ((line * HASH >> HASH_SHIFT) & HASH_MASK) % sets


@compiled
def l2_way(machine: Any, line: Any) -> Any:
    """The way of L2 that holds a line, -1 if none does."""
    first = set_of(line, machine.l2_sets) * machine.l2_ways
    for way in range(first, first + machine.l2_ways):
        if load_i64(machine.l2_tags + 8 * way) == line:
            return way
    return -1


@compiled
def from_l2(machine: Any, sm: Any, line: Any, sectors: Any, cycle: Any, stored: Any) -> Any:
    """Move sectors of a line between an SM and L2 or DRAM, from ``cycle`` on; the cycle at which the last is there.

    What is ``stored`` ends in L2; its way to DRAM is paid by all SMs together, when the epoch's misses are merged.
    """
    start = max(cycle * TICKS, sm.l2_free)
    count = count_bits(sectors)
    sm.l2_free = start + count * machine.l2_ticks
    behind = (count - 1) * machine.l2_ticks
    arrived = (start + behind) // TICKS + machine.l2_latency
    way = l2_way(machine, line)
    absent = sectors
    if way >= 0:
        store_i64(machine.l2_stamps + 8 * way, machine.epoch)
        absent &= ~load_i64(machine.l2_sectors + 8 * way)
    if absent == 0:
        return arrived
    pending = pending_at(sm.pending, set_of(line, PENDING_ENTRIES))
    if pending.line != line or pending.epoch != machine.epoch:
        pending.line = line
        pending.epoch = machine.epoch
        pending.sectors = 0
        pending.cycle = 0
    arrived = max(arrived, pending.cycle)
    absent &= ~pending.sectors
    if absent == 0:
        return arrived
    missing = count_bits(absent)
    if not stored:
        start = max(start, sm.dram_free)
        sm.dram_free = start + missing * machine.dram_ticks
        arrived = max(arrived, (start + (missing - 1) * machine.dram_ticks) // TICKS + machine.dram_latency)
    sm.l2_misses += missing
    pending.sectors |= absent
    pending.cycle = arrived
    if sm.log_count < machine.log_capacity:
        logged = logged_at(sm.log, sm.log_count)
        logged.line = line
        logged.sectors = absent | STORED if stored else absent
        sm.log_count += 1
    return arrived


@compiled
def load_line(machine: Any, sm: Any, line: Any, sectors: Any, cycle: Any) -> Any:
    """Load sectors of a line through L1; the cycle at which all are there."""
    first = set_of(line, machine.l1_sets) * machine.l1_ways
    found = -1
    oldest = first
    for way in range(first, first + machine.l1_ways):
        if load_i64(sm.l1_tags + 8 * way) == line:
            found = way
        if load_i64(sm.l1_used + 8 * way) < load_i64(sm.l1_used + 8 * oldest):
            oldest = way
    sm.l1_clock += 1
    held = 0
    if found < 0:
        found = oldest
        store_i64(sm.l1_tags + 8 * found, line)
        fill_at(sm.l1_filled, found).whole = 0
    else:
        held = load_i64(sm.l1_sectors + 8 * found)
    store_i64(sm.l1_used + 8 * found, sm.l1_clock)
    store_i64(sm.l1_sectors + 8 * found, held | sectors)
    filled = fill_at(sm.l1_filled, found)
    arrived = cycle + machine.l1_latency
    present = sectors & held
    sm.l1_hits += count_bits(present)
    if present and filled.whole > arrived:
        for sector in range(SECTORS):
            if present >> sector & 1:
                arrived = max(arrived, filled.sectors[sector])
    missing = sectors & ~held
    if missing:
        sm.l1_misses += count_bits(missing)
        there = from_l2(machine, sm, line, missing, cycle, False)
        for sector in range(SECTORS):
            if missing >> sector & 1:
                filled.sectors[sector] = there
        filled.whole = max(filled.whole, there)
        arrived = max(arrived, there)
    return arrived


@compiled
def merge(machine: Any) -> Any:
    """Enter the misses of all SMs into L2, in the order of SMs; a line that several missed moves once."""
    machine.missed_sectors = 0
    machine.loaded_sectors = 0
    machine.dram_sectors = 0
    for index in range(machine.sm_count):
        sm = sm_at(machine.sms, index)
        for entry in range(sm.log_count):
            logged = logged_at(sm.log, entry)
            line = logged.line
            sectors = logged.sectors & SECTOR_MASK
            way = l2_way(machine, line)
            held = 0
            if way >= 0:
                held = load_i64(machine.l2_sectors + 8 * way)
            else:
                first = set_of(line, machine.l2_sets) * machine.l2_ways
                way = first
                oldest = FAR
                for candidate in range(first, first + machine.l2_ways):
                    stamp = load_i64(machine.l2_stamps + 8 * candidate)
                    if stamp < oldest:
                        oldest = stamp
                        way = candidate
                store_i64(machine.l2_tags + 8 * way, line)
            moved = count_bits(sectors & ~held)
            machine.dram_sectors += moved
            if logged.sectors < STORED:
                machine.missed_sectors += count_bits(sectors)
                machine.loaded_sectors += moved
            store_i64(machine.l2_sectors + 8 * way, held | sectors)
            store_i64(machine.l2_stamps + 8 * way, machine.epoch)
        sm.log_count = 0
