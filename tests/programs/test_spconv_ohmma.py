"""The convolution by the paper's instructions against the one by SPWMMA: the same sums, bit for bit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.conv.conv2d import conv2d
from dstc_isa.conv.shape import ConvShape, shape_of
from dstc_isa.conv.sparse.sparse_plan import SparsePlan
from dstc_isa.conv.sparse.tiling import WARPS, Tiling, choose_step_tiling
from dstc_isa.gpu import load_gpu
from dstc_isa.object.shipped import load_shipped
from dstc_isa.timing.occupancy import occupancy
from tests.conv.layers import DENSITIES, layer_shapes, operands, options_of

TILINGS = [Tiling(filter_tiles, parts) for filter_tiles in (1, 2) for parts in (1, 2, 4)]


def assert_same(x: np.ndarray, w: np.ndarray, **options: Any) -> None:
    found = conv2d(x, w, kernel="spconv_ohmma", gpu=None, **options)
    assert found.run.kernel.startswith("spconv_ohmma")
    if options["tiling"] is None:
        shape = {name: options[name] for name in ("stride", "padding", "dilation", "groups") if name in options}
        options["tiling"] = choose_step_tiling(SparsePlan(shape_of(x, w, **shape)))
    expected = conv2d(x, w, gpu=None, **options)
    np.testing.assert_array_equal(found.y.view(np.uint32), expected.y.view(np.uint32))


@settings(max_examples=35)
@given(
    layer_shapes(),
    DENSITIES,
    DENSITIES,
    st.sampled_from([None, *TILINGS]),
    st.sampled_from(["both", "weights"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
def test_the_same_bits(
    shape: ConvShape,
    density_x: float,
    density_w: float,
    tiling: Tiling | None,
    skip: str,
    biased: bool,
    relu: bool,
    channels_last: bool,
    seed: int,
) -> None:
    x, w = operands(shape, density_x, density_w, seed)
    bias = np.linspace(-3, 3, shape.filters, dtype=np.float32) if biased else None
    given_options = {"bias": bias, "relu": relu, "skip": skip, "channels_last": channels_last, "tiling": tiling}
    assert_same(x, w, **given_options, **options_of(shape))


@pytest.mark.parametrize("tiling", [Tiling(1, 1), Tiling(2, 1), Tiling(2, 2)], ids=str)
def test_k_tiles_without_a_filter_are_passed_over(tiling: Tiling) -> None:
    # The first k-tiles, the last ones, or all but one within a run.
    x, _ = operands(ConvShape(1, 96, 6, 6, 40, 3, 3, padding=(1, 1, 1, 1)), 0.6, 1, 0)
    for channels, columns in ((slice(32, 64), slice(None)), (slice(None), slice(1, 2)), (slice(95, 96), slice(2, 3))):
        w = np.zeros((40, 96, 3, 3), np.float16)
        w[:, channels, :, columns] = 0.5
        assert_same(x, w, padding=1, tiling=tiling)


def test_no_infinity_meets_a_zero() -> None:
    x = np.zeros((1, 3, 4, 4), np.float16)
    x[0, 1] = 1
    w = np.full((2, 3, 1, 1), np.inf, np.float16)
    y = conv2d(x, w, kernel="spconv_ohmma", gpu=None).y
    np.testing.assert_array_equal(y, np.full(y.shape, np.inf, np.float32))


@pytest.mark.parametrize("tiling", [Tiling(2, 1), Tiling(1, 1), Tiling(2, 2), Tiling(1, 4)], ids=str)
def test_time_changes_nothing_and_control_codes_leave_no_hazard(tiling: Tiling) -> None:
    shape = ConvShape(1, 40, 12, 12, 70, 3, 3, padding=(1, 1, 1, 1))
    x, w = operands(shape, 0.5, 0.4, 0)
    w[:, :, :, 1] = 0
    options: dict[str, Any] = {"padding": 1, "bias": np.ones(70), "relu": True, "tiling": tiling}
    watched = conv2d(x, w, kernel="spconv_ohmma", gpu=load_gpu("v100-dstc"), check_hazards=True, **options)
    assert watched.run.timing is not None
    assert watched.run.timing.hazards == []
    np.testing.assert_array_equal(watched.y, conv2d(x, w, kernel="spconv_ohmma", gpu=None, **options).y)


@pytest.mark.slow
@pytest.mark.parametrize(("filter_tiles", "ctas"), [(2, 2), (1, 3)])
def test_ctas_that_have_room_on_an_sm(filter_tiles: int, ctas: int) -> None:
    gpu = load_gpu("v100-dstc")
    kernel = load_shipped("spconv_ohmma.dasm", gpu).kernel(Tiling(filter_tiles, 1).kernel("spconv_ohmma"))
    assert occupancy(gpu, WARPS, kernel.registers, kernel.shared_bytes).ctas == ctas


def test_what_does_not_go_with_it() -> None:
    x, w = np.ones((1, 1, 3, 3)), np.ones((1, 1, 1, 1))
    with pytest.raises(ValueError, match="encoded goes with the kernel spconv, not with spconv_ohmma"):
        conv2d(x, w, kernel="spconv_ohmma", encoded=True, gpu=None)
