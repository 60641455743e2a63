"""Integer arithmetic: add, multiply-add, shift-add, minimum, comparison, selection."""

from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand, PredicateOperand
from dstc_isa.isa.instruction import S32, U32, U64, Alias, Bool, Derived, Held, Instruction, Modified, Scalar
from dstc_isa.isa.lanes import (
    narrow,
    s32,
    select,
    shift_left,
    shift_right,
    shift_right_signed,
    splat,
    truth,
    u32,
    widen,
)
from dstc_isa.isa.literal import Literal
from dstc_isa.isa.modifier import Choice, Combine, Compare, Flag, Sign
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import PT, RZ, Immediate, Predicate, Register
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import (
    CONST_B,
    CONST_C,
    IMM_B,
    IMM_C,
    CarryIn,
    CarryIn2,
    CarryOut,
    CarryOut2,
    Pp,
    Pu,
    Pv,
    Ra,
    Rb,
    Rd,
    Rd64,
)
from dstc_isa.isa.volta.units import ALU, IMAD

SIGN_BIT = Field(73, 1)

SignedB = Annotated[U32, Source("b", imm=IMM_B, const=CONST_B, literal=Literal.SIGNED)]
"""A register, a constant or an immediate that is printed with its sign."""


def combine(how: int, a: S32, b: S32) -> S32:
    """Join two bool lanes by the AND, OR or XOR of a comparison."""
    if how == Combine.AND:
        return a & b
    if how == Combine.OR:
        return a | b
    return a ^ b


def _carries(decoded: Instruction) -> int:
    """1 if a carry is written or read, so that the plain sum need not compute it."""
    preds = [v for v in decoded.operands if isinstance(v, Predicate)]
    written = any(p.index != PT for p in preds[:2])
    return int(written or any(decoded.modifiers))


def _signs(decoded: Instruction) -> int:
    """Bit i set if source i is negated."""
    sources = decoded.operands[3:6]
    return sum(1 << i for i, v in enumerate(sources) if getattr(v, "negate", False))


@instruction("IADD3", 0x210, ALU, adds=("ra", "rb", "rc"))
def iadd3(
    ra: Annotated[U32, Source("a", negate=True, raw=True, complements="extended")],
    rb: Annotated[
        U32,
        Source("b", negate=True, raw=True, complements="extended", imm=IMM_B, const=CONST_B, literal=Literal.SIGNED),
    ],
    rc: Annotated[U32, Source("c", negate=True, raw=True, complements="extended")],
    pp: CarryIn,
    pq: CarryIn2,
    signs: Annotated[Scalar, Derived(_signs)],
    carries: Annotated[Scalar, Derived(_carries)],
    extended: Annotated[int, Flag("X", Field(74, 1))],
) -> tuple[Rd, CarryOut, CarryOut2]:
    """Add three integers: Rd = Ra + Rb + Rc modulo 2**32.

    A negated source is subtracted. Pu is the carry out of the sum and Pv says that the carry is two; a
    negated source counts as its complement plus one, so after a subtraction Pu means "no borrow". With .X
    a negated source is only complemented and the carries Pp and Pq are added: the high word of a long sum.
    """
    if carries == 0:
        if signs & 1:
            ra = splat(0) - ra
        if signs & 2:
            rb = splat(0) - rb
        if signs & 4:
            rc = splat(0) - rc
        return ra + rb + rc, truth(0), truth(0)
    ones = 0
    if signs & 1:
        ra = ~ra
        ones += 1
    if signs & 2:
        rb = ~rb
        ones += 1
    if signs & 4:
        rc = ~rc
        ones += 1
    total = widen(ra) + widen(rb) + widen(rc)
    if extended:
        total = total + widen(select(pp, splat(1), splat(0))) + widen(select(pq, splat(1), splat(0)))
    else:
        total = total + widen(splat(ones))
    carry = narrow(shift_right(total, widen(splat(32))))
    return narrow(total), carry > splat(0), carry > splat(1)


def _complemented(decoded: Instruction) -> int:
    """1 if the addend of a product has a sign: with .X its complement is added, which is one less."""
    return int(any(getattr(value, "negate", False) for value in decoded.operands[-2:-1]))


SignOfFactors = Annotated[int, Choice(Sign, SIGN_BIT, default=Sign.S32)]


