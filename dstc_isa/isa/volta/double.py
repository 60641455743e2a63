"""Double precision: two registers a number, the low word first. Read and written, not executed."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import U64
from dstc_isa.isa.literal import Literal
from dstc_isa.isa.modifier import Choice
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.volta.float import Joined, Round, Rounding
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import CONST_B, CONST_C, IMM_B, IMM_C, Pp, Pu, Pv, Rd64
from dstc_isa.isa.volta.units import FP64

UNMODELLED = "double precision has no semantics here"


class DoubleCompare(IntEnum):
    """Comparison of doubles, or which of two is less or greater; the forms with U are also true for a NaN."""

    MIN = 0
    LT = 1
    EQ = 2
    LE = 3
    GT = 4
    NE = 5
    GE = 6
    NUM = 7
    NAN = 8
    LTU = 9
    EQU = 10
    LEU = 11
    GTU = 12
    NEU = 13
    GEU = 14
    MAX = 15


def double(slot: str, imm: int = 0, const: int = 0, reuse: str = "") -> Source:
    """A source that is a double."""
    return Source(
        slot,
        negate=True,
        absolute=True,
        width=2,
        imm=imm,
        const=const,
        literal=Literal.DOUBLE,
        reuse=reuse,
        raw=True,
    )


Da = Annotated[U64, double("a")]
Db = Annotated[U64, double("b", IMM_B, CONST_B)]
Dc = Annotated[U64, double("c", IMM_C, CONST_C)]


@instruction("DADD", 0x229, FP64, variable=True, unmodelled=UNMODELLED)
def dadd(da: Da, dc: Dc, rounding: Round = Rounding.RN) -> Rd64:
    """Add doubles: Rd = Ra + Rc."""


@instruction("DMUL", 0x228, FP64, variable=True, unmodelled=UNMODELLED)
def dmul(da: Da, db: Db, rounding: Round = Rounding.RN) -> Rd64:
    """Multiply doubles: Rd = Ra * Rb."""


@instruction("DFMA", 0x22B, FP64, variable=True, unmodelled=UNMODELLED)
def dfma(da: Da, db: Db, dc: Dc, rounding: Round = Rounding.RN) -> Rd64:
    """Fused multiply-add of doubles: Rd = Ra * Rb + Rc with one rounding."""


@instruction("DSETP", 0x22A, FP64, variable=True, unmodelled=UNMODELLED)
def dsetp(
    da: Da,
    db: Annotated[U64, double("b", IMM_C, CONST_C, "c")],
    pp: Pp,
    how: Annotated[int, Choice(DoubleCompare, Field(76, 4))],
    joined: Joined,
) -> tuple[Pu, Pv]:
    """Compare doubles: Pu = (Ra cmp Rb) op Pp, and Pv = not (Ra cmp Rb) op Pp."""
