"""Watches a warp's registers for hazards: what an instruction reads or writes before an earlier one is done with it.

The rules are those of docs/language.md, "Control codes": a fixed latency ends by itself, a variable one only by a
wait for its scoreboard. Lanes count: an instruction's result is no hazard to lanes that did not execute it.
"""

from typing import Any

from numba import int64

from dstc_isa.engine.compiled.jit import compiled, inlined
from dstc_isa.engine.compiled.records import load_i64, load_s32, store_i64
from dstc_isa.engine.layout import CODE_ROW
from dstc_isa.isa.control import AFTER_SETTING, NO_SCOREBOARD, SCOREBOARDS
from dstc_isa.isa.lanes import FULL_MASK, lowest_bit
from dstc_isa.timing.compiled.records import as_watch
from dstc_isa.timing.layout import (
    FAR,
    FINDING_WORDS,
    FINDINGS,
    OUTSTANDING_ENTRY,
    PLACE_WORDS,
    USE_WORDS,
    WATCH_OFFSETS,
    WATCHED_PLACES,
    Danger,
    Finding,
    Use,
)

CODE_BYTES = 4 * CODE_ROW
USE_BYTES = 8 * USE_WORDS
FINDING_BYTES = 8 * FINDING_WORDS
ENTRIES = WATCH_OFFSETS["size"]


@inlined
def unwatched(machine: Any, sm: Any, launch: Any, warp: Any, clock: Any, subcore: Any, cycle: Any) -> Any:
    """What a run without checks does in place of ``watch``: nothing."""


@compiled
def watch(machine: Any, sm: Any, launch: Any, warp: Any, clock: Any, subcore: Any, cycle: Any) -> Any:
    """Look at the instruction that a warp is about to issue, and remember what it leaves behind."""
    pc = warp.pc
    if pc >= launch.code_size:
        return
    address = sm.watches + (clock.slot * launch.warps + warp.index) * machine.watch_bytes
    state, entries = as_watch(address), address + ENTRIES
    if state.age != subcore.age[clock.position]:
        begin(state, subcore.age[clock.position])
    use = machine.uses + pc * USE_BYTES
    guard = launch.code + pc * CODE_BYTES
    active = warp.active
    lanes = active & (load_i64(warp.predicates + 8 * load_s32(guard + 4)) ^ load_s32(guard + 8)) & FULL_MASK
    wait = load_i64(use + 8 * Use.WAIT)
    if wait != 0:
        looked = max(clock.stall_until, clock.fetch_until, subcore.port_free[subcore.port[clock.position]])
        for board in range(SCOREBOARDS):
            if wait >> board & 1 and looked - state.set_at[board] < AFTER_SETTING:
                missing = state.set_at[board] + AFTER_SETTING - looked
                report(sm, clock, warp, cycle, state.setter[board], pc, Danger.WAIT, board, missing)
        end_waits(machine, state, entries, wait)
    check_fixed(machine, sm, clock, warp, state, pc, cycle, use + 8 * Use.GUARD, use + 8 * Use.NOTHING, active)
    check_outstanding(machine, sm, clock, warp, state, entries, pc, cycle, Use.GUARD, active, False)
    if lanes == 0:
        return
    check_fixed(machine, sm, clock, warp, state, pc, cycle, use + 8 * Use.READS, use + 8 * Use.WRITES, lanes)
    check_outstanding(machine, sm, clock, warp, state, entries, pc, cycle, Use.READS, lanes, True)
    leave(machine, state, entries, pc, cycle, use, lanes)


@compiled
def begin(state: Any, age: Any) -> Any:
    """A new CTA is in the slot: nothing is under way."""
    state.age = age
    state.count = 0
    for place in range(WATCHED_PLACES):
        state.lanes[place] = 0
    for board in range(SCOREBOARDS):
        state.set_at[board] = -FAR


@compiled
def end_waits(machine: Any, state: Any, entries: Any, wait: Any) -> Any:
    """Strike out results and late reads whose scoreboards are waited for."""
    kept = int64(0)
    for number in range(state.count):
        entry = entries + number * OUTSTANDING_ENTRY
        producer = load_i64(entry)
        results, sources = load_i64(entry + 8), load_i64(entry + 16)
        use = machine.uses + producer * USE_BYTES
        if wait >> load_i64(use + 8 * Use.WRITE) & 1:
            results, sources = int64(0), int64(0)
        if wait >> load_i64(use + 8 * Use.READ) & 1:
            sources = int64(0)
        if results | sources:
            place = entries + kept * OUTSTANDING_ENTRY
            store_i64(place, producer)
            store_i64(place + 8, results)
            store_i64(place + 16, sources)
            kept += 1
    state.count = kept


