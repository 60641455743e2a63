from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dstc_isa import Layer, conv2d, run_layers
from dstc_isa.conv.chain import plans_of
from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.shape import shape_of
from dstc_isa.conv.sparse.activations import encode_on_host
from dstc_isa.conv.sparse.convolve import convolve
from dstc_isa.conv.sparse.sparse_plan import SparsePlan
from dstc_isa.errors import ShapeError
from tests.conv.layers import correlated


def sparse(seed: int, *shape: int, density: float = 0.5) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return (generator.standard_normal(shape) * (generator.random(shape) < density)).astype(np.float16)


def on_host(x: np.ndarray, w: np.ndarray, keep_zeros: bool, **options: Any) -> np.ndarray:
    """One layer whose activations NumPy rounds and encodes."""
    bias, relu = options.pop("bias", None), options.pop("relu", False)
    plan = SparsePlan(shape_of(x, w, **options))
    problem = ConvProblem.shaped(plan.shape, None, w, bias=bias, relu=relu)
    return convolve(encode_on_host(x.astype(np.float16), plan, keep_zeros), plan, problem).y


@settings(max_examples=12)
@given(
    st.sampled_from([(1, 1), (2, 1), (2, 3)]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["both", "weights"]),
    st.booleans(),
    st.integers(0, 99),
)
def test_layers_on_the_device_are_those_encoded_on_the_host(
    stride: tuple[int, int], relu: bool, scaled: bool, skip: Any, grouped: bool, seed: int
) -> None:
    x, first = sparse(seed, 2, 5, 11, 9), sparse(seed + 1, 36, 5, 3, 3)
    second = sparse(seed + 2, 7, 36, 3, 2, density=0.3)
    third = sparse(seed + 3, 14, 1 if grouped else 7, 1, 1)
    bias = np.linspace(-1, 1, 36, dtype=np.float32)
    # Powers of two and quarters: float64 holds what a fused multiply-add rounds.
    scale = np.exp2(np.arange(36) % 3 - 1).astype(np.float32) if scaled else None
    offset = (np.arange(36) % 5 / 4 - 0.5).astype(np.float32) if scaled else None
    groups = 7 if grouped else 1
    results = run_layers(
        x,
        [
            Layer(w=first, padding=1, bias=bias, relu=relu, scale=scale, offset=offset),
            Layer(w=second, stride=stride, padding=(0, 2, 1, 0), relu=True),
            Layer(w=third, groups=groups),
        ],
        skip=skip,
        gpu=None,
    )
    keep_zeros = skip == "weights"
    between = on_host(x, first, keep_zeros, padding=1, bias=bias, relu=relu and not scaled)
    shapes = [result.shape for result in results]
    follows = [plan.follows for plan in plans_of(shapes)]
    assert follows[1] == (stride == (1, 1))
    # An encoding launch, unless the layer before it has encoded its result.
    assert [len(result.launches) for result in results] == [1 if each else 2 for each in follows]
    if not follows[1]:
        np.testing.assert_array_equal(results[0].y, between)
    if scale is not None and offset is not None:
        exact = between.astype(np.float64) * scale[:, None, None] + offset[:, None, None]
        between = exact.astype(np.float32)
        if relu:
            between[between < 0] = 0
    if follows[1]:
        np.testing.assert_array_equal(results[0].y, between.astype(np.float16))
    activations = on_host(between, second, keep_zeros, stride=stride, padding=(0, 2, 1, 0), relu=True)
    np.testing.assert_array_equal(results[1].y, activations.astype(np.float16) if follows[2] else activations)
    np.testing.assert_array_equal(results[2].y, on_host(activations, third, keep_zeros, groups=groups))
    if not keep_zeros:
        assert results[2].density_x == np.count_nonzero(activations.astype(np.float16)) / activations.size


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([(1, 1), (3, 3), (2, 4), (1, 5), (5, 5)]),
            st.sampled_from([1, 1, 1, 2, (2, 1)]),
            st.integers(0, 3),
            st.sampled_from([1, 1, 2]),
            st.sampled_from([1, 1, 3]),
            st.booleans(),
        ),
        min_size=2,
        max_size=4,
    ),
    st.integers(0, 999),
)
def test_chains_of_small_integers_against_an_independent_implementation(layers: list[Any], seed: int) -> None:
    generator = np.random.default_rng(seed)
    x = generator.choice([0, 0, 1, -1, 2], (2, 6, 9, 8)).astype(np.float16)
    expected, chain, wanted = x, [], []
    for kernel, stride, padding, dilation, groups, relu in layers:
        shape_options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        w = generator.choice([0, 0, 0, 1, -1], (6, 6 // groups, *kernel)).astype(np.float16)
        try:
            shape = shape_of(expected, w, **shape_options)
        except ShapeError:
            break
        sums = correlated(expected.astype(float), w.astype(float), shape)
        if abs(sums).max() > 2000:
            break
        expected = np.maximum(sums, 0) if relu else sums
        chain.append(Layer(w=w, relu=relu, **shape_options))
        wanted.append(expected)
    assume(chain)
    for result, y in zip(run_layers(x, chain, gpu=None), wanted, strict=True):
        np.testing.assert_array_equal(result.y, y)


def test_a_layer_with_much_padding_does_not_widen_those_before_it() -> None:
    w = sparse(0, 4, 4, 3, 3)
    layers = [Layer(w=w, padding=1), Layer(w=w, padding=1), Layer(w=sparse(1, 4, 4, 1, 1), padding=30)]
    x = sparse(2, 1, 4, 12, 12)
    plans = plans_of([result.shape for result in run_layers(x, layers, gpu=None)])
    assert [plan.follows for plan in plans] == [False, True, False]
    assert plans[1].positions == SparsePlan(plans[1].shape).positions


def test_one_layer_is_a_convolution() -> None:
    x, w = sparse(0, 1, 3, 6, 6), sparse(1, 4, 3, 3, 3)
    (result,) = run_layers(x.astype(np.float64), [Layer(w=w, dilation=2, relu=True)])
    alone = conv2d(x, w, dilation=2, relu=True)
    np.testing.assert_array_equal(result.y, alone.y)
    assert result.cycles == alone.cycles
    assert result.density_x == alone.density_x


LARGE = np.full((1, 2, 3, 3), 200.0)
FILTERS = np.full((2, 2, 1, 1), 200.0)
SAME = np.ones((1, 2, 1, 1))


def test_a_value_between_layers_beyond_fp16_is_named() -> None:
    w = FILTERS.copy()
    w[0] = 1
    with pytest.raises(ValueError, match=r"layer 1: the result y\[0, 1, 0, 0\], 160000 as a layer .* FP16's range"):
        run_layers(LARGE, [Layer(w=np.ones((2, 2, 1, 1))), Layer(w=w), Layer(w=SAME)], gpu=None)
    scaled = Layer(w=FILTERS, scale=[0.5, 0.25], offset=[-40000, 60000])
    with pytest.raises(ValueError, match=r"layer 0: the result y\[0, 1, 0, 0\], 80000 as"):
        run_layers(LARGE, [scaled, Layer(w=SAME)], gpu=None)


def test_what_relu_a_scale_or_the_stride_leaves_out_is_not_beyond_fp16() -> None:
    (_, result) = run_layers(LARGE, [Layer(w=-FILTERS, relu=True), Layer(w=SAME)], gpu=None)
    assert (result.y == 0).all()
    (_, result) = run_layers(LARGE, [Layer(w=FILTERS, scale=[0.5, 0.5]), Layer(w=SAME)], gpu=None)
    assert (result.y == 80000).all()


def test_infinities_of_the_input_pass() -> None:
    x = LARGE / 200
    x[0, 0, 0, 0] = np.inf
    (_, result) = run_layers(x, [Layer(w=FILTERS), Layer(w=SAME)], gpu=None)
    assert np.isinf(result.y[0, 0, 0, 0])
    assert (result.y.ravel()[1:] == 800).all()


@pytest.mark.parametrize(
    ("message", "layers"),
    [
        ("layers is empty", []),
        (
            "layer 1: x has 2 channels, so w must have 2 in dimension 1, not 3",
            [(FILTERS, {}), (np.ones((1, 3, 1, 1)), {})],
        ),
        ("layer 1: the output is empty", [(FILTERS, {"stride": 3}), (np.ones((1, 2, 2, 2)), {})]),
        ("layer 0: bias has a number for each of the 2 filters", [(FILTERS, {"bias": np.ones(3)})]),
        ("layer 0: offset has a number for each of the 2 filters", [(FILTERS, {"offset": np.ones(3)}), (SAME, {})]),
        (
            "layer 1: w: filter 0, channel 0, row 0, column 0 .*: 100000.0 is beyond FP16",
            [(FILTERS, {}), (SAME * 1e5, {})],
        ),
        ("layer 1: scale and offset are applied as the next", [(FILTERS, {}), (SAME, {"scale": [2]})]),
    ],
)
def test_refused_before_anything_runs(message: str, layers: list[tuple[np.ndarray, dict[str, Any]]]) -> None:
    with pytest.raises(ValueError, match=message):
        run_layers(LARGE, [Layer(w=w, **options) for w, options in layers], gpu=None)


def test_a_layer_alone_is_no_sequence() -> None:
    with pytest.raises(TypeError, match="layers is a sequence of Layer, not a Layer"):
        run_layers(LARGE, Layer(w=FILTERS), gpu=None)  # type: ignore[arg-type]


def test_unknown_skip() -> None:
    with pytest.raises(ValueError, match="skip is both or weights"):
        run_layers(LARGE, [Layer(w=FILTERS)], skip="none", gpu=None)  # type: ignore[arg-type]


def test_a_layer_that_needs_more_rows_at_the_same_pitch() -> None:
    """Rows above and below are all that the second layer needs beyond the first one's: rows count, not the pitch."""
    x, first, second = sparse(0, 3, 4, 2, 8), sparse(1, 5, 4, 1, 1), sparse(2, 6, 5, 5, 1)
    before, behind = (
        SparsePlan(shape_of(x, first)),
        SparsePlan(shape_of(np.zeros((3, 5, 2, 8)), second, padding=(2, 0))),
    )
    assert before.pitch == behind.pitch
    assert before.rows < behind.rows
    assert before.followed_by(behind.shape) is None
    results = run_layers(x, [Layer(w=first), Layer(w=second, padding=(2, 0))], gpu=None)
    between = correlated(x, first, results[0].shape)
    np.testing.assert_allclose(results[0].y, between, atol=2.0**-9)
    y = correlated(results[0].y.astype(np.float16), second, results[1].shape)
    np.testing.assert_allclose(results[1].y, y, atol=1e-5)
