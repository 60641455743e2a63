"""Moves between registers and CTA barriers."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand, PredicateOperand
from dstc_isa.isa.instruction import U32, Bool, Modified, Scalar
from dstc_isa.isa.modifier import Choice, Flag
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import PT, Immediate, Predicate
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import Rd
from dstc_isa.isa.volta.units import CONTROL

NUMBER = Field(54, 4)
UNREAD = "the state of barriers is not in registers"


def _one(modifiers: Modified) -> str | None:
    return ".RESULT and .WARP exclude each other" if modifiers["result"] and modifiers["warp_wide"] else None


@instruction("B2R", 0x31C, CONTROL, variable=True, rule=_one, unmodelled=UNREAD)
def b2r(
    barrier: Annotated[
        Scalar,
        ImmediateOperand(
            NUMBER,
            hexadecimal=True,
            optional=True,
            shown=True,
            unless=("result", "warp_wide"),
            default=Immediate(0),
        ),
    ],
    result: Annotated[int, Flag("RESULT", Field(78, 1))],
    warp_wide: Annotated[int, Flag("WARP", Field(79, 1))],
) -> tuple[
    Rd,
    Annotated[
        Bool,
        PredicateOperand(Field(81, 3), destination=True, optional=True, only="result", default=Predicate(PT)),
        "pu",
    ],
]:
    """Read a CTA barrier, or with .RESULT what the last reduction of BAR.RED came to: a count in Rd, a vote in Pu."""


class WrittenBarriers(IntEnum):
    """Which barriers R2B writes."""

    ONE = 0
    WARP = 2


@instruction("R2B", 0x31E, CONTROL, unmodelled=UNREAD)
def r2b(
    barrier: Annotated[Scalar, ImmediateOperand(NUMBER, hexadecimal=True)],
    rb: Annotated[U32, Source("b", reuse=None)],
    written: Annotated[int, Choice(WrittenBarriers, Field(78, 2))] = WrittenBarriers.ONE,
) -> None:
    """Write a CTA barrier."""
