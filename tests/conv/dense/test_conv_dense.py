import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.conv.dense.conv_dense import conv_dense
from dstc_isa.conv.dense.dense_plan import NARROW, SMALL, WIDE, DensePlan, part_slabs_of, plan_of
from dstc_isa.conv.shape import ConvShape, shape_of
from dstc_isa.errors import ShapeError
from dstc_isa.gpu import load_gpu
from dstc_isa.halves import ValueRangeError
from tests.conv.layers import correlated, of_merged, options_of, surrounded
from tests.conv.layers import operands as sparse_operands
from tests.models.convolution import in_order


@st.composite
def shapes(draw: st.DrawFn) -> ConvShape:
    def number(low: int, high: int) -> int:
        return draw(st.integers(low, high))

    rows, columns = draw(st.sampled_from([(1, 1), (3, 3), (1, 7), (5, 2), (11, 11)]))
    stride, dilation = (number(1, 4), number(1, 4)), (number(1, 2), number(1, 3))
    padding = (number(0, rows), number(0, rows), number(0, columns), number(0, columns))
    groups = draw(st.sampled_from([1, 1, 2, 3, 8]))
    channels = groups * draw(st.sampled_from([1, 3, 8, 9, 70] if rows * columns < 20 else [1, 3]))
    filters = groups * draw(st.sampled_from([1, 5, 17, 70] if groups == 1 else [1, 2, 9]))
    least = [
        max(1, dilation[0] * (rows - 1) + 1 - sum(padding[:2])),
        max(1, dilation[1] * (columns - 1) + 1 - sum(padding[2:])),
    ]
    height, width = (number(size, size + 20) for size in least)
    images = number(1, 3)
    return ConvShape(images, channels, height, width, filters, rows, columns, stride, padding, dilation, groups)


@st.composite
def large_kernels(draw: st.DrawFn) -> ConvShape:
    """Convolutions with more rows or columns than the kernel has bits for."""
    rows, columns = draw(st.sampled_from([(16, 1), (1, 40), (3, 17), (17, 18)]))
    stride = draw(st.sampled_from([(1, 1), (2, 3), (5, 8), (1, 16), (20, 20)]))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (2, 2)]))
    padding = [draw(st.integers(0, size)) for size in (rows, rows, columns, columns)]
    groups = draw(st.sampled_from([1, 1, 2, 4]))
    channels, filters = (groups * draw(st.sampled_from([1, 2, 9])) for _ in "xw")
    reach = [step * (size - 1) + 1 for step, size in zip(dilation, (rows, columns), strict=True)]
    height, width = (
        draw(st.integers(max(1, size - sum(sides)), size + 20))
        for size, sides in zip(reach, (padding[:2], padding[2:]), strict=True)
    )
    images = draw(st.integers(1, 2))
    return ConvShape(images, channels, height, width, filters, rows, columns, stride, tuple(padding), dilation, groups)


@st.composite
def plans(draw: st.DrawFn, shape: ConvShape) -> DensePlan:
    tile = draw(st.sampled_from([WIDE, NARROW, SMALL]))
    parts = draw(st.sampled_from([1, 2, 3, 5])) if tile.divides else 1
    merged = draw(st.sampled_from([count for count in (1, 2, 4) if shape.groups % count == 0]))
    return draw(st.sampled_from([DensePlan(tile, parts, merged), plan_of(shape)]))


def operands(shape: ConvShape, seed: int) -> tuple[np.ndarray, np.ndarray]:
    return sparse_operands(shape, 1.0, 1.0, seed)


