"""Counts of shares that are written in decimal: those of the decimal number, whatever its binary form is."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.decimal_share import exact_share, least_of, most_of


@given(st.decimals(0, 1, places=4), st.integers(0, 10**9), st.sampled_from([str, float]))
def test_counts_are_those_of_the_decimal_number(share: Decimal, total: int, form: type) -> None:
    given = form(share)
    assert least_of(given, total) == int((share * total).to_integral_value(ROUND_CEILING))
    assert most_of(given, total) == int((share * total).to_integral_value(ROUND_FLOOR))


def test_where_binary_fractions_are_off() -> None:
    assert (int(0.29 * 100), most_of(0.29, 100)) == (28, 29)
    assert (-int(-0.07 * 100 // 1), least_of(0.07, 100)) == (8, 7)


@pytest.mark.parametrize("text", ["", "half", "1/0.5", "nan"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(ValueError, match=r"a share is a number such as 0\.29"):
        exact_share(text)
