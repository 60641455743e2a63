"""Conversions between half, float and integer."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import F32, U32
from dstc_isa.isa.lanes import (
    f32,
    float_to_half,
    float_to_s32,
    float_to_u32,
    half_to_float,
    int_to_float,
    is_nan,
    round_down,
    round_even,
    round_up,
    round_zero,
    s32,
    select,
    splat,
    u32,
)
from dstc_isa.isa.modifier import Choice, Sign
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.volta.float import canonical, number
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import CONST_B, Fd, Rb, Rd
from dstc_isa.isa.volta.units import SFU


class FloatType(IntEnum):
    """Float formats."""

    F16 = 1
    F32 = 2


class Rounding(IntEnum):
    """Rounding to an integer."""

    RN = 0
    FLOOR = 1
    CEIL = 2
    TRUNC = 3


@instruction("F2F", 0x304, SFU, variable=True)
def f2f(
    rb: Annotated[U32, Source("b", const=CONST_B)],
    to: Annotated[int, Choice(FloatType, Field(75, 2))],
    of: Annotated[int, Choice(FloatType, Field(84, 2))],
) -> Rd:
    """Convert between float formats, to nearest even: F2F.F16.F32 makes a half, F2F.F32.F16 a float.

    A half stands in the low 16 bits; the high ones are ignored in a source and zero in a result.
    """
    wide = half_to_float(rb & splat(0xFFFF)) if of == FloatType.F16 else f32(rb)
    return float_to_half(wide) if to == FloatType.F16 else u32(canonical(wide))


def rounded(how: int, a: F32) -> F32:
    """A float rounded to a whole number."""
    if how == Rounding.RN:
        return round_even(a)
    if how == Rounding.FLOOR:
        return round_down(a)
    if how == Rounding.CEIL:
        return round_up(a)
    return round_zero(a)


@instruction("F2I", 0x305, SFU, variable=True)
def f2i(
    fb: Annotated[F32, Source("b", negate=True, absolute=True, const=CONST_B)],
    sign: Annotated[int, Choice(Sign, Field(72, 1))] = Sign.S32,
    rounding: Annotated[int, Choice(Rounding, Field(78, 2))] = Rounding.RN,
) -> Rd:
    """Convert a float to an integer; out of range gives the nearest limit, NaN gives 0."""
    whole = rounded(rounding, select(is_nan(fb), number(0), fb))
    if sign == Sign.S32:
        low = whole >= number(0xCF000000)
        high = whole >= number(0x4F000000)
        inside = select(low, select(high, number(0), whole), number(0))
        limited = select(high, s32(splat(0x7FFFFFFF)), float_to_s32(inside))
        return u32(select(low, limited, s32(splat(0x80000000))))
    positive = whole > number(0)
    high = whole >= number(0x4F800000)
    inside = select(positive, select(high, number(0), whole), number(0))
    return select(high, splat(0xFFFFFFFF), float_to_u32(inside))


@instruction("I2F", 0x306, SFU, variable=True)
def i2f(rb: Rb, sign: Annotated[int, Choice(Sign, Field(74, 1))] = Sign.S32) -> Fd:
    """Convert an integer to a float, to nearest even."""
    return int_to_float(s32(rb)) if sign == Sign.S32 else int_to_float(rb)
