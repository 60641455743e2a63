"""How the lanes of a warp part and meet again.

The running lanes share ``warp.pc``. All others have their own place in ``warp.lane_pc`` and are either ready
(waiting for their turn) or blocked at a barrier. At convergence barrier b each lane has a mask of the lanes it
waits for, so that groups of lanes that parted earlier can use the same barrier; lanes that have come are in
``arrived[b]``. WARPSYNC has the slot behind the barrier registers.
"""

from dstc_isa.isa.effects import Effect, primitive
from dstc_isa.isa.instruction import U32, Warp
from dstc_isa.isa.lanes import FULL_MASK, LANES, ballot, lane_of, lowest_bit, splat
from dstc_isa.isa.warp import SYNC_SLOT, Fault, fail


@primitive()
def ready(warp: Warp) -> int:
    """Mask of the lanes that could run but are not the running ones."""
    waiting: int = warp.live & ~warp.active & ~warp.blocked & FULL_MASK
    return waiting


@primitive(Effect.CONVERGENCE)
def park(warp: Warp, lanes: int, pc: int) -> None:
    """Take lanes out of the running set; they go on at ``pc``."""
    rest = lanes
    while rest != 0:
        warp.lane_pc[lowest_bit(rest)] = pc
        rest &= rest - 1
    warp.active &= ~lanes & FULL_MASK


@primitive(Effect.CONVERGENCE)
def resume(warp: Warp, after: int) -> None:
    """Run the ready lanes that share a place, starting from the first ready lane above lane ``after``.

    Only called with no lane running; if none is ready, none runs.
    """
    waiting = ready(warp)
    if waiting == 0:
        return
    warp.turn = next_lane(waiting, after)
    pc = warp.lane_pc[warp.turn]
    warp.pc = pc
    while waiting != 0:
        lane = lowest_bit(waiting)
        waiting &= waiting - 1
        if warp.lane_pc[lane] == pc:
            warp.active |= 1 << lane


@primitive()
def next_lane(lanes: int, after: int) -> int:
    """The first of some lanes above lane ``after``, or the first of all if there is none."""
    above = lanes & (FULL_MASK << (after + 1)) & FULL_MASK
    return lowest_bit(above if above != 0 else lanes)


@primitive(Effect.CONVERGENCE)
def yield_turn(warp: Warp) -> None:
    """Let other ready lanes of the warp run, in turn, so that none is passed over for ever."""
    others = ready(warp)
    if others != 0:
        park(warp, warp.active, warp.pc)
        resume(warp, next_lane(others, warp.turn) - 1)


@primitive(Effect.JUMP, Effect.CONVERGENCE)
def jump(warp: Warp, lanes: int, address: int, word: int) -> None:
    """Send executing lanes to a byte address of the kernel; the others of the running set go on behind the branch.

    ``word``: bytes of an instruction.
    """
    if lanes == 0:
        return
    pc = address // word
    if address % word != 0 or pc < 0 or pc >= warp.code_size:
        fail(warp, Fault.BAD_TARGET, lanes, address, word)
        return
    backward = pc < warp.pc
    if lanes == warp.active:
        warp.pc = pc
    else:
        park(warp, lanes, pc)
    if backward:
        yield_turn(warp)


@primitive(Effect.INDIRECT, Effect.CONVERGENCE)
def jump_each(warp: Warp, lanes: int, addresses: U32, word: int) -> None:
    """Send every executing lane to its own byte address from the start of the kernel; a ``word`` has so many bytes."""
    rest = lanes
    while rest != 0:
        address = lane_of(addresses, lowest_bit(rest))
        same = ballot(addresses == splat(address)) & rest
        rest &= ~same & FULL_MASK
        if address % word != 0 or address >= warp.code_size * word:
            fail(warp, Fault.BAD_TARGET, same, address, word)
            return
        park(warp, same, address // word)
    if warp.active == 0:
        resume(warp, warp.turn)


@primitive()
def collect(warp: Warp, slot: int, lanes: int, group: int) -> None:
    """At a convergence barrier, let every one of ``lanes`` meet the lanes of ``group``."""
    rest = lanes
    while rest != 0:
        warp.participants[slot * LANES + lowest_bit(rest)] = group
        rest &= rest - 1


@primitive(Effect.CONVERGENCE)
def abandon(warp: Warp, slot: int, lanes: int) -> None:
    """Let nobody wait at a convergence barrier for ``lanes``."""
    for lane in range(LANES):
        place = slot * LANES + lane
        warp.participants[place] = warp.participants[place] & ~lanes & FULL_MASK
    release(warp, slot)


@primitive(Effect.CONVERGENCE)
def release(warp: Warp, slot: int) -> None:
    """Let lanes go that wait at a convergence barrier for the same lanes, once all of those alive have come."""
    rest = warp.arrived[slot]
    while rest != 0:
        awaited = warp.participants[slot * LANES + lowest_bit(rest)]
        group = 0
        for lane in range(LANES):
            if rest >> lane & 1 and warp.participants[slot * LANES + lane] == awaited:
                group |= 1 << lane
        rest &= ~group & FULL_MASK
        if (awaited & warp.live & ~group & FULL_MASK) == 0:
            warp.arrived[slot] = warp.arrived[slot] & ~group & FULL_MASK
            warp.blocked &= ~group & FULL_MASK
            collect(warp, slot, group, 0)


@primitive(Effect.CONVERGENCE)
def arrive(warp: Warp, slot: int, lanes: int) -> None:
    """Lanes wait at a convergence barrier until all they meet there have come; then they run together."""
    if lanes == 0:
        return
    park(warp, lanes, warp.pc)
    warp.blocked |= lanes
    warp.arrived[slot] |= lanes
    release(warp, slot)
    if warp.active == 0:
        resume(warp, lowest_bit(lanes) - 1)


@primitive(Effect.EXIT, Effect.CONVERGENCE)
def leave(warp: Warp, lanes: int) -> None:
    """Lanes exit; barriers that waited only for them let go."""
    if lanes == 0:
        return
    warp.live &= ~lanes & FULL_MASK
    warp.active &= ~lanes & FULL_MASK
    for slot in range(SYNC_SLOT + 1):
        release(warp, slot)
    if warp.active == 0:
        resume(warp, -1)
