"""An SM over time: CTAs are launched into slots, sub-cores issue cycle by cycle, CTAs end."""

from typing import Any

from numba import int64

from dstc_isa.engine.compiled.cta import fail_stuck, open_barriers, start_warp
from dstc_isa.engine.compiled.jit import compiled, inlined, merged
from dstc_isa.engine.compiled.loops import looker_of
from dstc_isa.engine.compiled.raw_memory import atomic_add, call_cost, load_i64, store_i64
from dstc_isa.engine.compiled.record_views import as_launch, as_trace, as_warp, code_at, warp_at
from dstc_isa.engine.launch_records import TRACE, Traffic
from dstc_isa.isa.control import NO_SCOREBOARD, SCOREBOARDS
from dstc_isa.isa.warp import Fault, fail
from dstc_isa.timing.compiled.caches import merge
from dstc_isa.timing.compiled.costs import FOREIGN_UNIT, shipped_costs
from dstc_isa.timing.compiled.hazard_checks import unwatched, watch
from dstc_isa.timing.compiled.load_store_unit import access
from dstc_isa.timing.compiled.model_views import (
    as_charge,
    as_clock,
    as_machine,
    as_subcore,
    clock_at,
    sm_at,
    subcore_at,
    timing_at,
    unit_at,
)
from dstc_isa.timing.compiled.scheduler import REASON_BYTES, count_stalls, following, prepare, select
from dstc_isa.timing.model_records import AHEAD, FAR, MACHINE, PATIENCE, Gate
from dstc_isa.timing.reasons import Reason

NEXT_SM = MACHINE.offset("next_sm")
TRACE_BYTES = TRACE.nbytes


