"""Predicates as data: logic on them, and moving all of them to and from a register."""

from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand, MarkerOperand, PredicateOperand
from dstc_isa.isa.instruction import U32, Bool, Derived, Instruction, Scalar, Warp
from dstc_isa.isa.lanes import select, splat, truth
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import RZ, Immediate, Register
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.logic import evaluate, normal_form
from dstc_isa.isa.volta.shorthand import Pp, Pu, Pv, Ra, Rd
from dstc_isa.isa.volta.units import ALU
from dstc_isa.isa.warp import predicate_lanes, set_predicate_lanes

PREDICATES = 7
Mask = Annotated[Scalar, ImmediateOperand(Field(32, 7), hexadecimal=True)]
AllPredicates = Annotated[Scalar, MarkerOperand("PR")]
WrittenPredicates = Annotated[Scalar, MarkerOperand("PR", destination=True)]


def _table(which: int) -> Derived:
    def compute(decoded: Instruction) -> int:
        return normal_form([v.value for v in decoded.operands if isinstance(v, Immediate)][which])

    return Derived(compute)


@instruction("PLOP3.LUT", 0x81C, ALU)
def plop3(
    pp: Pp,
    pq: Annotated[Bool, PredicateOperand(Field(77, 3), Field(80, 1))],
    pr: Annotated[Bool, PredicateOperand(Field(68, 3), Field(71, 1))],
    table: Annotated[Scalar, ImmediateOperand(Field(16, 8), hexadecimal=True)],
    table_v: Annotated[Scalar, ImmediateOperand(Field(24, 8), hexadecimal=True)],
    terms: Annotated[Scalar, _table(0)],
    terms_v: Annotated[Scalar, _table(1)],
) -> tuple[Pu, Pv]:
    """Any function of three predicates, twice: Pu by the first truth table, Pv by the second.

    Bit 4p + 2q + r of a table is the result for Pp, Pq, Pr.
    """
    pu = evaluate(terms, truth(terms & 1), pp, pq, pr)
    return pu, evaluate(terms_v, truth(terms_v & 1), pp, pq, pr)


@instruction("P2R", 0x803, ALU)
def p2r(
    warp: Warp,
    which: AllPredicates,
    ra: Annotated[U32, Source("a", optional=True, default=Register(RZ))],
    mask: Mask,
) -> Rd:
    """Pack predicates into a register: for each set bit i of the mask, bit i of Rd is Pi; other bits are Ra's."""
    result = ra & splat(~mask)
    for i in range(PREDICATES):
        if mask >> i & 1:
            result = result | select(predicate_lanes(warp, i), splat(1 << i), splat(0))
    return result


@instruction("R2P", 0x804, ALU)
def r2p(warp: Warp, which: WrittenPredicates, ra: Ra, mask: Mask) -> None:
    """Unpack predicates from a register: for each set bit i of the mask, Pi = bit i of Ra."""
    for i in range(PREDICATES):
        if mask >> i & 1:
            set_predicate_lanes(warp, i, (ra & splat(1 << i)) != splat(0))
