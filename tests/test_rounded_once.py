"""Numbers as they are written, rounded once to FP32 and FP16 whatever stands between."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.assembler import assemble
from dstc_isa.isa.literal import Literal, literal_bits
from dstc_isa.rounded_once import WrittenFloat, before_rounding, written_float

TIES = [
    ("1.00000005960464477540", 0x3F800001),
    ("1.0000000596046447753", 0x3F800000),
    ("-1.00000005960464477540", 0xBF800001),
    ("72057598332895233", 0x5B800001),
]


def nearest(exact: Fraction, bits: int) -> bool:
    """Whether the FP32 number with these bits is the nearest one to a number, to even where two are."""
    value = Fraction(float(np.uint32(bits).view(np.float32)))
    others = [Fraction(float(np.uint32(bits + step).view(np.float32))) for step in (-1, 1)]
    gap = abs(value - exact)
    return all(gap < abs(other - exact) or (gap == abs(other - exact) and bits % 2 == 0) for other in others)


@pytest.mark.parametrize(("text", "bits"), TIES)
def test_a_number_above_the_middle_is_rounded_up(text: str, bits: int) -> None:
    number = int(text) if text.isdigit() else written_float(text)
    assert literal_bits(number, Literal.FLOAT) == bits


@settings(max_examples=300, deadline=None)
@given(st.integers(1 << 23, (1 << 24) - 2), st.integers(1, 40), st.integers(-20, 20), st.sampled_from([-1, 0, 1]))
def test_decimals_about_the_middle_of_two_fp32_are_rounded_once(odd: int, digits: int, scale: int, side: int) -> None:
    middle = (Fraction(odd) + Fraction(1, 2)) * Fraction(2) ** scale
    exact = middle + side * Fraction(2) ** (scale - 24 - digits)
    decimal = Decimal(exact.numerator * 5**200 * 2**200 // exact.denominator).scaleb(-200)
    text = format(decimal, "f")
    assert nearest(Fraction(Decimal(text)), literal_bits(written_float(text), Literal.FLOAT))


@settings(max_examples=200, deadline=None)
@given(st.integers(-(1 << 63), (1 << 64) - 1))
def test_integers_are_rounded_once(number: int) -> None:
    bits = literal_bits(number, Literal.FLOAT)
    assert nearest(Fraction(number), bits) if number else bits == 0


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_float_of_a_text_is_that_of_python(number: float) -> None:
    assert float(written_float(repr(number))) == number
    assert before_rounding(number) == number


def test_signs_keep_what_is_behind_the_last_bit() -> None:
    number = written_float("1.00000005960464477540")
    assert isinstance(number, WrittenFloat)
    assert before_rounding(-number) == -before_rounding(number) == -before_rounding(abs(-number))


def test_numbers_of_no_size_take_no_time() -> None:
    assert written_float("1e-999999999") == 0
    assert written_float("1e999999999") == float("inf")


def test_programs_have_the_bits_of_what_was_written() -> None:
    source = """
.const table, .f32, 1.00000005960464477540, 72057598332895233, -1.00000005960464477540
.kernel k
    FADD R0, RZ, 1.00000005960464477540
    HADD2 R1, RZ, 1.000488281250000000001
    EXIT
.endkernel
"""
    program = assemble(source).program
    assert program is not None
    assert program.constants == b"".join(bits.to_bytes(4, "little") for bits in (0x3F800001, 0x5B800001, 0xBF800001))
    assert [word >> 32 & 0xFFFFFFFF for word in program.kernels[0].words[:2]] == [0x3F800001, 0x3C013C01]


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1e39"])
def test_a_constant_beyond_the_range_is_refused(number: str) -> None:
    assembly = assemble(f".const table, .f32, {number}\n")
    assert assembly.program is None
    assert "beyond the range" in assembly.diagnostics[0].message
