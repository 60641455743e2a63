from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.conv.shape import ConvShape, shape_of
from dstc_isa.errors import ShapeError

SIZES = st.integers(1, 9)
PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


def arrays(x: tuple[int, ...] = (2, 6, 9, 9), w: tuple[int, ...] = (4, 6, 3, 3)) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(x), np.zeros(w)


@given(SIZES, SIZES, PAIRS, PAIRS, st.tuples(*[st.integers(0, 3)] * 4), SIZES, SIZES)
def test_output_has_a_place_for_each_window(
    height: int,
    width: int,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: tuple[int, int, int, int],
    rows: int,
    columns: int,
) -> None:
    windows = []
    for size, around, step, spread, taps in (
        (height, padding[0] + padding[1], stride[0], dilation[0], rows),
        (width, padding[2] + padding[3], stride[1], dilation[1], columns),
    ):
        windows.append(sum(first + spread * (taps - 1) < size + around for first in range(0, size + around, step)))
    x, w = arrays((1, 1, height, width), (1, 1, rows, columns))
    if min(windows) == 0:
        with pytest.raises(ShapeError, match=r"the output is empty: the (height|width) with padding is"):
            shape_of(x, w, stride, padding, dilation)
    else:
        shape = shape_of(x, w, stride, padding, dilation)
        assert shape.output_shape == (1, 1, *windows)
        assert shape.pixels == windows[0] * windows[1]
        assert shape.products == shape.pixels * rows * columns


def test_numbers_stand_for_all_sides() -> None:
    x, w = arrays()
    assert shape_of(x, w, padding=1) == shape_of(x, w, (1, 1), (1, 1, 1, 1), (1, 1))
    assert shape_of(x, w, padding=(2, 1)).padding == (2, 2, 1, 1)


def test_groups_see_their_channels() -> None:
    shape = shape_of(*arrays(w=(4, 3, 3, 3)), groups=2)
    assert (shape.group_channels, shape.group_filters) == (3, 2)
    assert shape.input_shape == (2, 6, 9, 9)
    assert shape.weight_shape == (4, 3, 3, 3)
    assert shape.output_shape == (2, 4, 7, 7)


@pytest.mark.parametrize(
    ("x", "w", "options", "message"),
    [
        ((6, 9, 9), (4, 6, 3, 3), {}, r"x has 4 dimensions \(images, channels, height, width\), not 3"),
        ((2, 6, 9, 9), (4, 6, 3), {}, r"w has 4 dimensions \(filters, channels, rows, columns\), not 3"),
        ((2, 6, 9, 9), (4, 5, 3, 3), {}, "x has 6 channels, so w must have 6 in dimension 1, not 5"),
        ((2, 6, 9, 9), (4, 6, 3, 3), {"groups": 2}, "6 channels in 2 groups, so w must have 3 in dimension 1, not 6"),
        ((2, 6, 9, 9), (4, 2, 3, 3), {"groups": 4}, "4 groups do not divide 6 channels"),
        ((2, 6, 9, 9), (4, 2, 3, 3), {"groups": 3}, "3 groups do not divide 4 filters"),
        ((2, 6, 0, 9), (4, 6, 3, 3), {}, "height is at least 1, not 0"),
        ((2, 6, 9, 9), (4, 6, 3, 3), {"groups": 0}, "groups is at least 1, not 0"),
        ((2, 6, 9, 9), (4, 6, 3, 3), {"stride": (1, 0)}, "stride is at least 1, not 1, 0"),
        ((2, 6, 9, 9), (4, 6, 3, 3), {"dilation": 0}, "dilation is at least 1, not 0"),
        ((2, 6, 9, 9), (4, 6, 3, 3), {"padding": (0, -1)}, "padding is at least 0, not 0, 0, -1, -1"),
        ((2, 6, 9, 9), (4, 6, 3, 3), {"padding": (1, 2, 3)}, "padding is one number, two .* or four .*, not 3"),
        ((2, 6, 9, 9), (4, 6, 3, 3), {"stride": (1, 2, 3)}, r"stride is one number or two \(down, across\), not 3"),
        ((2, 6, 9, 9), (4, 6, 3, 3), {"dilation": 5}, "the height with padding is 9, and the kernel .* reaches 11"),
    ],
)
def test_what_does_not_fit_is_named(
    x: tuple[int, ...], w: tuple[int, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ShapeError, match=message):
        shape_of(*arrays(x, w), **options)


def test_a_shape_is_checked_however_it_is_made() -> None:
    with pytest.raises(ShapeError, match="filters is at least 1"):
        ConvShape(1, 1, 3, 3, 0, 3, 3)
