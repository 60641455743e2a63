"""Watches a warp's registers for hazards: what an instruction reads or writes before an earlier one is done with it.

The rules are those of docs/language.md, "Control codes": a fixed latency ends by itself, a variable one only by a
wait for its scoreboard. Lanes count: an instruction's result is no hazard to lanes that did not execute it.
"""

from typing import Any

from numba import int64

from dstc_isa.engine.compiled.jit import compiled, inlined
from dstc_isa.engine.compiled.raw_memory import load_i64
from dstc_isa.engine.compiled.record_views import code_at, record_at, record_view
from dstc_isa.isa.control import AFTER_SETTING, NO_SCOREBOARD, SCOREBOARDS
from dstc_isa.isa.lanes import FULL_MASK, lowest_bit
from dstc_isa.timing.hazard_records import (
    FINDING,
    FINDINGS,
    OUTSTANDING,
    PARTED,
    PLACE_WORDS,
    REGISTER_USE,
    WATCH,
    WATCHED_PLACES,
    Danger,
)
from dstc_isa.timing.model_records import FAR

ENTRIES = WATCH.nbytes
as_watch = record_view(WATCH)
register_use_at = record_at(REGISTER_USE)
outstanding_at = record_at(OUTSTANDING)
finding_at = record_at(FINDING)
parted_at = record_at(PARTED)


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
    state, entries, parted = as_watch(address), address + ENTRIES, address + machine.parted_at
    if state.age != subcore.age[clock.position]:
        begin(state, subcore.age[clock.position])
    use = register_use_at(machine.uses, pc)
    code = code_at(launch.code, pc)
    active = warp.active
    lanes = active & (load_i64(warp.predicates + 8 * code.guard) ^ code.inversion) & FULL_MASK
    wait = use.wait
    if wait != 0:
        looked = max(clock.stall_until, clock.fetch_until, subcore.port_free[subcore.port[clock.position]])
        for board in range(SCOREBOARDS):
            if wait >> board & 1 and looked - state.set_at[board] < AFTER_SETTING:
                missing = state.set_at[board] + AFTER_SETTING - looked
                report(sm, clock, warp, cycle, state.setter[board], pc, Danger.WAIT, board, missing)
        end_waits(machine, state, entries, wait)
    check_fixed(machine, sm, clock, warp, state, parted, pc, cycle, use.guard, use.nothing, active)
    check_outstanding(machine, sm, clock, warp, state, entries, pc, cycle, use.guard, active, False)
    if lanes == 0:
        return
    check_fixed(machine, sm, clock, warp, state, parted, pc, cycle, use.reads, use.writes, lanes)
    check_outstanding(machine, sm, clock, warp, state, entries, pc, cycle, use.reads, lanes, True)
    leave(machine, state, entries, parted, pc, cycle, use, lanes)


@compiled
def begin(state: Any, age: Any) -> Any:
    """A new CTA is in the slot: nothing is under way."""
    state.age = age
    state.count = 0
    state.parted = 0
    for place in range(WATCHED_PLACES):
        state.lanes[place] = 0
    for board in range(SCOREBOARDS):
        state.set_at[board] = -FAR


@compiled
def end_waits(machine: Any, state: Any, entries: Any, wait: Any) -> Any:
    """Strike out results and late reads whose scoreboards are waited for."""
    kept = int64(0)
    for number in range(state.count):
        entry = outstanding_at(entries, number)
        producer, results, sources = entry.producer, entry.results, entry.sources
        use = register_use_at(machine.uses, producer)
        if wait >> use.write & 1:
            results, sources = int64(0), int64(0)
        if wait >> use.read & 1:
            sources = int64(0)
        if results | sources:
            place = outstanding_at(entries, kept)
            place.producer = producer
            place.results = results
            place.sources = sources
            kept += 1
    state.count = kept


@compiled
def check_fixed(
    machine: Any,
    sm: Any,
    clock: Any,
    warp: Any,
    state: Any,
    parted: Any,
    pc: Any,
    cycle: Any,
    reads: Any,
    writes: Any,
    lanes: Any,
) -> Any:
    """Report results of fixed latency that are read, or written once more, too early."""
    use = register_use_at(machine.uses, pc)
    for word in range(PLACE_WORDS):
        read = reads[word]
        written = writes[word] & ~use.tile[word]
        accumulated = use.accumulators[word]
        rest = read | written
        while rest != 0:
            low = rest & -rest
            rest &= rest - 1
            place = 64 * word + lowest_bit(low)
            if state.lanes[place] & lanes != 0:
                producer, started = state.producer[place], state.started[place]
                check(machine, sm, clock, warp, pc, cycle, producer, started, place, read, written, accumulated)
    for number in range(state.parted):
        entry = parted_at(parted, number)
        if entry.lanes & lanes != 0:
            producer, started, place = entry.producer, entry.started, entry.place
            word = place >> 6
            read = reads[word]
            written = writes[word] & ~use.tile[word]
            accumulated = use.accumulators[word]
            check(machine, sm, clock, warp, pc, cycle, producer, started, place, read, written, accumulated)


