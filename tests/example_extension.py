"""AVG: the average of two integers, an instruction that Volta does not have."""

from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.lanes import shift_right, splat
from dstc_isa.isa.modifier import Flag
from dstc_isa.isa.volta import instruction
from dstc_isa.isa.volta.shorthand import Ra, Rb, Rd
from dstc_isa.isa.volta.units import ALU


@instruction("AVG.U32", 0x2F0, ALU, public=False)
def avg(ra: Ra, rb: Rb, up: Annotated[int, Flag("UP", Field(76, 1))]) -> Rd:
    """Average of two unsigned integers, rounded down, with .UP rounded up. The sum does not overflow."""
    half = shift_right(ra ^ rb, splat(1))
    return (ra | rb) - half if up else (ra & rb) + half
