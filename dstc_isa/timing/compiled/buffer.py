"""The accumulation buffer of a sub-core: resident tiles, and banks that merge an outer product's rows.

Bank b holds the rows r with r mod banks = b of the resident 32x32 tiles and adds to one row of 32 words in
``bank_cycles``. An operand collector lets a bank be behind by a window of cycles before the tensor port must wait.
"""

from typing import Any

from numba import int64

from dstc_isa.engine.compiled.jit import compiled
from dstc_isa.isa.lanes import LANES, count_bits, drop_lowest, lowest_bit
from dstc_isa.isa.tensor import GROUP_COLUMNS, GROUP_ROWS

NO_TILE = -1


@compiled
def place_tile(machine: Any, sm: Any, subcore: Any, tile: Any) -> Any:
    """Make a tile resident; the cycles that this takes."""
    subcore.tile_clock += 1
    if subcore.tile[subcore.last_tile] == tile:
        subcore.tile_used[subcore.last_tile] = subcore.tile_clock
        return int64(0)
    oldest = int64(0)
    for place in range(machine.buffer_tiles):
        if subcore.tile[place] == tile:
            subcore.tile_used[place] = subcore.tile_clock
            subcore.last_tile = place
            return int64(0)
        if subcore.tile_used[place] < subcore.tile_used[oldest]:
            oldest = place
    cycles = machine.fill_cycles
    sm.fills += 1
    if subcore.tile[oldest] != NO_TILE:
        cycles += machine.spill_cycles
        sm.spills += 1
    subcore.tile[oldest] = tile
    subcore.tile_used[oldest] = subcore.tile_clock
    subcore.last_tile = oldest
    return cycles


@compiled
def merge_group(machine: Any, sm: Any, subcore: Any, rows: Any, start: Any) -> Any:
    """Add rows to the resident tile from ``start`` on; when the last is merged, and when the port may go on."""
    last_bank = machine.buffer_banks - 1
    cycles = machine.bank_cycles
    done = start
    rest = rows
    while rest != 0:
        bank = lowest_bit(rest) & last_bank
        rest &= rest - 1
        free = max(subcore.bank_free[bank], start) + cycles
        subcore.bank_free[bank] = free
        done = max(done, free)
    sm.ohmma += 1
    sm.merged_rows += count_bits(rows)
    # Banks that were behind this one's before have let the port wait already.
    return done, done - machine.buffer_window


@compiled
def merge_rows(machine: Any, sm: Any, subcore: Any, tile: Any, rows: Any, cycle: Any) -> Any:
    """Add an outer product's rows to a tile from ``cycle`` on; the cycle at which the last one is merged."""
    start = cycle + place_tile(machine, sm, subcore, tile)
    done, until = merge_group(machine, sm, subcore, rows, start)
    behind = start + 1 if start > cycle else start
    subcore.buffer_until = max(behind, until)
    return done


@compiled
def merge_steps(
    machine: Any, sm: Any, subcore: Any, tile: Any, tiles: Any, warp: Any, cycle: Any, interval: Any
) -> Any:
    """Add the groups of a sequenced outer product to ``tiles`` tiles below each other; the cycle of the last one.

    One each ``interval`` cycles, whichever tiles its rows are in. Also the cycles it holds the port apart from the
    waits for the buffer, which ``subcore.buffer_until`` ends.
    """
    start = cycle
    for number in range(tiles):
        start += place_tile(machine, sm, subcore, tile + LANES * number)
    done = start
    groups = int64(0)
    for step in range(warp.steps):
        rows = warp.step_rows[step]
        if rows == 0:
            continue
        for _ in range((warp.step_columns[step] + GROUP_COLUMNS - 1) // GROUP_COLUMNS):
            rest = rows
            while rest != 0:
                behind = drop_lowest(rest, GROUP_ROWS)
                merged, until = merge_group(machine, sm, subcore, rest ^ behind, start)
                done = max(done, merged)
                start = max(start + interval, until)
                groups += 1
                rest = behind
    subcore.buffer_until = start
    return done, groups * interval
