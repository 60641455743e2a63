from itertools import pairwise
from typing import Any, Literal
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dstc_isa
from dstc_isa.conv.conv2d import conv2d
from dstc_isa.conv.shape import ConvShape
from dstc_isa.conv.sparse.sparse_plan import SparsePlan
from dstc_isa.conv.sparse.tiling import SPARSE_ROWS, Tiling, choose_tiling
from dstc_isa.errors import ShapeError
from dstc_isa.gpu import load_gpu
from tests.conv.layers import DENSITIES, correlated, layer_shapes, of_merged, operands, options_of, surrounded
from tests.models.sparse_convolution import sums_in_order

TILINGS = [Tiling(filter_tiles, parts) for filter_tiles in (1, 2) for parts in (1, 2, 4)]


def chosen(shape: ConvShape, w: np.ndarray) -> Tiling:
    return choose_tiling(SparsePlan(shape), np.count_nonzero(w) / w.size)


def expected(x: np.ndarray, w: np.ndarray, shape: ConvShape, tiling: Tiling, skip: str = "both") -> np.ndarray:
    """The sums that the plan's order of accumulation gives."""
    plan = SparsePlan(shape)
    bounds = plan.parts(tiling.parts)[:, 1].astype(int)
    parts = [plan.order[first:last] for first, last in pairwise(bounds)]
    inside = surrounded(x != 0 if skip == "both" else np.ones(x.shape, bool), shape)
    return sums_in_order(
        surrounded(x, shape),
        inside,
        of_merged(w, shape, plan.merged),
        (shape.out_height, shape.out_width),
        shape.stride,
        shape.dilation,
        plan.launched.groups,
        [part[part >= 0].tolist() for part in parts],
    )


