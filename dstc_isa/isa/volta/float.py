"""Single-precision arithmetic: IEEE 754, round to nearest even, subnormals kept; a NaN result is 0x7fffffff."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import F32, Modified
from dstc_isa.isa.lanes import (
    CANONICAL_NAN,
    f32,
    float_to_s32,
    fma,
    int_to_float,
    is_nan,
    round_even,
    s32,
    select,
    shift_left,
    splat,
    square_root,
    truth,
    u32,
)
from dstc_isa.isa.literal import Literal
from dstc_isa.isa.modifier import Choice, Combine, Flag, FloatCompare
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.integer import combine
from dstc_isa.isa.volta.shorthand import CONST_B, CONST_C, IMM_B, IMM_C, Fa, Fb, Fd, Pp, Pu, Pv
from dstc_isa.isa.volta.units import ALU, FMA, SFU


class Rounding(IntEnum):
    """Rounding of a result: to nearest even, down, up, towards zero."""

    RN = 0
    RM = 1
    RP = 2
    RZ = 3


class Scale(IntEnum):
    """A power of two that a product is divided (D) or multiplied by."""

    D8 = 1
    D4 = 2
    D2 = 3
    M1 = 4
    M2 = 5
    M4 = 6
    M8 = 7


OTHER_ROUNDINGS = frozenset({Rounding.RM, Rounding.RP, Rounding.RZ})

Flush = Annotated[int, Flag("FTZ", Field(80, 1))]
FlushMultiplied = Annotated[int, Flag("FMZ", Field(76, 1), unmodelled=frozenset({1}))]
Round = Annotated[int, Choice(Rounding, Field(78, 2), unmodelled=OTHER_ROUNDINGS)]
Saturate = Annotated[int, Flag("SAT", Field(77, 1))]


def one_flush(names: Modified) -> str | None:
    """Why subnormals cannot be treated in two ways."""
    return ".FTZ and .FMZ exclude each other" if names["flush"] and names["multiplied"] else None


def canonical(a: F32) -> F32:
    """The same number, any NaN replaced by 0x7fffffff."""
    return select(is_nan(a), f32(splat(CANONICAL_NAN)), a)


def flushed(a: F32, flush: int) -> F32:
    """Subnormals replaced by zeros of their sign, if asked for."""
    if flush:
        bits = u32(a)
        tiny = (bits & splat(0x7F800000)) == splat(0)
        return f32(select(tiny, bits & splat(0x80000000), bits))
    return a


def finish(a: F32, saturate: int, flush: int) -> F32:
    """Flush, clamp to [0, 1] (NaN to 0) and canonicalise a result, as asked for."""
    a = flushed(a, flush)
    if saturate:
        zero = f32(splat(0))
        one = f32(splat(0x3F800000))
        return select(a > zero, select(a < one, a, one), zero)
    return canonical(a)


@instruction("FADD", 0x221, FMA)
def fadd(
    fa: Fa,
    fb: Annotated[
        F32, Source("b", negate=True, absolute=True, imm=IMM_C, const=CONST_C, literal=Literal.FLOAT, reuse="c")
    ],
    flush: Flush = 0,
    rounding: Round = Rounding.RN,
    saturate: Saturate = 0,
) -> Fd:
    """Add: Rd = Ra + Rb."""
    return finish(flushed(fa, flush) + flushed(fb, flush), saturate, flush)


@instruction("FMUL", 0x220, FMA, rule=one_flush)
def fmul(
    fa: Fa,
    fb: Fb,
    flush: Flush = 0,
    multiplied: FlushMultiplied = 0,
    scale: Annotated[int, Choice(Scale, Field(84, 3), unmodelled=frozenset(Scale) - {Scale.M1})] = Scale.M1,
    rounding: Round = Rounding.RN,
    saturate: Saturate = 0,
) -> Fd:
    """Multiply: Rd = Ra * Rb."""
    return finish(flushed(fa, flush) * flushed(fb, flush), saturate, flush)


@instruction("FFMA", 0x223, FMA, rule=one_flush)
def ffma(
    fa: Fa,
    fb: Fb,
    fc: Annotated[F32, Source("c", negate=True, absolute=True, imm=IMM_C, const=CONST_C, literal=Literal.FLOAT)],
    flush: Flush = 0,
    multiplied: FlushMultiplied = 0,
    rounding: Round = Rounding.RN,
    saturate: Saturate = 0,
) -> Fd:
    """Fused multiply-add: Rd = Ra * Rb + Rc with one rounding."""
    return finish(fma(flushed(fa, flush), flushed(fb, flush), flushed(fc, flush)), saturate, flush)


@instruction("FMNMX", 0x209, ALU)
def fmnmx(fa: Fa, fb: Fb, pp: Pp, flush: Flush) -> Fd:
    """Minimum where Pp is true, maximum where it is false; a NaN yields to a number, and -0 is less than +0."""
    a = flushed(fa, flush)
    b = flushed(fb, flush)
    a_first = (a < b) | ((a == b) & (s32(u32(a)) < s32(u32(b))))
    less = select(a_first, a, b)
    more = select(a_first, b, a)
    chosen = select(pp, less, more)
    return canonical(select(is_nan(a), b, select(is_nan(b), a, chosen)))


def compare_floats(how: int, a: F32, b: F32) -> F32:
    """Bool lanes of a float comparison, unordered forms included."""
    unordered = is_nan(a) | is_nan(b)
    ordered_how = how & 7
    if how == FloatCompare.NAN:
        return unordered
    if how == FloatCompare.NUM:
        return ~unordered
    if how == FloatCompare.F or how == FloatCompare.T:
        return truth(how == FloatCompare.T)
    hit = (a != b) & ~unordered
    if ordered_how == FloatCompare.LT:
        hit = a < b
    if ordered_how == FloatCompare.EQ:
        hit = a == b
    if ordered_how == FloatCompare.LE:
        hit = a <= b
    if ordered_how == FloatCompare.GT:
        hit = a > b
    if ordered_how == FloatCompare.GE:
        hit = a >= b
    return hit | unordered if how > FloatCompare.NAN else hit


How = Annotated[int, Choice(FloatCompare, Field(76, 4))]
Joined = Annotated[int, Choice(Combine, Field(74, 2))]


@instruction("FSETP", 0x20B, ALU)
def fsetp(
    fa: Fa,
    fb: Fb,
    pp: Pp,
    how: How,
    flush: Flush,
    joined: Joined,
) -> tuple[Pu, Pv]:
    """Compare floats: Pu = (Ra cmp Rb) op Pp, and Pv = not (Ra cmp Rb) op Pp.

    The forms ending in U are also true when an operand is NaN; NUM is true when none is.
    """
    hit = compare_floats(how, flushed(fa, flush), flushed(fb, flush))
    return combine(joined, hit, pp), combine(joined, ~hit, pp)


@instruction("FSET.BF", 0x20A, ALU)
def fset(fa: Fa, fb: Fb, pp: Pp, how: How, flush: Flush, joined: Joined) -> Fd:
    """Compare floats to a float: Rd = 1 where (Ra cmp Rb) op Pp, else 0; see FSETP."""
    hit = compare_floats(how, flushed(fa, flush), flushed(fb, flush))
    return select(combine(joined, hit, pp), f32(splat(0x3F800000)), f32(splat(0)))


@instruction("FSEL", 0x208, ALU)
def fsel(fa: Fa, fb: Fb, pp: Pp, flush: Annotated[int, Flag("FTZ", Field(80, 1), unmodelled=frozenset({1}))]) -> Fd:
    """Select: Ra where Pp is true, Rb where it is false; the bits of a NaN pass unchanged."""
    return select(pp, fa, fb)


class Special(IntEnum):
    """Functions of the special function unit."""

    COS = 0
    SIN = 1
    EX2 = 2
    LG2 = 3
    RCP = 4
    RSQ = 5
    RCP64H = 6
    RSQ64H = 7
    SQRT = 8


MODELLED = frozenset({Special.EX2, Special.LG2, Special.RCP, Special.RSQ})
OF_DOUBLES = (Special.RCP64H, Special.RSQ64H)


def number_of(names: Modified) -> Literal:
    """How the source of a special function is written."""
    return Literal.DOUBLE if names["function"] in OF_DOUBLES else Literal.FLOAT


def number(bits: int) -> F32:
    """The float with these bits in every lane."""
    return f32(splat(bits))


def exp2(x: F32) -> F32:
    """2**x by a polynomial of degree 6 on [-1/2, 1/2]; the coefficients are ln(2)**n / n! rounded."""
    x = select(x > number(0x43180000), number(0x43180000), x)
    x = select(x < number(0xC3180000), number(0xC3180000), x)
    whole = round_even(x)
    part = select(is_nan(x), x, x - whole)
    result = fma(number(0x39218489), part, number(0x3AAEC3FF))
    result = fma(result, part, number(0x3C1D955B))
    result = fma(result, part, number(0x3D635847))
    result = fma(result, part, number(0x3E75FDF0))
    result = fma(result, part, number(0x3F317218))
    result = fma(result, part, number(0x3F800000))
    exponent = float_to_s32(select(is_nan(x), number(0), whole))
    lower = float_to_s32(round_even(number(0x3F000000) * select(is_nan(x), number(0), whole)))
    upper = exponent - lower
    bias = s32(splat(127))
    low_scale = f32(shift_left(u32(lower + bias), splat(23)))
    high_scale = f32(shift_left(u32(upper + bias), splat(23)))
    return result * low_scale * high_scale


def log2(x: F32) -> F32:
    """log2(x) from the exponent and a series in (m-1)/(m+1) of the mantissa m in [sqrt(1/2), sqrt(2))."""
    tiny = x < number(0x00800000)
    scaled = select(tiny, x * number(0x4B800000), x)
    offset = select(tiny, number(0xC1C00000), number(0))
    bits = u32(scaled)
    shifted = bits - splat(0x3F3504F3)
    exponent = s32(shifted & splat(0xFF800000))
    mantissa = f32(bits - u32(exponent))
    whole = int_exponent(exponent)
    ratio = (mantissa - number(0x3F800000)) / (mantissa + number(0x3F800000))
    square = ratio * ratio
    series = fma(number(0x3EA4258A), square, number(0x3ED30BB1))
    series = fma(series, square, number(0x3F13BB63))
    series = fma(series, square, number(0x3F76384F))
    series = fma(series, square, number(0x4038AA3B))
    result = fma(series, ratio, whole + offset)
    result = select(x == number(0), number(0xFF800000), result)
    result = select(x == number(0x7F800000), x, result)
    return select((x < number(0)) | is_nan(x), number(CANONICAL_NAN), result)


def int_exponent(exponent: F32) -> F32:
    """A float exponent field (s32, value times 2**23) as a float number."""
    return int_to_float(exponent) * number(0x34000000)


@instruction("MUFU", 0x308, SFU, variable=True)
def mufu(
    fb: Annotated[
        F32,
        Source(
            "b",
            negate=True,
            absolute=True,
            imm=IMM_B,
            const=CONST_B,
            literal=Literal.FLOAT,
            literals=number_of,
            reuse=None,
        ),
    ],
    function: Annotated[int, Choice(Special, Field(74, 4), unmodelled=frozenset(Special) - MODELLED)],
) -> Fd:
    """Special function of Rb: reciprocal, reciprocal square root, 2 to the power, logarithm to base 2.

    RCP and RSQ round each step to nearest; EX2 and LG2 are polynomials within a few units in the last
    place. The hardware's tables are not public, so the last bits differ from a GPU's.
    """
    if function == Special.RCP:
        return canonical(number(0x3F800000) / fb)
    if function == Special.RSQ:
        return canonical(number(0x3F800000) / square_root(fb))
    if function == Special.EX2:
        return canonical(exp2(fb))
    return canonical(log2(fb))
