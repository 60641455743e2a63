"""Bounds-checked loads, stores and atomics of the compiled engine.

Addresses of a warp that fall into one allocation are checked together and, where they are consecutive or all
alike, moved as one vector; everything else goes lane by lane.
"""

from typing import Any

from numba import int64

from dstc_isa.engine.code_rows import shipped
from dstc_isa.engine.compiled.allocations import find_allocation
from dstc_isa.engine.compiled.conflicts import note_bytes, note_scattered
from dstc_isa.engine.compiled.jit import compiled
from dstc_isa.engine.compiled.raw_memory import (
    atomic_swap_if,
    load_i64,
    load_lanes_u16,
    load_lanes_u32,
    load_s8,
    load_s16,
    load_u8,
    load_u16,
    load_u32,
    splat_u64,
    store_i64,
    store_lanes_u32,
    store_lanes_u64,
    store_u8,
    store_u16,
    store_u32,
)
from dstc_isa.engine.compiled.record_views import allocation_at, as_launch, bank_at, code_at
from dstc_isa.engine.launch_records import Access, Traffic
from dstc_isa.engine.register_rows import ROW_BYTES
from dstc_isa.engine.tracker_records import Use
from dstc_isa.isa.lanes import FULL_MASK, LANES, ballot, count_bits, lane_ids, lane_of, lowest_bit, narrow, splat, widen
from dstc_isa.isa.modifier import SIZE_BYTES
from dstc_isa.isa.volta.atomics import combine, order_matters, red
from dstc_isa.isa.warp import Fault, Space, fail

U8, S8, U16, S16, WORD = 0, 1, 2, 3, 4
WORD_BYTES = 4
READ, WRITE, REDUCE = int(Use.READ), int(Use.WRITE), int(Use.REDUCE)
REDUCTION = next(number for number, declaration in enumerate(shipped()) if declaration.function is red)


@compiled
def note_row(warp: Any, first: Any, count: Any, width: Any) -> Any:
    """Record an access of all lanes to one element or to consecutive ones."""
    warp.access = Access.UNIFORM if count == 1 else Access.CONSECUTIVE
    warp.access_first = first
    warp.access_bytes = width


@compiled
def note_lanes(warp: Any, addresses: Any, width: Any) -> Any:
    """Record an access of the executing lanes to these u64 addresses."""
    warp.access = Access.SCATTERED
    warp.access_bytes = width
    store_lanes_u64(warp.addresses, addresses)


@compiled
def host_address(warp: Any, address: Any, width: Any) -> Any:
    """Where a device address lies in host memory, 0 if ``width`` bytes from it are not in one allocation."""
    index = find_allocation(warp, address)
    if index < 0:
        return int64(0)
    allocation = allocation_at(as_launch(warp.launch).allocations, index)
    if address + width > allocation.end:
        return int64(0)
    return address + allocation.host


@compiled
def check_global(warp: Any, address: Any, width: Any) -> Any:
    """Check all executing lanes; scratch receives their host addresses."""
    note_lanes(warp, address, width)
    mask = warp.mask
    index = find_allocation(warp, int64(lane_of(address, lowest_bit(mask))))
    misaligned = ballot((narrow(address) & splat(width - 1)) != splat(0)) & mask
    if index >= 0 and misaligned == 0:
        allocation = allocation_at(as_launch(warp.launch).allocations, index)
        start = allocation.start
        room = allocation.end - start - width
        if room >= 0 and ballot((address - splat_u64(start)) > splat_u64(room)) & mask == 0:
            store_lanes_u64(warp.scratch, address + splat_u64(allocation.host))
            return
    store_lanes_u64(warp.scratch, address)
    outside = int64(0)
    rest = mask
    while rest != 0:
        lane = lowest_bit(rest)
        rest &= rest - 1
        place = warp.scratch + 8 * lane
        host = host_address(warp, load_i64(place), width)
        if host == 0:
            outside |= int64(1) << lane
        else:
            store_i64(place, host)
    if outside != 0:
        fail(warp, Fault.OUT_OF_BOUNDS, outside, int64(lane_of(address, lowest_bit(outside))), width)
    elif misaligned != 0:
        fail(warp, Fault.MISALIGNED, misaligned, int64(lane_of(address, lowest_bit(misaligned))), width)


@compiled
def running(warp: Any) -> Any:
    """The running instruction's row."""
    return code_at(as_launch(warp.launch).code, warp.pc - 1)


@compiled
def check_window(warp: Any, address: Any, width: Any, base: Any, start: Any, end: Any, kind: Any) -> Any:
    """Check u32 offsets from host address ``base`` against a window from ``start`` to ``end``; scratch as above."""
    note_lanes(warp, widen(address), width)
    mask = warp.mask
    outside = mask
    if end - start >= width:
        outside = ballot(address - splat(start) > splat(end - start - width)) & mask
    if outside != 0:
        fail(warp, kind, outside, lane_of(address, lowest_bit(outside)), width)
        return
    misaligned = ballot((address & splat(width - 1)) != splat(0)) & mask
    if misaligned != 0:
        fail(warp, Fault.MISALIGNED, misaligned, lane_of(address, lowest_bit(misaligned)), width)
        return
    store_lanes_u64(warp.scratch, widen(address) + splat_u64(base))


