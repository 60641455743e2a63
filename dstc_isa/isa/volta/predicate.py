"""Predicates as data: logic on them, and moving all of them to and from a register."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand, MarkerOperand, PredicateOperand
from dstc_isa.isa.instruction import U32, Bool, Derived, Instruction, Scalar, Warp
from dstc_isa.isa.lanes import s32, select, splat, truth
from dstc_isa.isa.literal import Literal
from dstc_isa.isa.modifier import Choice
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import RZ, Immediate, Register
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.logic import evaluate, normal_form
from dstc_isa.isa.volta.shorthand import CONST_B, IMM_B, Pp, Pu, Pv, Rd
from dstc_isa.isa.volta.units import ALU
from dstc_isa.isa.warp import predicate_lanes, set_predicate_lanes

PREDICATES = 7
AllPredicates = Annotated[Scalar, MarkerOperand("PR")]
WrittenPredicates = Annotated[Scalar, MarkerOperand("PR", destination=True)]


def _table(which: int) -> Derived:
    def compute(decoded: Instruction) -> int:
        return normal_form([v.value for v in decoded.operands if isinstance(v, Immediate)][which])

    return Derived(compute)


Pq = Annotated[Bool, PredicateOperand(Field(77, 3), Field(80, 1))]
Pr = Annotated[Bool, PredicateOperand(Field(68, 3), Field(71, 1))]
TableOfPv = Annotated[Scalar, ImmediateOperand(Field(16, 8), hexadecimal=True)]


Terms = Annotated[Scalar, _table(0)]
TermsOfPv = Annotated[Scalar, _table(1)]


def twice(terms: int, terms_v: int, a: Bool, b: Bool, c: Bool) -> tuple[Bool, Bool]:
    """Two functions of three bool lanes, by their exclusive-or normal forms."""
    return evaluate(terms, truth(terms & 1), a, b, c), evaluate(terms_v, truth(terms_v & 1), a, b, c)


@instruction("PLOP3.LUT", 0x81C, ALU)
def plop3(
    pp: Pp,
    pq: Pq,
    pr: Pr,
    table: Annotated[Scalar, ImmediateOperand(Field(64, 3, rest=Field(72, 5)), hexadecimal=True)],
    table_v: TableOfPv,
    terms: Terms,
    terms_v: TermsOfPv,
) -> tuple[Pu, Pv]:
    """Any function of three predicates, twice: Pu by the first truth table, Pv by the second.

    Bit 4p + 2q + r of a table is the result for Pp, Pq, Pr.
    """
    return twice(terms, terms_v, pp, pq, pr)


SIGN = {"SIGN": 0}
SignA = Annotated[U32, Source("a", suffixes=SIGN)]
SignB = Annotated[U32, Source("b", suffixes=SIGN, const=CONST_B)]
SignC = Annotated[U32, Source("c", suffixes=SIGN)]
TableOfPu = Annotated[Scalar, ImmediateOperand(Field(72, 8), hexadecimal=True)]


def is_negative(value: U32) -> Bool:
    """The sign of each lane, as bool lanes."""
    return s32(value) < s32(splat(0))


@instruction("PLOP3.LUT", 0x21D, ALU)
def plop3_b(
    pp: Pp, rb: SignB, pr: Pr, table: TableOfPu, table_v: TableOfPv, terms: Terms, terms_v: TermsOfPv
) -> tuple[Pu, Pv]:
    """Any function of two predicates and the sign of Rb, twice: Pu by the first truth table, Pv by the second.

    Bit 4p + 2q + r of a table is the result for Pp, the sign of Rb and Pr.
    """
    return twice(terms, terms_v, pp, is_negative(rb), pr)


@instruction("PLOP3.LUT", 0x21E, ALU)
def plop3_bc(
    pp: Pp, rb: SignB, rc: SignC, table: TableOfPu, table_v: TableOfPv, terms: Terms, terms_v: TermsOfPv
) -> tuple[Pu, Pv]:
    """Any function of a predicate and the signs of two registers, twice: Pu by the first truth table, Pv by the second.

    Bit 4p + 2q + r of a table is the result for Pp and the signs of Rb and Rc.
    """
    return twice(terms, terms_v, pp, is_negative(rb), is_negative(rc))


@instruction("PLOP3.LUT", 0x21F, ALU)
def plop3_abc(
    ra: SignA, rb: SignB, rc: SignC, table: TableOfPu, table_v: TableOfPv, terms: Terms, terms_v: TermsOfPv
) -> tuple[Pu, Pv]:
    """Any function of the signs of three registers, twice: Pu by the first truth table, Pv by the second.

    Bit 4p + 2q + r of a table is the result for the signs of Ra, Rb and Rc.
    """
    return twice(terms, terms_v, is_negative(ra), is_negative(rb), is_negative(rc))


class Byte(IntEnum):
    """The byte of a register that holds predicates."""

    B0 = 0
    B1 = 1
    B2 = 2
    B3 = 3


BYTE = Field(76, 2)


EVERY_PREDICATE = (1 << PREDICATES) - 1


@instruction("P2R", 0x203, ALU)
def p2r(
    warp: Warp,
    which: AllPredicates,
    ra: Annotated[U32, Source("a", optional=True, shown=True, default=Register(RZ))],
    mask: Annotated[U32, Source("b", imm=IMM_B, const=CONST_B, literal=Literal.SIGNED, most=EVERY_PREDICATE)],
    byte: Annotated[int, Choice(Byte, BYTE, frozenset(Byte) - {Byte.B0}, default=Byte.B0)],
) -> Rd:
    """Pack predicates into a register: for each set bit i of the mask, bit i of Rd is Pi; other bits are Ra's."""
    packed = splat(0)
    for i in range(PREDICATES):
        packed = packed | select(predicate_lanes(warp, i), splat(1 << i), splat(0))
    return (ra & ~mask) | (packed & mask)


@instruction("R2P", 0x204, ALU)
def r2p(
    warp: Warp,
    which: WrittenPredicates,
    ra: Annotated[
        U32,
        Source("a", suffixes={"": 0, "B1": 1, "B2": 2, "B3": 3}, select=BYTE, unmodelled=frozenset({"B1", "B2", "B3"})),
    ],
    mask: Annotated[U32, Source("b", imm=IMM_B, const=CONST_B, most=EVERY_PREDICATE)],
) -> None:
    """Unpack predicates from a register: for each set bit i of the mask, Pi = bit i of Ra."""
    for i in range(PREDICATES):
        bit = splat(1 << i)
        kept = (mask & bit) == splat(0)
        set_predicate_lanes(warp, i, select(kept, predicate_lanes(warp, i), (ra & bit) != splat(0)))
