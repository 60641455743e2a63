"""Integers of 8 and 16 bits in a register: dot products, and differences."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import U32
from dstc_isa.isa.modifier import Choice, Flag, Sign
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import CONST_B, CONST_C, IMM_C, CarryOut, Ra, Rb, Rc, Rd
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


@instruction("IDP", 0x226, IMAD, unmodelled="dot products of integers are not made")
def idp(
    ra: Ra,
    rb: Annotated[U32, Source("b", const=CONST_B)],
    rc: Rc,
    kind: Annotated[int, Choice(Dot, Field(76, 2, rest=Field(73, 2)))],
) -> Rd:
    """Multiply integers in Ra by bytes of Rb and add the products to Rc."""


Addend = Annotated[U32, Source("c", imm=IMM_C, const=CONST_C)]


@instruction("VABSDIFF", 0x214, ALU, unmodelled="absolute differences are not taken")
def vabsdiff(
    ra: Ra, rb: Rb, rc: Addend, sign: Annotated[int, Choice(Sign, Field(73, 1))] = Sign.S32
) -> tuple[Rd, CarryOut]:
    """Add the absolute difference of Ra and Rb to Rc."""


class ByteSign(IntEnum):
    """Interpretation of bytes."""

    U8 = 0
    S8 = 1


@instruction("VABSDIFF4", 0x215, ALU, unmodelled="absolute differences are not taken")
def vabsdiff4(
    ra: Ra,
    rb: Rb,
    rc: Addend,
    sign: Annotated[int, Choice(ByteSign, Field(73, 1), default=ByteSign.S8)],
    accumulate: Annotated[int, Flag("ACC", Field(75, 1))],
) -> tuple[Rd, CarryOut]:
    """Take the absolute differences of the bytes of Ra and Rb; with .ACC add them to Rc."""
