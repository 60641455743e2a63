"""Fields of a register: extending one, and making a mask."""

from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.modifier import Choice, Flag, Sign
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import Ra, Rb, Rd
from dstc_isa.isa.volta.units import ALU

Wrap = Annotated[int, Flag("W", Field(75, 1))]


@instruction("SGXT", 0x21A, ALU, unmodelled="fields are not extended")
def sgxt(ra: Ra, rb: Rb, wrap: Wrap, sign: Annotated[int, Choice(Sign, Field(73, 1))] = Sign.S32) -> Rd:
    """Extend the Rb low bits of Ra to 32, by their sign or by zeros."""


@instruction("BMSK", 0x21B, ALU, unmodelled="masks are not made")
def bmsk(ra: Ra, rb: Rb, wrap: Wrap) -> Rd:
    """Make a mask of Rb bits from bit number Ra on."""
