"""Bit operations: three-input logic, funnel shift, bit count and search, byte permutation."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand, PredicateOperand
from dstc_isa.isa.instruction import U32, Bool, Derived, Instruction, Scalar
from dstc_isa.isa.lanes import (
    leading_zeros,
    maximum,
    minimum,
    narrow,
    popc,
    reverse_bits,
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
from dstc_isa.isa.modifier import Choice, Flag, Sign
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import PT, Immediate, Predicate
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import CONST_B, CONST_C, IMM_B, IMM_C, CarryOut, Ra, Rb, Rc, Rd
from dstc_isa.isa.volta.units import ALU, POPC


def normal_form(table: int) -> int:
    """Coefficients of the exclusive-or normal form of a truth table (bit i of both: i = 4a + 2b + c).

    Bit i of the result says whether the product of the inputs that i names is a term.
    """
    terms = table & 0xFF
    for step in (1, 2, 4):
        for i in range(8):
            if i & step:
                terms ^= (terms >> (i - step) & 1) << i
    return terms


def evaluate(terms: int, start: U32, a: U32, b: U32, c: U32) -> U32:
    """An exclusive-or normal form of three inputs, u32 or bool lanes; ``start`` is its constant term in lanes."""
    result = start
    if terms & 2:
        result = result ^ c
    if terms & 4:
        result = result ^ b
    if terms & 8:
        result = result ^ (b & c)
    if terms & 16:
        result = result ^ a
    if terms & 32:
        result = result ^ (a & c)
    if terms & 64:
        result = result ^ (a & b)
    if terms & 128:
        result = result ^ (a & b & c)
    return result


def _terms(decoded: Instruction) -> int:
    return normal_form(next(v.value for v in reversed(decoded.operands) if isinstance(v, Immediate)))


@instruction("LOP3.LUT", 0x212, ALU)
def lop3(
    ra: Ra,
    rb: Rb,
    rc: Rc,
    table: Annotated[Scalar, ImmediateOperand(Field(72, 8), hexadecimal=True)],
    pp: Annotated[
        Bool,
        PredicateOperand(Field(87, 3), Field(90, 1), optional=True, shown=True, default=Predicate(PT, negate=True)),
    ],
    terms: Annotated[Scalar, Derived(_terms)],
    conjunction: Annotated[int, Flag("PAND", Field(80, 1))],
) -> tuple[CarryOut, Rd]:
    """Any bitwise function of three inputs, given by its truth table.

    Bit 4a + 2b + c of the table is the result for input bits a, b, c: 0xc0 is Ra & Rb, 0xfc is Ra | Rb,
    0x3c is Ra ^ Rb. Pu, if named, is (result != 0) or Pp; with .PAND it is (result != 0) and Pp.
    """
    result = evaluate(terms, splat(-(terms & 1)), ra, rb, rc)
    some = result != splat(0)
    return some & pp if conjunction else some | pp, result


class ShiftType(IntEnum):
    """Width and sign of a funnel shift."""

    S64 = 0
    U64 = 1
    S32 = 2
    U32 = 3


class Direction(IntEnum):
    """Direction of a shift."""

    L = 0
    R = 1


@instruction("SHF", 0x219, ALU)
def shf(
    ra: Ra,
    rb: Rb,
    rc: Annotated[U32, Source("c", imm=IMM_C, const=CONST_C)],
    direction: Annotated[int, Choice(Direction, Field(76, 1))],
    wrap: Annotated[int, Flag("W", Field(75, 1))],
    kind: Annotated[int, Choice(ShiftType, Field(73, 2))],
    high: Annotated[int, Flag("HI", Field(80, 1))],
) -> Rd:
    """Funnel shift of the 64-bit value Rc:Ra (Rc is the high word) by Rb.

    The result is the low word, with .HI the high word. A 32-bit type limits the amount to 32, a 64-bit type
    to 64; with .W the amount is taken modulo 32 or 64 instead. .R with a signed type shifts in the sign of
    Rc. So SHF.L.U32 Rd, Ra, n, RZ is Ra << n, and SHF.R.S32.HI Rd, RZ, n, Rc is Rc >> n.
    """
    limit = 32 if kind >= ShiftType.S32 else 64
    amount = rb & splat(limit - 1) if wrap else minimum(rb, splat(limit))
    if direction == Direction.L:
        if not high:
            return shift_left(ra, amount)
    elif high:
        if kind == ShiftType.U32 or kind == ShiftType.U64:
            return shift_right(rc, amount)
        return u32(shift_right_signed(s32(rc), amount))
    pair = widen(ra) | shift_left(widen(rc), widen(splat(32)))
    if direction == Direction.L:
        return narrow(shift_right(shift_left(pair, widen(amount)), widen(splat(32))))
    low = shift_right(pair, widen(amount))
    if kind == ShiftType.S64:
        fill = widen(shift_right_signed(s32(rc), splat(31)))
        low = low | shift_left(fill, widen(splat(64)) - widen(amount))
    return narrow(low)


def _complemented(decoded: Instruction) -> int:
    """1 if the last source is complemented."""
    return int(getattr(decoded.operands[-1], "negate", False))


SearchedB = Annotated[U32, Source("b", negate=True, raw=True, complements=True, imm=IMM_B, const=CONST_B, reuse=None)]
"""What bits are counted or sought in, maybe its complement."""

Complemented = Annotated[Scalar, Derived(_complemented)]


@instruction("POPC", 0x309, POPC, variable=True)
def popc_(rb: SearchedB, complemented: Complemented) -> Rd:
    """Count the set bits of Rb."""
    return popc(~rb if complemented else rb)


Found = Annotated[
    Bool,
    PredicateOperand(Field(81, 3), destination=True, optional=True, default=Predicate(PT), unmodelled=True),
    "pu",
]


@instruction("FLO", 0x300, POPC, variable=True)
def flo(
    rb: SearchedB,
    complemented: Complemented,
    sign: Annotated[int, Choice(Sign, Field(73, 1), default=Sign.S32)],
    as_shift: Annotated[int, Flag("SH", Field(74, 1))],
) -> tuple[Rd, Found]:
    """Find the leading one: the number of the highest set bit, 0xffffffff if there is none.

    Signed, a negative number is complemented first. With .SH the result is the left shift that brings the
    bit to the top (31 minus its number).
    """
    bits = ~rb if complemented else rb
    if sign == Sign.S32:
        bits = bits ^ u32(shift_right_signed(s32(bits), splat(31)))
    zeros = leading_zeros(bits)
    found = zeros if as_shift else splat(31) - zeros
    return select(bits == splat(0), splat(0xFFFFFFFF), found), truth(0)


@instruction("BREV", 0x301, POPC, variable=True)
def brev(rb: Annotated[U32, Source("b", imm=IMM_B, const=CONST_B, reuse=None)]) -> Rd:
    """Reverse the order of the 32 bits."""
    return reverse_bits(rb)


class Permutation(IntEnum):
    """What the selector of PRMT means."""

    IDX = 0
    F4E = 1
    B4E = 2
    RC8 = 3
    ECL = 4
    ECR = 5
    RC16 = 6


def chosen_byte(mode: int, selector: U32, byte: int) -> U32:
    """The byte of the pair that a mode other than IDX takes for the byte at ``byte`` of the result."""
    if mode == Permutation.F4E:
        return selector + splat(byte)
    if mode == Permutation.B4E:
        return (selector - splat(byte)) & splat(7)
    if mode == Permutation.ECL:
        return maximum(selector, splat(byte))
    if mode == Permutation.ECR:
        return minimum(selector, splat(byte))
    if mode == Permutation.RC16:
        return shift_left(selector & splat(1), splat(1)) | splat(byte & 1)
    return selector


@instruction("PRMT", 0x216, ALU)
def prmt(
    ra: Ra,
    rb: Rb,
    rc: Annotated[U32, Source("c", imm=IMM_C, const=CONST_C)],
    mode: Annotated[int, Choice(Permutation, Field(72, 3))] = Permutation.IDX,
) -> Rd:
    """Permute bytes: each of the four low nibbles of Rb picks one byte of Rc:Ra for its byte of Rd.

    Bits 0-2 of a nibble number the byte (0-3 in Ra, 4-7 in Rc); bit 3 replicates that byte's sign instead. In the
    other modes the two low bits n of Rb choose all four (PTX ISA, prmt): .F4E four from byte n up, .B4E four from
    byte n down, round the pair's end, .RC8 byte n four times, .RC16 a half of Ra twice, .ECL and .ECR the bytes of
    Ra with those below byte n, or above it, replaced by it.
    """
    result = splat(0)
    for byte in range(4):
        if mode == Permutation.IDX:
            nibble = shift_right(rb, splat(4 * byte)) & splat(15)
        else:
            nibble = chosen_byte(mode, rb & splat(3), byte)
        source = select((nibble & splat(4)) == splat(0), ra, rc)
        picked = shift_right(source, shift_left(nibble & splat(3), splat(3))) & splat(0xFF)
        sign = select((picked & splat(0x80)) == splat(0), splat(0), splat(0xFF))
        picked = select((nibble & splat(8)) == splat(0), picked, sign)
        result = result | shift_left(picked, splat(8 * byte))
    return result
