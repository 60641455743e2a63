"""Looking whether a warp is in an endless loop, by running it ahead and putting it back; see ``engine.loops``."""

from typing import Any

from numba import int64

from dstc_isa.engine.compiled.jit import compiled, merged
from dstc_isa.engine.compiled.raw_memory import load_i64, store_i64
from dstc_isa.engine.compiled.record_views import code_at, warp_at
from dstc_isa.engine.launch_records import WARP, Access
from dstc_isa.engine.loops import STATE, STATE_ARRAYS, WINDOW, WINDOW_SHARE, Reach
from dstc_isa.engine.register_rows import PREDICATE_SLOTS, ROW_BYTES
from dstc_isa.isa.lanes import FULL_MASK, lowest_bit
from dstc_isa.isa.warp import Fault, fail

RECORD_BYTES = WARP.nbytes
PREDICATE_BYTES = 8 * PREDICATE_SLOTS
SCALAR_PLACES = tuple(WARP.offset(name) for name in STATE)
ARRAY_PLACES = tuple((WARP.offset(name), 8 * WARP.fields[name].words) for name in STATE_ARRAYS)


@compiled
def copy_words(target: Any, source: Any, size: Any) -> Any:
    """Copy ``size`` bytes."""
    for place in range(0, size, 8):
        store_i64(target + place, load_i64(source + place))


@compiled
def same_words(one: Any, other: Any, size: Any) -> Any:
    """Whether ``size`` bytes are alike."""
    for place in range(0, size, 8):  # noqa: SIM110 - compiled code has no generators
        if load_i64(one + place) != load_i64(other + place):
            return False
    return True


@compiled
def same_state(launch: Any, warp: Any, address: Any, kept: Any) -> Any:
    """Whether a warp, whose record is at ``address``, is as it was kept."""
    for place in SCALAR_PLACES:
        if load_i64(address + place) != load_i64(kept + place):
            return False
    for place, size in ARRAY_PLACES:
        if not same_words(address + place, kept + place, size):
            return False
    predicates = kept + RECORD_BYTES
    registers = predicates + PREDICATE_BYTES
    if not same_words(warp.predicates, predicates, PREDICATE_BYTES):
        return False
    return same_words(warp.registers, registers, launch.registers * ROW_BYTES)


@compiled
def others_ended(launch: Any, warps: Any, index: Any) -> Any:
    """Whether no other warp of the CTA will run again before this one has gone on."""
    for other in range(launch.warps):
        warp = warp_at(warps, other)
        waits = (warp.at_barrier != 0) & (warp.barrier_threads == 0) & (warp.active == 0)
        if other != index and warp.live != 0 and not waits:
            return False
    return True


def looker_of(run_warp: Any) -> Any:
    """The function that looks at a warp, around a compiled interpreter of warps."""

    @merged
    def look(launch: Any, warps: Any, index: Any, kept: Any) -> Any:
        """Put a fault on a warp of a CTA if it is in an endless loop; ``kept``: room for its state."""
        address = warps + index * RECORD_BYTES
        warp = warp_at(warps, index)
        warp.next_look = 2 * warp.issued
        ahead = max(int64(WINDOW), warp.issued // WINDOW_SHARE)
        size = launch.registers * ROW_BYTES
        predicates = kept + RECORD_BYTES
        registers = predicates + PREDICATE_BYTES
        copy_words(kept, address, int64(RECORD_BYTES))
        copy_words(predicates, warp.predicates, int64(PREDICATE_BYTES))
        copy_words(registers, warp.registers, size)
        pc, active, before = warp.pc, warp.active, warp.issued
        reads = int64(Reach.WARP)
        first, place, period = pc, int64(0), int64(0)
        while warp.issued - before < ahead:
            if warp.pc >= launch.code_size:
                break
            code = code_at(launch.code, warp.pc)
            guard = load_i64(warp.predicates + 8 * code.guard) ^ code.inversion
            kind = load_i64(launch.reaches + 8 * warp.pc) if warp.active & guard & FULL_MASK != 0 else int64(0)
            if kind >= Reach.BEYOND:
                break
            first = min(first, warp.pc)
            run_warp(warp, launch.code, launch.code_size, launch.uncounted, launch.uncounted, 1, 0)
            if warp.active == 0 or warp.fault != 0:
                break
            if kind != 0:
                reads |= kind
                place = warp.access_first
                if warp.access == Access.SCATTERED:
                    place = load_i64(warp.addresses + 8 * lowest_bit(warp.mask))
            if warp.pc == pc and warp.active == active and same_state(launch, warp, address, kept):
                period = warp.issued - before
                break
        look_again = warp.next_look
        copy_words(address, kept, int64(RECORD_BYTES))
        copy_words(warp.predicates, predicates, int64(PREDICATE_BYTES))
        copy_words(warp.registers, registers, size)
        warp.next_look = look_again
        if period == 0 or (warp.at_barrier != 0 and warp.barrier_threads != 0):
            return
        if reads != 0:
            if not others_ended(launch, warps, index) or (reads & Reach.GLOBAL != 0 and launch.cta_count != 1):
                return
        warp.pc = first + 1
        fail(warp, Fault.ENDLESS if reads == 0 else Fault.LIVELOCK, active, period if reads == 0 else place, reads)

    return look