ZERO, ONE = frozenset({0}), frozenset({1})
SHIFTS = frozenset({1 << count for count in range(32)}) - {1 << 16, 1 << 31}
"""Powers of two by which a product is a shift in nvdisasm's text."""


@instruction(
    "IMAD",
    0x224,
    IMAD,
    adds=("rc",),
    held=(Held(Field(81, 3), PT),),
    aliases=(
        Alias("MOV", ({"ra": ZERO}, {"rb": ZERO}, {"rb": ONE, "rc": ZERO}), "Ra or Rb is RZ", unless=("extended",)),
        Alias(
            "SHL",
            ({"rb": SHIFTS, "rc": ZERO},),
            "Rb is a power of two other than 2**16 and 2**31, and Rc is RZ",
            unless=("extended",),
        ),
        Alias("IADD", ({"rb": ONE},), "Rb is 1", unless=("extended",)),
    ),
)
def imad(
    ra: Ra,
    rb: SignedB,
    rc: Annotated[
        U32, Source("c", negate=True, imm=IMM_C, const=CONST_C, literal=Literal.SIGNED, complements="extended")
    ],
    pp: CarryIn,
    complemented: Annotated[Scalar, Derived(_complemented)],
    sign: SignOfFactors,
    extended: Annotated[int, Flag("X", Field(74, 1))],
) -> Rd:
    """Multiply and add: the low 32 bits of Ra * Rb + Rc; they do not depend on the sign modifier.

    With .X a negated Rc is only complemented and the carry Pp is added: the high word of a long sum.
    """
    total = ra * rb + rc
    if extended:
        total = total + select(pp, splat(1), splat(0)) - splat(complemented)
    return total


def _of_signed(modifiers: Modified) -> bool:
    return modifiers["sign"] == Sign.S32


WideCarry = Annotated[
    Bool,
    PredicateOperand(Field(81, 3), destination=True, optional=True, default=Predicate(PT), unmodelled=_of_signed),
    "pu",
]


def wide_product(ra: U32, rb: U32, sign: int) -> U64:
    """The 64-bit product of two 32-bit lanes, signed or not."""
    if sign == Sign.S32:
        return widen(s32(ra)) * widen(s32(rb))
    return widen(ra) * widen(rb)


def _carries_out(decoded: Instruction) -> int:
    """1 if a carry is written."""
    carry = decoded.operands[1]
    return int(isinstance(carry, Predicate) and carry.index != PT)


@instruction("IMAD.WIDE", 0x225, IMAD, adds=("rc",))
def imad_wide(
    ra: Ra,
    rb: SignedB,
    rc: Annotated[U64, Source("c", negate=True, width=2, const=CONST_C, complements="extended")],
    pp: CarryIn,
    complemented: Annotated[Scalar, Derived(_complemented)],
    carries: Annotated[Scalar, Derived(_carries_out)],
    sign: SignOfFactors,
    extended: Annotated[int, Flag("X", Field(74, 1))],
) -> tuple[Rd64, WideCarry]:
    """Multiply and add to 64 bits: the pair Rd = Ra * Rb + the pair Rc.

    This is how an address is formed: index times element size plus base. With .U32, Pu is the carry out of the sum, to
    which a negated Rc counts as its complement plus one. With .X a negated Rc is only complemented and the carry Pp is
    added: the high part of a long product.
    """
    product = wide_product(ra, rb, sign)
    if carries == 0 and not extended:
        return product + rc, truth(0)
    addend = rc - widen(splat(complemented))
    carry = splat(complemented)
    if extended:
        carry = select(pp, splat(1), splat(0))
    low = widen(narrow(product)) + widen(narrow(addend)) + widen(carry)
    thirty_two = widen(splat(32))
    high = shift_right(product, thirty_two) + shift_right(addend, thirty_two) + shift_right(low, thirty_two)
    total = widen(narrow(low)) | shift_left(high, thirty_two)
    return total, narrow(shift_right(high, thirty_two)) > splat(0)


SIGNED = frozenset({"-"})
"""Sources are not executed with a sign."""


def _lea_rule(modifiers: Modified) -> str | None:
    return ".SX32 goes with .HI only" if modifiers["signed"] and not modifiers["high"] else None