@settings(max_examples=60)
@given(
    layer_shapes(),
    DENSITIES,
    DENSITIES,
    st.sampled_from([None, *TILINGS]),
    st.sampled_from(["both", "weights"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([-1, SPARSE_ROWS]),
    st.integers(0, 99),
)
def test_bit_exact_in_the_order_of_the_plan(
    shape: ConvShape,
    density_x: float,
    density_w: float,
    tiling: Tiling | None,
    skip: Any,
    biased: bool,
    relu: bool,
    channels_last: bool,
    sparse_rows: int,
    seed: int,
) -> None:
    x, w = operands(shape, density_x, density_w, seed)
    bias = np.linspace(-3, 3, shape.filters, dtype=np.float32) if biased else None
    with patch("dstc_isa.conv.sparse.tiling.SPARSE_ROWS", sparse_rows):
        result = conv2d(
            x,
            w,
            bias=bias,
            relu=relu,
            skip=skip,
            channels_last=channels_last,
            tiling=tiling,
            gpu=None,
            **options_of(shape),
        )
    sums = expected(x, w, shape, tiling or chosen(shape, w), skip)
    if bias is not None:
        sums += bias[:, None, None]
    if relu:
        sums[sums < 0] = 0
    np.testing.assert_array_equal(result.y, sums)
    assert result.shape == shape
    assert result.density_x == np.count_nonzero(x) / x.size
    assert result.density_w == np.count_nonzero(w) / w.size
    assert result.cycles is None
    assert result.y.transpose(0, 2, 3, 1).flags.c_contiguous or not channels_last


@settings(max_examples=20)
@given(layer_shapes(), DENSITIES, DENSITIES, st.integers(0, 99))
def test_close_to_an_independent_implementation(
    shape: ConvShape, density_x: float, density_w: float, seed: int
) -> None:
    x, w = operands(shape, density_x, density_w, seed)
    y = conv2d(x, w, gpu=None, **options_of(shape)).y
    terms = shape.group_channels * shape.rows * shape.columns
    tolerance = terms * 2.0**-24 * correlated(abs(x), abs(w), shape)
    assert (abs(y - correlated(x, w, shape)) <= tolerance).all()


@pytest.mark.parametrize("skip", ["both", "weights"])
@pytest.mark.parametrize("tiling", TILINGS[::2], ids=str)
def test_crowded_windows(tiling: Tiling, skip: Any) -> None:
    shape = ConvShape(2, 40, 9, 13, 40, 3, 5, padding=(1, 1, 2, 2))
    x, w = operands(shape, 1, 1, 0)
    result = conv2d(x, w, padding=(1, 2), tiling=tiling, skip=skip, gpu=None)
    np.testing.assert_array_equal(result.y, expected(x, w, shape, tiling))


@pytest.mark.parametrize("density", [0.2, 1.0])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_infinities_and_nan_stay_where_they_are_read(value: float, density: float) -> None:
    shape = ConvShape(2, 5, 8, 8, 9, 3, 3, padding=(1, 1, 1, 1))
    x, w = operands(shape, density, 0.5, 0)
    x[0, 1, 0, 7] = x[1, 4, 7, 0] = value
    w[3, 2, 1, 1] = value
    tiling = chosen(shape, w)
    result = conv2d(x, w, padding=1, gpu=None)
    np.testing.assert_array_equal(result.y, expected(x, w, shape, tiling))
    far = [filter_ for filter_ in range(9) if filter_ != 3]
    assert np.isfinite(result.y[0, far, 2:]).all()
    assert np.isfinite(result.y[:, far][:, :, 2:6]).all()


def test_a_zero_that_counts_meets_an_infinite_filter() -> None:
    x, w = np.zeros((1, 1, 1, 3)), np.array([[[[1.0, np.inf]]]])
    x[0, 0, 0, 0] = 2
    assert conv2d(x, w, gpu=None).y.tolist() == [[[[2.0, 0.0]]]]
    assert np.isnan(conv2d(x, w, skip="weights", gpu=None).y).all()
    # Padding is no value.
    padded = conv2d(x, w, padding=(0, 0, 1, 1), skip="weights", gpu=None).y
    assert padded[0, 0, 0, 3] == 0


def test_minus_zero_is_a_zero() -> None:
    x, w = np.full((1, 3, 4, 4), -0.0), np.full((2, 3, 2, 2), -1.0)
    y = conv2d(x, w, gpu=None).y
    assert not np.signbit(y).any()
    assert conv2d(x, w, gpu=None).density_x == 0


@pytest.mark.parametrize("tiling", [Tiling(2, 2), Tiling(1, 4)], ids=str)
@pytest.mark.parametrize("density", [0.4, 1.0])
def test_time_changes_nothing_and_control_codes_leave_no_hazard(tiling: Tiling, density: float) -> None:
    shape = ConvShape(1, 40, 10, 10, 70, 3, 3, padding=(1, 1, 1, 1))
    x, w = operands(shape, density, 0.4, 0)
    options: dict[str, Any] = {"padding": 1, "bias": np.ones(70), "relu": True, "tiling": tiling}
    watched = conv2d(x, w, check_hazards=True, **options)
    timed = conv2d(x, w, **options)
    for result in (watched, timed):
        np.testing.assert_array_equal(result.y, conv2d(x, w, gpu=None, **options).y)
    for launch in watched.launches:
        assert launch.timing is not None
        assert launch.timing.hazards == []
    assert timed.cycles == watched.cycles
    assert timed.cycles is not None
    assert timed.run.timing is not None
    assert timed.cycles > timed.run.timing.cycles
    assert [launch.kernel for launch in timed.launches[:-1]] == ["encode"]


@pytest.mark.slow
def test_the_reference_engine_agrees() -> None:
    shape = ConvShape(1, 2, 5, 5, 3, 3, 2, padding=(1, 1, 1, 1))
    x, w = operands(shape, 0.6, 0.7, 0)
    readable = conv2d(x, w, padding=1, gpu=None, reference=True)
    np.testing.assert_array_equal(readable.y, conv2d(x, w, padding=1, gpu=None).y)


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", ">f4", "i8", "u1", "?"])
def test_types(dtype: str) -> None:
    x, w = np.ones((1, 2, 5, 5), dtype), np.ones((3, 2, 3, 3), dtype)
    assert (conv2d(x, w, gpu=None).y == 18).all()
    assert (conv2d(x[:, :, ::-1], np.asfortranarray(w), gpu=None).y == 18).all()
    assert (conv2d(x.tolist(), w.tolist(), gpu=None).y == 18).all()


def test_numbers_of_numpy() -> None:
    x, w = np.ones((1, 4, 9, 9)), np.ones((2, 2, 3, 3))
    two = np.int64(2)
    result = conv2d(x, w, stride=np.array([2, 1]), padding=two, dilation=(np.int32(1), two), groups=two, gpu=None)
    assert result.shape == ConvShape(1, 4, 9, 9, 2, 3, 3, (2, 1), (2, 2, 2, 2), (1, 2), 2)


def test_public_name() -> None:
    assert dstc_isa.conv2d is conv2d


X, W = np.ones((2, 4, 9, 9)), np.ones((6, 4, 3, 3))


def with_value(array: np.ndarray, place: tuple[int, ...], value: Any) -> np.ndarray:
    changed = array.copy()
    changed[place] = value
    return changed


@pytest.mark.parametrize(
    ("error", "message", "x", "w", "options"),
    [
        (ShapeError, "images is at least 1, not 0", X[:0], W, {}),
        (ShapeError, "width is at least 1, not 0", X[..., :0], W, {}),
        (ShapeError, "filters is at least 1, not 0", X, W[:0], {}),
        (ShapeError, "x has 4 channels, so w must have 4 in dimension 1, not 3", X, W[:, :3], {}),
        (ShapeError, "x has 4 dimensions", X[0], W, {}),
        (ShapeError, "stride is made of whole numbers, not 1.5", X, W, {"stride": 1.5}),
        (ShapeError, "stride is made of whole numbers, not '2'", X, W, {"stride": "2"}),
        (ShapeError, "padding is made of whole numbers", X, W, {"padding": (1, 0.5)}),
        (ShapeError, "groups is a whole number, not 2.0", X, W, {"groups": 2.0}),
        (ShapeError, r"groups is a whole number, not \(1, 2\)", X, W, {"groups": (1, 2)}),
        (ShapeError, r"bias has a number for each of the 6 filters; its shape is \(4,\)", X, W, {"bias": np.ones(4)}),
        (ShapeError, r"bias has a number for each of the 6 filters; its shape is \(\)", X, W, {"bias": 1}),
        (TypeError, "bias: expected real numbers, not complex128", X, W, {"bias": np.ones(6) * 1j}),
        (ValueError, r"bias: filter 2 .*: 1e\+39 is beyond FP32's range", X, W, {"bias": [0, 0, 1e39, 0, 0, 0]}),
        (TypeError, "x: expected real numbers, not complex128", X * 1j, W, {}),
        (TypeError, "w: expected real numbers, not <U3", X, W.astype("U3"), {}),
        (
            ValueError,
            "x: image 1, channel 2, row 3, column 4 .*: 70000.0 is beyond FP16",
            with_value(X, (1, 2, 3, 4), 7e4),
            W,
            {},
        ),
        (
            ValueError,
            "w: filter 5, channel 0, row 1, column 2 .*: -65520.0 is beyond FP16",
            X,
            with_value(W, (5, 0, 1, 2), -65520),
            {},
        ),
        (ValueError, "kernel is spconv or spconv_ohmma or conv_dense, not 'dense'", X, W, {"kernel": "dense"}),
        (ValueError, "skip is both or weights, not 'none'", X, W, {"skip": "none"}),
        (
            ValueError,
            "skip, channels_last, encoded and tiling go with",
            X,
            W,
            {"kernel": "conv_dense", "channels_last": True},
        ),
        (ValueError, "channels_last is an order of FP32 results", X, W, {"encoded": True, "channels_last": True}),
        (ValueError, "a tiling has 1 or 2 filter tiles, not 3", X, W, {"tiling": Tiling(3, 1)}),
        (ValueError, "a tiling has a power of two of parts, at most .*, not 3", X, W, {"tiling": Tiling(1, 3)}),
        (ValueError, "threads is 1 to 256, not 0", X, W, {"threads": 0}),
    ],
)
def test_what_cannot_be_used_is_named(
    error: type[Exception], message: str, x: np.ndarray, w: np.ndarray, options: dict[str, Any]
) -> None:
    with pytest.raises(error, match=message):
        conv2d(x, w, gpu=None, **options)


@pytest.mark.parametrize("kernel", ["spconv", "conv_dense"])
def test_results_do_not_depend_on_the_gpu(kernel: Literal["spconv", "conv_dense"]) -> None:
    generator = np.random.default_rng(5)
    x = generator.standard_normal((1, 64, 9, 9)).astype(np.float32)
    w = generator.standard_normal((40, 64, 3, 3)).astype(np.float32)
    small = load_gpu("v100-dstc", ["sm.count=4", "dram.latency=900", "scheduler.policy=lrr"])
    results = [conv2d(x, w, padding=1, kernel=kernel, gpu=gpu).y for gpu in (None, small)]
    assert results[0].tobytes() == results[1].tobytes()
