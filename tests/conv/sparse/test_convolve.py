from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.conv.conv2d import conv2d
from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.result_range import ResultRangeError
from dstc_isa.conv.shape import ConvShape
from dstc_isa.conv.sparse.activations import encode_on_host
from dstc_isa.conv.sparse.convolve import convolve, convolve_encoded
from dstc_isa.conv.sparse.filters import pack_filters
from dstc_isa.conv.sparse.sparse_plan import SparsePlan
from dstc_isa.conv.sparse.tiling import SHORT_CTAS, SPARSE_ROWS, Tiling, choose_cut
from dstc_isa.engine.run_options import RunOptions
from dstc_isa.errors import ShapeError
from dstc_isa.gpu import load_gpu
from tests.conv.layers import DENSITIES, layer_shapes, operands

WATCHED = RunOptions(check_hazards=True)
TILINGS = [Tiling(filter_tiles, parts) for filter_tiles in (1, 2) for parts in (1, 2, 4)]


def on_device(plan: SparsePlan, w: np.ndarray, **behind: Any) -> ConvProblem:
    """A convolution of a plan's shape whose activations are encoded already."""
    return ConvProblem.shaped(plan.shape, None, w, **behind)


def followed(shape: ConvShape, rows: int, columns: int, down: int, across: int) -> tuple[SparsePlan, SparsePlan]:
    """Plans of a layer and of one behind it that reads its outputs in words of its tiles."""
    _, filters, height, width = shape.output_shape
    rows, columns = min(rows, height + 2 * down), min(columns, width + 2 * across)
    behind = ConvShape(shape.images, filters, height, width, 7, rows, columns, padding=(down, down, across, across))
    least_rows, least_pitch = SparsePlan(behind).needed
    plan = SparsePlan(shape, least_pitch, least_rows)
    following = plan.followed_by(behind)
    assert following is not None
    return plan, following


@pytest.mark.slow
@settings(max_examples=40)
@given(
    layer_shapes(),
    DENSITIES,
    DENSITIES,
    st.sampled_from([None, *TILINGS]),
    st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 3), st.integers(0, 3)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
def test_an_encoded_result_is_the_stored_one_encoded_by_the_host(
    shape: ConvShape,
    density_x: float,
    density_w: float,
    tiling: Tiling | None,
    behind: tuple[int, int, int, int],
    relu: bool,
    scaled: bool,
    keep_zeros: bool,
    seed: int,
) -> None:
    x, w = operands(shape, density_x, density_w, seed)
    plan, following = followed(shape, *behind)
    encoded = encode_on_host(x, plan, keep_zeros)
    bias = np.linspace(-2, 2, shape.filters).astype(np.float32)
    stored = convolve(encoded, plan, on_device(plan, w, bias=bias, relu=relu and not scaled), tiling=tiling).y
    scale = offset = None
    if scaled:
        # Halves, so that float64 holds what a fused multiply-add rounds.
        scale, offset = (np.random.default_rng(seed).integers(-3, 4, (2, shape.filters)) / 2).astype(np.float32)
        stored = (stored.astype(np.float64) * scale[:, None, None] + offset[:, None, None]).astype(np.float32)
        if relu:
            stored[stored < 0] = 0
    halves = stored.astype(np.float16)
    result, got = convolve_encoded(
        encoded,
        plan,
        on_device(plan, w, bias=bias, scale=scale, offset=offset, relu=relu),
        following,
        keep_zeros=keep_zeros,
        tiling=tiling,
    )
    np.testing.assert_array_equal(result.y, halves)
    expected = encode_on_host(halves, following, keep_zeros)
    np.testing.assert_array_equal(got.words[..., 0], expected.words[..., 0])
    # And the layer behind reads what it would read from the host.
    filters = operands(following.shape, 0, 0.5, seed)[1]
    alone = SparsePlan(following.shape)
    from_host = convolve(encode_on_host(halves, alone, keep_zeros), alone, on_device(alone, filters)).y
    np.testing.assert_array_equal(convolve(got, following, on_device(following, filters)).y, from_host)


