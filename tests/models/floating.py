"""Models of single- and half-precision arithmetic and of the conversions."""

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from tests.models.integer import joined
from tests.models.numbers import (
    F16,
    F32,
    Format,
    Kind,
    Number,
    add,
    equal,
    fused,
    less,
    multiply,
    number,
    reciprocal,
    rounded,
    square_root,
)
from tests.models.state import U32, Operands, lane_model, signed

ONE = 0x3F800000
SIGN = 0x80000000


def flushed(bits: int) -> int:
    """A subnormal becomes a zero of its sign."""
    return bits & SIGN if bits & 0x7F800000 == 0 else bits


def taken(x: Operands, name: str) -> Number:
    """A float source, flushed if the instruction says so."""
    bits = getattr(x, name)
    return number(flushed(bits) if x.flush else bits, F32)


def finished(x: Operands, bits: int) -> int:
    """A result, flushed and saturated if the instruction says so."""
    bits = flushed(bits) if x.flush else bits
    if not x.saturate:
        return bits
    if bits == F32.nan or bits & SIGN:
        return 0
    return min(bits, ONE)


@lane_model("fadd")
def fadd(x: Operands) -> int:
    return finished(x, add(taken(x, "fa"), taken(x, "fb"), F32))


@lane_model("fmul")
def fmul(x: Operands) -> int:
    return finished(x, multiply(taken(x, "fa"), taken(x, "fb"), F32))


@lane_model("ffma")
def ffma(x: Operands) -> int:
    return finished(x, fused(taken(x, "fa"), taken(x, "fb"), taken(x, "fc"), F32))


def total_order(bits: int) -> int:
    """A key for non-NaN floats in which -0 is less than +0."""
    return -(bits & ~SIGN) - 1 if bits & SIGN else bits


@lane_model("fmnmx")
def fmnmx(x: Operands) -> int:
    values = [flushed(bits) if x.flush else bits for bits in (x.fa, x.fb)]
    numbers = [bits for bits in values if number(bits, F32).kind is not Kind.NAN]
    if not numbers:
        return F32.nan
    return min(numbers, key=total_order) if x.pp else max(numbers, key=total_order)


@lane_model("fsetp")
def fsetp(x: Operands) -> tuple[bool, bool]:
    return compared(x, taken(x, "fa"), taken(x, "fb"))


def compared(x: Operands, a: Number, b: Number) -> tuple[bool, bool]:
    """Both predicates of a comparison."""
    unordered = Kind.NAN in (a.kind, b.kind)
    constant = {"F": False, "T": True, "NAN": unordered, "NUM": not unordered}
    how = str(x.how)
    if how in constant:
        return joined(x, constant[how])
    if unordered:
        return joined(x, how.endswith("U"))
    outcomes = {"LT": less(a, b), "EQ": equal(a, b), "GT": less(b, a)}
    outcomes |= {"LE": not less(b, a), "NE": not equal(a, b), "GE": not less(a, b)}
    return joined(x, outcomes[how.removesuffix("U")])


@lane_model("fset")
def fset(x: Operands) -> int:
    return ONE if fsetp(x)[0] else 0


@lane_model("fsel")
def fsel(x: Operands) -> int:
    return int(x.fa if x.pp else x.fb)


def float_of(bits: int) -> float:
    """The Python float of f32 bits."""
    return float(struct.unpack("<f", struct.pack("<I", bits))[0])


def exact_special(name: str, bits: int) -> int | None:
    """Bits of a special function where they are defined exactly, else None."""
    a = number(bits, F32)
    if name == "RCP":
        return reciprocal(a, F32)
    if name == "RSQ":
        return reciprocal(number(square_root(a, F32), F32), F32)
    if a.kind is Kind.NAN:
        return F32.nan
    if name == "EX2":
        if a.kind is Kind.INFINITE:
            return 0 if a.negative else F32.infinity
        value = float_of(bits)
        if value.is_integer() and -149 <= value < 128:
            return rounded(1, int(value), F32)
        return F32.infinity if value >= 128 else 0 if value < -150 else None
    if a.value == 0 and a.kind is Kind.FINITE:
        return F32.infinity | SIGN
    if a.negative:
        return F32.nan
    if a.kind is Kind.INFINITE:
        return F32.infinity
    return 0 if bits == ONE else None


