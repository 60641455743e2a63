import ctypes
import math
import operator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dstc_isa.assembler.arithmetic import LIMIT, binary, is_true, prefix

INTEGERS = st.integers(1 - LIMIT, LIMIT - 1)
PLAIN = {"+": operator.add, "-": operator.sub, "*": operator.mul, "&": operator.and_, "|": operator.or_}
COMPARISONS = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, ">=": operator.ge}


@given(st.sampled_from(list(PLAIN)), INTEGERS, INTEGERS)
def test_integers_are_exact_or_refused(sign, a, b):
    exact = PLAIN[sign](a, b)
    if abs(exact) < LIMIT:
        assert binary(sign, a, b) == exact
    else:
        with pytest.raises(ValueError, match="64 bits"):
            binary(sign, a, b)


@given(st.integers(-1000, 1000), st.integers(-50, 50))
def test_division_truncates_as_in_c(a, b):
    assume(b)
    quotient = ctypes.c_int(int(a / b)).value
    assert binary("/", a, b) == quotient
    assert binary("%", a, b) == a - quotient * b


@given(st.sampled_from(list(COMPARISONS)), st.floats(allow_nan=False), INTEGERS)
def test_comparisons_are_0_or_1(sign, a, b):
    assert binary(sign, a, b) == int(COMPARISONS[sign](a, b))


@given(st.booleans(), st.booleans())
def test_logic(a, b):
    assert binary("&&", int(a), float(b)) == int(a and b)
    assert binary("||", int(a), float(b)) == int(a or b)
    assert prefix("!", int(a)) == int(not a)


@pytest.mark.parametrize(
    ("sign", "a", "b", "message"),
    [
        ("/", 1, 0, "division by zero"),
        ("%", 1, 0, "division by zero"),
        ("/", 1.0, 0, "division by zero"),
        ("<<", 1, 100_000_000, "a shift is by 0 to 64 bits"),
        (">>", 1, -1, "a shift is by 0 to 64 bits"),
        ("&", 1.5, 1, "& takes integers"),
        ("*", 1e308, 10, "beyond the range of floating point"),
        ("-", -1e308, 1e308, "beyond the range of floating point"),
        ("/", 1e308, 1e-9, "beyond the range of floating point"),
    ],
)
def test_refusals(sign, a, b, message):
    with pytest.raises(ValueError, match=message):
        binary(sign, a, b)


def test_prefix():
    assert (prefix("-", 3), prefix("~", 0), prefix("-", 1.5)) == (-3, -1, -1.5)
    with pytest.raises(ValueError, match="integer"):
        prefix("~", 1.0)
    with pytest.raises(ValueError, match="not a number"):
        is_true(float("nan"))


@given(st.sampled_from(["<<", ">>"]), st.integers(-3, 3), st.integers(0, 64))
def test_shifts_are_by_0_to_64_bits(sign, a, b):
    exact = a << b if sign == "<<" else a >> b
    if abs(exact) < LIMIT:
        assert binary(sign, a, b) == exact
    else:
        with pytest.raises(ValueError, match="64 bits"):
            binary(sign, a, b)


def test_a_shift_by_64_bits_is_one():
    assert binary("<<", 0, 64) == 0
    assert binary(">>", LIMIT - 1, 64) == 0
    assert binary(">>", -1, 64) == -1


@given(INTEGERS)
def test_a_complement_has_64_bits_as_well(a):
    if a < LIMIT - 1:
        assert prefix("~", a) == -a - 1
    else:
        with pytest.raises(ValueError, match="64 bits"):
            prefix("~", a)


@given(st.sampled_from(["+", "-", "*"]), st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e308, 1e308))
def test_floats_are_finite_or_refused(sign, a, b):
    exact = PLAIN[sign](a, b)
    if abs(exact) < math.inf:
        assert binary(sign, a, b) == exact
    else:
        with pytest.raises(ValueError, match="beyond the range"):
            binary(sign, a, b)
