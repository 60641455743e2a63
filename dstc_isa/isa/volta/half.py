"""Packed half precision: two FP16 numbers per register, each result rounded once to nearest even."""

from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import F32, U32
from dstc_isa.isa.lanes import f32, float_to_half, half_to_float, select, shift_left, shift_right, splat, u32
from dstc_isa.isa.literal import Literal
from dstc_isa.isa.modifier import Choice, Combine, Flag
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.volta.float import Flush, FlushMultiplied, How, one_flush
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import CONST_B, CONST_C, IMM_B, IMM_C, Pp, Pu, Pv, Rd
from dstc_isa.isa.volta.units import FP16

Ha = Annotated[U32, Source("a", negate=True, absolute=True, halves=True, literal=Literal.HALVES)]
Hb = Annotated[
    U32,
    Source("b", negate=True, absolute=True, halves=True, imm=IMM_B, const=CONST_B, literal=Literal.HALVES),
]
HbOfSum = Annotated[
    U32,
    Source("b", negate=True, absolute=True, halves=True, imm=IMM_C, const=CONST_C, literal=Literal.HALVES, reuse="c"),
]

Single = Annotated[int, Flag("F32", Field(78, 1), unmodelled=frozenset({1}))]
HalfFlush = Annotated[int, Flag("FTZ", Field(80, 1), unmodelled=frozenset({1}))]
HalfSaturate = Annotated[int, Flag("SAT", Field(77, 1), unmodelled=frozenset({1}))]
JoinedHalves = Annotated[int, Choice(Combine, Field(69, 2))]


def low_half(a: U32) -> F32:
    """The number in bits 0-15."""
    return half_to_float(a & splat(0xFFFF))


def high_half(a: U32) -> F32:
    """The number in bits 16-31."""
    return half_to_float(shift_right(a, splat(16)))


def pack(low: F32, high: F32) -> U32:
    """Round two floats to FP16 and put them into one register."""
    return float_to_half(low) | shift_left(float_to_half(high), splat(16))


def add_to_odd(a: F32, b: F32) -> F32:
    """a + b rounded to odd: a later rounding to FP16 is then the only one that counts.

    The error of the sum is found exactly (Knuth's TwoSum); where there is one and the last bit is even, the
    neighbour in its direction is taken.
    """
    total = a + b
    tail = total - a
    error = (a - (total - tail)) + (b - tail)
    zero = f32(splat(0))
    up = error > zero
    inexact = up | (error < zero)
    even = (u32(total) & splat(1)) == splat(0)
    away = up ^ (total < zero)
    neighbour = select(away, u32(total) + splat(1), u32(total) - splat(1))
    return f32(select(inexact & even, neighbour, u32(total)))


@instruction("HADD2", 0x230, FP16)
def hadd2(
    ha: Ha,
    hb: HbOfSum,
    single: Single = 0,
    flush: HalfFlush = 0,
    saturate: HalfSaturate = 0,
) -> Rd:
    """Add two pairs of FP16 numbers."""
    return pack(add_to_odd(low_half(ha), low_half(hb)), add_to_odd(high_half(ha), high_half(hb)))


@instruction("HMUL2", 0x232, FP16, rule=one_flush)
def hmul2(
    ha: Ha,
    hb: Hb,
    single: Single = 0,
    flush: HalfFlush = 0,
    multiplied: FlushMultiplied = 0,
    saturate: HalfSaturate = 0,
) -> Rd:
    """Multiply two pairs of FP16 numbers."""
    return pack(low_half(ha) * low_half(hb), high_half(ha) * high_half(hb))


@instruction("HFMA2", 0x231, FP16, rule=one_flush)
def hfma2(
    ha: Ha,
    hb: Hb,
    hc: Annotated[
        U32,
        Source("c", negate=True, absolute=True, halves=True, imm=IMM_C, const=CONST_C, literal=Literal.HALVES),
    ],
    single: Single = 0,
    flush: HalfFlush = 0,
    multiplied: FlushMultiplied = 0,
    saturate: HalfSaturate = 0,
) -> Rd:
    """Fused multiply-add of two pairs of FP16 numbers, one rounding each (a product is exact in FP32)."""
    low = add_to_odd(low_half(ha) * low_half(hb), low_half(hc))
    high = add_to_odd(high_half(ha) * high_half(hb), high_half(hc))
    return pack(low, high)


UNMODELLED = "comparisons of packed halves have no semantics here"


@instruction("HSET2", 0x233, FP16, unmodelled=UNMODELLED)
def hset2(
    ha: Ha,
    hb: HbOfSum,
    pp: Pp,
    floats: Annotated[int, Flag("BF", Field(71, 1))],
    how: How,
    flush: Flush,
    joined: JoinedHalves,
) -> Rd:
    """Compare two pairs of FP16 numbers to a pair of masks, with .BF to a pair of numbers 1 and 0."""


@instruction("HSETP2", 0x234, FP16, unmodelled=UNMODELLED)
def hsetp2(
    ha: Ha,
    hb: HbOfSum,
    pp: Pp,
    how: How,
    both: Annotated[int, Flag("H_AND", Field(71, 1))],
    flush: Flush,
    joined: JoinedHalves,
) -> tuple[Pu, Pv]:
    """Compare two pairs of FP16 numbers to a predicate each, with .H_AND to one predicate and its opposite."""
