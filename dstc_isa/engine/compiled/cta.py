"""Running whole CTAs: warps take turns until they exit, barriers let go, a fault stops the launch."""

from typing import Any

from numba import int64

from dstc_isa.engine.compiled.jit import compiled, merged
from dstc_isa.engine.compiled.loops import looker_of
from dstc_isa.engine.compiled.raw_memory import atomic_add, atomic_min, store_i64, store_lanes_u32
from dstc_isa.engine.compiled.record_views import as_launch, range_step_at, slot_at, warp_at
from dstc_isa.engine.launch_records import LAUNCH, QUANTUM, TURN, Slot
from dstc_isa.engine.loops import FIRST_LOOK
from dstc_isa.engine.register_rows import ROW_BYTES
from dstc_isa.isa.divergence import resume
from dstc_isa.isa.lanes import FULL_MASK, LANES, count_bits, lowest_bit, splat
from dstc_isa.isa.warp import SYNC_SLOT, Fault, fail

NEXT_CTA = LAUNCH.offset("next_cta")
STOP_CTA = LAUNCH.offset("stop_cta")
PREDICATES = 7
ENDED, SET_ASIDE = -1, -2
"""How a CTA's turn ends, beside the number of a warp that faulted."""


@compiled
def start_warp(launch: Any, warp: Any, index: Any, cta: Any) -> Any:
    """Reset a warp for a CTA: registers, predicates and barriers cleared, all its threads at the first instruction."""
    threads = launch.block_threads - index * LANES
    lanes = int64(FULL_MASK) if threads >= LANES else (int64(1) << threads) - 1
    warp.pc = 0
    warp.active = lanes
    warp.turn = 0
    warp.live = lanes
    warp.mask = 0
    warp.blocked = 0
    warp.at_barrier = 0
    warp.barrier_id = 0
    warp.barrier_threads = 0
    warp.issued = 0
    warp.next_look = FIRST_LOOK
    warp.fault = 0
    warp.index = index
    warp.cta = cta
    warp.code_size = launch.code_size
    warp.identity[0] = cta % launch.grid_x
    warp.identity[1] = cta // launch.grid_x % launch.grid_y
    warp.identity[2] = cta // (launch.grid_x * launch.grid_y)
    for slot in range(SYNC_SLOT + 1):
        warp.arrived[slot] = 0
    for slot in range((SYNC_SLOT + 1) * LANES):
        warp.participants[slot] = 0
    for place in range(PREDICATES):
        store_i64(warp.predicates + 8 * place, 0)
    zero = splat(0)
    for register in range(launch.registers):
        store_lanes_u32(warp.registers + register * ROW_BYTES, zero)


@compiled
def open_barriers(launch: Any, warps: Any) -> Any:
    """Release every CTA barrier whose threads have all come; whether any was."""
    opened = False
    for first in range(launch.warps):
        leader = warp_at(warps, first)
        if leader.at_barrier == 0:
            continue
        waiting = int64(0)
        for other in range(launch.warps):
            warp = warp_at(warps, other)
            if warp.at_barrier != 0 and warp.barrier_id == leader.barrier_id:
                waiting += count_bits(warp.at_barrier)
        needed = leader.barrier_threads if leader.barrier_threads != 0 else launch.block_threads
        if waiting < needed:
            continue
        opened = True
        identity = leader.barrier_id
        for other in range(launch.warps):
            warp = warp_at(warps, other)
            if warp.at_barrier != 0 and warp.barrier_id == identity:
                warp.blocked &= ~warp.at_barrier & FULL_MASK
                warp.at_barrier = 0
                if warp.active == 0:
                    resume(warp, -1)
    return opened


@compiled
def fail_stuck(launch: Any, warps: Any) -> Any:
    """Put a fault on the first warp that waits for ever; its number, or -1 if all have exited."""
    for index in range(launch.warps):
        warp = warp_at(warps, index)
        if warp.live != 0:
            if warp.at_barrier != 0:
                warp.pc = warp.lane_pc[lowest_bit(warp.at_barrier)]
                fail(warp, Fault.BARRIER, warp.at_barrier, warp.barrier_id, 0)
            else:
                warp.pc = warp.lane_pc[lowest_bit(warp.blocked)]
                fail(warp, Fault.DEADLOCK, warp.blocked, 0, 0)
            return index
    return int64(-1)


@compiled
def numbered(launch: Any, place: Any) -> Any:
    """The number of the CTA that is run as the one at ``place``."""
    cta = int64(place)
    for step in range(launch.step_count):
        entry = range_step_at(launch.steps, step)
        if entry.first <= place:
            cta += entry.more
    return cta


@compiled
def alive(launch: Any, warps: Any) -> Any:
    """Whether a CTA has lanes that have not exited."""
    live = int64(0)
    for index in range(launch.warps):
        live |= warp_at(warps, index).live
    return live != 0


