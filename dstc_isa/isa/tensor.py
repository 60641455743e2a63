"""Tensor core instructions: Volta's inner product HMMA.884 and the bitmap-sparse outer product OHMMA.8161.

OHMMA and BOHMMA are the paper's ("Dual-side Sparse Tensor Core", ISCA 2021); their operand layout and exact
semantics are chosen by this project, the paper leaves them open.
"""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand
from dstc_isa.isa.float import canonical
from dstc_isa.isa.half import high_half, low_half
from dstc_isa.isa.instruction import F32, U32, Index, Pipe, Scalar, Warp, instruction
from dstc_isa.isa.lanes import (
    FULL_MASK,
    LANES,
    ballot,
    count_bits,
    drop_lowest,
    expand,
    f32,
    gather,
    lane_ids,
    lane_of,
    listed,
    lowest_bit,
    s32,
    select,
    shift_left,
    shift_right,
    shift_right_signed,
    splat,
    spread,
    truth,
    u32,
)
from dstc_isa.isa.modifier import Choice
from dstc_isa.isa.predicate import PREDICATES, WrittenPredicates
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.shorthand import Rd
from dstc_isa.isa.warp import (
    Fault,
    fail,
    read_register,
    set_predicate_lanes,
    write_register,
    write_whole_register,
)

GROUP_ROWS = 8
GROUP_COLUMNS = 16
GROUPS_OF_ROWS = LANES // GROUP_ROWS


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


@instruction("HMMA.884.F32", 0x236, Pipe.HMMA)
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
    """Of the four columns that lane ``source`` holds in a fragment by rows, the two of this lane's results."""
    first = gather(read_register(warp, rb), source)
    second = gather(read_register(warp, rb + 1), source)
    return select((lane_ids() & splat(2)) == splat(0), first, second)


@instruction("BOHMMA.32321", 0x1A0, Pipe.BOHMMA, public=False)
def bohmma(
    warp: Warp,
    ra: Annotated[U32, Source("a")],
    rb: Annotated[U32, Source("b")],
) -> Rd:
    """Binary outer product of two bitmaps: bit c of Rd's lane r is (bit r of Ra) and (bit c of Rb).

    Ra and Rb are the bitmaps of a column of A and a row of B and must hold the same value in all lanes. The
    result is the 32x32 bit matrix of the places that the step's products go to.
    """
    if converged(warp):
        first_a = splat(lane_of(ra, 0))
        first_b = splat(lane_of(rb, 0))
        different = ballot((ra != first_a) | (rb != first_b))
        if different != 0:
            fail(warp, Fault.NON_UNIFORM, different, lane_of(ra, lowest_bit(different)), 0)
    return select(spread(lane_of(ra, 0)), splat(lane_of(rb, 0)), splat(0))