@compiled
def read_lanes(warp: Any, size: Any, destination: Any) -> Any:
    """Move from the host addresses in scratch to registers, lane by lane."""
    row = warp.registers + destination * ROW_BYTES
    words = SIZE_BYTES[size] // WORD_BYTES
    rest = warp.mask
    while rest != 0:
        lane = lowest_bit(rest)
        rest &= rest - 1
        source = load_i64(warp.scratch + 8 * lane)
        target = row + WORD_BYTES * lane
        if size >= WORD:
            for word in range(words):
                store_u32(target + word * ROW_BYTES, load_u32(source + WORD_BYTES * word))
        elif size == U16:
            store_u32(target, load_u16(source))
        elif size == S16:
            store_u32(target, load_s16(source))
        elif size == U8:
            store_u32(target, load_u8(source))
        else:
            store_u32(target, load_s8(source))


@compiled
def write_lanes(warp: Any, size: Any, origin: Any) -> Any:
    """Move from registers to the host addresses in scratch, lane 0 first."""
    row = warp.registers + origin * ROW_BYTES
    words = SIZE_BYTES[size] // WORD_BYTES
    rest = warp.mask
    while rest != 0:
        lane = lowest_bit(rest)
        rest &= rest - 1
        target = load_i64(warp.scratch + 8 * lane)
        source = row + WORD_BYTES * lane
        if size >= WORD:
            for word in range(words):
                store_u32(target + WORD_BYTES * word, load_u32(source + word * ROW_BYTES))
        elif size >= U16:
            store_u16(target, load_u32(source))
        else:
            store_u8(target, load_u32(source))


