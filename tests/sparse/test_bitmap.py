import math
import struct
import subprocess
import sys
import tracemalloc
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dstc_isa.halves import ValueRangeError
from dstc_isa.sparse import bitmap
from dstc_isa.sparse.bitmap import BitmapMatrix, encode

SIDES = st.sampled_from(["a", "b"])
STEPS_OF_A_TILE = st.sampled_from([8, 16, 24, 32])
SHAPES = st.tuples(st.integers(0, 70), st.integers(0, 70))
SPECIALS = [0.0, -0.0, 1.0, -2.5, 65504.0, -65504.0, 2**-24, -(2**-24), 2**-15, math.inf, -math.inf, math.nan]
FORMATS = ["csr", "csc", "coo", "bsr", "lil", "dok", "dia"]


@st.composite
def matrices(draw: st.DrawFn, dtype: Any = np.float16) -> np.ndarray:
    """Random shapes and densities; values from a random generator with FP16's special values among them."""
    shape = draw(SHAPES)
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    density = draw(st.sampled_from([0.0, 0.001, 0.02, 0.3, 0.9, 1.0]))
    values = generator.uniform(-70, 70, shape)
    special = generator.random(shape) < draw(st.sampled_from([0.0, 0.1, 1.0]))
    values[special] = generator.choice(draw(st.lists(st.sampled_from(SPECIALS), min_size=1)), np.count_nonzero(special))
    values[generator.random(shape) >= density] = 0
    return values.astype(dtype)


def to_half(value: float) -> float:
    """Round to nearest even FP16 in Python's own arithmetic; OverflowError beyond the range."""
    return value if math.isnan(value) or math.isinf(value) else struct.unpack("<e", struct.pack("<e", value))[0]


