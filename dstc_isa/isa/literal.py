"""Numbers as they are written for an operand, and as the bits that it stores."""

import struct
from enum import Enum
from math import isfinite

from dstc_isa.rounded_once import before_rounding


class Literal(Enum):
    """How an immediate in a source slot is written and what its 32 bits mean."""

    INTEGER = "a 32-bit integer"
    FLOAT = "a 32-bit float"
    HALVES = "a float that both 16-bit halves take"


def whole(number: int | float) -> int:
    """A written number as an integer; ValueError if it is a float."""
    if isinstance(number, int):
        return number
    shown = (
        f"; its FP32 bits are 0f{struct.pack('>f', number).hex()}" if isfinite(number) and abs(number) < 3e38 else ""
    )
    raise ValueError(f"expected an integer, not {number}{shown}")


def literal_bits(number: int | float, literal: Literal) -> int:
    """The 32 bits that a written number means; ValueError if there are none."""
    if literal is Literal.INTEGER:
        value = whole(number)
        if not -(1 << 31) <= value < 1 << 32:
            raise ValueError(f"{value} does not fit 32 bits: -2147483648 to 4294967295")
        return value % (1 << 32)
    code, limit = ("<f", "FP32") if literal is Literal.FLOAT else ("<e", "FP16")
    try:
        packed = struct.pack(code, before_rounding(number))
    except OverflowError:
        raise ValueError(f"{number} is beyond the range of {limit}") from None
    bits = int.from_bytes(packed, "little")
    return bits if literal is Literal.FLOAT else bits | bits << 16


def format_literal(bits: int, literal: Literal) -> str:
    """Write a 32-bit immediate so that reading it gives the same bits."""
    if literal is Literal.FLOAT:
        value = struct.unpack("<f", bits.to_bytes(4, "little"))[0]
        text = repr(value)
        if text[-1].isdigit() and "n" not in text and struct.pack("<f", float(text)) == bits.to_bytes(4, "little"):
            return text
        return f"0f{bits:08x}"
    if literal is Literal.HALVES and bits >> 16 == bits & 0xFFFF:
        value = struct.unpack("<e", bits.to_bytes(4, "little")[:2])[0]
        text = repr(value)
        if text[-1].isdigit() and "n" not in text:
            return text
    if literal is Literal.HALVES:
        return f"0f{bits:08x}"
    return f"0x{bits:x}"