@compiled
def check_fixed(
    machine: Any,
    sm: Any,
    clock: Any,
    warp: Any,
    state: Any,
    pc: Any,
    cycle: Any,
    reads: Any,
    writes: Any,
    lanes: Any,
) -> Any:
    """Report results of fixed latency that are read, or written once more, too early."""
    use = machine.uses + pc * USE_BYTES
    pipe, latency = load_i64(use + 8 * Use.PIPE), load_i64(use + 8 * Use.LATENCY)
    for word in range(PLACE_WORDS):
        read, written = load_i64(reads + 8 * word), load_i64(writes + 8 * word)
        accumulated = load_i64(use + 8 * (Use.ACCUMULATORS + word))
        written &= ~load_i64(use + 8 * (Use.TILE + word))
        rest = read | written
        while rest != 0:
            low = rest & -rest
            rest &= rest - 1
            place = 64 * word + lowest_bit(low)
            if state.lanes[place] & lanes == 0:
                continue
            producer = state.producer[place]
            by = machine.uses + producer * USE_BYTES
            started = state.started[place]
            if read & low:
                ready = started + load_i64(by + 8 * Use.LATENCY)
                if accumulated & low and load_i64(by + 8 * Use.PIPE) == pipe:
                    ready = started + load_i64(by + 8 * Use.ACCUMULATE)
                if cycle < ready:
                    report(sm, clock, warp, cycle, producer, pc, Danger.RAW, place, ready - cycle)
            if written & low:
                free = started + load_i64(by + 8 * Use.LATENCY) - latency + 1
                if cycle < free:
                    report(sm, clock, warp, cycle, producer, pc, Danger.WAW, place, free - cycle)


@compiled
def check_outstanding(
    machine: Any,
    sm: Any,
    clock: Any,
    warp: Any,
    state: Any,
    entries: Any,
    pc: Any,
    cycle: Any,
    reads: Any,
    lanes: Any,
    executes: Any,
) -> Any:
    """Report results of variable latency, and sources read late, that are touched without a wait."""
    use = machine.uses + pc * USE_BYTES
    for number in range(state.count):
        entry = entries + number * OUTSTANDING_ENTRY
        producer = load_i64(entry)
        by = machine.uses + producer * USE_BYTES
        for word in range(PLACE_WORDS):
            read = load_i64(use + 8 * (reads + word))
            written = load_i64(use + 8 * (Use.WRITES + word)) if executes else int64(0)
            if load_i64(entry + 16) & lanes:
                overwritten = load_i64(by + 8 * (Use.LATE + word)) & written
                if overwritten != 0:
                    report(sm, clock, warp, cycle, producer, pc, Danger.WAR, 64 * word + lowest_bit(overwritten), 0)
            if load_i64(entry + 8) & lanes:
                held = load_i64(by + 8 * (Use.WRITES + word))
                if load_i64(by + 8 * Use.OUTER) != 0:
                    tile = load_i64(use + 8 * (Use.TILE + word))
                    read &= ~tile
                    written &= ~tile
                if held & read != 0:
                    report(sm, clock, warp, cycle, producer, pc, Danger.RAW, 64 * word + lowest_bit(held & read), 0)
                elif held & written != 0:
                    report(sm, clock, warp, cycle, producer, pc, Danger.WAW, 64 * word + lowest_bit(held & written), 0)


@compiled
def leave(machine: Any, state: Any, entries: Any, pc: Any, cycle: Any, use: Any, lanes: Any) -> Any:
    """What an executing instruction leaves under way."""
    write, read = load_i64(use + 8 * Use.WRITE), load_i64(use + 8 * Use.READ)
    if write != NO_SCOREBOARD:
        state.set_at[write] = cycle
        state.setter[write] = pc
    if read != NO_SCOREBOARD:
        state.set_at[read] = cycle
        state.setter[read] = pc
    if load_i64(use + 8 * Use.OUTSTANDING) != 0:
        found = int64(0)
        while found < state.count and load_i64(entries + found * OUTSTANDING_ENTRY) != pc:
            found += 1
        entry = entries + found * OUTSTANDING_ENTRY
        if found == state.count:
            state.count += 1
            store_i64(entry, pc)
            store_i64(entry + 8, 0)
            store_i64(entry + 16, 0)
        store_i64(entry + 8, load_i64(entry + 8) | lanes)
        if load_i64(use + 8 * Use.HAS_LATE) != 0:
            store_i64(entry + 16, load_i64(entry + 16) | lanes)
    elif load_i64(use + 8 * Use.VARIABLE) == 0:
        for word in range(PLACE_WORDS):
            rest = load_i64(use + 8 * (Use.WRITES + word))
            while rest != 0:
                place = 64 * word + lowest_bit(rest)
                rest &= rest - 1
                state.started[place] = cycle
                state.producer[place] = pc
                state.lanes[place] = lanes


@compiled
def report(
    sm: Any, clock: Any, warp: Any, cycle: Any, producer: Any, pc: Any, danger: Any, place: Any, missing: Any
) -> Any:
    """Note a hazard; of those between the same two instructions the one that lacks most."""
    number = int64(0)
    while number < sm.finding_count:
        known = sm.findings + number * FINDING_BYTES
        if load_i64(known + 8 * Finding.PRODUCER) == producer and load_i64(known + 8 * Finding.CONSUMER) == pc:
            if load_i64(known + 8 * Finding.MISSING) >= missing:
                return
            break
        number += 1
    if number == FINDINGS:
        return
    if number == sm.finding_count:
        sm.finding_count += 1
    entry = sm.findings + number * FINDING_BYTES
    store_i64(entry + 8 * Finding.PRODUCER, producer)
    store_i64(entry + 8 * Finding.CONSUMER, pc)
    store_i64(entry + 8 * Finding.DANGER, danger)
    store_i64(entry + 8 * Finding.PLACE, place)
    store_i64(entry + 8 * Finding.MISSING, missing)
    store_i64(entry + 8 * Finding.CTA, sm.cta[clock.slot])
    store_i64(entry + 8 * Finding.WARP, warp.index)
    store_i64(entry + 8 * Finding.CYCLE, cycle)
