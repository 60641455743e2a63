"""Fields of a register: extending one, and making a mask."""

from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import U32
from dstc_isa.isa.lanes import select, shift_left, shift_right, splat
from dstc_isa.isa.modifier import Choice, Flag, Sign
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import Ra, Rb, Rd
from dstc_isa.isa.volta.units import ALU

Wrap = Annotated[int, Flag("W", Field(75, 1))]
ALL_ONES = 0xFFFFFFFF


def from_bit(number: U32) -> U32:
    """Ones from a bit on, none from bit 32 on."""
    return shift_left(splat(ALL_ONES), number)


@instruction("SGXT", 0x21A, ALU)
def sgxt(ra: Ra, rb: Rb, wrap: Wrap, sign: Annotated[int, Choice(Sign, Field(73, 1))] = Sign.S32) -> Rd:
    """Extend the Rb low bits of Ra to 32 bits, by the highest of them, with .U32 by zeros (PTX ISA, szext).

    From 32 bits on Ra stays as it is; with .W their number is taken modulo 32. Of no bits the result is 0.
    """
    width = rb & splat(31) if wrap else rb
    beyond = from_bit(width)
    low = ra & ~beyond
    if sign == Sign.U32:
        return low
    top = shift_right(low, width - splat(1)) & splat(1)
    return select((top == splat(0)) | (width == splat(0)), low, low | beyond)


@instruction("BMSK", 0x21B, ALU)
def bmsk(ra: Ra, rb: Rb, wrap: Wrap) -> Rd:
    """Make a mask of Rb bits from bit number Ra on; what is beyond bit 31 is left out (PTX ISA, bmsk).

    With .W both are taken modulo 32.
    """
    first = ra & splat(31) if wrap else ra
    count = rb & splat(31) if wrap else rb
    return shift_left(~from_bit(count), first)
