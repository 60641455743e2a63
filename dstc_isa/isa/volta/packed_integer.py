"""Integers of 8 and 16 bits in a register: dot products, and differences."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import PredicateOperand
from dstc_isa.isa.instruction import U32, Bool
from dstc_isa.isa.lanes import (
    maximum,
    minimum,
    s32,
    select,
    shift_left,
    shift_right,
    shift_right_signed,
    splat,
    truth,
    u32,
)
from dstc_isa.isa.modifier import Choice, Flag, Sign
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import PT, Predicate
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import CONST_B, CONST_C, IMM_C, Ra, Rb, Rc, Rd
from dstc_isa.isa.volta.units import ALU, IMAD


class Dot(IntEnum):
    """How many products there are, and the types of their factors: low two bits the products, then the signs."""

    _4A__U8__U8 = 0
    _2A__LO__U16__U8 = 1
    _2A__HI__U16__U8 = 3
    _4A__S8__U8 = 4
    _2A__LO__S16__U8 = 5
    _2A__HI__S16__U8 = 7
    _4A__U8__S8 = 8
    _2A__LO__U16__S8 = 9
    _2A__HI__U16__S8 = 11
    _4A__S8__S8 = 12
    _2A__LO__S16__S8 = 13
    _2A__HI__S16__S8 = 15


def factor(packed: U32, first: int, bits: int, signed: int) -> U32:
    """The integer of so many bits from a bit on, extended to 32 bits."""
    top = shift_left(packed, splat(32 - bits - first))
    if signed:
        return u32(shift_right_signed(s32(top), splat(32 - bits)))
    return shift_right(top, splat(32 - bits))


@instruction("IDP", 0x226, IMAD)
def idp(
    ra: Ra,
    rb: Annotated[U32, Source("b", const=CONST_B)],
    rc: Rc,
    kind: Annotated[int, Choice(Dot, Field(76, 2, rest=Field(73, 2)))],
) -> Rd:
    """Multiply integers in Ra by bytes of Rb and add the products to Rc, modulo 2**32 (PTX ISA, dp4a and dp2a).

    .4A: the four bytes of both. .2A: the two halves of Ra, and the two low bytes of Rb (.LO) or the two high ones
    (.HI). The first type is that of Ra's integers.
    """
    result = rc
    signed_a, signed_b = kind & 4, kind & 8
    if kind & 1:
        for half in range(2):
            byte = half + (kind & 2)
            result = result + factor(ra, 16 * half, 16, signed_a) * factor(rb, 8 * byte, 8, signed_b)
    else:
        for byte in range(4):
            result = result + factor(ra, 8 * byte, 8, signed_a) * factor(rb, 8 * byte, 8, signed_b)
    return result


Addend = Annotated[U32, Source("c", imm=IMM_C, const=CONST_C)]
Flagged = Annotated[
    Bool,
    PredicateOperand(Field(81, 3), destination=True, optional=True, default=Predicate(PT), unmodelled=True),
    "pu",
]


@instruction("VABSDIFF", 0x214, ALU)
def vabsdiff(
    ra: Ra, rb: Rb, rc: Addend, sign: Annotated[int, Choice(Sign, Field(73, 1))] = Sign.S32
) -> tuple[Rd, Flagged]:
    """Add the absolute difference of Ra and Rb to Rc, modulo 2**32 (PTX ISA, sad)."""
    less = s32(ra) < s32(rb) if sign == Sign.S32 else ra < rb
    return rc + select(less, rb - ra, ra - rb), truth(0)


class ByteSign(IntEnum):
    """Interpretation of bytes."""

    U8 = 0
    S8 = 1


@instruction("VABSDIFF4", 0x215, ALU)
def vabsdiff4(
    ra: Ra,
    rb: Rb,
    rc: Addend,
    sign: Annotated[int, Choice(ByteSign, Field(73, 1), frozenset({ByteSign.S8}), ByteSign.S8)],
    accumulate: Annotated[int, Flag("ACC", Field(75, 1))],
) -> tuple[Rd, Flagged]:
    """Take the absolute differences of the bytes of Ra and Rb; with .ACC add them to Rc (PTX ISA, vabsdiff4)."""
    result = rc if accumulate else splat(0)
    for byte in range(4):
        a, b = factor(ra, 8 * byte, 8, 0), factor(rb, 8 * byte, 8, 0)
        difference = maximum(a, b) - minimum(a, b)
        result = result + (difference if accumulate else shift_left(difference, splat(8 * byte)))
    return result, truth(0)
