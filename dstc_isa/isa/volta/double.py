"""Double precision: IEEE 754, round to nearest even; two registers a number; a NaN result is 0xfff8000000000000."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import U64, Bool
from dstc_isa.isa.lanes import (
    double_add,
    double_equal,
    double_fma,
    double_less,
    double_multiply,
    select,
    shift_left,
    splat,
    widen,
)
from dstc_isa.isa.literal import Literal
from dstc_isa.isa.modifier import Choice
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.volta.float import Joined, Round, Rounding
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.integer import combine
from dstc_isa.isa.volta.shorthand import CONST_B, CONST_C, IMM_B, IMM_C, Pp, Pu, Pv, Rd64
from dstc_isa.isa.volta.units import FP64


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


EXTREMES = frozenset({DoubleCompare.MIN, DoubleCompare.MAX})


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
    )


Da = Annotated[U64, double("a")]
Db = Annotated[U64, double("b", IMM_B, CONST_B)]
Dc = Annotated[U64, double("c", IMM_C, CONST_C)]


def is_nan(a: U64) -> Bool:
    """Bool lanes: a double is not a number."""
    return ~double_equal(a, a)


def canonical(a: U64) -> U64:
    """The same double, any NaN replaced by 0xfff8000000000000."""
    return select(is_nan(a), shift_left(widen(splat(0xFFF80000)), widen(splat(32))), a)


@instruction("DADD", 0x229, FP64, variable=True)
def dadd(da: Da, dc: Dc, rounding: Round = Rounding.RN) -> Rd64:
    """Add doubles: Rd = Ra + Rc."""
    return canonical(double_add(da, dc))


@instruction("DMUL", 0x228, FP64, variable=True)
def dmul(da: Da, db: Db, rounding: Round = Rounding.RN) -> Rd64:
    """Multiply doubles: Rd = Ra * Rb."""
    return canonical(double_multiply(da, db))


@instruction("DFMA", 0x22B, FP64, variable=True)
def dfma(da: Da, db: Db, dc: Dc, rounding: Round = Rounding.RN) -> Rd64:
    """Fused multiply-add of doubles: Rd = Ra * Rb + Rc with one rounding."""
    return canonical(double_fma(da, db, dc))


@instruction("DSETP", 0x22A, FP64, variable=True)
def dsetp(
    da: Da,
    db: Annotated[U64, double("b", IMM_C, CONST_C, "c")],
    pp: Pp,
    how: Annotated[int, Choice(DoubleCompare, Field(76, 4), unmodelled=EXTREMES)],
    joined: Joined,
) -> tuple[Pu, Pv]:
    """Compare doubles: Pu = (Ra cmp Rb) op Pp, and Pv = not (Ra cmp Rb) op Pp.

    The forms ending in U are also true when an operand is NaN; NUM is true when none is.
    """
    unordered = is_nan(da) | is_nan(db)
    ordered_how = how & 7
    hit = ~unordered
    if ordered_how == DoubleCompare.LT:
        hit = double_less(da, db)
    if ordered_how == DoubleCompare.EQ:
        hit = double_equal(da, db)
    if ordered_how == DoubleCompare.LE:
        hit = double_less(da, db) | double_equal(da, db)
    if ordered_how == DoubleCompare.GT:
        hit = double_less(db, da)
    if ordered_how == DoubleCompare.NE:
        hit = double_less(da, db) | double_less(db, da)
    if ordered_how == DoubleCompare.GE:
        hit = double_less(db, da) | double_equal(da, db)
    if how == DoubleCompare.NAN:
        hit = unordered
    if how > DoubleCompare.NAN:
        hit = hit | unordered
    return combine(joined, hit, pp), combine(joined, ~hit, pp)