RELATIVE_ERROR = 2.0**-22
"""Bound of EX2 and LG2; the errors measured over millions of arguments are 2**-22.09 and 2**-22.18."""


def special_is_right(name: str, bits: int, found: int) -> bool:
    """Whether a result of MUFU is exact where it must be, else within the error bound.

    A subnormal result of EX2 may also be off by its own rounding.
    """
    exact = exact_special(name, bits)
    if exact is not None:
        return found == exact
    x, y = float_of(bits), float_of(found)
    if name == "EX2":
        expected = 2.0**x
        return bool(abs(y - expected) <= expected * RELATIVE_ERROR + 2.0**-149)
    expected = math.log2(x)
    return abs(y - expected) <= abs(expected) * RELATIVE_ERROR


def halves(low: int, high: int) -> int:
    return low | high << 16


def each_half(x: Operands, *names: str) -> list[list[Number]]:
    """Per half, the numbers of the named operands."""
    return [[number(getattr(x, name)[half], F16) for name in names] for half in (0, 1)]


@lane_model("hadd2")
def hadd2(x: Operands) -> int:
    return halves(*(add(a, b, F16) for a, b in each_half(x, "ha", "hb")))


@lane_model("hmul2")
def hmul2(x: Operands) -> int:
    return halves(*(multiply(a, b, F16) for a, b in each_half(x, "ha", "hb")))


@lane_model("hfma2")
def hfma2(x: Operands) -> int:
    return halves(*(fused(a, b, c, F16) for a, b, c in each_half(x, "ha", "hb", "hc")))


def converted(a: Number, fmt: Format) -> int:
    """A number in another format."""
    return multiply(a, Number(Kind.FINITE, False, 1, 0), fmt)


@lane_model("f2f")
def f2f(x: Operands) -> int:
    formats = {"F16": F16, "F32": F32}
    to, of = (formats[name] for name in str(x.formats).split("."))
    source = x.operand("rb")[1]
    bits = x.rb >> 16 if getattr(source, "suffix", "") == "H1" else x.rb
    bits &= 2 * of.sign_bit - 1
    return converted(number(signed_bits(bits, source, of.sign_bit), of), to)


def signed_bits(bits: int, source: Any, sign: int) -> int:
    """A float's bits with the signs of the operand that it is."""
    if getattr(source, "absolute", False):
        bits &= ~sign
    return bits ^ sign if getattr(source, "negate", False) else bits


@lane_model("f2i")
def f2i(x: Operands) -> int:
    a = number(x.fb, F32)
    low, high = (-(1 << 31), (1 << 31) - 1) if x.to == "S32" else (0, U32)
    if a.kind is Kind.NAN:
        return 0 if x.no_nan else SIGN
    if a.kind is Kind.INFINITE:
        return (low if a.negative else high) & U32
    return min(max(whole(a, str(x.rounding)), low), high) & U32


ROUNDINGS: dict[str, Callable[[Fraction], int]] = {
    "RN": round,
    "FLOOR": math.floor,
    "CEIL": math.ceil,
    "TRUNC": math.trunc,
}


def whole(a: Number, rounding: str) -> int:
    """The whole number that a finite number is rounded to."""
    return ROUNDINGS[rounding](Fraction(a.value) * Fraction(2) ** a.exponent)


@lane_model("frnd")
def frnd(x: Operands) -> int:
    bits = flushed(x.fb) if x.flush else x.fb
    a = number(bits, F32)
    if a.kind is Kind.NAN:
        return F32.nan
    if a.kind is Kind.INFINITE:
        return bits
    result = whole(a, str(x.rounding))
    return rounded(result, 0, F32) if result else bits & SIGN


@lane_model("i2f")
def i2f(x: Operands) -> int:
    return rounded(signed(x.rb) if x.of == "S32" else x.rb, 0, F32)
