"""What a memory instruction costs: passes through the load and store unit, and when its data is there."""

from typing import Any

from numba import int64

from dstc_isa.engine.compiled.jit import compiled
from dstc_isa.engine.compiled.raw_memory import load_i64
from dstc_isa.engine.launch_records import Access, Traffic
from dstc_isa.isa.lanes import LANES, count_bits, lowest_bit
from dstc_isa.timing.compiled.caches import from_l2, load_line
from dstc_isa.timing.compiled.model_views import bank_words_at
from dstc_isa.timing.model_records import SECTORS

LINE_SHIFT = 7
SECTOR_SHIFT = 5
WORD = 4
LINE_BYTES = 1 << LINE_SHIFT


@compiled
def conflict_passes(sm: Any, warp: Any, banks: Any, distinct: Any) -> Any:
    """Passes that scattered lanes need in shared memory; lanes that read one word share it unless ``distinct``.

    A pass moves one word of each bank; 64 and 128 bit accesses go by half and quarter warps.
    """
    width = warp.access_bytes
    words = max(width // WORD, 1)
    lanes = LANES // words
    passes = int64(0)
    for first in range(0, LANES, lanes):
        rest = warp.mask >> first & ((int64(1) << lanes) - 1)
        if rest == 0:
            continue
        for number in range(banks):
            bank_words_at(sm.bank_words, number).count = 0
        most = int64(1)
        while rest != 0:
            lane = first + lowest_bit(rest)
            rest &= rest - 1
            address = load_i64(warp.addresses + 8 * lane)
            for number in range(words):
                word = address // WORD + number
                bank = bank_words_at(sm.bank_words, word % banks)
                count = bank.count
                entry = count if distinct else int64(0)
                while entry < count and bank.words[entry] != word:
                    entry += 1
                if entry == count:
                    bank.words[count] = word
                    bank.count = count + 1
                    most = max(most, count + 1)
        passes += most
    return max(passes, int64(1))


@compiled
def of_one_address(warp: Any) -> Any:
    """Whether all executing lanes of a scattered access have one address; so have those of a uniform one."""
    rest = warp.mask
    first = load_i64(warp.addresses + 8 * lowest_bit(rest))
    while rest != 0:
        if load_i64(warp.addresses + 8 * lowest_bit(rest)) != first:
            return False
        rest &= rest - 1
    return True


@compiled
def groups(warp: Any) -> Any:
    """Parts of the warp that an access goes by, those with an executing lane: halves for 64 bits, quarters for 128."""
    lanes = LANES // max(warp.access_bytes // WORD, 1)
    count = int64(0)
    for first in range(0, LANES, lanes):
        if warp.mask >> first & ((int64(1) << lanes) - 1) != 0:
            count += 1
    return count


@compiled
def shared_passes(machine: Any, sm: Any, warp: Any) -> Any:
    """Passes of a shared memory access."""
    if warp.access == Access.UNIFORM:
        return int64(1)
    if warp.access == Access.CONSECUTIVE:
        return groups(warp)
    atomic = warp.traffic == Traffic.SHARED_ATOMIC
    if not atomic and of_one_address(warp):
        return int64(1)
    passes = conflict_passes(sm, warp, machine.shared_banks, atomic)
    sm.bank_conflicts += max(passes - groups(warp), int64(0))
    return passes


@compiled
def move_line(machine: Any, sm: Any, warp: Any, line: Any, sectors: Any, cycle: Any) -> Any:
    """One line of a global access; the cycle at which it is done."""
    if warp.traffic == Traffic.GLOBAL_LOAD:
        return load_line(machine, sm, line, sectors, cycle)
    sm.stored += count_bits(sectors)
    done = from_l2(machine, sm, line, sectors, cycle, warp.traffic == Traffic.GLOBAL_STORE)
    if warp.traffic == Traffic.GLOBAL_ATOMIC:
        done += machine.l2_atomic_latency - machine.l2_latency
    return done


@compiled
def move_range(machine: Any, sm: Any, warp: Any, start: Any) -> Any:
    """A uniform or consecutive global access from ``start``: lines it touches, and the cycle at which it is done."""
    first = warp.access_first
    size = warp.access_bytes
    if warp.access == Access.CONSECUTIVE:
        size *= count_bits(warp.mask)
    last = first + size - 1
    done = start
    lines = int64(0)
    for line in range(first >> LINE_SHIFT, (last >> LINE_SHIFT) + 1):
        low = max(first - (line << LINE_SHIFT), int64(0)) >> SECTOR_SHIFT
        high = min(last - (line << LINE_SHIFT), int64(LINE_BYTES - 1)) >> SECTOR_SHIFT
        sectors = (int64(2) << high) - (int64(1) << low)
        done = max(done, move_line(machine, sm, warp, line, sectors, start + lines))
        lines += 1
    return lines, done


@compiled
def move_lanes(machine: Any, sm: Any, warp: Any, start: Any) -> Any:
    """A scattered global access from ``start``; as ``move_range``."""
    done = start
    lines = int64(0)
    rest = warp.mask
    while rest != 0:
        line = load_i64(warp.addresses + 8 * lowest_bit(rest)) >> LINE_SHIFT
        sectors = int64(0)
        others = rest
        while others != 0:
            lane = lowest_bit(others)
            others &= others - 1
            address = load_i64(warp.addresses + 8 * lane)
            if address >> LINE_SHIFT == line:
                rest &= ~(int64(1) << lane)
                sectors |= int64(1) << (address >> SECTOR_SHIFT & (SECTORS - 1))
        done = max(done, move_line(machine, sm, warp, line, sectors, start + lines))
        lines += 1
    return lines, done


@compiled
def access(machine: Any, sm: Any, warp: Any, cycle: Any, latency: Any) -> Any:
    """Time an instruction of the load and store unit issued at ``cycle``; when its result is there.

    ``sm.lsu_free`` is then the cycle at which the unit has read its operands. ``latency`` holds for an instruction
    without memory, such as a shuffle.
    """
    start = max(cycle, sm.lsu_free)
    passes = int64(1)
    traffic = warp.traffic
    if traffic == Traffic.NONE:
        done = start + latency
    elif traffic == Traffic.SHARED or traffic == Traffic.SHARED_ATOMIC:
        passes = shared_passes(machine, sm, warp)
        done = start + passes - 1 + machine.shared_latency
    elif traffic == Traffic.CONSTANT:
        done = start + machine.shared_latency
    else:
        if warp.access == Access.SCATTERED:
            lines, done = move_lanes(machine, sm, warp, start)
        else:
            lines, done = move_range(machine, sm, warp, start)
        alike = warp.access == Access.UNIFORM or (warp.access == Access.SCATTERED and of_one_address(warp))
        bytes_moved = int64(1) if alike else count_bits(warp.mask) * warp.access_bytes
        passes = max(lines, (bytes_moved + LINE_BYTES - 1) // LINE_BYTES)
    sm.wavefronts += passes
    sm.lsu_free = start + passes
    return done