@compiled
def start_cta(machine: Any, sm: Any, launch: Any, slot: Any, cycle: Any) -> Any:
    """Launch the next CTA of the queue into a slot."""
    cta = load_i64(sm.queue + 8 * sm.queue_head)
    sm.queue_head += 1
    sm.live[slot] = launch.warps
    sm.cta[slot] = cta
    sm.age += 1
    warps = load_i64(sm.slot_warps + 8 * slot)
    shared = load_i64(sm.slot_shared + 8 * slot)
    for place in range((launch.shared_bytes + 7) // 8):
        store_i64(shared + 8 * place, 0)
    for index in range(launch.warps):
        warp = warp_at(warps, index)
        start_warp(launch, warp, index, cta)
        clock = clock_at(sm.clocks, slot * launch.warps + index)
        subcore = as_subcore(clock.subcore)
        clock.last = cycle - 1
        clock.started = cycle
        clock.stall_until = cycle
        clock.fetch_until = cycle + machine.sm_cta_launch_cycles
        clock.next = clock.end
        for board in range(SCOREBOARDS):
            clock.board[board] = 0
        subcore.age[clock.position] = sm.age
        prepare(machine, warp, subcore, clock, launch.code, launch.code_size)


@compiled
def fill_slots(machine: Any, sm: Any, launch: Any, cycle: Any) -> Any:
    """Launch CTAs into all empty slots, as long as the queue has any."""
    for slot in range(sm.slots):
        if sm.live[slot] == 0 and sm.queue_head < sm.queue_tail:
            start_cta(machine, sm, launch, slot, cycle)


@compiled
def release_barriers(machine: Any, sm: Any, launch: Any, slot: Any, cycle: Any) -> Any:
    """Let the warps of a CTA go on whose barrier is complete; fail if none of its warps ever can."""
    warps = load_i64(sm.slot_warps + 8 * slot)
    running = False
    if open_barriers(launch, warps):
        for index in range(launch.warps):
            warp = warp_at(warps, index)
            clock = clock_at(sm.clocks, slot * launch.warps + index)
            subcore = as_subcore(clock.subcore)
            if warp.active != 0 and subcore.ready[clock.position] == FAR:
                soonest = subcore.next
                prepare(machine, warp, subcore, clock, launch.code, launch.code_size)
                opened = cycle + machine.barrier_latency
                if opened > clock.wait_until:
                    clock.wait_until = opened
                    clock.wait_reason = Reason.BARRIER
                    subcore.ready[clock.position] = max(subcore.ready[clock.position], opened)
                # Not before the barrier opens, which may be when nothing else of the sub-core is ready.
                subcore.next = min(soonest, subcore.ready[clock.position])
        return
    for index in range(launch.warps):
        if warp_at(warps, index).active != 0:
            running = True
    if not running:
        failed(sm, slot, fail_stuck(launch, warps))


@compiled
def failed(sm: Any, slot: Any, index: Any) -> Any:
    """Record that a warp of a slot has faulted."""
    sm.fault_cta = sm.cta[slot]
    sm.fault_slot = slot
    sm.fault_warp = index


@compiled
def halted(machine: Any, sm: Any, launch: Any, warp: Any, clock: Any, subcore: Any, cycle: Any) -> Any:
    """The warp has no running lane: it has ended, or waits at a barrier."""
    slot = clock.slot
    subcore.ready[clock.position] = FAR
    if machine.round_robin == 0:
        subcore.greedy = -1
    if warp.live == 0:
        sm.warp_cycles += cycle + 1 - clock.started
        sm.issued += warp.issued
        sm.longest = max(sm.longest, warp.issued)
        sm.live[slot] -= 1
        if sm.live[slot] == 0:
            sm.ctas_done += 1
            sm.finished = max(sm.finished, cycle + 1)
            fill_slots(machine, sm, launch, cycle + 1)
            return
    release_barriers(machine, sm, launch, slot, cycle)


@compiled
def take_turns(machine: Any, sm: Any) -> Any:
    """Let another sub-core be the first one that is asked, in an SM where one has starved.

    The first ones fill the load and store unit again whenever it has room: a lock's holder may never get there.
    """
    if sm.takes_turns == 0:
        for index in range(machine.sm_subcores):
            subcore = subcore_at(sm.subcores, index)
            for position in range(subcore.count):
                if subcore.gate[position] != Gate.NONE and subcore.ready[position] + PATIENCE < machine.epoch_start:
                    sm.takes_turns = 1
    if sm.takes_turns != 0:
        sm.first = (sm.first + 1) % machine.sm_subcores


@compiled
def charge_unit(
    machine: Any, sm: Any, subcore: Any, warp: Any, clock: Any, timing: Any, number: Any, address: Any
) -> Any:
    """Let the cost function of an instruction's unit fill in the charge at an address."""
    unit = unit_at(machine.units, number)
    charge = as_charge(address)
    charge.place = clock.slot << 16 | warp.index << 8 | timing.accumulator
    charge.accumulators = timing.accumulators
    block = subcore.blocks + unit.block
    counters = sm.counters + unit.counters
    if number < FOREIGN_UNIT:
        shipped_costs(number, charge, warp, block, unit.parameters, counters)
    elif call_cost(machine.foreign_costs, (number, charge, warp, block, unit.parameters, counters)) != 0:
        if warp.fault == 0:
            warp.fault = Fault.COST
            warp.fault_pc = clock.pc
            warp.fault_lanes = warp.mask
    return unit.held


@inlined
def finish(task: Any, machine: Any, sm: Any, subcore: Any, warp: Any, clock: Any, timing: Any, cycle: Any) -> Any:
    """Charge an executed instruction to its unit, and let its scoreboards know when it is done."""
    port = timing.port
    occupied = timing.initiation
    latency = timing.latency
    free = cycle + occupied
    done = cycle + latency
    read = cycle + 1
    unit = timing.cost
    reason = timing.reason
    held = int64(Reason.PIPE_BUSY)
    if timing.gate != Gate.NONE:
        done = access(machine, sm, warp, cycle, latency)
        read = sm.lsu_free
        if warp.traffic >= Traffic.GLOBAL_LOAD and warp.traffic != Traffic.SHARED_ATOMIC:
            reason = int64(Reason.LONG_SCOREBOARD)
    elif unit >= 0:
        charge = as_charge(task.charge)
        charge.cycle = cycle
        charge.latency = latency
        charge.busy = occupied
        charge.held = 0
        charge.read = read
        charge.done = done
        why = charge_unit(machine, sm, subcore, warp, clock, timing, unit, task.charge)
        occupied = charge.busy
        read = charge.read
        done = charge.done
        free = cycle + occupied
        if charge.held >= free:
            free = charge.held
            held = why
    subcore.port_busy[port] += occupied
    subcore.port_free[port] = free
    subcore.port_reason[port] = held
    write = timing.write
    if write != NO_SCOREBOARD and done > clock.board[write]:
        clock.board[write] = done
        clock.board_reason[write] = reason
    board = timing.read
    if board != NO_SCOREBOARD and read > clock.board[board]:
        clock.board[board] = read
        clock.board_reason[board] = reason


def task_of(run_warp: Any) -> Any:
    """The function that runs epochs of SMs, or merges what they missed, around an interpreter of warps."""
    return _task(run_warp, unwatched, AHEAD)


def watched_task_of(run_warp: Any) -> Any:
    """The same with a check for hazards before every instruction, which therefore runs in its time."""
    return _task(run_warp, watch, 0)


def _task(run_warp: Any, look: Any, most_ahead: int) -> Any:
    run_ahead = looker_of(run_warp)

    @merged
    def step(task: Any, launch: Any, warp: Any, clock: Any) -> Any:
        """Run the warp's next instruction if that has not been done ahead.

        What it told its unit, and its lanes, are in the warp's record then, in any case: what came behind begins anew.
        """
        if clock.next == clock.end:
            warp.traffic = 0
            run_warp(warp, launch.code, launch.code_size, task.issued, task.skipped, 1, 0)
        else:
            clock.next += TRACE_BYTES
            traced = as_trace(clock.next)
            warp.unit_state[0] = traced.state
            warp.mask = traced.mask

    @merged
    def look_ahead(task: Any, machine: Any, launch: Any, warp: Any, clock: Any, subcore: Any) -> Any:
        """Run a warp ahead as far as nothing beyond it can tell, and prepare its next instruction.

        Its registers stay in the host's caches so, which other warps would take in between.
        """
        if most_ahead != 0 and clock.next == clock.end and warp.active != 0 and warp.pc < launch.code_size:
            if code_at(launch.code, warp.pc).in_time == 0:
                budget = min(int64(most_ahead), max(int64(1), launch.max_instructions - warp.issued))
                clock.next = clock.trace
                count = run_warp(warp, launch.code, launch.code_size, task.issued, task.skipped, budget, clock.next)
                clock.end = clock.next + TRACE_BYTES * count
        prepare(machine, warp, subcore, clock, launch.code, launch.code_size)

    @inlined
    def vanish(task: Any, machine: Any, sm: Any, launch: Any, warp: Any, clock: Any, subcore: Any) -> Any:
        """Let the instructions go by that a warp comes to next and that take no issue slot, unless one must wait."""
        while clock.off != 0 and clock.fetch_until <= clock.stall_until:
            pc = clock.pc
            timing = timing_at(machine.rows, pc)
            if timing.vanishes == 0 or timing.wait != 0:
                break
            look(machine, sm, launch, warp, clock, subcore, clock.stall_until)
            step(task, launch, warp, clock)
            store_i64(task.free + 8 * pc, load_i64(task.free + 8 * pc) + 1)
            clock.stall_until += timing.stall - 1
            look_ahead(task, machine, launch, warp, clock, subcore)

    @merged
    def issue(task: Any, machine: Any, sm: Any, launch: Any, subcore: Any, position: Any, cycle: Any) -> Any:
        """Issue the next instruction of the warp at a position."""
        warp = as_warp(subcore.warp[position])
        clock = as_clock(subcore.clock[position])
        pc = clock.pc
        counted = min(pc, launch.code_size)
        if clock.last + 1 < cycle:
            count_stalls(machine, sm, subcore, clock, cycle, task.stalls + counted * REASON_BYTES)
        look(machine, sm, launch, warp, clock, subcore, cycle)
        off = clock.off
        step(task, launch, warp, clock)
        if clock.next == clock.end:
            if warp.fault == 0 and warp.active != 0 and warp.issued >= launch.max_instructions:
                warp.pc += 1
                fail(warp, Fault.WATCHDOG, warp.active, warp.issued, 0)
            elif warp.fault == 0 and warp.active != 0 and warp.issued >= warp.next_look:
                run_ahead(launch, load_i64(sm.slot_warps + 8 * clock.slot), warp.index, task.kept)
            if warp.fault != 0:
                failed(sm, clock.slot, warp.index)
                return
        timing = timing_at(machine.rows, pc)
        stall = timing.stall
        clock.last = cycle
        subcore.greedy = position
        subcore.next = cycle + 1
        if off == 0:
            finish(task, machine, sm, subcore, warp, clock, timing, cycle)
            if timing.cost >= FOREIGN_UNIT and warp.fault == Fault.COST:
                failed(sm, clock.slot, warp.index)
                return
            if timing.yields != 0 and machine.round_robin == 0:
                subcore.greedy = -1
        elif timing.vanishes != 0:
            store_i64(task.free + 8 * pc, load_i64(task.free + 8 * pc) + 1)
            clock.last = cycle - 1
            subcore.next = cycle
            stall -= 1
        clock.stall_until = cycle + stall
        clock.fetch_until = 0
        if following(warp, clock) != pc + 1:
            clock.fetch_until = cycle + machine.branch_latency
        if clock.next == clock.end and warp.active == 0:
            halted(machine, sm, launch, warp, clock, subcore, cycle)
        else:
            look_ahead(task, machine, launch, warp, clock, subcore)
            vanish(task, machine, sm, launch, warp, clock, subcore)

    @merged
    def run_sm(task: Any, machine: Any, launch: Any, sm: Any) -> Any:
        """Run an SM to the end of the epoch, a fault, or the end of its CTAs."""
        while sm.fault_cta < 0:
            cycle = int64(FAR)
            for index in range(machine.sm_subcores):
                cycle = min(cycle, subcore_at(sm.subcores, index).next)
            if cycle >= machine.epoch_end:
                break
            for step in range(machine.sm_subcores):
                index = sm.first + step
                subcore = subcore_at(sm.subcores, index if index < machine.sm_subcores else index - machine.sm_subcores)
                if subcore.next <= cycle:
                    position = select(machine, sm, subcore, cycle)
                    if position >= 0 and sm.fault_cta < 0:
                        issue(task, machine, sm, launch, subcore, position, cycle)

    @merged
    def run_task(task: Any) -> Any:
        """Run the SMs of an epoch, as many as other threads leave over, or merge their misses."""
        machine = as_machine(task.machine)
        launch = as_launch(machine.launch)
        if task.merge != 0:
            merge(machine)
            return
        while launch.cancelled == 0:
            index = atomic_add(task.machine + NEXT_SM, 1)
            if index >= machine.sm_count:
                break
            sm = sm_at(machine.sms, index)
            sm.tracker = task.tracker
            fill_slots(machine, sm, launch, machine.epoch_start)
            take_turns(machine, sm)
            run_sm(task, machine, launch, sm)

    return run_task