@compiled
def find_slot(worker: Any, free: Any) -> Any:
    """The first free slot, or the next one behind the cursor with a CTA; -1 if there is none."""
    for number in range(worker.slot_count):
        slot = number if free else (worker.cursor + 1 + number) % worker.slot_count
        cta = slot_at(worker.slots, slot).cta
        if cta >= 0 if not free else cta == Slot.FREE:
            return int64(slot)
    return int64(-1)


@compiled
def start_cta(launch: Any, slot: Any, cta: Any) -> Any:
    """Put a CTA at its start into a slot."""
    slot.cta = cta
    for place in range((launch.shared_bytes + 7) // 8):
        store_i64(slot.shared + 8 * place, 0)
    for index in range(launch.warps):
        start_warp(launch, warp_at(slot.warps, index), index, cta)


@compiled
def take_cta(worker: Any, launch: Any) -> Any:
    """The number of the next CTA to start, -1 if there is none or one before it has faulted."""
    cta = atomic_add(worker.launch + NEXT_CTA, 1)
    if cta < launch.cta_count:
        cta = numbered(launch, cta)
        if cta <= launch.stop_cta:
            return cta
    return int64(-1)


@compiled
def note_fault(worker: Any, number: Any, index: Any) -> Any:
    """Remember the fault of a warp, unless it waited in vain where a later CTA has faulted; no later CTA is started."""
    slot = slot_at(worker.slots, number)
    cta = slot.cta
    watchdog = warp_at(slot.warps, index).fault == Fault.WATCHDOG
    if watchdog:
        worker.watchdogs += 1
    if worker.fault_cta < 0 or not watchdog or worker.fault_by_watchdog != 0:
        worker.fault_cta = cta
        worker.fault_slot = number
        worker.fault_warp = index
        worker.fault_by_watchdog = watchdog
        slot.cta = Slot.FAULTED
    else:
        slot.cta = Slot.FREE
    atomic_min(worker.launch + STOP_CTA, cta)


def worker_of(run_warp: Any) -> Any:
    """The function that takes CTAs until none is left, around a compiled interpreter of warps."""

    look = looker_of(run_warp)

    @merged
    def run_turn(worker: Any, launch: Any, warps: Any) -> Any:
        """Run a CTA to its end, that of its turn or that of the launch; the warp that faulted, ENDED or SET_ASIDE."""
        count = int64(0)
        while launch.cancelled == 0:
            ran = False
            for index in range(launch.warps):
                warp = warp_at(warps, index)
                if warp.active == 0:
                    continue
                ran = True
                if warp.issued >= warp.next_look:
                    look(launch, warps, index, worker.kept)
                    if warp.fault != 0:
                        return index
                budget = min(TURN, launch.max_instructions - warp.issued)
                count += run_warp(warp, launch.code, launch.code_size, worker.issued, worker.skipped, budget, 0)
                if warp.fault == 0 and warp.active != 0 and warp.issued >= launch.max_instructions:
                    warp.pc += 1
                    fail(warp, Fault.WATCHDOG, warp.active, warp.issued, 0)
                if warp.fault != 0:
                    return index
            if not ran:
                if not open_barriers(launch, warps):
                    return fail_stuck(launch, warps)
            elif count >= QUANTUM and alive(launch, warps):
                return int64(SET_ASIDE)
        return int64(SET_ASIDE)

    @merged
    def work(worker: Any) -> Any:
        """Run CTAs, in order, until none is left, an earlier one has faulted or there must be more slots.

        A new one comes first, and where none is left or may be open besides, the next one that has been set aside.
        """
        launch = as_launch(worker.launch)
        worker.wants_slots = 0
        while launch.cancelled == 0:
            slot = int64(-1)
            if worker.drained == 0:
                slot = find_slot(worker, True)
                if slot < 0 and worker.slot_count < worker.slot_limit and launch.next_cta < launch.cta_count:
                    worker.wants_slots = 1
                    break
                if slot >= 0:
                    cta = take_cta(worker, launch)
                    if cta < 0:
                        worker.drained = 1
                        continue
                    start_cta(launch, slot_at(worker.slots, slot), cta)
            else:
                slot = find_slot(worker, False)
                if slot < 0:
                    break
            if slot < 0:
                slot = find_slot(worker, False)
                if slot < 0:
                    worker.drained = 1
                    continue
            held = slot_at(worker.slots, slot)
            if held.cta > launch.stop_cta:
                held.cta = Slot.FREE
                continue
            worker.cursor = slot
            outcome = run_turn(worker, launch, held.warps)
            if outcome == ENDED:
                held.cta = Slot.FREE
                for index in range(launch.warps):
                    worker.longest = max(worker.longest, warp_at(held.warps, index).issued)
            elif outcome >= 0:
                note_fault(worker, slot, outcome)

    return work
