"""Lane operations against independent models: Python integers, ``struct`` and exact fractions."""

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dstc_isa.isa import lanes
from tests.strategies import LANES, U32, f32_lanes, half_lanes, masks, u32_lanes

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

FloatLanes = NDArray[np.float32]
IntegerLanes = NDArray[np.uint32]
U64 = (1 << 64) - 1
LARGEST = Fraction(2**24 - 1) * 2**104


def signed(value: int, bits: int = 32) -> int:
    """Two's complement."""
    return value - (1 << bits) if value >> (bits - 1) else value


def rounded(exact: Fraction, mantissa: int, least: int, limit: Fraction) -> float:
    """``exact`` to ``mantissa`` bits, nearest even, quantum at least 2**least; infinite beyond ``limit``."""
    if exact == 0:
        return 0.0
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    if size < Fraction(2) ** exponent:
        exponent -= 1
    quantum = Fraction(2) ** max(exponent - mantissa + 1, least)
    result = round(size / quantum) * quantum
    return math.copysign(math.inf if result > limit else float(result), exact)


def to_f32(exact: Fraction) -> float:
    """The float nearest to an exact number."""
    return rounded(exact, 24, -149, LARGEST)


def to_f16(exact: Fraction) -> float:
    """The FP16 number nearest to an exact number."""
    return rounded(exact, 11, -24, Fraction(65504))


def same(found: Any, expected: list[float]) -> None:
    """Equal lane by lane: NaN equals NaN, -0 differs from +0."""
    for lane, (a, b) in enumerate(zip(found.tolist(), expected, strict=True)):
        if not (math.isnan(a) and math.isnan(b)):
            assert (a, math.copysign(1, a)) == (b, math.copysign(1, b)), f"lane {lane}"


def fma_model(a: float, b: float, c: float) -> float:
    """a * b + c exactly, rounded once."""
    if not all(map(math.isfinite, (a, b, c))):
        return a * b + c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0:
        return a * b + c if a * b == c == 0 and 0 in (a, b) else 0.0
    return to_f32(exact)


one_integer: dict[str, tuple[Callable[[Any], Any], Callable[[int], int]]] = {
    "popc": (lanes.popc, int.bit_count),
    "leading_zeros": (lanes.leading_zeros, lambda a: 32 - a.bit_length()),
    "reverse_bits": (lanes.reverse_bits, lambda a: int(f"{a:032b}"[::-1], 2)),
    "widen": (lanes.widen, lambda a: a),
    "widen signed": (lambda a: lanes.widen(lanes.s32(a)), lambda a: signed(a) & U64),
    "narrow": (lambda a: lanes.narrow(lanes.widen(lanes.s32(a))), lambda a: a),
    "s32": (lanes.s32, signed),
    "u32 of s32": (lambda a: lanes.u32(lanes.s32(a)), lambda a: a),
    "u32 of f32": (lambda a: lanes.u32(lanes.f32(a)), lambda a: a),
}


@pytest.mark.parametrize("name", one_integer)
@settings(max_examples=40, deadline=None)
@given(a=u32_lanes())
def test_one_integer(name: str, a: IntegerLanes) -> None:
    operation, model = one_integer[name]
    assert operation(a).tolist() == [model(x) for x in a.tolist()]