@instruction("LEA", 0x211, ALU, adds=("rb",), rule=_lea_rule)
def lea(
    ra: Annotated[U32, Source("a", negate=True, complements="extended", unmodelled=SIGNED)],
    rb: Annotated[
        U32,
        Source(
            "b",
            negate=True,
            unsigned_in_c=True,
            complements="extended",
            unmodelled=SIGNED,
            imm=IMM_B,
            const=CONST_B,
        ),
    ],
    rc: Annotated[
        U32,
        Source("c", imm=IMM_C, optional=True, shown=True, only="high", unless=("signed",), default=Register(RZ)),
    ],
    amount: Annotated[Scalar, ImmediateOperand(Field(75, 5), hexadecimal=True)],
    pp: CarryIn,
    carries: Annotated[Scalar, Derived(_carries_out)],
    high: Annotated[int, Flag("HI", Field(80, 1))],
    extended: Annotated[int, Flag("X", Field(74, 1))],
    signed: Annotated[int, Flag("SX32", Field(73, 1))],
) -> tuple[Rd, CarryOut]:
    """Shift and add: Rd = (Ra << amount) + Rb, with the carry in Pu.

    .HI takes the high word of the shifted pair (Rc:Ra) instead, .SX32 lets Ra's sign stand for Rc, and .X
    adds the carry Pp: LEA and LEA.HI.X together form a 64-bit address.
    """
    term = shift_left(ra, splat(amount))
    if high:
        if signed:
            rc = u32(shift_right_signed(s32(ra), splat(31)))
        term = shift_left(rc, splat(amount)) | shift_right(ra, splat(32 - amount))
    total = term + rb
    if extended:
        total = total + select(pp, splat(1), splat(0))
    if carries == 0:
        return total, truth(0)
    wide = widen(term) + widen(rb)
    if extended:
        wide = wide + widen(select(pp, splat(1), splat(0)))
    return total, narrow(shift_right(wide, widen(splat(32)))) > splat(0)


@instruction("IABS", 0x213, ALU)
def iabs(rb: SignedB) -> Rd:
    """Absolute value of a signed integer; -2**31 stays as it is."""
    return u32(select(s32(rb) < s32(splat(0)), s32(splat(0)) - s32(rb), s32(rb)))


def compare(how: int, a: S32, b: S32) -> S32:
    """Bool lanes of an integer comparison."""
    if how == Compare.LT:
        return a < b
    if how == Compare.EQ:
        return a == b
    if how == Compare.LE:
        return a <= b
    if how == Compare.GT:
        return a > b
    if how == Compare.NE:
        return a != b
    if how == Compare.GE:
        return a >= b
    return truth(how == Compare.T)


def _without_low(modifiers: Modified) -> bool:
    return not modifiers["extended"]


@instruction("ISETP", 0x20C, ALU)
def isetp(
    ra: Ra,
    rb: SignedB,
    pp: Pp,
    low: Annotated[
        Bool,
        PredicateOperand(Field(68, 3), Field(71, 1), optional=True, default=Predicate(PT), unmodelled=_without_low),
    ],
    how: Annotated[int, Choice(Compare, Field(76, 3))],
    sign: Annotated[int, Choice(Sign, SIGN_BIT, default=Sign.S32)],
    joined: Annotated[int, Choice(Combine, Field(74, 2))],
    extended: Annotated[int, Flag("EX", Field(72, 1))],
) -> tuple[Pu, Pv]:
    """Compare integers: Pu = (Ra cmp Rb) op Pp, and Pv = not (Ra cmp Rb) op Pp.

    With .EX they are the high words of longer ones, and the last predicate is what the same comparison made of the low
    words: where Ra and Rb are equal it is the outcome.
    """
    hit = compare(how, s32(ra), s32(rb)) if sign == Sign.S32 else compare(how, ra, rb)
    if extended and how != Compare.F and how != Compare.T:
        hit = select(ra == rb, low, hit)
    return combine(joined, hit, pp), combine(joined, ~hit, pp)


@instruction("SEL", 0x207, ALU)
def sel(ra: Ra, rb: Rb, pp: Pp) -> Rd:
    """Select: Ra where Pp is true, Rb where it is false."""
    return select(pp, ra, rb)


LaneMask = Annotated[
    Scalar,
    ImmediateOperand(Field(72, 4), hexadecimal=True, optional=True, default=Immediate(15), unmodelled=True),
]


@instruction("MOV", 0x202, ALU, adds=("rb",))
def mov(rb: Rb, mask: LaneMask) -> Rd:
    """Copy a register, an immediate or a constant to Rd."""
    return rb
