"""Numbers as they are written for an operand, and as the bits that it stores."""

import struct
from enum import Enum
from math import copysign, isfinite, isinf

from dstc_isa.isa.symbolic import text_of_numbers
from dstc_isa.listing.numbers import double, half, halves, hexadecimal, signed, single
from dstc_isa.rounded_once import before_rounding

LOW_WORD = (1 << 32) - 1


class Literal(Enum):
    """How an immediate in a source slot is written and what its 32 bits mean."""

    INTEGER = "a 32-bit integer"
    SIGNED = "a signed 32-bit integer"
    FLOAT = "a 32-bit float"
    HALVES = "two floats, the upper half's first, or one that both 16-bit halves take"
    HALF = "a 16-bit float"
    DOUBLE = "a 64-bit float of which the low 32 bits are zero"


def whole(number: int | float) -> int:
    """A written number as an integer; ValueError if it is a float."""
    if isinstance(number, int):
        return number
    if number == 0 and copysign(1.0, number) < 0:
        return 0
    shown = (
        f"; its FP32 bits are 0f{struct.pack('>f', number).hex()}" if isfinite(number) and abs(number) < 3e38 else ""
    )
    raise ValueError(f"expected an integer, not {number}{shown}")


class _Format:
    """Floats of one width as they are packed: ``code`` of struct, and how messages call it."""

    def __init__(self, code: str, name: str) -> None:
        self.code, self.name = code, name

    def pack(self, number: int | float) -> int:
        """The bits of a number, rounded once; ValueError if it is beyond the range."""
        try:
            value = float(number) if self.code == "<d" else before_rounding(number)
            if isinf(value) and not isinf(number):
                raise OverflowError
            return int.from_bytes(struct.pack(self.code, value), "little")
        except OverflowError:
            raise ValueError(f"{number} is beyond the range of {self.name}") from None


_SINGLE, _HALF, _DOUBLE = _Format("<f", "FP32"), _Format("<e", "FP16"), _Format("<d", "FP64")


def literal_bits(number: int | float, literal: Literal) -> int:
    """The 32 bits that a written number means; ValueError if there are none."""
    match literal:
        case Literal.INTEGER | Literal.SIGNED:
            value = whole(number)
            if not -(1 << 31) <= value < 1 << 32:
                raise ValueError(f"{value} does not fit 32 bits: -2147483648 to 4294967295")
            return value % (1 << 32)
        case Literal.FLOAT:
            return _SINGLE.pack(number)
        case Literal.HALVES:
            bits = _HALF.pack(number)
            return bits | bits << 16
        case Literal.HALF:
            return _HALF.pack(number)
        case Literal.DOUBLE:
            bits = _DOUBLE.pack(number)
            if bits & LOW_WORD:
                raise ValueError(f"{number} has more bits than the upper half of FP64 holds")
            return bits >> 32


def pair_bits(high: int | float, low: int | float) -> int:
    """The 32 bits of two written halves; ValueError if one is beyond the range of FP16."""
    return _HALF.pack(high) << 16 | _HALF.pack(low)


_WRITTEN = {
    Literal.INTEGER: hexadecimal,
    Literal.SIGNED: signed,
    Literal.FLOAT: single,
    Literal.HALVES: halves,
    Literal.HALF: half,
    Literal.DOUBLE: double,
}


def format_literal(bits: int, literal: Literal) -> str:
    """Write a 32-bit immediate so that reading it gives the same bits."""
    return text_of_numbers(_WRITTEN[literal], bits)