two_integers: dict[str, tuple[Callable[[Any, Any], Any], Callable[[int, int], int]]] = {
    "shift_left": (lanes.shift_left, lambda a, n: a << n & U32 if n < 32 else 0),
    "shift_right": (lanes.shift_right, lambda a, n: a >> n),
    "shift_right_signed": (
        lambda a, n: lanes.shift_right_signed(lanes.s32(a), n),
        lambda a, n: signed(a) >> n if n < 32 else signed(a) >> 31,
    ),
    "shift_left u64": (
        lambda a, n: lanes.shift_left(lanes.widen(lanes.s32(a)), lanes.widen(n)),
        lambda a, n: (signed(a) & U64) << n & U64 if n < 64 else 0,
    ),
    "shift_right u64": (
        lambda a, n: lanes.shift_right(lanes.widen(lanes.s32(a)), lanes.widen(n)),
        lambda a, n: (signed(a) & U64) >> n,
    ),
    "minimum": (lanes.minimum, min),
    "maximum": (lanes.maximum, max),
    "minimum signed": (
        lambda a, b: lanes.minimum(lanes.s32(a), lanes.s32(b)),
        lambda a, b: min(signed(a), signed(b)),
    ),
    "maximum signed": (
        lambda a, b: lanes.maximum(lanes.s32(a), lanes.s32(b)),
        lambda a, b: max(signed(a), signed(b)),
    ),
    "select": (lambda a, b: lanes.select(a > b, a, b), max),
    "sum wraps": (lambda a, b: a + b, lambda a, b: a + b & U32),
    "product wraps": (lambda a, b: a * b, lambda a, b: a * b & U32),
    "u64 product wraps": (
        lambda a, b: lanes.widen(lanes.s32(a)) * lanes.widen(lanes.s32(b)),
        lambda a, b: signed(a) * signed(b) & U64,
    ),
}


@pytest.mark.parametrize("name", two_integers)
@settings(max_examples=40, deadline=None)
@given(a=u32_lanes(), b=u32_lanes())
def test_two_integers(name: str, a: IntegerLanes, b: IntegerLanes) -> None:
    operation, model = two_integers[name]
    assert operation(a, b).tolist() == [model(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]


@settings(max_examples=60, deadline=None)
@given(u32_lanes(), u32_lanes())
def test_gather_takes_lanes_modulo_32(a: IntegerLanes, index: IntegerLanes) -> None:
    assert lanes.gather(a, index).tolist() == [a.tolist()[i % LANES] for i in index.tolist()]


@settings(deadline=None)
@given(u32_lanes(), st.integers(0, LANES - 1), st.integers(-(1 << 40), 1 << 40))
def test_insert_lane_changes_a_copy(a: IntegerLanes, index: int, value: int) -> None:
    before = a.tolist()
    changed = lanes.insert_lane(a, index, value)
    assert a.tolist() == before
    assert lanes.lane_of(changed, index) == value % (1 << 32)
    assert changed.tolist()[:index] + changed.tolist()[index + 1 :] == before[:index] + before[index + 1 :]


@settings(deadline=None)
@given(masks())
def test_ballot_and_spread_are_inverse(mask: int) -> None:
    spread = lanes.spread(mask)
    assert spread.tolist() == [bool(mask >> lane & 1) for lane in range(LANES)]
    assert lanes.ballot(spread) == mask


@settings(deadline=None)
@given(st.integers(-(1 << 64), 1 << 64))
def test_splat_wraps(value: int) -> None:
    assert lanes.splat(value).tolist() == [value % (1 << 32)] * LANES
    assert lanes.splat(value).dtype == np.uint32
    assert lanes.truth(value).tolist() == [value != 0] * LANES


def test_lane_ids() -> None:
    assert lanes.lane_ids().tolist() == list(range(LANES))
    assert lanes.lane_ids().dtype == np.uint32


@settings(deadline=None)
@given(masks(), st.integers(0, LANES + 1))
def test_masks(mask: int, count: int) -> None:
    places = [lane for lane in range(LANES) if mask >> lane & 1]
    assert lanes.count_bits(mask) == len(places)
    assert lanes.drop_lowest(mask, count) == sum(1 << place for place in places[count:])
    if places:
        assert lanes.lowest_bit(mask) == places[0]


@settings(max_examples=60, deadline=None)
@given(f32_lanes(), masks())
def test_expand_puts_condensed_values_in_place(values: FloatLanes, bitmap: int) -> None:
    expanded = lanes.u32(lanes.expand(values, bitmap)).tolist()
    places = [lane for lane in range(LANES) if bitmap >> lane & 1]
    assert [expanded[place] for place in places] == lanes.u32(values).tolist()[: len(places)]


@settings(max_examples=150, deadline=None)
@given(f32_lanes(), f32_lanes(), f32_lanes())
def test_fma_rounds_once(a: FloatLanes, b: FloatLanes, c: FloatLanes) -> None:
    same(lanes.fma(a, b, c), [fma_model(*x) for x in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)])


