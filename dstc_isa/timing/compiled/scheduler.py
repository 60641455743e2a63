"""A sub-core's scheduler: when a warp could issue, which one does, and why the others could not."""

from typing import Any

from numba import int64

from dstc_isa.engine.compiled.jit import inlined
from dstc_isa.engine.compiled.raw_memory import load_i64, store_i64
from dstc_isa.engine.compiled.record_views import as_trace, code_at
from dstc_isa.engine.launch_records import TRACED_OFF, TRACED_PC
from dstc_isa.isa.control import SCOREBOARDS
from dstc_isa.isa.lanes import FULL_MASK
from dstc_isa.timing.compiled.model_views import timing_at
from dstc_isa.timing.model_records import FAR, NO_PORT, REASONS, TICKS, Gate
from dstc_isa.timing.reasons import Reason


@inlined
def gate_opens(machine: Any, sm: Any, gate: Any) -> Any:
    """The cycle from which the load and store unit, and the memory behind it, take another instruction."""
    opens = sm.lsu_free - machine.shared_queue
    if gate == Gate.MEMORY:
        opens = max(opens, max(sm.l2_free, sm.dram_free) // TICKS - machine.l2_queue_cycles)
    return opens


@inlined
def issue_cycle(machine: Any, sm: Any, subcore: Any, position: Any) -> Any:
    """The earliest cycle at which the warp at a position can issue, as things stand."""
    cycle = max(subcore.ready[position], subcore.port_free[subcore.port[position]])
    gate = subcore.gate[position]
    if gate != Gate.NONE:
        cycle = max(cycle, gate_opens(machine, sm, gate))
    return cycle


@inlined
def select(machine: Any, sm: Any, subcore: Any, cycle: Any) -> Any:
    """The position of the warp that issues now, or -1; ``subcore.next`` is then when one may."""
    greedy = subcore.greedy
    if machine.round_robin == 0 and greedy >= 0 and issue_cycle(machine, sm, subcore, greedy) <= cycle:
        return greedy
    chosen = int64(-1)
    oldest = int64(FAR)
    soonest = int64(FAR)
    count = subcore.count
    for step in range(count):
        position = step
        if machine.round_robin != 0:
            position = greedy + 1 + step
            if position >= count:
                position -= count
        possible = issue_cycle(machine, sm, subcore, position)
        if possible > cycle:
            soonest = min(soonest, possible)
        elif machine.round_robin != 0:
            return position
        elif subcore.age[position] < oldest:
            oldest = subcore.age[position]
            chosen = position
    if chosen < 0:
        subcore.next = soonest
    return chosen


@inlined
def count_stalls(machine: Any, sm: Any, subcore: Any, clock: Any, cycle: Any, row: Any) -> Any:
    """Give every cycle between a warp's last issue and this one its reason; ``row`` is the instruction's counters."""
    now = clock.last + 1
    now = passed(row, now, min(clock.stall_until, cycle), Reason.DEPENDENCY)
    now = passed(row, now, min(clock.fetch_until, cycle), Reason.NO_INSTRUCTION)
    now = passed(row, now, min(clock.wait_until, cycle), clock.wait_reason)
    position = clock.position
    port = subcore.port[position]
    if subcore.gate[position] != Gate.NONE:
        opens = gate_opens(machine, sm, subcore.gate[position])
        now = passed(row, now, min(opens, cycle), Reason.MEMORY_THROTTLE)
    free = min(subcore.port_free[port], cycle)
    now = passed(row, now, free, subcore.port_reason[port])
    passed(row, now, cycle, Reason.NOT_SELECTED)


@inlined
def passed(row: Any, now: Any, until: Any, reason: Any) -> Any:
    """Count the cycles from ``now`` to ``until``, if there are any, for a reason; the later of the two.

    Without a branch, since none of these could be predicted.
    """
    later = max(now, until)
    store_i64(row + 8 * reason, load_i64(row + 8 * reason) + later - now)
    return later


@inlined
def following(warp: Any, clock: Any) -> Any:
    """The instruction that a warp comes to next, which it may have run already."""
    if clock.next == clock.end:
        return warp.pc
    return as_trace(clock.next).place >> TRACED_PC


@inlined
def guarded_off(warp: Any, code: Any) -> Any:
    """Whether the guard of a code row holds in no running lane."""
    mask = warp.active & (load_i64(warp.predicates + 8 * code.guard) ^ code.inversion) & FULL_MASK
    return int64(mask == 0)


@inlined
def prepare(machine: Any, warp: Any, subcore: Any, clock: Any, code: Any, code_size: Any) -> Any:
    """Look at the warp's next instruction: what it waits for, and the port it needs."""
    position = clock.position
    pc = following(warp, clock)
    clock.pc = pc
    off = int64(0)
    ready = max(clock.stall_until, clock.fetch_until)
    clock.wait_until = 0
    port = int64(NO_PORT)
    gate = int64(Gate.NONE)
    if pc < code_size:
        timing = timing_at(machine.rows, pc)
        wait = timing.wait
        if wait != 0:
            for board in range(SCOREBOARDS):
                if wait >> board & 1 and clock.board[board] > clock.wait_until:
                    clock.wait_until = clock.board[board]
                    clock.wait_reason = clock.board_reason[board]
            ready = max(ready, clock.wait_until)
        if clock.next == clock.end:
            off = guarded_off(warp, code_at(code, pc))
        else:
            off = as_trace(clock.next).place & TRACED_OFF
        if off == 0:
            port = timing.port
            gate = timing.gate
    clock.off = off
    subcore.ready[position] = ready
    subcore.port[position] = port
    subcore.gate[position] = gate
    subcore.next = min(subcore.next, ready)


REASON_BYTES = 8 * REASONS