@settings(max_examples=25)
@given(
    st.data(),
    shapes() | large_kernels().filter(lambda shape: shape.stride == (1, 1)),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
def test_bit_exact_in_the_order_of_the_kernel(
    data: st.DataObject, shape: ConvShape, relu: bool, biased: bool, seed: int
) -> None:
    plan = data.draw(plans(shape))
    x, w = operands(shape, seed)
    bias = np.linspace(-3, 3, shape.filters, dtype=np.float32) if biased else None
    launched = shape.merged(plan.merged)
    expected = in_order(
        surrounded(x, shape),
        of_merged(w, shape, plan.merged),
        (shape.out_height, shape.out_width),
        shape.stride,
        shape.dilation,
        launched.groups,
        (plan.tile.slab, plan.tile.warps_along_k, part_slabs_of(launched, plan)),
    )
    if bias is not None:
        expected += bias[:, None, None]
    if relu:
        expected = np.maximum(expected, 0)
    result = conv_dense(x, w, bias=bias, relu=relu, gpu=None, plan=plan, **options_of(shape))
    np.testing.assert_array_equal(result.y, expected)
    assert result.shape == shape
    assert (result.density_x, result.density_w) == (np.count_nonzero(x) / x.size, np.count_nonzero(w) / w.size)


@settings(max_examples=25)
@given(shapes() | large_kernels(), st.integers(0, 99))
def test_close_to_an_independent_implementation(shape: ConvShape, seed: int) -> None:
    x, w = operands(shape, seed)
    y = conv_dense(x, w, gpu=None, **options_of(shape)).y
    terms = shape.group_channels * shape.rows * shape.columns
    tolerance = terms * 2.0**-24 * correlated(abs(x), abs(w), shape)
    assert (abs(y - correlated(x, w, shape)) <= tolerance).all()


@pytest.mark.parametrize(
    "plan",
    [DensePlan(WIDE), DensePlan(NARROW), DensePlan(SMALL), DensePlan(SMALL, 3)],
    ids=lambda plan: f"{plan.tile.kernel} {plan.parts}",
)
def test_control_codes_leave_no_hazard(plan: DensePlan) -> None:
    shape = ConvShape(1, 70, 9, 9, 72, 3, 3, padding=(1, 1, 1, 1))
    x, w = operands(shape, 0)
    result = conv_dense(x, w, padding=1, bias=np.ones(72), relu=True, plan=plan, check_hazards=True)
    assert result.run.timing is not None
    assert result.run.timing.hazards == []
    np.testing.assert_array_equal(
        result.y, conv_dense(x, w, padding=1, bias=np.ones(72), relu=True, plan=plan, gpu=None).y
    )


def test_strides_of_a_large_kernel_are_channels() -> None:
    """One channel fills an eighth of a step; a stride of 128 as channels fills it all."""
    x, w = operands(ConvShape(1, 1, 1, 4096, 64, 1, 256), 0)
    run = conv_dense(x, w, stride=(1, 128), gpu=None).run
    whole = conv_dense(x.reshape(1, 32, 128).transpose(0, 2, 1)[:, :, None], np.ones((64, 128, 1, 2)), gpu=None).run
    assert run.histogram == whole.histogram


def test_a_large_layer_keeps_the_tensor_cores_busy() -> None:
    shape = ConvShape(1, 64, 32, 32, 128, 3, 3, padding=(1, 1, 1, 1))
    x, w = operands(shape, 0)
    gpu = load_gpu("v100-dstc", ["sm.count=4"])
    timing = conv_dense(x, w, padding=1, plan=DensePlan(WIDE), gpu=gpu).run.timing
    assert timing is not None
    assert timing.bound.resource == "tensor and FP16 pipe"
    assert timing.counters["bank_conflicts"] == 0
    assert timing.share_of_bound > 0.7


def test_the_plan_fits_the_layer() -> None:
    large = ConvShape(16, 256, 56, 56, 256, 3, 3, padding=(1, 1, 1, 1))
    assert plan_of(large) == DensePlan(WIDE)
    few_filters = ConvShape(1, 64, 224, 224, 64, 3, 3, padding=(1, 1, 1, 1))
    assert plan_of(few_filters) == DensePlan(NARROW)
    few_pixels = ConvShape(1, 512, 7, 7, 512, 3, 3, padding=(1, 1, 1, 1))
    plan = plan_of(few_pixels)
    assert plan.tile == SMALL
    assert plan.parts > 1
    depthwise = ConvShape(1, 96, 14, 14, 96, 3, 3, padding=(1, 1, 1, 1), groups=96)
    assert plan_of(depthwise).merged > 1
    assert plan_of(depthwise, merge=False).merged == 1


def test_an_infinity_stays_in_its_group() -> None:
    x, w = np.ones((1, 16, 5, 5)), np.ones((16, 1, 3, 3))
    x[0, 3, 2, 2] = np.inf
    y = conv_dense(x, w, groups=16, gpu=None).y
    assert np.isinf(y[0, 3]).all()
    assert (np.delete(y, 3, axis=1) == 9).all()


def test_relu_keeps_what_is_not_a_number() -> None:
    x = np.array([np.nan, -2.0, 3.0, -np.inf]).reshape(1, 1, 1, 4)
    y = conv_dense(x, np.ones((1, 1, 1, 1)), relu=True, gpu=None).y
    np.testing.assert_array_equal(y.ravel(), [np.nan, 0, 3, 0])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x", "x: image 1, channel 2, row 3, column 0 .*70000.0 is beyond FP16"),
        ("w", "w: filter 1, channel 2, row 3, column 0 .*70000.0 is beyond FP16"),
    ],
)
def test_value_beyond_half_precision_is_located(name: str, message: str) -> None:
    arrays = {"x": np.ones((2, 3, 4, 4)), "w": np.ones((2, 3, 4, 4))}
    arrays[name][1, 2, 3, 0] = 70000
    with pytest.raises(ValueRangeError, match=message) as caught:
        conv_dense(**arrays)
    assert caught.value.place == (1, 2, 3, 0)


def test_what_cannot_be_convolved_is_refused() -> None:
    x, w = np.ones((1, 1, 20, 20)), np.ones((2, 1, 3, 3))
    with pytest.raises(TypeError, match="w: expected real numbers, not complex128"):
        conv_dense(x, w.astype(complex))
    with pytest.raises(TypeError, match="bias: expected real numbers"):
        conv_dense(x, w, bias=np.array(["1", "2"]))
    with pytest.raises(ShapeError, match=r"bias has a number for each of the 2 filters; its shape is \(3,\)"):
        conv_dense(x, w, bias=np.zeros(3))
    with pytest.raises(ShapeError, match="x has 1 channels, so w must have 1"):
        shape_of(x, np.ones((2, 2, 3, 3)))