@pytest.mark.parametrize("relu", [False, True])
def test_values_at_the_ends_of_fp16(relu: bool) -> None:
    # FP16 rounds half of its smallest number to zero.
    x = np.zeros((1, 12, 1, 3), np.float16)
    tiny, huge = 2.0**-24, 65504.0
    x[0, :, 0, 0] = [tiny, tiny, tiny, -tiny, -tiny, huge, huge, -huge, np.nan, np.inf, -np.inf, -0.0]
    factors = [0.5, 0.5 + 2.0**-11, 1.0, 0.5 + 2.0**-11, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    w = np.diag(factors).astype(np.float16)[:, :, None, None]
    result = conv2d(x, w, relu=relu, encoded=True, gpu=None)
    stored = conv2d(x, w, relu=relu, gpu=None).y.astype(np.float16)
    np.testing.assert_array_equal(result.y, stored)
    assert np.isnan(result.y[0, 8, 0, 0])
    assert np.isinf(result.y[0, 9, 0, 0])


def test_a_result_beyond_fp16_is_named() -> None:
    x, w = np.full((1, 2, 3, 3), 200), np.full((2, 2, 1, 1), 1)
    w[1] = 200
    with pytest.raises(ResultRangeError, match=r"the result y\[0, 1, 0, 0\], 80000 as a layer behind reads it"):
        conv2d(x, w, encoded=True, gpu=None)
    assert (conv2d(x, -w, relu=True, encoded=True, gpu=None).y == 0).all()


@pytest.mark.slow
def test_a_result_is_rounded_twice_on_its_way() -> None:
    # 65519.9992 is below what FP16 rounds to infinity, but FP32 rounds it to just that.
    x, w = np.array([65504, 1]).reshape(1, 2, 1, 1), np.array([1, 15.9921875]).reshape(1, 2, 1, 1)
    plan, following = followed(ConvShape(1, 2, 1, 1, 1, 1, 1), 1, 1, 0, 0)
    with pytest.raises(ResultRangeError, match="65520 as a layer behind reads it"):
        convolve_encoded(
            encode_on_host(x.astype(np.float16), plan), plan, on_device(plan, w, offset=np.array([0.007])), following
        )


def test_an_encoded_result_that_would_have_too_many_positions() -> None:
    x, w = np.zeros((1, 1, 1, (1 << 24) - 32), np.float16), np.ones((1, 1, 1, 1))
    with pytest.raises(ShapeError, match="more positions of a filter than a sparse kernel counts"):
        conv2d(x, w, encoded=True, gpu=None)


@pytest.mark.slow
@settings(max_examples=25)
@given(
    layer_shapes(),
    DENSITIES,
    DENSITIES,
    st.sampled_from(TILINGS),
    st.integers(0, 3),
    st.sampled_from([-1, SPARSE_ROWS]),
    st.integers(0, 99),
)
def test_halves_of_windows_give_the_same_bits(
    shape: ConvShape, density_x: float, density_w: float, tiling: Tiling, whole: int, sparse_rows: int, seed: int
) -> None:
    x, w = operands(shape, density_x, density_w, seed)
    plan = SparsePlan(shape)
    encoded = encode_on_host(x, plan)
    problem = on_device(plan, w, bias=np.arange(shape.filters))
    cut = choose_cut(plan, tiling, density_w, halves=False)
    with patch("dstc_isa.conv.sparse.convolve.choose_cut", return_value=cut):
        expected = convolve(encoded, plan, problem, tiling=tiling).y
    with (
        patch("dstc_isa.conv.sparse.convolve.choose_cut", return_value=evolve(cut, whole=min(whole, cut.ctas))),
        patch("dstc_isa.conv.sparse.tiling.SPARSE_ROWS", sparse_rows),
    ):
        found = convolve(encoded, plan, problem, tiling=tiling).y
    np.testing.assert_array_equal(found.view(np.uint32), expected.view(np.uint32))


def test_the_upper_halves_of_the_last_windows_read_words_that_are_there() -> None:
    x, w = np.ones((1, 1, 8, 8), np.float16), np.ones((1, 1, 3, 3), np.float16)
    plan = SparsePlan(ConvShape(1, 1, 8, 8, 1, 3, 3, padding=(1, 1, 1, 1)))
    cut = evolve(choose_cut(plan, Tiling(1, 1), 1, halves=False), whole=0)
    with patch("dstc_isa.conv.sparse.convolve.choose_cut", return_value=cut):
        y = convolve(encode_on_host(x, plan), plan, on_device(plan, w), tiling=Tiling(1, 1)).y
    assert y[0, 0].sum() == 22 * 22


@pytest.mark.slow
@pytest.mark.parametrize("sparse_rows", [-1, SPARSE_ROWS])
@pytest.mark.parametrize("tiling", [Tiling(2, 1), Tiling(1, 1), Tiling(2, 2)], ids=str)
def test_halves_of_windows_leave_no_hazard(tiling: Tiling, sparse_rows: int) -> None:
    shape = ConvShape(1, 40, 12, 12, 70, 3, 3, padding=(1, 1, 1, 1))
    x, w = operands(shape, 0.9, 0.4, 0)
    plan = SparsePlan(shape)
    encoded = encode_on_host(x, plan)
    cut = evolve(choose_cut(plan, tiling, 1, halves=False), whole=1)
    with (
        patch("dstc_isa.conv.sparse.convolve.choose_cut", return_value=cut),
        patch("dstc_isa.conv.sparse.tiling.SPARSE_ROWS", sparse_rows),
    ):
        watched = convolve(
            encoded,
            plan,
            on_device(plan, w),
            tiling=tiling,
            gpu=load_gpu("v100-dstc"),
            options=WATCHED,
        )
    assert watched.run.timing is not None
    assert watched.run.timing.hazards == []
    np.testing.assert_array_equal(watched.y, convolve(encoded, plan, on_device(plan, w), tiling=tiling).y)


@settings(max_examples=15)
@given(layer_shapes(), DENSITIES, DENSITIES, st.booleans(), st.booleans(), st.integers(0, 99))
def test_the_kernels_for_sparse_filters_give_the_same_bits(
    shape: ConvShape, density_x: float, density_w: float, relu: bool, keep_zeros: bool, seed: int
) -> None:
    x, w = operands(shape, density_x, density_w, seed)
    plan, following = followed(shape, 3, 3, 1, 1)
    encoded, problem = encode_on_host(x, plan, keep_zeros), on_device(plan, w, relu=relu)

    def results(rows: int, ctas: int) -> tuple[Any, ...]:
        with patch.multiple("dstc_isa.conv.sparse.tiling", SPARSE_ROWS=rows, SHORT_CTAS=ctas):
            stored = convolve(encoded, plan, problem, tiling=Tiling(2, 1))
            _, got = convolve_encoded(encoded, plan, problem, following, keep_zeros=keep_zeros, tiling=Tiling(2, 1))
        (product,) = (mnemonic for mnemonic in stored.run.histogram if "SPWMMA" in mnemonic)
        return product.removeprefix("SPWMMA.643232.F32.WINDOW"), stored.y, got.words, got.values

    whole = choose_cut(plan, Tiling(2, 1), density_w, halves=False)
    with patch("dstc_isa.conv.sparse.convolve.choose_cut", return_value=whole):
        general, *expected = results(-1, 0)
        wide, *found = results(SPARSE_ROWS, SHORT_CTAS)
        short, *found_again = results(SPARSE_ROWS, 0)
    assert general == ""
    if pack_filters(w, plan, 2).longest <= SPARSE_ROWS:
        assert (wide, short) == (".WIDE", ".SHORT")
    for a, b, c in zip(found, found_again, expected, strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, c)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tiling", "short_ctas", "sparse_rows"),
    [
        (Tiling(2, 1), 0, SPARSE_ROWS),
        (Tiling(2, 1), SHORT_CTAS, SPARSE_ROWS),
        (Tiling(2, 2), SHORT_CTAS, SPARSE_ROWS),
        (Tiling(2, 1), SHORT_CTAS, -1),
        (Tiling(2, 2), SHORT_CTAS, -1),
        (Tiling(1, 4), SHORT_CTAS, -1),
    ],
    ids=str,
)
def test_time_changes_nothing_and_control_codes_leave_no_hazard(
    tiling: Tiling, short_ctas: int, sparse_rows: int
) -> None:
    shape = ConvShape(1, 40, 12, 12, 70, 3, 3, padding=(1, 1, 1, 1))
    x, w = operands(shape, 0.7, 0.4, 0)
    plan, following = followed(shape, 3, 3, 1, 1)
    encoded = encode_on_host(x, plan)
    problem = on_device(plan, w, bias=np.ones(70), scale=np.full(70, 0.5), offset=np.full(70, -1), relu=True)
    with patch.multiple("dstc_isa.conv.sparse.tiling", SHORT_CTAS=short_ctas, SPARSE_ROWS=sparse_rows):
        watched, words = convolve_encoded(
            encoded,
            plan,
            problem,
            following,
            tiling=tiling,
            gpu=load_gpu("v100-dstc"),
            options=WATCHED,
        )
    untimed, expected = convolve_encoded(encoded, plan, problem, following, tiling=tiling)
    assert watched.run.timing is not None
    assert watched.run.timing.hazards == []
    np.testing.assert_array_equal(watched.y, untimed.y)
    np.testing.assert_array_equal(words.words, expected.words)
    np.testing.assert_array_equal(words.values, expected.values)


@pytest.mark.slow
def test_the_reference_engine_agrees() -> None:
    shape = ConvShape(1, 2, 5, 5, 3, 3, 2, padding=(1, 1, 1, 1))
    x, w = operands(shape, 0.6, 0.7, 0)
    readable = conv2d(x, w, padding=1, encoded=True, gpu=None, reference=True)
    np.testing.assert_array_equal(readable.y, conv2d(x, w, padding=1, encoded=True, gpu=None).y)
