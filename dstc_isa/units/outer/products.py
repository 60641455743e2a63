"""The bitmap-sparse outer product OHMMA.8161, and the binary one BOHMMA, group by group.

They are the paper's ("Dual-side Sparse Tensor Core", ISCA 2021); their operand layout and exact semantics are chosen
by this project, the paper leaves them open.
"""

from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand
from dstc_isa.isa.instruction import F32, U32, Index, Scalar, Warp
from dstc_isa.isa.lanes import (
    LANES,
    ballot,
    count_bits,
    drop_lowest,
    expand,
    f32,
    lane_ids,
    lane_of,
    listed,
    lowest_bit,
    s32,
    select,
    shift_left,
    shift_right_signed,
    splat,
    spread,
    truth,
    u32,
)
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.volta import instruction
from dstc_isa.isa.volta.float import canonical
from dstc_isa.isa.volta.predicate import PREDICATES, WrittenPredicates
from dstc_isa.isa.volta.shorthand import Rd
from dstc_isa.isa.volta.tensor import converged
from dstc_isa.isa.warp import Fault, fail, read_register, set_predicate_lanes, write_whole_register

from .unit import BOHMMA, GROUP_COLUMNS, GROUP_ROWS, OHMMA

GROUPS_OF_ROWS = LANES // GROUP_ROWS


@instruction("BOHMMA.32321", 0x1A0, BOHMMA, public=False)
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


@instruction("BOHMMA.32321", 0x1A5, BOHMMA, public=False)
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


@instruction("OHMMA.8161.F32", 0x1A1, OHMMA, public=False, variable=True)
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


@instruction("OHMMA.8161.F32", 0x1A2, OHMMA, public=False, variable=True)
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
