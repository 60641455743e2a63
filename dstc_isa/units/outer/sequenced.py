"""The sequenced outer product: an extension of this project, which the paper does not have.

One instruction walks the steps and groups that the paper's design issues one by one.
"""

from typing import Annotated

from dstc_isa.isa.instruction import F32, Index, Warp
from dstc_isa.isa.lanes import LANES, count_bits, expand, lane_of, listed, lowest_bit
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.volta import instruction
from dstc_isa.isa.volta.tensor import converged
from dstc_isa.isa.warp import read_register

from .products import all_ones, outer_row
from .runs import (
    LONG_RUN_REGISTERS,
    RUN_REGISTERS,
    WIDE_RUN_REGISTERS,
    read_long_run,
    read_run,
    read_wide_run,
    run_values,
)
from .unit import LONGEST, SPWMMA


@instruction("SPWMMA.323232.F32.WINDOW", 0x1A6, SPWMMA, public=False, variable=True)
def spwmma_window(
    warp: Warp,
    rd: Annotated[Index, Destination(width=LANES, accumulates=True, apart=True)],
    ra: Annotated[Index, Source("a", width=RUN_REGISTERS)],
    rb: Annotated[Index, Source("b", width=RUN_REGISTERS)],
    rm: Annotated[Index, Source("c")],
    rw: Annotated[Index, Source("e", width=2)],
) -> None:
    """Thirty-two sparse outer products 32x32x1 in a row, A packed, the rows of B windows of longer ones.

    Ra to Ra + 15 are a run of 1024 halves as four 128-bit loads of consecutive addresses leave them: half h is in
    register Ra + 4 (h div 256) + (h mod 8) div 2, lane (h mod 256) div 8, half h mod 2. It has A's values k after k
    without gaps. Rb to Rb + 15 are such a run, in which step k's values of B begin at the half that lane k of Rw + 1
    says, modulo 1024; the run may hold more to either side. Lane k of Rm is the bitmap of A's column, lane k of Rw that
    of B's row.
    The hardware goes through the groups of 8 by 16 products that exist, one after the other; the tensor core is
    busy for so long and no issue slot is needed. Sources are read step by step and must not overlap D, registers Rd to
    Rd + 31. Results are those of the OHMMAs.
    """
    if not converged(warp):
        return
    bitmaps_a = read_register(warp, rm)
    bitmaps_b = read_register(warp, rw)
    places_b = read_register(warp, rw + 1)
    run_a = read_run(warp, ra)
    run_b = read_run(warp, rb)
    warp.steps = LONGEST
    first_a = 0
    for step in range(LONGEST):
        rows = lane_of(bitmaps_a, step)
        columns = lane_of(bitmaps_b, step)
        note_step(warp, step, rows, columns)
        if rows != 0 and columns != 0:
            values_b = run_values(run_b, lane_of(places_b, step))
            outer_product(warp, rd, rows, columns, run_values(run_a, first_a), values_b)
        first_a += count_bits(rows)


TallAccumulator = Annotated[Index, Destination(width=2 * LANES, accumulates=True, apart=True)]


@instruction("SPWMMA.643232.F32.PACKED", 0x1A7, SPWMMA, public=False, variable=True)
def spwmma_packed(
    warp: Warp,
    rd: TallAccumulator,
    ra: Annotated[Index, Source("a", width=LONG_RUN_REGISTERS)],
    rb: Annotated[Index, Source("b", width=RUN_REGISTERS)],
    rm: Annotated[Index, Source("c", width=2)],
    rw: Annotated[Index, Source("e")],
) -> None:
    """Thirty-two sparse outer products 64x32x1 in a row, A and B packed.

    Row r of the result is register Rd + r. Lane k of Rm is the bitmap of rows 0 to 31 of A's column k, that of Rm + 1
    of rows 32 to 63, lane k of Rw the bitmap of B's row. Ra to Ra + 31 are a run of 2048 halves as eight 128-bit loads
    of consecutive addresses leave them, Rb to Rb + 15 one of 1024 as above; both have their values k after k without
    gaps. The 64 rows are one column: a group takes the next 8 values, whichever rows they are in. Otherwise as above.
    """
    if not converged(warp):
        return
    bitmaps_a = read_register(warp, rm)
    more_bitmaps_a = read_register(warp, rm + 1)
    bitmaps_b = read_register(warp, rw)
    run_a = read_long_run(warp, ra)
    run_b = read_run(warp, rb)
    warp.steps = LONGEST
    first_a = 0
    first_b = 0
    for step in range(LONGEST):
        rows = lane_of(bitmaps_a, step)
        more_rows = lane_of(more_bitmaps_a, step)
        columns = lane_of(bitmaps_b, step)
        tall_step(warp, rd, step, rows, more_rows, columns, run_a, first_a, run_b, first_b)
        first_a += count_bits(rows) + count_bits(more_rows)
        first_b += count_bits(columns)