@compiled
def check(
    machine: Any,
    sm: Any,
    clock: Any,
    warp: Any,
    pc: Any,
    cycle: Any,
    producer: Any,
    started: Any,
    place: Any,
    read: Any,
    written: Any,
    accumulated: Any,
) -> Any:
    """Report a result of fixed latency, if it is read or written too early; the masks are of the place's word."""
    use = register_use_at(machine.uses, pc)
    by = register_use_at(machine.uses, producer)
    bit = place & 63
    if read >> bit & 1:
        user = machine.users - 1 if use.guards[place >> 6] >> bit & 1 else use.kind
        ready = started + latency_to(machine, by, user)
        if accumulated >> bit & 1 and by.pipe == use.pipe:
            ready = started + by.accumulate
        if cycle < ready:
            report(sm, clock, warp, cycle, producer, pc, Danger.RAW, place, ready - cycle)
    if written >> bit & 1:
        free = started + latency_to(machine, by, use.kind) - use.latency + 1
        if cycle < free:
            report(sm, clock, warp, cycle, producer, pc, Danger.WAW, place, free - cycle)


@inlined
def latency_to(machine: Any, producer: Any, user: Any) -> Any:
    """Cycles from a producer's issue to that of a kind of user of its result."""
    return load_i64(machine.latencies + 8 * (producer.pipe * machine.users + user))


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
    use = register_use_at(machine.uses, pc)
    for number in range(state.count):
        entry = outstanding_at(entries, number)
        producer = entry.producer
        by = register_use_at(machine.uses, producer)
        for word in range(PLACE_WORDS):
            read = reads[word]
            written = use.writes[word] if executes else int64(0)
            if entry.sources & lanes:
                overwritten = by.late[word] & written
                if overwritten != 0:
                    report(sm, clock, warp, cycle, producer, pc, Danger.WAR, 64 * word + lowest_bit(overwritten), 0)
            if entry.results & lanes:
                held = by.writes[word]
                if by.outer != 0:
                    tile = use.tile[word]
                    read &= ~tile
                    written &= ~tile
                if held & read != 0:
                    report(sm, clock, warp, cycle, producer, pc, Danger.RAW, 64 * word + lowest_bit(held & read), 0)
                elif held & written != 0:
                    report(sm, clock, warp, cycle, producer, pc, Danger.WAW, 64 * word + lowest_bit(held & written), 0)


@compiled
def leave(machine: Any, state: Any, entries: Any, parted: Any, pc: Any, cycle: Any, use: Any, lanes: Any) -> Any:
    """What an executing instruction leaves under way."""
    write, read = use.write, use.read
    if write != NO_SCOREBOARD:
        state.set_at[write] = cycle
        state.setter[write] = pc
    if read != NO_SCOREBOARD:
        state.set_at[read] = cycle
        state.setter[read] = pc
    if use.outstanding != 0:
        found = int64(0)
        while found < state.count and outstanding_at(entries, found).producer != pc:
            found += 1
        entry = outstanding_at(entries, found)
        if found == state.count:
            state.count += 1
            entry.producer = pc
            entry.results = 0
            entry.sources = 0
        entry.results |= lanes
        if use.has_late != 0:
            entry.sources |= lanes
    elif use.variable == 0:
        part(machine, state, parted, cycle, use, lanes)
        for word in range(PLACE_WORDS):
            rest = use.writes[word]
            while rest != 0:
                place = 64 * word + lowest_bit(rest)
                rest &= rest - 1
                state.started[place] = cycle
                state.producer[place] = pc
                state.lanes[place] = lanes


@compiled
def part(machine: Any, state: Any, parted: Any, cycle: Any, use: Any, lanes: Any) -> Any:
    """Keep what is under way in lanes that leave alone what an instruction of fixed latency writes in its own."""
    kept = int64(0)
    for number in range(state.parted):
        entry = parted_at(parted, number)
        place, producer, started, left = entry.place, entry.producer, entry.started, entry.lanes
        if use.writes[place >> 6] >> (place & 63) & 1:
            left &= ~lanes
        if left != 0 and under_way(machine, producer, started, cycle):
            put_parted(parted, kept, place, producer, started, left)
            kept += 1
    for word in range(PLACE_WORDS):
        rest = use.writes[word]
        while rest != 0:
            place = 64 * word + lowest_bit(rest)
            rest &= rest - 1
            left = state.lanes[place] & ~lanes
            if left != 0 and under_way(machine, state.producer[place], state.started[place], cycle):
                put_parted(parted, kept, place, state.producer[place], state.started[place], left)
                kept += 1
    state.parted = kept


@compiled
def under_way(machine: Any, producer: Any, started: Any, cycle: Any) -> Any:
    """Whether the result of an instruction of fixed latency is not there yet."""
    by = register_use_at(machine.uses, producer)
    return cycle < started + by.longest


@compiled
def put_parted(parted: Any, number: Any, place: Any, producer: Any, started: Any, lanes: Any) -> Any:
    """Fill in a record of a parted result."""
    entry = parted_at(parted, number)
    entry.place = place
    entry.producer = producer
    entry.started = started
    entry.lanes = lanes


@compiled
def report(
    sm: Any, clock: Any, warp: Any, cycle: Any, producer: Any, pc: Any, danger: Any, place: Any, missing: Any
) -> Any:
    """Note a hazard; of those between the same two instructions the one that lacks most."""
    number = int64(0)
    while number < sm.finding_count:
        known = finding_at(sm.findings, number)
        if known.producer == producer and known.consumer == pc:
            if known.missing >= missing:
                return
            break
        number += 1
    if number == FINDINGS:
        return
    if number == sm.finding_count:
        sm.finding_count += 1
    entry = finding_at(sm.findings, number)
    entry.producer = producer
    entry.consumer = pc
    entry.danger = danger
    entry.place = place
    entry.missing = missing
    entry.cta = sm.cta[clock.slot]
    entry.warp = warp.index
    entry.cycle = cycle