@instruction("BOHMMA.32321", 0x1A5, Pipe.BOHMMA, public=False)
def bohmma_step(
    warp: Warp,
    which: WrittenPredicates,
    ra: Annotated[U32, Source("a")],
    rb: Annotated[U32, Source("b")],
    step_a: Annotated[Scalar, ImmediateOperand(Field(72, 5))],
    step_b: Annotated[Scalar, ImmediateOperand(Field(77, 5))],
) -> Rd:
    """Binary outer product of one of many steps, and predicates for its groups.

    Lane step_a of Ra is the bitmap of a column of A, lane step_b of Rb that of a row of B: a register holds the bitmaps
    of 32 steps. Rd is their binary outer product as in the form above. P(4h + q) is true if group q of A and h of B
    has any product, for the seven groups from (0, 0) to (2, 1): if A has more than 8q set bits and B more than
    16h. Group (3, 1) has no predicate: where P3 holds it exists if B has more than 16 set bits.
    """
    rows = lane_of(ra, step_a)
    columns = lane_of(rb, step_b)
    if converged(warp):
        for group in range(PREDICATES):
            exists = count_bits(rows) > GROUP_ROWS * (group % GROUPS_OF_ROWS) and count_bits(
                columns
            ) > GROUP_COLUMNS * (group // GROUPS_OF_ROWS)
            set_predicate_lanes(warp, group, truth(exists))
    return select(spread(rows), splat(columns), splat(0))


Accumulator = Annotated[Index, Destination(width=LANES, accumulates=True)]
FragmentA = Annotated[F32, Source("a", half=Field(72, 1))]
FragmentB = Annotated[F32, Source("b", half=Field(73, 1))]
GroupA = Annotated[Scalar, ImmediateOperand(Field(76, 2))]
GroupB = Annotated[Scalar, ImmediateOperand(Field(78, 1))]


@instruction("OHMMA.8161.F32", 0x1A1, Pipe.OHMMA, public=False, variable=True)
def ohmma(
    warp: Warp,
    rd: Accumulator,
    ra: FragmentA,
    rb: FragmentB,
    rm: Annotated[U32, Source("c")],
    group_a: GroupA,
    group_b: GroupB,
) -> None:
    """Sparse outer product 8x16x1: D[r][c] += A[8 ga + i] * B[16 gb + j] at the places a bitmap gives.

    Lane i of Ra's half holds the i-th condensed value of a column of A, lane j of Rb's half that of a row of
    B. Rm is the BOHMMA of their bitmaps: r is its (8 ga + i)-th non-zero row, c the (16 gb + j)-th set bit of
    such a row. D[r][c] is lane c of register Rd + r. The product is exact in FP32 and added with one rounding.
    Places without a value are not touched, whatever they hold.
    """
    if not converged(warp):
        return
    rows = ballot(rm != splat(0))
    warp.merged = 0
    if rows == 0:
        return
    columns = lane_of(rm, lowest_bit(rows))
    behind = drop_lowest(columns, GROUP_COLUMNS * group_b)
    place = all_ones(behind ^ drop_lowest(behind, GROUP_COLUMNS))
    values_a = listed(ra)
    spread_b = expand(rb, columns)
    rows = drop_lowest(rows, GROUP_ROWS * group_a)
    warp.merged = rows ^ drop_lowest(rows, GROUP_ROWS)
    for i in range(GROUP_ROWS):
        if rows == 0:
            break
        outer_row(warp, rd + lowest_bit(rows), values_a[GROUP_ROWS * group_a + i], spread_b, place)
        rows &= rows - 1


@instruction("OHMMA.8161.F32", 0x1A2, Pipe.OHMMA, public=False, variable=True)
def ohmma_dense(warp: Warp, rd: Accumulator, ra: FragmentA, rb: FragmentB, group_a: GroupA, group_b: GroupB) -> None:
    """Dense outer product 8x16x1: D[8 ga + i][16 gb + j] += A[8 ga + i] * B[16 gb + j].

    The form without a bitmap: all 32 rows and columns have a value, lane i of the fragments holds the i-th.
    """
    if not converged(warp):
        return
    place = all_ones(0xFFFF << (GROUP_COLUMNS * group_b))
    warp.merged = 0xFF << (GROUP_ROWS * group_a)
    values_a = listed(ra)
    for i in range(GROUP_ROWS):
        row = GROUP_ROWS * group_a + i
        outer_row(warp, rd + row, values_a[row], rb, place)


def all_ones(mask: int) -> U32:
    """All bits set in the lanes of a bit mask, none elsewhere; made by shifts, which keeps the merge below cheap."""
    top = shift_left(splat(mask), splat(LANES - 1) - lane_ids())
    return u32(shift_right_signed(s32(top), splat(LANES - 1)))


def outer_row(warp: Warp, register: int, a: float, b: F32, place: U32) -> None:
    """Add a * b to one accumulator row in the lanes of ``place``; all lanes execute."""
    before = read_register(warp, register)
    after = u32(canonical(f32(before) + b * a))
    write_whole_register(warp, register, before ^ ((before ^ after) & place))