def model(dense: np.ndarray, side: str, tile_k: int = 16) -> dict[str, Any]:
    """Return the layout written down element by element."""
    rows = [[to_half(float(value)) for value in row] for row in dense]
    outer, inner = dense.shape if side == "a" else dense.shape[::-1]

    def at(o: int, k: int) -> float:
        if o >= outer or k >= inner:
            return 0.0
        return rows[o][k] if side == "a" else rows[k][o]

    tiles_outer, tiles_k = math.ceil(outer / 32), math.ceil(inner / tile_k)
    warp_bitmap = [[0] * math.ceil(tiles_k / 32) for _ in range(tiles_outer)]
    tile_start, element_bitmap, value_start, step_counts, step_bitmap, values, nnz = [0], [], [0], [], [], [], 0
    for o in range(tiles_outer):
        for t in range(tiles_k):
            columns = [[at(32 * o + r, k) for r in range(32)] for k in range(tile_k * t, tile_k * (t + 1))]
            condensed = [[value for value in column if value != 0] for column in columns]
            longest = max(map(len, condensed))
            if longest:
                warp_bitmap[o][t // 32] |= 1 << (t % 32)
                element_bitmap.append([sum(1 << r for r in range(32) if column[r] != 0) for column in columns])
                nnz += sum(map(len, condensed))
                step_counts.append(min(map(len, condensed)) | longest << 8)
                step_bitmap.append(sum(1 << k for k, step in enumerate(condensed) if step))
                for eighth in range(0, longest, 8):
                    for plane in (condensed[first : first + 8] for first in range(0, tile_k, 8)):
                        numbers = range(eighth, eighth + 8)
                        values += [[step[i] if i < len(step) else 0.0 for step in plane] for i in numbers]
                value_start.append(len(values))
        tile_start.append(len(element_bitmap))
    element_bitmap.append([0] * tile_k)
    values += [[0.0] * 8] * (4 * tile_k)
    return {
        "warp_bitmap": np.array(warp_bitmap, np.uint32).reshape(tiles_outer, math.ceil(tiles_k / 32)),
        "tile_start": np.array(tile_start, np.uint32),
        "element_bitmap": np.array(element_bitmap, np.uint32).reshape(-1, tile_k),
        "value_start": np.array(value_start, np.uint32),
        "step_counts": np.array([*step_counts, 0], np.uint32),
        "step_bitmap": np.array([*step_bitmap, 0], np.uint32),
        "values": np.array(values, np.float16).reshape(-1, 8),
        "nnz": nnz,
        "tiles_outer": tiles_outer,
        "tiles_k": tiles_k,
        "shape": dense.shape,
        "side": side,
        "tile_k": tile_k,
    }


def assert_matches(encoded: BitmapMatrix, expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        found = getattr(encoded, name)
        if isinstance(value, np.ndarray):
            assert found.dtype == value.dtype, name
            assert found.flags.c_contiguous, name
            np.testing.assert_array_equal(found, value, err_msg=name)
        else:
            assert found == value, name


def assert_same_bits(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal bit for bit, all NaN alike, and no negative zeros found."""
    assert found.dtype == np.float16
    assert found.shape == expected.shape
    nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(found), nan)
    wanted = np.where(expected == 0, np.float16(0), expected)
    np.testing.assert_array_equal(found.view(np.uint16)[~nan], wanted.view(np.uint16)[~nan])


@settings(deadline=None)
@given(matrices(), SIDES, STEPS_OF_A_TILE)
def test_decode_returns_what_was_encoded(dense: np.ndarray, side: Any, tile_k: int) -> None:
    assert_same_bits(encode(dense, side, tile_k).decode(), dense)


@settings(deadline=None, max_examples=40)
@given(matrices(np.float64), SIDES, STEPS_OF_A_TILE)
def test_layout_is_the_models(dense: np.ndarray, side: Any, tile_k: int) -> None:
    assert_matches(encode(dense, side, tile_k), model(dense, side, tile_k))


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@settings(deadline=None)
@given(matrices(np.float32), SIDES, STEPS_OF_A_TILE, st.sampled_from(FORMATS), st.booleans())
def test_sparse_inputs_encode_like_dense_ones(
    dense: np.ndarray, side: Any, tile_k: int, format: str, array: bool
) -> None:
    kind = getattr(scipy.sparse, f"{format}_{'array' if array else 'matrix'}")
    assert_same_encoding(encode(kind(dense), side, tile_k), encode(dense, side, tile_k))


def assert_same_encoding(found: BitmapMatrix, expected: BitmapMatrix) -> None:
    names = ("warp_bitmap", "tile_start", "element_bitmap", "value_start", "step_counts", "step_bitmap", "values")
    names += ("nnz", "underflowed", "shape", "tile_k")
    assert_matches(found, {name: getattr(expected, name) for name in names})


@settings(deadline=None)
@given(matrices(), st.sampled_from(["F", "strided", "reversed", "big-endian", "read-only"]), SIDES)
def test_memory_layout_of_the_input_does_not_matter(dense: np.ndarray, layout: str, side: Any) -> None:
    if layout == "F":
        other = np.asfortranarray(dense)
    elif layout == "strided":
        other = np.repeat(np.repeat(dense, 2, axis=0), 3, axis=1)[::2, ::3]
    elif layout == "reversed":
        other = dense[::-1, ::-1].copy()[::-1, ::-1]
    elif layout == "big-endian":
        other = dense.astype(">f2")
    else:
        other = dense.copy()
        other.flags.writeable = False
    assert_same_encoding(encode(other, side), encode(dense, side))


@settings(deadline=None)
@given(matrices())
def test_side_b_is_side_a_of_the_transposed_matrix(dense: np.ndarray) -> None:
    b, a = encode(dense, "b"), encode(np.ascontiguousarray(dense.T), "a")
    names = ("warp_bitmap", "tile_start", "element_bitmap", "value_start", "step_counts", "step_bitmap", "values")
    assert b.nnz == a.nnz
    assert_matches(b, {name: getattr(a, name) for name in names})


@pytest.mark.slow
@pytest.mark.parametrize("side", ["a", "b"])
@pytest.mark.parametrize(("rows", "columns"), [(40, 1100), (1100, 40), (1025, 1025)])
def test_more_tiles_than_a_bitmap_word_and_a_slab_hold(rows: int, columns: int, side: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(bitmap, "_SLAB_ELEMENTS", 1 << 15)
    generator = np.random.default_rng(rows)
    places = generator.random((rows, columns)) < 0.002
    dense = np.where(places, generator.uniform(1, 2, places.shape), 0).astype(np.float16)
    encoded = encode(dense, side)
    assert_matches(encoded, model(dense, side))
    assert_same_bits(encoded.decode(), dense)
    assert_same_encoding(encode(scipy.sparse.coo_array(dense.astype(np.float32)), side), encoded)


@pytest.mark.parametrize("tile_k", [0, 4, 20, 40])
def test_a_tile_has_whole_planes_and_32_steps_at_most(tile_k: int) -> None:
    with pytest.raises(ValueError, match=f"8, 16, 24 or 32 steps, not {tile_k}"):
        encode(np.ones((2, 2)), "a", tile_k)


def test_worked_example_of_side_a() -> None:
    dense = np.zeros((33, 17))
    dense[[31, 0, 2], [1, 3, 3]] = 0.5, 1, 2
    dense[32, 16] = -4
    encoded = encode(dense, "a")
    assert encoded.warp_bitmap.tolist() == [[0b01], [0b10]]
    assert encoded.tile_start.tolist() == [0, 1, 2]
    assert encoded.element_bitmap.tolist() == [[0, 1 << 31, 0, 0b101] + [0] * 12, [1] + [0] * 15, [0] * 16]
    assert encoded.value_start.tolist() == [0, 16, 32]
    values = np.zeros((32 + 64, 8))
    values[:2, [1, 3]] = [0.5, 1], [0, 2]
    values[16, 0] = -4
    np.testing.assert_array_equal(encoded.values, values)
    assert encoded.step_counts.tolist() == [2 << 8, 1 << 8, 0]
    assert encoded.step_bitmap.tolist() == [0b1010, 0b1, 0]
    assert (encoded.nnz, encoded.density) == (4, 4 / (33 * 17))
    assert encoded.nbytes == 2 * 4 + 3 * 4 + 3 * 16 * 4 + 3 * 4 + 3 * 4 + 3 * 4 + 96 * 16


@pytest.mark.parametrize("side", ["a", "b"])
@pytest.mark.parametrize("shape", [(0, 0), (0, 40), (40, 0), (40, 40)])
@pytest.mark.parametrize("make", [np.zeros, scipy.sparse.csr_matrix, scipy.sparse.coo_array])
def test_matrices_without_a_value(make: Any, shape: tuple[int, int], side: Any) -> None:
    encoded = encode(make(shape), side)
    assert_matches(encoded, model(np.zeros(shape), side))
    assert encoded.density == 0
    assert encoded.decode().shape == shape


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.floats(-65519.99, 65519.99), min_size=1, max_size=8), SIDES)
def test_rounding_is_to_nearest_even(numbers: list[float], side: Any) -> None:
    encoded = encode(np.array([numbers]), side)
    expected = [to_half(number) for number in numbers]
    assert encoded.decode().tolist() == [expected]
    assert encoded.underflowed == sum(number != 0 and half == 0 for number, half in zip(numbers, expected, strict=True))


@settings(deadline=None)
@given(st.integers(0, 0x7BFE), st.integers(-3, 3), st.booleans())
def test_long_double_is_rounded_once(pattern: int, steps: int, negative: bool) -> None:
    low, high = np.array([pattern, pattern + 1], np.uint16).view(np.float16).astype(np.longdouble)
    value = (low + high) / 2
    for _ in range(abs(steps)):
        value = np.nextafter(value, np.longdouble(math.copysign(math.inf, steps)))
    ties_to = low if pattern % 2 == 0 else high
    expected = low if steps < 0 else high if steps > 0 else ties_to
    sign = -1 if negative else 1
    assert encode(np.array([[sign * value]]), "a").decode()[0, 0] == sign * expected


def test_long_double_beyond_a_double() -> None:
    if np.finfo(np.longdouble).max == np.finfo(np.float64).max:
        pytest.skip("long double is double on this platform")
    with pytest.raises(ValueRangeError):
        encode(np.array([[np.longdouble(2) ** 2000]]), "a")
    encoded = encode(np.array([[np.longdouble(2) ** -2000, np.inf, np.nan]], np.longdouble), "a")
    assert (encoded.nnz, encoded.underflowed) == (2, 1)


@settings(deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64, np.bool_]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=5),
    ),
    SIDES,
)
def test_integers_round_like_real_numbers(dense: np.ndarray, side: Any) -> None:
    beyond = np.abs(dense.astype(np.float64)) >= 65520
    if beyond.any():
        with pytest.raises(ValueRangeError) as caught:
            encode(dense, side)
        assert beyond[caught.value.place]
    else:
        assert encode(dense, side).decode().tolist() == [[to_half(float(value)) for value in row] for row in dense]


@pytest.mark.parametrize("side", ["a", "b"])
@pytest.mark.parametrize("make", [np.array, scipy.sparse.csr_array, scipy.sparse.csc_matrix, scipy.sparse.coo_array])
def test_value_beyond_the_range_names_its_place(make: Any, side: Any) -> None:
    dense = np.ones((1500, 700), np.float32)
    dense[[1203, 1203, 1400], [650, 660, 670]] = -65520
    with pytest.raises(ValueRangeError, match=r"row 1203, column 650 .*-65520") as caught:
        encode(make(dense), side)
    assert (caught.value.place, caught.value.value) == ((1203, 650), -65520)


@settings(deadline=None, max_examples=30)
@given(
    st.sets(st.tuples(st.integers(0, 69), st.integers(0, 49)), min_size=1, max_size=5).flatmap(
        lambda places: st.permutations(sorted(places))
    ),
    SIDES,
)
def test_of_values_beyond_the_range_the_first_is_named_however_they_are_stored(
    places: list[tuple[int, int]], side: Any
) -> None:
    row, column = np.array(places).T
    matrix = scipy.sparse.coo_array((1e5 + np.arange(len(places)), (row, column)), shape=(70, 50))
    # By rows of A, by columns of B: the order of the tiles.
    first = min(places, key=lambda place: place if side == "a" else place[::-1])
    for each in (matrix, matrix.tocsr(), matrix.tocsc(), matrix.toarray()):
        with pytest.raises(ValueRangeError) as caught:
            encode(each, side)
        assert (caught.value.place, caught.value.value) == (first, 1e5 + places.index(first))


@pytest.mark.parametrize("value", [65519.996, np.nextafter(65520, 0), 65504])
def test_largest_values_that_fit(value: float) -> None:
    assert encode(np.array([[value, -value]]), "a").values[0, :2].tolist() == [65504, -65504]


def test_underflow_and_zeros_are_dropped_and_subnormals_kept() -> None:
    dense = np.array([[1e-9, -1e-9, 0.0, -0.0, 2**-24, 2**-25, -np.inf, np.nan]])
    for matrix in (dense, dense.astype(np.float32), scipy.sparse.csr_array(dense), explicit(dense)):
        encoded = encode(matrix, "a")
        assert (encoded.nnz, encoded.underflowed) == (3, 3)
        np.testing.assert_array_equal(encoded.values[0, 4:], np.array([2**-24, 0, -np.inf, np.nan], np.float16))


def explicit(dense: np.ndarray) -> scipy.sparse.coo_array:
    """Return every element, zeros too, as a stored entry."""
    rows, columns = np.indices(dense.shape).reshape(2, -1)
    return scipy.sparse.coo_array((dense.ravel(), (rows, columns)), shape=dense.shape)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(-9, 9)), max_size=60),
    st.sampled_from([np.int8, np.int64, np.float32, np.float64, np.bool_]),
    st.sampled_from(["coo", "csr", "csc"]),
    SIDES,
)
def test_duplicates_are_summed(entries: list[tuple[int, int, int]], dtype: Any, format: str, side: Any) -> None:
    rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
    matrix = scipy.sparse.coo_array((np.array(values, dtype), (rows, columns)), shape=(4, 41))
    if format == "csr":
        order = np.argsort(rows, kind="stable")
        starts = np.searchsorted(np.array(rows)[order], np.arange(5)) if entries else np.zeros(5, int)
        matrix = scipy.sparse.csr_array((matrix.data[order], np.array(columns, int)[order], starts), shape=(4, 41))
    elif format == "csc":
        order = np.argsort(columns, kind="stable")
        starts = np.searchsorted(np.array(columns)[order], np.arange(42)) if entries else np.zeros(42, int)
        matrix = scipy.sparse.csc_array((matrix.data[order], np.array(rows, int)[order], starts), shape=(4, 41))
    assert_same_encoding(encode(matrix, side), encode(matrix.toarray(), side))


def test_duplicates_are_summed_before_rounding_and_range_check() -> None:
    values = np.array([2048.0, 0.75, 0.75, 65000, 65000, -65000, 3, -3])
    places = ([0] * 8, [0, 0, 0, 1, 1, 1, 2, 2])
    encoded = encode(scipy.sparse.coo_array((values, places), shape=(1, 3)), "a")
    assert encoded.decode().tolist() == [[to_half(2049.5), to_half(65000), 0]]
    assert (encoded.nnz, encoded.underflowed) == (2, 0)


def test_sparse_input_is_left_unchanged() -> None:
    matrix = scipy.sparse.coo_array(([1.0, 2.0, 0.0], ([1, 1, 0], [1, 1, 0])), shape=(2, 2))
    encode(matrix, "b")
    assert (matrix.data.tolist(), matrix.row.tolist()) == ([1, 2, 0], [1, 1, 0])


def test_large_sparse_matrix_is_not_made_dense() -> None:
    size, generator = 100_000, np.random.default_rng(7)
    rows, columns = generator.integers(0, size, (2, 100_000))
    matrix = scipy.sparse.coo_array((np.ones(100_000), (rows, columns)), shape=(size, size)).tocsr()
    encoded, peak = traced(matrix, "b")
    assert encoded.nnz == matrix.nnz
    assert encoded.nbytes < 40_000_000
    assert peak < 100_000_000
    column, row = int(columns[0]), int(rows[0])
    tile, word = column // 32 * encoded.tiles_k + row // 16, encoded.warp_bitmap[column // 32, row // 16 // 32]
    assert word >> (row // 16 % 32) & 1
    present = np.unpackbits(encoded.warp_bitmap.view(np.uint8), axis=1, bitorder="little")[:, : encoded.tiles_k]
    number = np.count_nonzero(present.reshape(-1)[:tile])
    assert encoded.element_bitmap[number, row % 16] >> (column % 32) & 1


@pytest.mark.parametrize("side", ["a", "b"])
def test_memory_beyond_the_result_is_small(side: Any) -> None:
    encoded, peak = traced(np.ones((2048, 2048), np.float32), side)
    assert encoded.nnz == 2048 * 2048
    assert peak < 2 * encoded.nbytes + 16_000_000


def traced(matrix: Any, side: Any) -> tuple[BitmapMatrix, int]:
    """Encode, and return the most memory in use meanwhile, in bytes."""
    tracemalloc.start()
    try:
        return encode(matrix, side), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [(2**31, 1), (1, 2**31), (2**31 - 1, 2**31 - 1)])
def test_dimensions_beyond_the_format_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="too large for the bitmap format"):
        encode(scipy.sparse.coo_array(shape), "a")


@pytest.mark.parametrize("make", [np.array, scipy.sparse.csr_array])
def test_more_values_than_a_word_counts_are_refused(make: Any, monkeypatch: Any) -> None:
    dense = np.ones((24, 12))
    monkeypatch.setattr(bitmap, "WORD_LIMIT", 48)
    assert encode(make(dense), "a").nnz == 24 * 12
    monkeypatch.setattr(bitmap, "WORD_LIMIT", 47)
    with pytest.raises(ValueError, match=r"48 rows of 16 bytes: .* at most 47"):
        encode(make(dense), "a")


@pytest.mark.parametrize(
    ("matrix", "error", "message"),
    [
        (None, TypeError, "not NoneType"),
        (np.float16(1), ValueError, "has 2 dimensions, this array has 0"),
        (np.ma.array([[1.0]], mask=[[True]]), TypeError, "not a MaskedArray"),
        (np.zeros((2, 2), complex), TypeError, "not complex128"),
        (np.zeros((2, 2), object), TypeError, "not int objects"),
        (np.zeros((2, 2), "M8[s]"), TypeError, "not datetime64"),
        (np.zeros((2, 2), "U3"), TypeError, "not <U3"),
        (scipy.sparse.csr_array(np.zeros((2, 2), complex)), TypeError, "not complex128"),
        (np.zeros(3), ValueError, "has 2 dimensions, this array has 1"),
        (np.zeros((1, 2, 3)), ValueError, "this array has 3"),
        (scipy.sparse.coo_array(np.ones(3)), ValueError, "this array has 1"),
    ],
)
def test_what_is_not_a_real_matrix_is_refused(matrix: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        encode(matrix, "a")


def test_unknown_side_is_refused() -> None:
    with pytest.raises(ValueError, match="not 'c'"):
        encode(np.zeros((1, 1)), "c")  # type: ignore[arg-type]


def test_no_numpy_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encode(np.array([[1e-30, np.nan, np.inf, 1.0]], np.float32), "a").decode()
        encode(scipy.sparse.coo_array(([3e38, 3e38], ([0, 0], [0, 0])), dtype=np.float32), "a")


def test_dense_matrices_need_no_scipy() -> None:
    code = (
        "import sys, numpy; from dstc_isa.sparse.bitmap import encode; encode(numpy.eye(3), 'a').decode();"
        "sys.exit('scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_density_is_exact() -> None:
    encoded = encode(np.eye(48), "b")
    assert Fraction(encoded.density).limit_denominator(10**6) == Fraction(1, 48)
