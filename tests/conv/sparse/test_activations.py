from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.conv.shape import ConvShape
from dstc_isa.conv.sparse.activations import (
    EncodedActivations,
    decode,
    elements_read,
    empty_encoding,
    encode_on_device,
    encode_on_host,
)
from dstc_isa.conv.sparse.sparse_plan import BLOCK, WINDOW, SparsePlan
from dstc_isa.errors import ShapeError
from tests.conv.layers import DENSITIES, layer_shapes, operands

SHAPE = ConvShape(2, BLOCK + 3, 7, 6, 1, 3, 3, stride=(2, 1), padding=(1, 1, 2, 1))
SPECIAL = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 6e-8, -6e-8, 65504.0, -1.0], np.float16)


def bits_of(values: np.ndarray) -> np.ndarray:
    """FP16 values as integers, where all NaNs are one."""
    return np.where(np.isnan(values), np.uint16(0x7FFF), values.view(np.uint16))


def runs_of_values(encoded: EncodedActivations) -> np.ndarray:
    """FP16 values of each word and the one behind it, by bit: zeros where none is set."""
    words = encoded.words.transpose(0, 1, 3, 2, 4)
    bits = np.unpackbits(words[..., :1].copy().view(np.uint8), axis=-1, bitorder="little")
    behind = np.concatenate((bits[..., 1:, :], np.zeros_like(bits[..., :1, :])), axis=-2)
    both = np.concatenate((bits, behind), axis=-1)
    places = words[..., 1:].astype(int) + np.cumsum(both, axis=-1, dtype=int) - 1
    return np.where(both != 0, encoded.values[np.where(both != 0, places, 0)], np.float16(0))


def assert_same(got: EncodedActivations, expected: EncodedActivations) -> None:
    """Same bits, and from each word's start on the same values: of the word, then of the one behind it."""
    np.testing.assert_array_equal(got.words[..., 0], expected.words[..., 0])
    assert got.count == expected.count
    np.testing.assert_array_equal(bits_of(runs_of_values(got)), bits_of(runs_of_values(expected)))


def channels_last(x: np.ndarray) -> np.ndarray:
    """The same array with another layout in memory."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def special(shape: ConvShape, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(SPECIAL, shape.input_shape)


def decoded(encoded: EncodedActivations, plan: SparsePlan) -> np.ndarray:
    """Activations read back by bit and count; NaN where no phase has them."""
    shape = plan.shape
    x = np.full(shape.input_shape, np.nan, np.float16)
    used = 0
    for channel in range(shape.channels):
        for number, (phase_y, phase_x) in enumerate(plan.phases):
            words = encoded.words[channel // BLOCK, number, :, channel % BLOCK]
            for at in range(plan.words * WINDOW):
                position = at - plan.origin
                word, first = (int(value) for value in words[at // WINDOW])
                below = word & ((1 << at % WINDOW) - 1)
                is_set = word >> at % WINDOW & 1
                used += is_set
                image, rest = divmod(position, plan.rows * plan.pitch)
                y, column = divmod(rest, plan.pitch)
                y = y * shape.stride[0] + phase_y - shape.padding[0]
                column = column * shape.stride[1] + phase_x - shape.padding[2]
                if 0 <= image < shape.images and 0 <= y < shape.height and 0 <= column < shape.width:
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
    st.integers(0, 99),
)
def test_device_encodes_as_the_host(
    shape: ConvShape, density: float, last: bool, keep_zeros: bool, dtype: str, seed: int
) -> None:
    x, _ = operands(shape, density, 0, seed)
    given_x = x.astype(dtype)
    plan = SparsePlan(shape)
    got = encode_on_device(channels_last(given_x) if last else given_x, plan, None, keep_zeros=keep_zeros)
    assert_same(got, encode_on_host(x, plan, keep_zeros))
    if keep_zeros:
        assert got.count == elements_read(plan)


@settings(max_examples=15)
@given(layer_shapes().filter(lambda s: np.prod(s.input_shape) < 4000), DENSITIES, st.integers(0, 99))
def test_decoding_gives_what_was_encoded(shape: ConvShape, density: float, seed: int) -> None:
    x, _ = operands(shape, density, 0, seed)
    plan = SparsePlan(shape)
    read_back = decoded(encode_on_host(x, plan), plan)
    read = ~np.isnan(read_back)
    np.testing.assert_array_equal(read_back[read], x[read])
    assert read.sum() == elements_read(plan)
    if len(plan.phases) == shape.stride[0] * shape.stride[1]:
        assert read.all()


@pytest.mark.parametrize("keep_zeros", [False, True])
@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_special_values(dtype: str, keep_zeros: bool) -> None:
    x, plan = special(SHAPE), SparsePlan(SHAPE)
    got = encode_on_device(x.astype(dtype), plan, None, keep_zeros=keep_zeros)
    assert_same(got, encode_on_host(x, plan, keep_zeros))


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("scaled", [(True, True), (True, False), (False, True), (False, False)])
def test_scale_offset_and_relu_on_the_way(scaled: tuple[bool, bool], relu: bool, dtype: str) -> None:
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
    plan = SparsePlan(SHAPE)
    options: dict[str, Any] = {"relu": relu}
    if scaled[0]:
        options["scale"] = scale
    if scaled[1]:
        options["offset"] = offset
    assert_same(encode_on_device(x, plan, None, **options), encode_on_host(rounded, plan))


def test_planes_of_several_ctas() -> None:
    shape = ConvShape(1, 35, 50, 50, 1, 1, 1)
    x, _ = operands(shape, 0.5, 0, 0)
    plan = SparsePlan(shape)
    assert_same(encode_on_device(x, plan, None), encode_on_host(x, plan))


@pytest.mark.parametrize("origin", [70, 400])
@pytest.mark.parametrize("keep_zeros", [False, True])
def test_planes_that_begin_later(keep_zeros: bool, origin: int) -> None:
    plan = SparsePlan(SHAPE, 20, 9, origin)
    x = special(SHAPE)
    got, expected = encode_on_device(x, plan, None, keep_zeros=keep_zeros), encode_on_host(x, plan, keep_zeros)
    assert_same(got, expected)
    np.testing.assert_array_equal(
        bits_of(decode(got, plan)), bits_of(x if keep_zeros else np.where(x == 0, np.float16(0), x))
    )


@settings(max_examples=15)
@given(layer_shapes(), DENSITIES, st.booleans(), st.integers(0, 99))
def test_decode(shape: ConvShape, density: float, keep_zeros: bool, seed: int) -> None:
    x, _ = operands(shape, density, 0, seed)
    plan = SparsePlan(shape)
    y = decode(encode_on_host(x, plan, keep_zeros), plan)
    read = elements_read(plan)
    assert (y == x).sum() >= read
    if read == x.size:
        np.testing.assert_array_equal(y, x)


def test_too_many_places_for_values_are_refused() -> None:
    plan = SparsePlan(ConvShape(200, 4096, 256, 256, 1, 1, 1))
    with pytest.raises(ShapeError, match="places for values, more than the 4294967296"):
        empty_encoding(plan, 1)
