"""Arrays that the command line describes, and what is refused of them."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.cli.arguments import InputError
from dstc_isa.cli.made_arrays import FORMS, made_array
from dstc_isa.errors import UsageError

INTEGERS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]


@given(st.sampled_from(INTEGERS), st.data())
def test_arange_counts_exactly_in_any_integer_type(dtype, data):
    limits = np.iinfo(dtype)
    start = data.draw(st.integers(int(limits.min), int(limits.max)))
    count = data.draw(st.integers(1, 30))
    step = data.draw(st.integers(-9, 9))
    terms = [start + step * i for i in range(count)]
    text = f"arange:{dtype}:{count}:{start}:{step}"
    if limits.min <= min(terms) and max(terms) <= limits.max:
        assert made_array("x", text).tolist() == terms
    else:
        with pytest.raises(UsageError, match="cannot hold"):
            made_array("x", text)


def test_arange_and_full():
    np.testing.assert_array_equal(made_array("x", "arange:f4:2x3"), np.arange(6, dtype=np.float32).reshape(2, 3))
    np.testing.assert_array_equal(made_array("x", "arange:f2:4:1:0.5"), np.array([1, 1.5, 2, 2.5], np.float16))
    full = made_array("x", "full:f4:64x32:1.5")
    assert (full.dtype, full.shape, set(full.ravel().tolist())) == (np.float32, (64, 32), {1.5})
    assert made_array("x", "full:u4:3:0xffffffff").tolist() == [2**32 - 1] * 3
    assert np.isnan(made_array("x", "full:f2:2:nan")).all()


@pytest.mark.parametrize("dtype", [*INTEGERS, "?", "f2", "f4", "f8", "c8", "c16"])
def test_random_repeats_and_fills_its_range(dtype):
    one, again, other = (made_array("x", f"random:{dtype}:50x40{seed}") for seed in (":3", ":3", ""))
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(other, made_array("x", f"random:{dtype}:50x40:0"))
    assert (one.shape, one.dtype) == ((50, 40), np.dtype(dtype))
    assert (one != other).any()
    low, high = (np.iinfo(dtype).min, np.iinfo(dtype).max) if one.dtype.kind in "iu" else (0, 1)
    spread = float(high) - float(low)
    assert low <= one.real.min() <= low + 0.05 * spread
    assert high - 0.05 * spread <= one.real.max() <= high


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("random:f4", UsageError, r"x: write random:DTYPE:SHAPE\[:SEED\], such as random:f4:1024:7"),
        ("random:f4:3:-1", UsageError, "a seed is an integer from 0 on, not -1"),
        ("random:f4:3:1.5", UsageError, "a seed is an integer from 0 on, not 1.5"),
        ("full:f4:3", UsageError, "write full:DTYPE:SHAPE:VALUE"),
        ("full:u1:3:256", UsageError, "uint8 is an integer of 0 to 255 and cannot hold 256"),
        ("full:i4:3:1.5", UsageError, "cannot hold 1.5"),
        ("full:f2:3:70000", UsageError, "70000 is beyond the range of float16"),
        ("arange:f4:3:0:inf", UsageError, "arange counts from a finite number by a finite one"),
        ("arange:f4:3:nan", UsageError, "arange counts from a finite number by a finite one"),
        ("arange:f4:3:0:1:2", UsageError, "write arange:DTYPE:SHAPE"),
        ("arange:U3:3", UsageError, "a kernel works on numbers, not on <U3 values"),
    ],
)
def test_wrong_descriptions(text, error, message):
    with pytest.raises(error, match=message):
        made_array("x", text)


SIZES = st.one_of(
    st.integers(-3, 3).map(str), st.integers(-(10**40), 10**40).map(str), st.sampled_from(["", "n", "1.5", "1e3", "-"])
)
NUMBERS = st.sampled_from(["", "nan", "inf", "-1", "1.5", "1e400", "x", str(10**30), "9" * 400, "9" * 5000])


@given(
    st.sampled_from([*FORMS]),
    st.sampled_from(["f2", "f8", "u1", "i8", "?", "c8"]),
    st.lists(SIZES, min_size=1, max_size=3),
    st.lists(NUMBERS, max_size=2),
)
def test_any_sizes_and_numbers_make_an_array_or_one_sentence(kind, dtype, sizes, numbers):
    shape = "x".join(sizes)
    try:
        with np.errstate(all="ignore"):
            made = made_array("--arg x", ":".join([kind, dtype, shape, *numbers]))
    except (UsageError, InputError) as error:
        made = error
    if isinstance(made, np.ndarray):
        assert made.shape == tuple(map(int, sizes))
    else:
        assert re.fullmatch("--arg x: .{1,200}", str(made))
        assert isinstance(made, UsageError) or "of memory" in str(made)


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize(("shape", "message"), [("-1", "0 or more, not -1"), ("4x-7", "0 or more, not -7")])
def test_negative_sizes(kind, shape, message):
    number = ":1" if kind == "full" else ""
    with pytest.raises(UsageError, match=message):
        made_array("x", f"{kind}:u4:{shape}{number}")
