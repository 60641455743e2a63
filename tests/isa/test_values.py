"""Operand values and how they print."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.isa.values import (
    Address,
    BarrierRegister,
    Constant,
    Marker,
    Predicate,
    Register,
    Value,
    decorate,
    negated,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Register(0), "R0"),
        (Register(255), "RZ"),
        (Register(7, negate=True, absolute=True), "-|R7|"),
        (Register(7, suffix="H1", reuse=True), "R7.reuse.H1"),
        (Register(7, absolute=True, reuse=True), "|R7|.reuse"),
        (Constant(3, 0x160), "c[0x3][0x160]"),
        (Constant(0, 4, negate=True), "-c[0x0][0x4]"),
        (Predicate(7), "PT"),
        (Predicate(2, negate=True), "!P2"),
        (Address(4, 0), "[R4]"),
        (Address(4, 16), "[R4+0x10]"),
        (Address(4, -16), "[R4+-0x10]"),
        (Address(255, 0), "[RZ]"),
        (Address(255, 32), "[0x20]"),
        (Address(255, -4), "[-0x4]"),
        (Address(6, 8, wide=True), "[R6.64+0x8]"),
        (Address(6, 8, bank=3), "c[0x3][R6+0x8]"),
        (BarrierRegister(9), "B9"),
        (Marker("PR"), "PR"),
    ],
)
def test_text(value: Value, text: str) -> None:
    assert str(value) == text


@settings(deadline=None)
@given(st.text(min_size=1), st.booleans(), st.booleans())
def test_signs_stand_around_the_text(text: str, negate: bool, absolute: bool) -> None:
    assert decorate(text, negate, absolute) == "-" * negate + "|" * absolute + text + "|" * absolute


@settings(deadline=None)
@given(
    st.one_of(
        st.builds(Register, st.integers(0, 255), st.booleans(), st.booleans()),
        st.builds(Constant, st.integers(0, 31), st.integers(0, 99), st.booleans()),
    )
)
def test_negating_twice_changes_nothing(value: Register | Constant) -> None:
    assert negated(value).negate != value.negate
    assert negated(negated(value)) == value
