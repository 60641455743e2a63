"""The tensor core instruction of Volta: the inner product HMMA.884."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import F32, U32, Derived, Index, Instruction, Scalar, Warp
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
from dstc_isa.isa.modifier import Choice, Flag
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.values import Register
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


class Product(IntEnum):
    """Shape, formats of D and C, and which part of the result: of F32 and of mixed results quarters, of F16 halves."""

    _884__F16__F16__STEP0 = 0x0
    _444__F16__F16 = 0x1
    _884__F32__F16__STEP0 = 0x2
    _884__F32__F32__STEP0 = 0x6
    _444__F32__F32__STEP0 = 0x7
    _884__F16__F16__STEP1 = 0x8
    _884__F32__F16__STEP1 = 0xA
    _884__F32__F32__STEP1 = 0xE
    _444__F32__F32__STEP1 = 0xF
    _884__F32__F16__STEP2 = 0x12
    _884__F32__F32__STEP2 = 0x16
    _884__F32__F16__STEP3 = 0x1A
    _884__F32__F32__STEP3 = 0x1E


MODELLED = frozenset(product for product in Product if product & 7 == Product._884__F32__F32__STEP0)
LAYOUTS = {layout.name: int(layout) for layout in Layout}
UNMODELLED = frozenset({"-"})


def _layouts(decoded: Instruction) -> int:
    """The layout of A in bit 0, and that of B in bit 1."""
    return sum(
        LAYOUTS[value.suffix] << place
        for place, value in enumerate(decoded.operands[1:3])
        if isinstance(value, Register)
    )


def converged(warp: Warp) -> bool:
    """Whether all 32 lanes execute; a tensor instruction faults otherwise."""
    if warp.mask != FULL_MASK:
        fail(warp, Fault.PARTIAL_WARP, warp.mask, warp.mask, 0)
        return False
    return True


def half_of(packed: U32, odd: int) -> F32:
    """The lower or the upper half of every lane."""
    return high_half(packed) if odd != 0 else low_half(packed)


@instruction("HMMA", 0x236, HMMA)
def hmma(
    warp: Warp,
    rd: Annotated[Index, Destination(width=2)],
    ra: Annotated[
        Index, Source("a", width=2, negate=True, suffixes=LAYOUTS, select=Field(73, 1), unmodelled=UNMODELLED)
    ],
    rb: Annotated[
        Index, Source("b", width=2, negate=True, suffixes=LAYOUTS, select=Field(74, 1), unmodelled=UNMODELLED)
    ],
    rc: Annotated[Index, Source("c", width=2)],
    layouts: Annotated[Scalar, Derived(_layouts)],
    product: Annotated[
        int,
        Choice(
            Product,
            Field(75, 2, rest=Field(78, 3)),
            unmodelled=frozenset(Product) - MODELLED,
        ),
    ],
    finite: Annotated[int, Flag("SATFINITE", Field(77, 1), unmodelled=frozenset({1}))],
) -> None:
    """Inner product of Volta: a quarter of D = A B + C for four 8x8x4 products, one per quad pair of lanes.

    The fragments are those of PTX mma.m8n8k4 with .f16 operands and .f32 accumulators: Ra and Rb are the
    two registers of A and B; Rd and Rc are registers 2s and 2s+1 of D and C for step s. Step s computes, in
    each group of four lanes, rows 2(s mod 2) and the next of columns 4(s div 2) to 4(s div 2)+3. The four
    exact products are added in k order with one rounding each.
    """
    step = product >> 3
    if not converged(warp):
        return
    first = f32(read_register(warp, rc))
    second = f32(read_register(warp, rc + 1))
    for k in range(4):
        a = value_of_a(warp, ra, layouts & 1, step, k)
        b = columns_of_b(warp, rb, layouts >> 1, step, k)
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
