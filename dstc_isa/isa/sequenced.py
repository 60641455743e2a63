"""The sequenced outer product: an extension of this project, which the paper does not have.

One instruction walks the steps and groups that the paper's design issues one by one.
"""

from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand
from dstc_isa.isa.half import high_half, low_half
from dstc_isa.isa.instruction import Index, Pipe, Scalar, Warp, instruction
from dstc_isa.isa.lanes import count_bits, expand, lane_of, listed, lowest_bit
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.tensor import Accumulator, all_ones, converged, outer_row
from dstc_isa.isa.warp import STEPS, read_register

FRAGMENTS = STEPS // 2
"""Registers of the condensed values of all steps, two steps a register."""


@instruction("SPWMMA.323216.F32", 0x1A4, Pipe.SPWMMA, public=False, variable=True)
def spwmma(
    warp: Warp,
    rd: Accumulator,
    ra: Annotated[Index, Source("a", width=FRAGMENTS)],
    rb: Annotated[Index, Source("b", width=FRAGMENTS)],
    rm: Annotated[Index, Source("c", width=2)],
    part_a: Annotated[Scalar, ImmediateOperand(Field(72, 1))],
    part_b: Annotated[Scalar, ImmediateOperand(Field(73, 1))],
) -> None:
    """Sixteen sparse outer products 32x32x1 in a row: D += A * B for a 32x16 tile of A and a 16x32 tile of B.

    Rm holds the bitmaps of A's columns, a lane each, and Rm + 1 those of B's rows, in lanes 0 to 15 for part 0 and
    16 to 31 for part 1. Half k mod 2 of Ra + k div 2 has step k's condensed column of A as OHMMA takes it, Rb likewise.
    The hardware goes through the groups of 8 by 16 products that exist, one after the other; the tensor core is
    busy for so long and no issue slot is needed. Sources are read step by step and must not overlap D, registers Rd to
    Rd + 31. Results are those of the OHMMAs.
    """
    if not converged(warp):
        return
    bitmaps_a = read_register(warp, rm)
    bitmaps_b = read_register(warp, rm + 1)
    for step in range(STEPS):
        rows = lane_of(bitmaps_a, STEPS * part_a + step)
        columns = lane_of(bitmaps_b, STEPS * part_b + step)
        warp.step_rows[step] = rows
        warp.step_columns[step] = count_bits(columns)
        if rows == 0 or columns == 0:
            continue
        held_a = read_register(warp, ra + step // 2)
        held_b = read_register(warp, rb + step // 2)
        if step % 2 == 0:
            values_a = listed(low_half(held_a))
            spread_b = expand(low_half(held_b), columns)
        else:
            values_a = listed(high_half(held_a))
            spread_b = expand(high_half(held_b), columns)
        place = all_ones(columns)
        for i in range(count_bits(rows)):
            outer_row(warp, rd + lowest_bit(rows), values_a[i], spread_b, place)
            rows &= rows - 1
