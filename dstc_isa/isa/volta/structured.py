"""The tensor core on 2:4 structured sparsity: HMMA.SP.888, an inner product that keeps two of every four values of A.

Public GPUs since Ampere have such an instruction; Volta has none. This one is the project's own: HMMA.884 with a
compressed A, twice the depth in the same time.
"""

from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand
from dstc_isa.isa.instruction import U32, Index, Scalar, Warp
from dstc_isa.isa.lanes import f32, gather, lane_ids, shift_right, splat, u32
from dstc_isa.isa.modifier import Choice
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.volta.float import canonical
from dstc_isa.isa.volta.half import high_half, low_half
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.tensor import Layout, Step, converged, row_of, two_columns, value_of_a
from dstc_isa.isa.volta.units import HMMA
from dstc_isa.isa.warp import read_register, write_register

KEPT = 4
"""Values of a row of A that an instruction multiplies: two of each of two groups of four."""


@instruction("HMMA.SP.888.F32", 0x1A3, HMMA, public=False)
def hmma_sp(
    warp: Warp,
    rd: Annotated[Index, Destination(width=2)],
    ra: Annotated[Index, Source("a", width=2)],
    rb: Annotated[Index, Source("b", width=2)],
    rc: Annotated[Index, Source("c", width=2)],
    re: Annotated[U32, Source("e")],
    part: Annotated[Scalar, ImmediateOperand(Field(78, 2))],
    step: Annotated[int, Choice(Step, Field(76, 2))],
) -> None:
    """Inner product with a 2:4 sparse A: a quarter of D = A B + C for four 8x8x8 products, one per quad pair of lanes.

    Of each four consecutive values of a row of A two are kept. Lane 4h + r of a quad pair (r < 4; h = 1 for lanes 16
    to 31) holds row 4h + r: the four kept values in Ra, Ra+1, and in byte ``part`` of Re their positions, two bits
    each, lowest first; the first two are positions in k = 0 to 3, the others in k = 4 to 7. Quad pairs 0 and 1 share
    a B, and so do 2 and 3: the lane also holds row k = 4h + r of it in Rb, Rb+1, the even quad pair columns 0 to 3,
    the odd one columns 4 to 7. Rd, Rc and the quarter that step s computes are those of HMMA.884. The four exact
    products are added in the order of the kept values, with one rounding each; dropped values of A do not meet B,
    whatever it holds.
    """
    if not converged(warp):
        return
    first = f32(read_register(warp, rc))
    second = f32(read_register(warp, rc + 1))
    places = shift_right(gather(re, row_of(step)), splat(8 * part))
    holders = (lane_ids() & splat(8)) + splat((step >> 1) * 4)
    for kept in range(KEPT):
        a = value_of_a(warp, ra, Layout.ROW, step, kept)
        place = shift_right(places, splat(2 * kept)) & splat(3)
        b = two_columns(warp, rb, holders + place + splat((kept >> 1) * 16))
        first = canonical(first + a * low_half(b))
        second = canonical(second + a * high_half(b))
    write_register(warp, rd, u32(first))
    write_register(warp, rd + 1, u32(second))
