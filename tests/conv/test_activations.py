from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.conv import activations
from dstc_isa.conv.activations import EncodedActivations, elements_read, encode_on_device, encode_on_host
from dstc_isa.conv.plan import BLOCK, WINDOW, Plan
from dstc_isa.conv.shape import ConvShape
from tests.conv.layers import DENSITIES, layer_shapes, operands

SHAPE = ConvShape(2, BLOCK + 3, 7, 6, 1, 3, 3, stride=(2, 1), padding=(1, 1, 2, 1))
SPECIAL = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 6e-8, -6e-8, 65504.0, -1.0], np.float16)


def bits_of(values: np.ndarray) -> np.ndarray:
    """FP16 values as integers, where all NaNs are one."""
    return np.where(np.isnan(values), np.uint16(0x7FFF), values.view(np.uint16))


def assert_same(got: EncodedActivations, expected: EncodedActivations) -> None:
    np.testing.assert_array_equal(got.words, expected.words)
    assert got.count == expected.count
    np.testing.assert_array_equal(bits_of(got.values[: got.count]), bits_of(expected.values[: got.count]))


def channels_last(x: np.ndarray) -> np.ndarray:
    """The same array, otherwise in memory."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def special(shape: ConvShape, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(SPECIAL, shape.input_shape)


def decoded(encoded: EncodedActivations, plan: Plan) -> np.ndarray:
    """Activations read back by bit and count; NaN where no phase has them."""
    shape = plan.shape
    x = np.full(shape.input_shape, np.nan, np.float16)
    used = 0
    for channel in range(shape.channels):
        for number, (phase_y, phase_x) in enumerate(plan.phases):
            words = encoded.words[channel // BLOCK, number, :, channel % BLOCK]
            for position in range(plan.words * WINDOW):
                word, first = (int(value) for value in words[position // WINDOW])
                below = word & ((1 << position % WINDOW) - 1)
                is_set = word >> position % WINDOW & 1
                used += is_set
                image, rest = divmod(position, plan.rows * plan.pitch)
                y, column = divmod(rest, plan.pitch)
                y = y * shape.stride[0] + phase_y - shape.padding[0]
                column = column * shape.stride[1] + phase_x - shape.padding[2]
                if image < shape.images and 0 <= y < shape.height and 0 <= column < shape.width:
                    x[image, channel, y, column] = encoded.values[first + below.bit_count()] if is_set else 0
                else:
                    assert not is_set
    assert used == encoded.count
    return x


@settings(max_examples=15)
@given(
    layer_shapes(),
    DENSITIES,
    st.booleans(),
    st.booleans(),
    st.sampled_from(["f2", "f4"]),
    st.booleans(),
    st.integers(0, 99),
)
def test_device_encodes_as_the_host(
    shape: ConvShape, density: float, last: bool, keep_zeros: bool, dtype: str, together: bool, seed: int
) -> None:
    x, _ = operands(shape, density, 0, seed)
    given_x = x.astype(dtype)
    plan = Plan(shape)
    # Whether a CTA takes several channels, which else depends on the layer's size.
    with patch.object(activations, "ENOUGH_CTAS", 0 if together else 1 << 30):
        got = encode_on_device(channels_last(given_x) if last else given_x, plan, None, keep_zeros=keep_zeros)
    assert_same(got, encode_on_host(x, plan, keep_zeros))
    if keep_zeros:
        assert got.count == elements_read(plan)


@settings(max_examples=15)
@given(layer_shapes().filter(lambda s: np.prod(s.input_shape) < 4000), DENSITIES, st.integers(0, 99))
def test_decoding_gives_what_was_encoded(shape: ConvShape, density: float, seed: int) -> None:
    x, _ = operands(shape, density, 0, seed)
    plan = Plan(shape)
    read_back = decoded(encode_on_host(x, plan), plan)
    read = ~np.isnan(read_back)
    np.testing.assert_array_equal(read_back[read], x[read])
    assert read.sum() == elements_read(plan)
    if len(plan.phases) == shape.stride[0] * shape.stride[1]:
        assert read.all()


@pytest.mark.parametrize("keep_zeros", [False, True])
@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_special_values(dtype: str, keep_zeros: bool) -> None:
    x, plan = special(SHAPE), Plan(SHAPE)
    got = encode_on_device(x.astype(dtype), plan, None, keep_zeros=keep_zeros)
    assert_same(got, encode_on_host(x, plan, keep_zeros))


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("scaled", [(True, True), (True, False), (False, True), (False, False)])
def test_scale_offset_and_relu_on_the_way(scaled: tuple[bool, bool], together: bool, relu: bool, dtype: str) -> None:
    generator = np.random.default_rng(1)
    x = np.where(
        generator.random(SHAPE.input_shape) < 0.2, special(SHAPE), generator.standard_normal(SHAPE.input_shape)
    )
    x = x.astype(np.float16 if dtype == "f2" else np.float32)
    # Few bits, so that float64 holds the sum exactly and float32 rounds it once.
    scale, offset = (np.round(generator.standard_normal(SHAPE.channels), 1).astype("f2").astype("f4") for _ in "ab")
    with np.errstate(invalid="ignore", over="ignore"):
        expected = x.astype(np.float64)
        if any(scaled):
            column = (slice(None), None, None)
            expected = expected * (scale[column] if scaled[0] else 1) + (offset[column] if scaled[1] else 0)
        expected = expected.astype(np.float32)
        if relu:
            expected[expected < 0] = 0
        rounded = expected.astype(np.float16)
    plan = Plan(SHAPE)
    options: dict[str, Any] = {"relu": relu}
    if scaled[0]:
        options["scale"] = scale
    if scaled[1]:
        options["offset"] = offset
    with patch.object(activations, "ENOUGH_CTAS", 0 if together else 1 << 30):
        assert_same(encode_on_device(x, plan, None, **options), encode_on_host(rounded, plan))


def test_large_planes_take_several_chunks_and_sums() -> None:
    # 3 * 1027 chunks are more than encode_scan adds up at once, and CTAs take several channels.
    shape = ConvShape(1, 1027, 50, 50, 1, 1, 1)
    x, _ = operands(shape, 0.5, 0, 0)
    plan = Plan(shape)
    assert_same(encode_on_device(x, plan, None), encode_on_host(x, plan))
