"""A test of the convergence state that graphics code makes."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand
from dstc_isa.isa.instruction import Scalar
from dstc_isa.isa.modifier import Choice, Combine
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import Pp, Pu, Pv
from dstc_isa.isa.volta.units import ALU


class Tested(IntEnum):
    """What is tested."""

    R = 1
    A = 2
    RA = 3


class Test(IntEnum):
    """The test."""

    F = 0
    CSM_TA = 1
    CSM_TR = 2
    CSM_MX = 3
    T = 4
    FCSM_TA = 5
    FCSM_TR = 6
    FCSM_MX = 7


@instruction("CSMTEST", 0x80D, ALU, unmodelled="its meaning is not known")
def csmtest(
    what: Annotated[Scalar, ImmediateOperand(Field(32, 28), hexadecimal=True)],
    pp: Pp,
    tested: Annotated[int, Choice(Tested, Field(62, 2))],
    test: Annotated[int, Choice(Test, Field(76, 3))],
    joined: Annotated[int, Choice(Combine, Field(74, 2))],
) -> tuple[Pu, Pv]:
    """Test a state and join the outcome with Pp."""