@settings(max_examples=100, deadline=None)
@given(f32_lanes(), f32_lanes())
def test_fma_that_cancels(a: FloatLanes, b: FloatLanes) -> None:
    c = -(a * b)
    same(lanes.fma(a, b, c), [fma_model(*x) for x in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(2**23, 2**24 - 1), st.integers(-3, 3), st.integers(-3, 3), st.integers(-172, 100), st.booleans()
        ),
        min_size=LANES,
        max_size=LANES,
    )
)
def test_fma_next_to_ties(drawn: list[tuple[int, int, int, int, bool]]) -> None:
    """The sum lies within 2**-22 units of a midpoint between two floats, where a second rounding shows."""
    a, b, c = (np.zeros(LANES, np.float32) for _ in range(3))
    for lane, (whole, i, j, exponent, negative) in enumerate(drawn):
        unit = max(exponent, -149)
        split = unit // 2
        sign = -1.0 if negative else 1.0
        a[lane] = sign * math.ldexp(2**23 + i, split - 23)
        b[lane] = math.ldexp(2**23 + j, unit - split - 24)
        c[lane] = sign * math.ldexp(whole, unit)
    same(lanes.fma(a, b, c), [fma_model(*x) for x in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)])


@pytest.mark.parametrize(
    ("a", "b", "c", "result"),
    [
        (2.0**-100, 2.0**-49, 0.0, 2.0**-149),
        (2.0**-100, 2.0**-50, 0.0, 0.0),
        (2.0**-100, 1.5 * 2.0**-50, 0.0, 2.0**-149),
        (-(2.0**-100), 2.0**-50, 0.0, -0.0),
        (2.0**64, 2.0**64, 0.0, math.inf),
        (2.0**64, 2.0**64, -(2.0**127), 2.0**127),
        (0.0, -1.0, 0.0, 0.0),
        (0.0, -1.0, -0.0, -0.0),
        (math.inf, 0.0, 1.0, math.nan),
        (math.inf, 1.0, -math.inf, math.nan),
        (1 + 2.0**-23, 1 - 2.0**-23, -1.0, -(2.0**-46)),
    ],
)
def test_fma_examples(a: float, b: float, c: float, result: float) -> None:
    given_lanes = [np.full(LANES, x, np.float32) for x in (a, b, c)]
    same(lanes.fma(*given_lanes), [result] * LANES)
    assert math.isnan(result) == math.isnan(fma_model(a, b, c))


@settings(max_examples=80, deadline=None)
@given(f32_lanes())
def test_square_root_is_correctly_rounded(a: FloatLanes) -> None:
    def model(x: float) -> float:
        if math.isnan(x) or x < 0:
            return math.nan
        if x == 0 or math.isinf(x):
            return x
        exact = Fraction(x)
        scaled = math.isqrt(exact.numerator * exact.denominator << 200)
        inexact = scaled * scaled != exact.numerator * exact.denominator << 200
        return to_f32(Fraction(2 * scaled + inexact, exact.denominator << 101))

    same(lanes.square_root(a), [model(x) for x in a.tolist()])


whole_numbers: dict[str, tuple[Callable[[Any], Any], Callable[[Fraction], int]]] = {
    "round_even": (lanes.round_even, round),
    "round_down": (lanes.round_down, math.floor),
    "round_up": (lanes.round_up, math.ceil),
    "round_zero": (lanes.round_zero, math.trunc),
}


@pytest.mark.parametrize("name", whole_numbers)
@settings(max_examples=40, deadline=None)
@given(a=f32_lanes(), scale=st.sampled_from([1, 2**10]))
def test_rounding_to_whole_numbers(name: str, a: FloatLanes, scale: int) -> None:
    operation, model = whole_numbers[name]
    a = a * np.float32(scale)
    same(operation(a), [math.copysign(model(Fraction(x)), x) if math.isfinite(x) else x for x in a.tolist()])


