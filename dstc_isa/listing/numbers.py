"""Texts of numbers in instructions: integers, floats by their bits, addresses, constants and control codes."""

import struct
from math import copysign, inf, isfinite, isinf, nan

LEAST_EXPONENT = 1e9
"""From which number on floats are printed with an exponent, as nvdisasm 12.4 prints them."""

SPECIAL_FLOATS = {"+INF": inf, "-INF": -inf, "+QNAN": nan, "-QNAN": copysign(nan, -1.0)}
"""Floats that are no finite numbers, as they are written."""

NO_SCOREBOARD = 7
SCOREBOARDS = 6

SINGLE, HALF, DOUBLE = struct.Struct("<f"), struct.Struct("<e"), struct.Struct("<d")
LOW_HALF = 0xFFFF


def floating(layout: struct.Struct, bits: int) -> str | None:
    """The text of a float of a layout, which gives its bits back; None for a NaN that has no name."""
    data = bits.to_bytes(layout.size, "little")
    (value,) = layout.unpack(data)
    if not isfinite(value):
        name = ("-" if copysign(1.0, value) < 0 else "+") + ("INF" if isinf(value) else "QNAN")
        return name if layout.pack(SPECIAL_FLOATS[name]) == data else None
    if value == 0:
        return "0" if copysign(1.0, value) > 0 else "-0.0"
    return f"{value:.20e}" if abs(value) >= LEAST_EXPONENT else f"{value:.20g}"


def hexadecimal(value: int) -> str:
    """An integer with its sign before ``0x``."""
    return f"{value:#x}"


def signed(bits: int) -> str:
    """32 bits as a signed integer."""
    return f"-0x{(1 << 32) - bits:x}" if bits >> 31 else f"0x{bits:x}"


def single(bits: int) -> str:
    """32 bits as a float."""
    return floating(SINGLE, bits) or f"0f{bits:08x}"


def halves(bits: int) -> str:
    """32 bits as two 16-bit floats, the upper one first."""
    high, low = floating(HALF, bits >> 16), floating(HALF, bits & LOW_HALF)
    return f"0f{bits:08x}" if high is None or low is None else f"{high}, {low}"


def half(bits: int) -> str:
    """The low 16 bits as a float."""
    return floating(HALF, bits & LOW_HALF) or f"0f{bits:08x}"


def double(bits: int) -> str:
    """The upper 32 bits of a 64-bit float whose others are zero."""
    return floating(DOUBLE, bits << 32) or f"0f{bits:08x}"


def displaced(base: str, offset: int) -> str:
    """The inside of an address: the text of a register, or nothing, plus a number of bytes."""
    if not offset:
        return base or "RZ"
    return f"{base}+{offset:#x}" if base else f"{offset:#x}"


def constant(bank: int, inside: str) -> str:
    """A place in a constant bank."""
    return f"c[0x{bank:x}][{inside}]"


def from_next(distance: int, word_bytes: int) -> str:
    """A place in the code by its distance from the next instruction, as it is written: from this one."""
    return f".{distance + word_bytes:+d}"


def control_code(wait: int, read: int, write: int, yields: bool, stall: int) -> str:
    """A control code as it is written before an instruction: ``B01----:R-:W2:Y:S04``."""
    waited = "".join(str(number) if wait >> number & 1 else "-" for number in range(SCOREBOARDS))
    signalled = ["-" if number == NO_SCOREBOARD else number for number in (read, write)]
    return f"B{waited}:R{signalled[0]}:W{signalled[1]}:{'Y' if yields else '-'}:S{stall:02d}"
