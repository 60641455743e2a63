"""Conversions from and to numbers of 64 bits. Read and written, not executed."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import U32, Modified
from dstc_isa.isa.modifier import Choice, Flag
from dstc_isa.isa.operand import Registers
from dstc_isa.isa.register_operand import Destination
from dstc_isa.isa.volta.convert import FloatType, RoundWhole, Whole, converted_float, converted_integer
from dstc_isa.isa.volta.float import Flush, Round, Rounding
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.units import SFU

UNMODELLED = "conversions of 64-bit numbers have no semantics here"


class FormatsOfDoubles(IntEnum):
    """Two float formats, the result's first, of a conversion to or from 64 bits."""

    F64__F16 = 7
    F64__F32 = 11
    F16__F64 = 13
    F32__F64 = 14


class LongType(IntEnum):
    """Integer formats."""

    U8 = 0
    S8 = 1
    U16 = 2
    S16 = 3
    U32 = 4
    S32 = 5
    U64 = 6
    S64 = 7


class SameFormat(IntEnum):
    """The float format of 64 bits, from and to which is converted."""

    F64 = 15


LONG = (LongType.U64, LongType.S64)
SHORT = "one of the formats has 64 bits"


FLOATS_TO = Registers("formats", {FormatsOfDoubles.F64__F16: 2, FormatsOfDoubles.F64__F32: 2})
FLOATS_OF = Registers("formats", {FormatsOfDoubles.F16__F64: 2, FormatsOfDoubles.F32__F64: 2})
INTEGER_TO, INTEGER_OF = (Registers(name, dict.fromkeys(LONG, 2)) for name in ("to", "of"))
FLOAT_TO, FLOAT_OF = (Registers(name, {FloatType.F64: 2}) for name in ("to", "of"))


def to_long(names: Modified) -> str | None:
    """Why no F2I of 64 bits has these formats."""
    return None if names["to"] in LONG or names["of"] == FloatType.F64 else SHORT


def from_long(names: Modified) -> str | None:
    """Why no I2F of 64 bits has these formats."""
    return None if names["of"] in LONG or names["to"] == FloatType.F64 else SHORT


@instruction("F2F", 0x310, SFU, variable=True, unmodelled=UNMODELLED)
def f2f_long(
    rb: Annotated[U32, converted_float(FLOATS_OF)],
    flush: Flush,
    formats: Annotated[int, Choice(FormatsOfDoubles, Field(75, 2, rest=Field(84, 2)))],
    rounding: Round = Rounding.RN,
) -> Annotated[U32, Destination(width=FLOATS_TO)]:
    """Convert between float formats of which one has 64 bits."""


@instruction("F2I", 0x311, SFU, variable=True, unmodelled=UNMODELLED, rule=to_long)
def f2i_long(
    rb: Annotated[U32, converted_float(FLOAT_OF)],
    flush: Flush,
    to: Annotated[int, Choice(LongType, Field(72, 1, rest=Field(75, 2)))] = LongType.S32,
    of: Annotated[int, Choice(FloatType, Field(84, 2))] = FloatType.F32,
    rounding: RoundWhole = Whole.RN,
    no_nan: Annotated[int, Flag("NTZ", Field(77, 1))] = 0,
) -> Annotated[U32, Destination(width=INTEGER_TO)]:
    """Convert a float to an integer, of which one has 64 bits."""


@instruction("I2F", 0x312, SFU, variable=True, unmodelled=UNMODELLED, rule=from_long)
def i2f_long(
    rb: Annotated[U32, converted_integer(INTEGER_OF)],
    to: Annotated[int, Choice(FloatType, Field(75, 2))] = FloatType.F32,
    of: Annotated[int, Choice(LongType, Field(74, 1, rest=Field(84, 2)))] = LongType.S32,
    rounding: Round = Rounding.RN,
) -> Annotated[U32, Destination(width=FLOAT_TO)]:
    """Convert an integer to a float, of which one has 64 bits."""


@instruction("FRND", 0x313, SFU, variable=True, unmodelled=UNMODELLED)
def frnd_long(
    rb: Annotated[U32, converted_float(2)],
    flush: Flush,
    formats: Annotated[int, Choice(SameFormat, Field(75, 2, rest=Field(84, 2)))],
    rounding: RoundWhole = Whole.RN,
) -> Annotated[U32, Destination(width=2)]:
    """Round a double to a whole number, which is a double, too."""
