"""IEEE 754 binary formats on Python integers: a finite number is an integer count of the format's quantum."""

import math
from enum import Enum

from attrs import frozen


class Kind(Enum):
    """Class of a float."""

    FINITE = 0
    INFINITE = 1
    NAN = 2


@frozen
class Format:
    """A binary format; every finite number is a multiple of 2**least."""

    bits: int
    precision: int
    least: int

    @property
    def sign_bit(self) -> int:
        return 1 << (self.bits - 1)

    @property
    def infinity(self) -> int:
        """Bits of +infinity."""
        return self.sign_bit - (1 << (self.precision - 1))

    @property
    def nan(self) -> int:
        """Bits of the canonical NaN."""
        return self.sign_bit - 1


F32 = Format(32, 24, -149)
F64 = Format(64, 53, -1074)
F16 = Format(16, 11, -24)


@frozen
class Number:
    """A float taken apart: ``value`` * 2**``exponent`` if finite; ``negative`` also tells -0 and -inf."""

    kind: Kind
    negative: bool
    value: int = 0
    exponent: int = 0


def number(bits: int, fmt: Format) -> Number:
    """Take a float apart."""
    negative = bool(bits & fmt.sign_bit)
    magnitude = bits & (fmt.sign_bit - 1)
    if magnitude > fmt.infinity:
        return Number(Kind.NAN, negative)
    if magnitude == fmt.infinity:
        return Number(Kind.INFINITE, negative)
    stored = fmt.precision - 1
    index, fraction = magnitude >> stored, magnitude & ((1 << stored) - 1)
    value = fraction if index == 0 else (fraction | 1 << stored) << (index - 1)
    return Number(Kind.FINITE, negative, -value if negative else value, fmt.least)


def rounded(value: int, exponent: int, fmt: Format, negative_zero: bool = False) -> int:
    """Bits of value * 2**exponent, to nearest even; an exact zero is -0 if ``negative_zero``."""
    if value == 0:
        return fmt.sign_bit if negative_zero else 0
    size = abs(value)
    shift = max(size.bit_length() - fmt.precision, fmt.least - exponent)
    if shift > 0:
        kept, rest = divmod(size, 1 << shift)
        half = 1 << (shift - 1)
        kept += rest > half or (rest == half and kept & 1)
    else:
        kept = size << -shift
    bits = ((exponent + shift - fmt.least) << (fmt.precision - 1)) + kept
    return min(bits, fmt.infinity) | (fmt.sign_bit if value < 0 else 0)


def signed_infinity(negative: bool, fmt: Format) -> int:
    return fmt.infinity | (fmt.sign_bit if negative else 0)


def fused(a: Number, b: Number, c: Number, fmt: Format) -> int:
    """Bits of a * b + c with one rounding; a NaN is canonical."""
    if Kind.NAN in (a.kind, b.kind, c.kind):
        return fmt.nan
    negative = a.negative != b.negative
    infinite = Kind.INFINITE in (a.kind, b.kind)
    if infinite and 0 in (a.value if a.kind is Kind.FINITE else 1, b.value if b.kind is Kind.FINITE else 1):
        return fmt.nan
    if infinite:
        if c.kind is Kind.INFINITE and c.negative != negative:
            return fmt.nan
        return signed_infinity(negative, fmt)
    if c.kind is Kind.INFINITE:
        return signed_infinity(c.negative, fmt)
    product, exponent = a.value * b.value, a.exponent + b.exponent
    low = min(exponent, c.exponent)
    total = (product << (exponent - low)) + (c.value << (c.exponent - low))
    return rounded(total, low, fmt, negative_zero=negative and c.negative)


ONE = Number(Kind.FINITE, False, 1, 0)
MINUS_ZERO = Number(Kind.FINITE, True)


def add(a: Number, b: Number, fmt: Format) -> int:
    """Bits of a + b."""
    return fused(ONE, a, b, fmt)


def multiply(a: Number, b: Number, fmt: Format) -> int:
    """Bits of a * b."""
    return fused(a, b, MINUS_ZERO, fmt)


def reciprocal(a: Number, fmt: Format) -> int:
    """Bits of 1 / a, to nearest even."""
    if a.kind is Kind.NAN:
        return fmt.nan
    if a.kind is Kind.INFINITE:
        return fmt.sign_bit if a.negative else 0
    if a.value == 0:
        return signed_infinity(a.negative, fmt)
    scale = abs(a.value).bit_length() + 64
    quotient, rest = divmod(1 << scale, abs(a.value))
    sticky = 2 * quotient + bool(rest)
    return rounded(-sticky if a.negative else sticky, -scale - 1 - a.exponent, fmt)


def square_root(a: Number, fmt: Format) -> int:
    """Bits of the square root, to nearest even; the root of -0 is -0."""
    if a.kind is Kind.NAN or (a.negative and (a.value or a.kind is Kind.INFINITE)):
        return fmt.nan
    if a.kind is Kind.INFINITE:
        return fmt.infinity
    even = a.exponent - a.exponent % 2 - 128
    scaled = a.value << (a.exponent - even)
    root = math.isqrt(scaled)
    return rounded(2 * root + (root * root != scaled), even // 2 - 1, fmt, a.negative)


def less(a: Number, b: Number) -> bool:
    """Ordered a < b; false if one is NaN."""
    if Kind.NAN in (a.kind, b.kind):
        return False
    return place(a) < place(b)


def equal(a: Number, b: Number) -> bool:
    """a == b; false if one is NaN."""
    return Kind.NAN not in (a.kind, b.kind) and place(a) == place(b)


def place(a: Number) -> tuple[int, int]:
    """A key that orders numbers of one format; +0 and -0 are equal."""
    if a.kind is Kind.INFINITE:
        return (-1 if a.negative else 1, 0)
    return (0, a.value)
