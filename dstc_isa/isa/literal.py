"""Numbers as they are written for an operand, and as the bits that it stores."""

import struct
from enum import Enum
from math import copysign, inf, isfinite, isinf, nan

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

    def show(self, bits: int) -> str | None:
        """The text of a number, which gives the bits back; None for a NaN that has no name."""
        (value,) = struct.unpack(self.code, bits.to_bytes(struct.calcsize(self.code), "little"))
        if not isfinite(value):
            name = ("-" if copysign(1.0, value) < 0 else "+") + ("INF" if isinf(value) else "QNAN")
            return name if self.pack(SPECIAL_FLOATS[name]) == bits else None
        if value == 0:
            return "0" if copysign(1.0, value) > 0 else "-0.0"
        return f"{value:.20e}" if abs(value) >= LEAST_EXPONENT else f"{value:.20g}"


LEAST_EXPONENT = 1e9
"""From which number on floats are printed with an exponent, as nvdisasm 12.4 prints them."""

SPECIAL_FLOATS = {"+INF": inf, "-INF": -inf, "+QNAN": nan, "-QNAN": copysign(nan, -1.0)}
"""Floats that are no finite numbers, as they are written."""

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


def format_literal(bits: int, literal: Literal) -> str:
    """Write a 32-bit immediate so that reading it gives the same bits."""
    match literal:
        case Literal.INTEGER:
            return f"0x{bits:x}"
        case Literal.SIGNED:
            return f"-0x{(1 << 32) - bits:x}" if bits >> 31 else f"0x{bits:x}"
        case Literal.FLOAT:
            return _SINGLE.show(bits) or f"0f{bits:08x}"
        case Literal.HALVES:
            high, low = _HALF.show(bits >> 16), _HALF.show(bits & 0xFFFF)
            return f"0f{bits:08x}" if high is None or low is None else f"{high}, {low}"
        case Literal.HALF:
            return _HALF.show(bits & 0xFFFF) or f"0f{bits:08x}"
        case Literal.DOUBLE:
            return _DOUBLE.show(bits << 32) or f"0f{bits:08x}"
