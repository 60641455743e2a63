"""Conversions between half, float and integer."""

from enum import IntEnum
from typing import Annotated

from attrs import evolve

from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import F32, U32, Derived, Instruction, Modified, Scalar
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
    shift_right,
    splat,
    u32,
)
from dstc_isa.isa.literal import Literal
from dstc_isa.isa.modifier import Choice, Flag
from dstc_isa.isa.operand import Width
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import Constant, Immediate, Register, Value
from dstc_isa.isa.volta.float import Flush, Round, Rounding, canonical, flushed, number
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import CONST_B, IMM_B, Fd, Rd
from dstc_isa.isa.volta.units import SFU


class FloatType(IntEnum):
    """Float formats."""

    F16 = 1
    F32 = 2
    F64 = 3


class Short(IntEnum):
    """Float formats of up to 32 bits."""

    F16 = 1
    F32 = 2


class Formats(IntEnum):
    """Two float formats, the result's first, of a conversion between 16 and 32 bits."""

    F32__F16 = 6
    F16__F32 = 9


class SameFormat(IntEnum):
    """Float formats of a conversion that changes none."""

    F16 = 5
    F32 = 10


class IntegerType(IntEnum):
    """Integer formats of up to 32 bits."""

    U8 = 0
    S8 = 1
    U16 = 2
    S16 = 3
    U32 = 4
    S32 = 5


class Whole(IntEnum):
    """Rounding to an integer."""

    RN = 0
    FLOOR = 1
    CEIL = 2
    TRUNC = 3


NARROW = frozenset({IntegerType.U8, IntegerType.S8, IntegerType.U16, IntegerType.S16})

NOT_FLUSHED = Annotated[int, Flag("FTZ", Field(80, 1), unmodelled=frozenset({1}))]
RoundWhole = Annotated[int, Choice(Whole, Field(78, 2))]


def source_format(names: Modified) -> int:
    """The format of what is converted."""
    return names["formats"] >> 2 if "formats" in names else names["of"]


def written_float(names: Modified) -> Literal:
    """How a float that is converted is written."""
    return {FloatType.F16: Literal.HALF, FloatType.F64: Literal.DOUBLE}.get(
        FloatType(source_format(names)), Literal.FLOAT
    )


def half_fits(value: Value, names: Modified) -> str | None:
    """Why a part of a register cannot be converted."""
    if getattr(value, "suffix", "") and source_format(names) != FloatType.F16:
        return "only a 16-bit float is a part of a register"
    return None


def written_integer(names: Modified) -> Literal:
    """How an integer that is converted is written."""
    return Literal.SIGNED if names["of"] & 1 else Literal.INTEGER


def part_fits(value: Value, names: Modified) -> str | None:
    """Why an integer cannot be converted: a small one is a part of a register, and no immediate."""
    bits = 8 << (names["of"] >> 1)
    if isinstance(value, Immediate):
        return f"an immediate has 32 bits, not {bits}" if bits < 32 else None
    suffix = getattr(value, "suffix", "")
    if suffix and bits != (16 if suffix == "H1" else 8):
        return f".{suffix} is no part of {bits} bits"
    return None


FLOAT_PARTS = {"": 0, "H1": 1}
INTEGER_PARTS = {"": 0, "B1": 1, "B2": 2, "B3": 3, "H1": 1}
PART = Field(60, 2)


def converted_float(width: Width = 1) -> Source:
    """A source that is a float of several formats."""
    return Source(
        "b",
        negate=True,
        absolute=True,
        width=width,
        imm=IMM_B,
        const=CONST_B,
        literal=Literal.FLOAT,
        literals=written_float,
        suffixes=FLOAT_PARTS,
        select=PART,
        unmodelled=frozenset({"H1"}),
        fits=half_fits,
        reuse=None,
        raw=width != 1,
    )


def converted_integer(width: Width = 1) -> Source:
    """A source that is an integer of several formats."""
    return Source(
        "b",
        width=width,
        imm=IMM_B,
        const=CONST_B,
        literals=written_integer,
        suffixes=INTEGER_PARTS,
        select=PART,
        unmodelled=frozenset(INTEGER_PARTS) - {""},
        fits=part_fits,
        reuse=None,
    )