@instruction("SPWMMA.643232.F32.WINDOW", 0x1AA, SPWMMA, public=False, variable=True)
def spwmma_tall_window(
    warp: Warp,
    rd: TallAccumulator,
    ra: Annotated[Index, Source("a", width=LONG_RUN_REGISTERS)],
    rb: Annotated[Index, Source("b", width=RUN_REGISTERS)],
    rm: Annotated[Index, Source("c", width=2)],
    rw: Annotated[Index, Source("e", width=2)],
) -> None:
    """Thirty-two sparse outer products 64x32x1 in a row, A packed, the rows of B windows of longer ones.

    Step k's values of B begin at the half of their run that lane k of Rw + 1 says, modulo 1024. Otherwise as PACKED.
    """
    if converged(warp):
        tall_windows(warp, rd, read_long_run(warp, ra), read_run(warp, rb), rm, rw)


@instruction("SPWMMA.643232.F32.WINDOW.SHORT", 0x1AB, SPWMMA, public=False, variable=True)
def spwmma_short_window(
    warp: Warp,
    rd: TallAccumulator,
    ra: Annotated[Index, Source("a", width=RUN_REGISTERS)],
    rb: Annotated[Index, Source("b", width=RUN_REGISTERS)],
    rm: Annotated[Index, Source("c", width=2)],
    rw: Annotated[Index, Source("e", width=2)],
) -> None:
    """Thirty-two sparse outer products 64x32x1 in a row, A packed and short, the rows of B windows of longer ones.

    Ra to Ra + 15 are a run of 1024 halves as above; A's values are counted modulo 1024. Otherwise as WINDOW.
    """
    if converged(warp):
        tall_windows(warp, rd, read_run(warp, ra), read_run(warp, rb), rm, rw)


@instruction("SPWMMA.643232.F32.WINDOW.WIDE", 0x1AC, SPWMMA, public=False, variable=True)
def spwmma_wide_window(
    warp: Warp,
    rd: TallAccumulator,
    ra: Annotated[Index, Source("a", width=RUN_REGISTERS)],
    rb: Annotated[Index, Source("b", width=WIDE_RUN_REGISTERS)],
    rm: Annotated[Index, Source("c", width=2)],
    rw: Annotated[Index, Source("e", width=2)],
) -> None:
    """Thirty-two sparse outer products 64x32x1 in a row, A packed and short, the rows of B windows of wider ones.

    Rb to Rb + 23 have 48 halves for each step k, numbers 48 k to 48 k + 47: the first 32 in Rb to Rb + 15, a run of 32
    for each step, the others in the last 8 registers, a run of 16 for each step. Step k's values of B begin at the half
    that lane k of Rw + 1 says, modulo 2048; halves from 1536 on are zeros. Otherwise as SHORT.
    """
    if converged(warp):
        tall_windows(warp, rd, read_run(warp, ra), read_wide_run(warp, rb), rm, rw)


def tall_windows(warp: Warp, rd: int, run_a: F32, run_b: F32, rm: int, rw: int) -> None:
    """All steps of 64 rows whose values of B begin where lanes say."""
    bitmaps_a = read_register(warp, rm)
    more_bitmaps_a = read_register(warp, rm + 1)
    bitmaps_b = read_register(warp, rw)
    places_b = read_register(warp, rw + 1)
    warp.steps = LONGEST
    first_a = 0
    for step in range(LONGEST):
        rows = lane_of(bitmaps_a, step)
        more_rows = lane_of(more_bitmaps_a, step)
        columns = lane_of(bitmaps_b, step)
        tall_step(warp, rd, step, rows, more_rows, columns, run_a, first_a, run_b, lane_of(places_b, step))
        first_a += count_bits(rows) + count_bits(more_rows)


def tall_step(
    warp: Warp,
    rd: int,
    step: int,
    rows: int,
    more_rows: int,
    columns: int,
    run_a: F32,
    first_a: int,
    run_b: F32,
    first_b: int,
) -> None:
    """A step of 64 rows, whose values begin at these halves of their runs."""
    note_step(warp, step, rows | more_rows << LANES, columns)
    if columns != 0:
        values_b = run_values(run_b, first_b)
        if rows != 0:
            outer_product(warp, rd, rows, columns, run_values(run_a, first_a), values_b)
        if more_rows != 0:
            values_a = run_values(run_a, first_a + count_bits(rows))
            outer_product(warp, rd + LANES, more_rows, columns, values_a, values_b)


def note_step(warp: Warp, step: int, rows: int, columns: int) -> None:
    """Record for the timing model which groups of a step exist."""
    warp.step_rows[step] = rows
    warp.step_columns[step] = count_bits(columns)


def outer_product(warp: Warp, rd: int, rows: int, columns: int, a: F32, b: F32) -> None:
    """Add the outer product of condensed values to the accumulator's rows and columns that bitmaps give."""
    values_a = listed(a)
    spread_b = expand(b, columns)
    place = all_ones(columns)
    for i in range(count_bits(rows)):
        outer_row(warp, rd + lowest_bit(rows), values_a[i], spread_b, place)
        rows &= rows - 1
