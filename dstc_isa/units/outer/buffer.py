"""What outer products cost: the accumulation buffer of a sub-core.

It holds tiles of 32x32 accumulators. Bank b holds the rows r with r mod banks = b and adds to one row of 32 words in
``bank_cycles``. An operand collector lets a bank be behind by a window of cycles before the tensor port must wait.
"""

from typing import Any

from dstc_isa.isa.lanes import LANES, count_bits, drop_lowest, lowest_bit

from .unit import GROUP_COLUMNS, GROUP_ROWS, NO_TILE, OHMMA, SPWMMA


def place_tile(buffer: Any, parameters: Any, counters: Any, tile: int) -> int:
    """Make a tile resident; the cycles that this takes."""
    buffer.tile_clock += 1
    if buffer.tile[buffer.last_tile] == tile:
        buffer.tile_used[buffer.last_tile] = buffer.tile_clock
        return 0
    oldest = 0
    for place in range(parameters.tiles):
        if buffer.tile[place] == tile:
            buffer.tile_used[place] = buffer.tile_clock
            buffer.last_tile = place
            return 0
        if buffer.tile_used[place] < buffer.tile_used[oldest]:
            oldest = place
    cycles: int = parameters.fill_cycles
    counters.fills += 1
    if buffer.tile[oldest] != NO_TILE:
        cycles += parameters.spill_cycles
        counters.spills += 1
    buffer.tile[oldest] = tile
    buffer.tile_used[oldest] = buffer.tile_clock
    buffer.last_tile = oldest
    return cycles


def merge_group(buffer: Any, parameters: Any, counters: Any, rows: int, start: int) -> tuple[int, int]:
    """Add rows to the resident tile from ``start`` on; when the last is merged, and when the port may go on."""
    last_bank = parameters.banks - 1
    cycles = parameters.bank_cycles
    done = start
    rest = rows
    while rest != 0:
        bank = lowest_bit(rest) & last_bank
        rest &= rest - 1
        free = max(buffer.bank_free[bank], start) + cycles
        buffer.bank_free[bank] = free
        done = max(done, free)
    counters.ohmma += 1
    counters.merged_rows += count_bits(rows)
    # Banks that were behind this one's before have let the port wait already.
    return done, done - parameters.window


def finish(charge: Any, parameters: Any, counters: Any, done: int, tiles: int) -> None:
    """Charge what both kinds of instruction take: results are there once their tiles are written back."""
    charge.done = done + charge.latency + tiles * parameters.spill_cycles
    counters.accumulation_stalls += max(0, charge.held - charge.cycle - charge.busy)


@OHMMA.cost
def merge_rows(charge: Any, warp: Any, buffer: Any, parameters: Any, counters: Any) -> None:
    """Add an outer product's rows to its tile."""
    start = charge.cycle + place_tile(buffer, parameters, counters, charge.place)
    done, until = merge_group(buffer, parameters, counters, warp.merged, start)
    behind = start + 1 if start > charge.cycle else start
    charge.held = max(behind, until)
    finish(charge, parameters, counters, done, 1)


@SPWMMA.cost
def merge_steps(charge: Any, warp: Any, buffer: Any, parameters: Any, counters: Any) -> None:
    """Add the groups of a sequenced outer product to the tiles below each other that its accumulators are.

    One group in each initiation interval, whichever tiles its rows are in.
    """
    interval = parameters.initiation
    tiles = charge.accumulators // LANES
    start = charge.cycle
    for number in range(tiles):
        start += place_tile(buffer, parameters, counters, charge.place + LANES * number)
    done = start
    groups = 0
    for step in range(warp.steps):
        rows = warp.step_rows[step]
        if rows == 0:
            continue
        for _ in range((warp.step_columns[step] + GROUP_COLUMNS - 1) // GROUP_COLUMNS):
            rest = rows
            while rest != 0:
                behind = drop_lowest(rest, GROUP_ROWS)
                merged, until = merge_group(buffer, parameters, counters, rest ^ behind, start)
                done = max(done, merged)
                start = max(start + interval, until)
                groups += 1
                rest = behind
    charge.busy = max(charge.busy, groups * interval)
    charge.held = start
    charge.read = max(charge.cycle + charge.busy, start)
    finish(charge, parameters, counters, done, tiles)
