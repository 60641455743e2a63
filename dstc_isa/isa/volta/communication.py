"""Exchange between the lanes of a warp, and the machine's special registers."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import SpecialRegisterOperand
from dstc_isa.isa.instruction import U32, Scalar, Warp
from dstc_isa.isa.lanes import (
    FULL_MASK,
    ballot,
    gather,
    lane_ids,
    s32,
    select,
    shift_left,
    shift_right,
    splat,
    truth,
    widen,
)
from dstc_isa.isa.modifier import Choice
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.values import RZ, Register
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import CarryOut, Pp, Pu, Ra, Rd, Rd64
from dstc_isa.isa.volta.units import ALU, LSU, SFU
from dstc_isa.isa.warp import SpecialNumber, thread_ids


class Shuffle(IntEnum):
    """How a lane chooses its partner."""

    IDX = 0
    UP = 1
    DOWN = 2
    BFLY = 3


@instruction("SHFL", 0x389, LSU, variable=True, forms={2: ("rc",), 4: ("rb",), 7: ("rb", "rc")})
def shfl(
    ra: Ra,
    rb: Annotated[U32, Source("b", several=True, literal_at=Field(53, 5))],
    rc: Annotated[U32, Source("c", several=True, literal_at=Field(40, 13))],
    how: Annotated[int, Choice(Shuffle, Field(58, 2))],
) -> tuple[Pu, Rd]:
    """Read a register of another lane (PTX ISA, shfl.sync).

    Rb is the lane (IDX), the distance (UP, DOWN) or the xor mask (BFLY). Bits 0-4 of Rc are the clamp, 8-12
    the segment mask: 0x1f makes one segment of 32 lanes, 0x0 for UP. Pu says that the partner is in range;
    a lane whose partner is not keeps its own value.
    """
    lane = lane_ids()
    segment = shift_right(rc, splat(8)) & splat(31)
    last = (lane & segment) | (rc & splat(31) & ~segment)
    if how == Shuffle.UP:
        partner = lane - (rb & splat(31))
        inside = s32(partner) >= s32(last)
    elif how == Shuffle.DOWN:
        partner = lane + (rb & splat(31))
        inside = partner <= last
    elif how == Shuffle.BFLY:
        partner = lane ^ (rb & splat(31))
        inside = partner <= last
    else:
        partner = (lane & segment) | (rb & splat(31) & ~segment)
        inside = partner <= last
    return inside, gather(ra, select(inside, partner, lane))


class Vote(IntEnum):
    """What is asked of all lanes."""

    ALL = 0
    ANY = 1
    EQ = 2


@instruction("VOTE", 0x806, ALU)
def vote(
    warp: Warp, pp: Pp, how: Annotated[int, Choice(Vote, Field(72, 2))]
) -> tuple[Annotated[U32, Destination(optional=True, default=Register(RZ)), "rd"], CarryOut]:
    """Vote over the executing lanes: Pu = all, any, or equal; Rd = the mask of lanes where Pp is true."""
    votes = ballot(pp) & warp.mask
    every = votes == warp.mask
    if how == Vote.ALL:
        outcome = every
    elif how == Vote.ANY:
        outcome = votes != 0
    else:
        outcome = every or votes == 0
    return splat(votes), truth(outcome)


SPECIAL_NAMES = {
    int(number): "SRZ" if number is SpecialNumber.SRZ else "SR_" + number.name.replace("_", ".")
    for number in SpecialNumber
}
SpecialSource = Annotated[Scalar, SpecialRegisterOperand(Field(72, 8), SPECIAL_NAMES)]


def special(warp: Warp, number: int) -> U32:
    """The lanes of a special register."""
    if number == SpecialNumber.LANEID:
        return lane_ids()
    if number >= SpecialNumber.TID_X and number <= SpecialNumber.TID_Z:
        return thread_ids(warp, number - SpecialNumber.TID_X)
    if number >= SpecialNumber.CTAID_X and number <= SpecialNumber.WARPID:
        return splat(warp.identity[number - SpecialNumber.CTAID_X])
    if number == SpecialNumber.CLOCKLO:
        return splat(warp.issued & FULL_MASK)
    if number == SpecialNumber.CLOCKHI:
        return splat(warp.issued >> 32)
    return splat(0)


@instruction("S2R", 0x919, SFU, variable=True)
def s2r(warp: Warp, number: SpecialSource) -> Rd:
    """Read a special register: thread, CTA and lane numbers and the sizes of block and grid."""
    return special(warp, number)


@instruction("CS2R", 0x805, ALU)
def cs2r(warp: Warp, number: SpecialSource) -> Rd64:
    """Read a special register to a pair, zero-extended; CS2R Rd, SRZ clears two registers.

    SR_CLOCKLO counts the instructions that the warp has issued when no timing model runs; the pair holds
    all 64 bits of it.
    """
    if number == SpecialNumber.CLOCKLO:
        return widen(splat(warp.issued & FULL_MASK)) | shift_left(widen(splat(warp.issued >> 32)), widen(splat(32)))
    return widen(special(warp, number))
