"""Exchange between the lanes of a warp, and the machine's special registers."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import PredicateOperand, SpecialRegisterOperand
from dstc_isa.isa.instruction import U32, Bool, Index, Scalar, Warp
from dstc_isa.isa.lanes import (
    FULL_MASK,
    LANES,
    ballot,
    gather,
    insert_lane,
    lane_ids,
    lane_of,
    s32,
    select,
    shift_left,
    shift_right,
    splat,
    truth,
)
from dstc_isa.isa.modifier import Choice, Flag
from dstc_isa.isa.operand import Registers
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.values import PT, RZ, Predicate, Register
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import Pp, Pu, Rd
from dstc_isa.isa.volta.special_registers import MODELLED, SPECIAL_NAMES
from dstc_isa.isa.volta.units import ALU, LSU, SFU
from dstc_isa.isa.warp import Identity, SpecialNumber, read_register, thread_ids, write_register


class Shuffle(IntEnum):
    """How a lane chooses its partner."""

    IDX = 0
    UP = 1
    DOWN = 2
    BFLY = 3


@instruction("SHFL", 0x389, LSU, variable=True, forms={2: ("rc",), 4: ("rb",), 7: ("rb", "rc")})
def shfl(
    ra: Annotated[U32, Source("a", reuse=None)],
    rb: Annotated[U32, Source("b", several=True, literal_at=Field(53, 5), reuse=None)],
    rc: Annotated[U32, Source("c", several=True, literal_at=Field(40, 13), reuse=None)],
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


class Match(IntEnum):
    """What MATCH says: the lanes that have a lane's value, or whether all have one."""

    ALL = 0
    ANY = 1


@instruction("MATCH", 0x3A1, LSU, variable=True)
def match(
    warp: Warp,
    ra: Annotated[Index, Source("a", width=Registers("wide", {1: 2}), reuse=None)],
    how: Annotated[int, Choice(Match, Field(79, 1), frozenset({Match.ALL}))],
    wide: Annotated[int, Flag("U64", Field(73, 1))],
) -> tuple[
    Annotated[
        Bool,
        PredicateOperand(
            Field(81, 3), destination=True, optional=True, shown=True, unless=("how",), default=Predicate(PT)
        ),
        "pu",
    ],
    Rd,
]:
    """Find the executing lanes that hold the same value in Ra as a lane does, with .U64 in the pair Ra: their mask."""
    low = read_register(warp, ra)
    high = read_register(warp, ra + 1) if wide else low
    result = splat(0)
    for lane in range(LANES):
        same = (low == splat(lane_of(low, lane))) & (high == splat(lane_of(high, lane)))
        result = insert_lane(result, lane, ballot(same) & warp.mask)
    return truth(0), result


class Vote(IntEnum):
    """What is asked of all lanes."""

    ALL = 0
    ANY = 1
    EQ = 2


@instruction("VOTE", 0x806, ALU)
def vote(
    warp: Warp, pp: Pp, how: Annotated[int, Choice(Vote, Field(72, 2))]
) -> tuple[
    Annotated[U32, Destination(optional=True, default=Register(RZ)), "rd"],
    Annotated[
        Bool, PredicateOperand(Field(81, 3), destination=True, optional=True, shown=True, default=Predicate(PT)), "pu"
    ],
]:
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


SpecialSource = Annotated[Scalar, SpecialRegisterOperand(Field(72, 8), SPECIAL_NAMES, MODELLED)]


WARP_PLACE = int(Identity.WARPID)
WARP_SHIFT = 8
"""The bit of SR_VIRTID from which on it holds the number of the warp; ptxas reads it there for %warpid."""


def special(warp: Warp, number: int) -> U32:
    """The lanes of a special register."""
    if number == SpecialNumber.LANEID:
        return lane_ids()
    if number >= SpecialNumber.TID_X and number <= SpecialNumber.TID_Z:
        return thread_ids(warp, number - SpecialNumber.TID_X)
    if number >= SpecialNumber.CTAID_X and number <= SpecialNumber.CTAID_Z:
        return splat(warp.identity[number - SpecialNumber.CTAID_X])
    if number == SpecialNumber.VIRTID:
        return splat(warp.identity[WARP_PLACE] << WARP_SHIFT)
    if number == SpecialNumber.CLOCKLO:
        return splat(warp.issued & FULL_MASK)
    if number == SpecialNumber.CLOCKHI:
        return splat(warp.issued >> 32)
    own = shift_left(splat(1), lane_ids())
    if number == SpecialNumber.EQMASK:
        return own
    if number == SpecialNumber.LTMASK:
        return own - splat(1)
    if number == SpecialNumber.LEMASK:
        return (own - splat(1)) | own
    if number == SpecialNumber.GTMASK:
        return ~((own - splat(1)) | own)
    if number == SpecialNumber.GEMASK:
        return ~(own - splat(1))
    return splat(0)


@instruction("S2R", 0x919, SFU, variable=True)
def s2r(warp: Warp, number: SpecialSource) -> Rd:
    """Read a special register: thread, CTA and lane numbers, masks of lanes, the clock.

    SR_VIRTID holds the number of the warp in its CTA from bit 8 on; its other bits are zero here.
    """
    return special(warp, number)


class SpecialWidth(IntEnum):
    """How much CS2R reads of a special register."""

    _32 = 0
    _64 = 1


@instruction("CS2R", 0x805, ALU)
def cs2r(
    warp: Warp,
    rd: Annotated[Index, Destination(width=Registers("width", {SpecialWidth._64: 2}))],
    number: SpecialSource,
    width: Annotated[int, Choice(SpecialWidth, Field(80, 1))] = SpecialWidth._64,
) -> None:
    """Read a special register to a pair, zero-extended; CS2R Rd, SRZ clears two registers. With .32 Rd is one register.

    SR_CLOCKLO counts the instructions that the warp has issued when no timing model runs; the pair holds
    all 64 bits of it.
    """
    write_register(warp, rd, special(warp, number))
    if width == SpecialWidth._64:
        write_register(warp, rd + 1, splat(warp.issued >> 32 if number == SpecialNumber.CLOCKLO else 0))