def test_rounding_ties_go_to_even() -> None:
    halves = np.arange(LANES, dtype=np.float32) - np.float32(15.5)
    assert lanes.round_even(halves).tolist() == [below + below % 2 for below in range(-16, 16)]


@settings(max_examples=60, deadline=None)
@given(u32_lanes())
def test_integers_to_floats(a: IntegerLanes) -> None:
    same(lanes.int_to_float(a), [to_f32(Fraction(x)) for x in a.tolist()])
    same(lanes.int_to_float(lanes.s32(a)), [to_f32(Fraction(signed(x))) for x in a.tolist()])


@settings(max_examples=60, deadline=None)
@given(u32_lanes())
def test_floats_that_are_integers_convert_exactly(a: IntegerLanes) -> None:
    kept = a & np.uint32(0xFFFFFF00)
    assert lanes.float_to_u32(lanes.int_to_float(kept)).tolist() == kept.tolist()
    small = lanes.s32(kept)
    assert lanes.float_to_s32(lanes.int_to_float(small)).tolist() == small.tolist()


@settings(max_examples=60, deadline=None)
@given(f32_lanes())
def test_is_nan(a: FloatLanes) -> None:
    assert lanes.is_nan(a).tolist() == [math.isnan(x) for x in a.tolist()]


ALL_HALVES = np.arange(0x10000, dtype=np.uint32)


def test_every_half_is_the_float_that_struct_reads() -> None:
    expected = [struct.unpack("<e", half.to_bytes(2, "little"))[0] for half in range(0x10000)]
    same(lanes.half_to_float(ALL_HALVES), expected)


@settings(deadline=None)
@given(half_lanes())
def test_only_the_low_half_counts(a: IntegerLanes) -> None:
    low = lanes.half_to_float(a & np.uint32(0xFFFF))
    assert lanes.u32(lanes.half_to_float(a)).tolist() == lanes.u32(low).tolist()


def test_every_half_survives_a_float() -> None:
    back = lanes.float_to_half(lanes.half_to_float(ALL_HALVES)).tolist()
    for half, found in enumerate(back):
        nan = half & 0x7FFF > 0x7C00
        assert found == (0x7FFF if nan else half)


@pytest.mark.parametrize("nudge", [-1, 0, 1])
def test_midpoints_between_halves(nudge: int) -> None:
    below = lanes.half_to_float(np.arange(0x7BFF, dtype=np.uint32)).astype(np.float64)
    above = lanes.half_to_float(np.arange(1, 0x7C00, dtype=np.uint32)).astype(np.float64)
    middle = ((below + above) / 2).astype(np.float32)
    floats = (middle.view(np.int32) + nudge).view(np.float32)
    for sign in (1, -1):
        found = lanes.float_to_half(floats * np.float32(sign)).tolist()
        for index, half in enumerate(found):
            chosen = index + (nudge > 0 or (nudge == 0 and index & 1))
            assert half == chosen | (0x8000 if sign < 0 else 0)


@settings(max_examples=80, deadline=None)
@given(f32_lanes(), st.sampled_from([1.0, 2.0**-14, 2.0**16]))
def test_floats_round_to_the_nearest_half(a: FloatLanes, scale: float) -> None:
    a = a * np.float32(scale)
    for x, half in zip(a.tolist(), lanes.float_to_half(a).tolist(), strict=True):
        if math.isnan(x):
            assert half == 0x7FFF
        else:
            nearest = math.copysign(to_f16(Fraction(x)), x) if math.isfinite(x) else x
            assert half.to_bytes(2, "little") == struct.pack("<e", nearest)


@pytest.mark.parametrize(
    ("value", "half"),
    [(65519.0, 0x7BFF), (65520.0, 0x7C00), (-65520.0, 0xFC00), (2.0**-25, 0x0000), (-(2.0**-25), 0x8000)],
)
def test_limits_of_halves(value: float, half: int) -> None:
    assert lanes.float_to_half(np.full(LANES, value, np.float32)).tolist() == [half] * LANES