def _parts(decoded: Instruction) -> int:
    """What of its source F2F converts: bit 0 if negated, bit 1 of its absolute value, bit 2 the upper half."""
    source = decoded.operands[1]
    if not isinstance(source, Register | Constant):
        return 0
    return source.negate | source.absolute << 1 | (source.suffix == "H1") << 2


@instruction("F2F", 0x304, SFU, variable=True)
def f2f(
    rb: Annotated[U32, evolve(converted_float(), raw=True, unmodelled=frozenset())],
    parts: Annotated[Scalar, Derived(_parts)],
    flush: NOT_FLUSHED,
    formats: Annotated[int, Choice(Formats, Field(75, 2, rest=Field(84, 2)))],
    rounding: Round = Rounding.RN,
) -> Rd:
    """Convert between float formats, to nearest even: F2F.F16.F32 makes a half, F2F.F32.F16 a float.

    A half stands in the low 16 bits, in a source with .H1 in the high ones; the others are ignored in a source and zero
    in a result.
    """
    wide = f32(rb)
    if formats == Formats.F32__F16:
        wide = half_to_float((shift_right(rb, splat(16)) if parts & 4 else rb) & splat(0xFFFF))
    if parts & 2:
        wide = f32(u32(wide) & splat(0x7FFFFFFF))
    if parts & 1:
        wide = f32(u32(wide) ^ splat(0x80000000))
    return float_to_half(wide) if formats == Formats.F16__F32 else u32(canonical(wide))


def rounded(how: int, a: F32) -> F32:
    """A float rounded to a whole number."""
    if how == Whole.RN:
        return round_even(a)
    if how == Whole.FLOOR:
        return round_down(a)
    if how == Whole.CEIL:
        return round_up(a)
    return round_zero(a)


@instruction("F2I", 0x305, SFU, variable=True)
def f2i(
    fb: Annotated[F32, converted_float()],
    flush: NOT_FLUSHED,
    to: Annotated[int, Choice(IntegerType, Field(72, 1, rest=Field(75, 2)), unmodelled=NARROW)] = IntegerType.S32,
    of: Annotated[int, Choice(Short, Field(84, 2), unmodelled=frozenset({Short.F16}))] = Short.F32,
    rounding: RoundWhole = Whole.RN,
    no_nan: Annotated[int, Flag("NTZ", Field(77, 1))] = 0,
) -> Rd:
    """Convert a float to an integer; out of range gives the nearest limit, NaN gives 2**31, or 0 with .NTZ."""
    whole = rounded(rounding, select(is_nan(fb), number(0), fb))
    for_nan = splat(0) if no_nan else splat(0x80000000)
    if to == IntegerType.S32:
        low = whole >= number(0xCF000000)
        high = whole >= number(0x4F000000)
        inside = select(low, select(high, number(0), whole), number(0))
        limited = select(high, s32(splat(0x7FFFFFFF)), float_to_s32(inside))
        return select(is_nan(fb), for_nan, u32(select(low, limited, s32(splat(0x80000000)))))
    positive = whole > number(0)
    high = whole >= number(0x4F800000)
    inside = select(positive, select(high, number(0), whole), number(0))
    return select(is_nan(fb), for_nan, select(high, splat(0xFFFFFFFF), float_to_u32(inside)))


@instruction("I2F", 0x306, SFU, variable=True)
def i2f(
    rb: Annotated[U32, converted_integer()],
    to: Annotated[int, Choice(Short, Field(75, 2), unmodelled=frozenset({Short.F16}))] = Short.F32,
    of: Annotated[int, Choice(IntegerType, Field(74, 1, rest=Field(84, 2)), unmodelled=NARROW)] = IntegerType.S32,
    rounding: Round = Rounding.RN,
) -> Fd:
    """Convert an integer to a float, to nearest even."""
    return int_to_float(s32(rb)) if of == IntegerType.S32 else int_to_float(rb)


@instruction("FRND", 0x307, SFU, variable=True)
def frnd(
    fb: Annotated[F32, converted_float()],
    flush: Flush,
    formats: Annotated[
        int, Choice(SameFormat, Field(75, 2, rest=Field(84, 2)), unmodelled=frozenset({SameFormat.F16}))
    ] = SameFormat.F32,
    rounding: RoundWhole = Whole.RN,
) -> Fd:
    """Round a float to a whole number, which is a float, too."""
    return canonical(rounded(rounding, flushed(fb, flush)))