@compiled
def read_row(row: Any, source: Any, size: Any, count: Any) -> Any:
    """Load registers from ``count`` elements at a host address: 1 for all lanes, or one for each of the first lanes.

    False if there is no fast way for this size.
    """
    if count == 1:
        if size >= WORD:
            for word in range(SIZE_BYTES[size] // WORD_BYTES):
                store_lanes_u32(row + word * ROW_BYTES, splat(load_u32(source + WORD_BYTES * word)))
            return True
        if size == U16:
            store_lanes_u32(row, splat(load_u16(source)))
            return True
    elif size == WORD and count == LANES:
        store_lanes_u32(row, load_lanes_u32(source))
        return True
    elif size >= WORD:
        words = SIZE_BYTES[size] // WORD_BYTES
        for lane in range(count):
            for word in range(words):
                value = load_u32(source + WORD_BYTES * (lane * words + word))
                store_u32(row + word * ROW_BYTES + WORD_BYTES * lane, value)
        return True
    elif size == U16 and count == LANES:
        store_lanes_u32(row, load_lanes_u16(source))
        return True
    return False


@compiled
def pattern_of_u32(address: Any, width: Any) -> Any:
    """1 if all lanes have the same address, 32 if they are consecutive, else 0."""
    first = splat(lane_of(address, 0))
    if ballot(address == first) == FULL_MASK:
        return 1
    return LANES if ballot(address == first + lane_ids() * splat(width)) == FULL_MASK else 0


@compiled
def pattern_of_u64(address: Any, width: Any, mask: Any) -> Any:
    """1 if all 32 lanes have one address; the lanes of ``mask``, the first ones, if theirs are consecutive; or 0."""
    first = splat_u64(int64(lane_of(address, 0)))
    if mask == FULL_MASK and ballot(address == first) == FULL_MASK:
        return 1
    apart = ballot(address == first + widen(lane_ids() * splat(width))) & mask
    return count_bits(mask) if apart == mask and mask != 1 else 0


@compiled
def window_row(warp: Any, address: Any, size: Any, destination: Any, base: Any, start: Any, end: Any) -> Any:
    """Try to load a whole warp at once from a window as above; False if it must go lane by lane."""
    if warp.mask != FULL_MASK:
        return False
    width = SIZE_BYTES[size]
    first = lane_of(address, 0)
    count = pattern_of_u32(address, width)
    if count == 0 or first % width != 0 or first < start or first + count * width > end:
        return False
    note_row(warp, first, count, width)
    return read_row(warp.registers + destination * ROW_BYTES, base + first, size, count)


@compiled
def global_row(warp: Any, address: Any, size: Any) -> Any:
    """Host address and number of elements if the first lanes can be moved at once, else 0 elements."""
    nothing = (int64(0), int64(0))
    if warp.mask & (warp.mask + 1) != 0:
        return nothing
    width = SIZE_BYTES[size]
    first = int64(lane_of(address, 0))
    count = int64(pattern_of_u64(address, width, warp.mask))
    if count == 0 or first % width != 0:
        return nothing
    host = host_address(warp, first, count * width)
    note_row(warp, first, count, width)
    return (host, count) if host != 0 else nothing


@compiled
def load_global(warp: Any, address: Any, size: Any, destination: Any) -> Any:
    """LDG."""
    warp.traffic = Traffic.GLOBAL_LOAD
    host, count = global_row(warp, address, size)
    if count != 0 and read_row(warp.registers + destination * ROW_BYTES, host, size, count):
        note_bytes(warp, host, count * SIZE_BYTES[size], READ)
        return
    check_global(warp, address, SIZE_BYTES[size])
    if warp.fault == 0:
        note_scattered(warp, SIZE_BYTES[size], READ)
        read_lanes(warp, size, destination)


@compiled
def load_shared(warp: Any, address: Any, size: Any, destination: Any) -> Any:
    """LDS."""
    warp.traffic = Traffic.SHARED
    code = running(warp)
    start = code.shared_first
    end = code.shared_end
    if not window_row(warp, address, size, destination, warp.shared, start, end):
        check_window(warp, address, SIZE_BYTES[size], warp.shared, start, end, Fault.SHARED_BOUNDS)
        if warp.fault == 0:
            read_lanes(warp, size, destination)


@compiled
def load_constant(warp: Any, address: Any, size: Any, destination: Any) -> Any:
    """LDC; the bank is the high word of the addresses."""
    warp.traffic = Traffic.CONSTANT
    bank = bank_at(as_launch(warp.launch).banks, int64(lane_of(address, 0)) >> 32)
    low = narrow(address)
    base = bank.start
    end = bank.size
    if not window_row(warp, low, size, destination, base, 0, end):
        check_window(warp, low, SIZE_BYTES[size], base, 0, end, Fault.CONSTANT_BOUNDS)
        if warp.fault == 0:
            read_lanes(warp, size, destination)


@compiled
def store_global(warp: Any, address: Any, size: Any, source: Any) -> Any:
    """STG."""
    warp.traffic = Traffic.GLOBAL_STORE
    if size == WORD:
        host, count = global_row(warp, address, size)
        if count == LANES:
            note_bytes(warp, host, ROW_BYTES, WRITE)
            store_lanes_u32(host, load_lanes_u32(warp.registers + source * ROW_BYTES))
            return
    check_global(warp, address, SIZE_BYTES[size])
    if warp.fault == 0:
        note_scattered(warp, SIZE_BYTES[size], WRITE)
        write_lanes(warp, size, source)


@compiled
def store_shared(warp: Any, address: Any, size: Any, source: Any) -> Any:
    """STS."""
    warp.traffic = Traffic.SHARED
    code = running(warp)
    start = code.shared_first
    end = code.shared_end
    check_window(warp, address, SIZE_BYTES[size], warp.shared, start, end, Fault.SHARED_BOUNDS)
    if warp.fault == 0:
        write_lanes(warp, size, source)


@compiled
def word_address(warp: Any, space: Any, lane: Any, address: Any, use: Any) -> Any:
    """Host address of one lane's 32-bit word, 0 after a fault; ``use``: what will be done to it."""
    warp.traffic = Traffic.SHARED_ATOMIC if space == Space.SHARED else Traffic.GLOBAL_ATOMIC
    warp.access = Access.SCATTERED
    warp.access_bytes = WORD_BYTES
    store_i64(warp.addresses + 8 * lane, address)
    if address % WORD_BYTES != 0:
        fail(warp, Fault.MISALIGNED, int64(1) << lane, address, WORD_BYTES)
        return int64(0)
    if space == Space.SHARED:
        code = running(warp)
        if address < code.shared_first or address + WORD_BYTES > code.shared_end:
            fail(warp, Fault.SHARED_BOUNDS, int64(1) << lane, address, WORD_BYTES)
            return int64(0)
        return address + warp.shared
    host = host_address(warp, address, WORD_BYTES)
    if host == 0:
        fail(warp, Fault.OUT_OF_BOUNDS, int64(1) << lane, address, WORD_BYTES)
    else:
        note_bytes(warp, host, WORD_BYTES, use)
    return host


@compiled
def use_of(warp: Any, operation: Any, kind: Any) -> Any:
    """What an atomic operation counts as: a reduction if its old value goes nowhere and its order does not matter."""
    if running(warp).operation != REDUCTION or order_matters(operation, kind):
        return int64(WRITE)
    return int64(REDUCE + 2 * operation + (kind & 1))


@compiled
def exchange_word(warp: Any, space: Any, lane: Any, address: Any, operation: Any, kind: Any, value: Any) -> Any:
    """An atomic read-modify-write of one word by compare and swap."""
    host = word_address(warp, space, lane, int64(address), use_of(warp, operation, kind))
    if host == 0:
        return int64(0)
    while True:
        old = load_u32(host)
        if atomic_swap_if(host, old, int64(combine(operation, kind, old, value))) == old:
            return old


@compiled
def compare_exchange_word(warp: Any, space: Any, lane: Any, address: Any, expected: Any, value: Any) -> Any:
    """An atomic compare and swap of one word."""
    host = word_address(warp, space, lane, int64(address), int64(WRITE))
    if host == 0:
        return int64(0)
    return atomic_swap_if(host, expected, value)
