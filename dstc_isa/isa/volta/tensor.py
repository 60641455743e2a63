"""The tensor core instruction of Volta: the inner product HMMA.884."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import F32, U32, Index, Warp
from dstc_isa.isa.lanes import (
    FULL_MASK,
    f32,
    gather,
    lane_ids,
    select,
    shift_left,
    shift_right,
    splat,
    u32,
)
from dstc_isa.isa.modifier import Choice
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.volta.float import canonical
from dstc_isa.isa.volta.half import high_half, low_half
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.units import HMMA
from dstc_isa.isa.warp import (
    Fault,
    fail,
    read_register,
    write_register,
)


class Layout(IntEnum):
    """Which index of a matrix fragment runs along the lanes."""

    ROW = 0
    COL = 1


class Step(IntEnum):
    """Which quarter of the result an HMMA computes."""

    STEP0 = 0
    STEP1 = 1
    STEP2 = 2
    STEP3 = 3


def converged(warp: Warp) -> bool:
    """Whether all 32 lanes execute; a tensor instruction faults otherwise."""
    if warp.mask != FULL_MASK:
        fail(warp, Fault.PARTIAL_WARP, warp.mask, warp.mask, 0)
        return False
    return True


def half_of(packed: U32, odd: int) -> F32:
    """The lower or the upper half of every lane."""
    return high_half(packed) if odd != 0 else low_half(packed)


@instruction("HMMA.884.F32", 0x236, HMMA)
def hmma(
    warp: Warp,
    rd: Annotated[Index, Destination(width=2)],
    ra: Annotated[Index, Source("a", width=2)],
    rb: Annotated[Index, Source("b", width=2)],
    rc: Annotated[Index, Source("c", width=2)],
    layout_a: Annotated[int, Choice(Layout, Field(72, 1))],
    layout_b: Annotated[int, Choice(Layout, Field(73, 1))],
    step: Annotated[int, Choice(Step, Field(76, 2))],
) -> None:
    """Inner product of Volta: a quarter of D = A B + C for four 8x8x4 products, one per quad pair of lanes.

    The fragments are those of PTX mma.m8n8k4 with .f16 operands and .f32 accumulators: Ra and Rb are the
    two registers of A and B; Rd and Rc are registers 2s and 2s+1 of D and C for step s. Step s computes, in
    each group of four lanes, rows 2(s mod 2) and the next of columns 4(s div 2) to 4(s div 2)+3. The four
    exact products are added in k order with one rounding each.
    """
    if not converged(warp):
        return
    first = f32(read_register(warp, rc))
    second = f32(read_register(warp, rc + 1))
    for k in range(4):
        a = value_of_a(warp, ra, layout_a, step, k)
        b = columns_of_b(warp, rb, layout_b, step, k)
        first = canonical(first + a * low_half(b))
        second = canonical(second + a * high_half(b))
    write_register(warp, rd, u32(first))
    write_register(warp, rd + 1, u32(second))


def row_of(step: int) -> U32:
    """The lane of each quad that holds, in a fragment by rows, the row of A that a lane's results are in."""
    lane = lane_ids()
    return (lane & splat(28)) + (lane & splat(1)) + splat((step & 1) * 2)


def value_of_a(warp: Warp, ra: int, layout: int, step: int, k: int) -> F32:
    """Column ``k`` of A, in each lane for the row of its results."""
    if layout == Layout.ROW:
        return half_of(gather(read_register(warp, ra + (k >> 1)), row_of(step)), k & 1)
    held = gather(read_register(warp, ra + (step & 1)), (lane_ids() & splat(28)) + splat(k))
    return select((lane_ids() & splat(1)) == splat(0), low_half(held), high_half(held))


def columns_of_b(warp: Warp, rb: int, layout: int, step: int, k: int) -> U32:
    """Row ``k`` of B, in each lane the two columns of its results as halves."""
    quad = (lane_ids() & splat(12)) + splat((step >> 1) * 16)
    if layout == Layout.ROW:
        return two_columns(warp, rb, quad + splat(k))
    held = read_register(warp, rb + (k >> 1))
    column = quad + (lane_ids() & splat(2))
    shift = splat(16 * (k & 1))
    left = shift_right(gather(held, column), shift) & splat(0xFFFF)
    right = shift_right(gather(held, column + splat(1)), shift)
    return left | shift_left(right, splat(16))


def two_columns(warp: Warp, rb: int, source: U32) -> U32:
    """The two columns of this lane's results, of the four that lane ``source`` holds in a fragment by rows."""
    first = gather(read_register(warp, rb), source)
    second = gather(read_register(warp, rb + 1), source)
    return select((lane_ids() & splat(2)) == splat(0), first, second)
