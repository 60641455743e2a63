from math import comb
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import example, given, settings
from hypothesis import strategies as st

import dstc_isa
from dstc_isa.halves import ValueRangeError
from dstc_isa.host_memory import OutOfMemory
from dstc_isa.sparse.random_matrix import random_matrix
from dstc_isa.sparse.spgemm import SpgemmReport, spgemm

NAN_BITS = 0x7FFFFFFF
EDGES = [0, 1, 31, 32, 33, 63, 65]
DENSITIES = [0.0, 0.002, 0.02, 0.1, 0.5, 0.9, 1.0]
SPECIALS = [np.inf, -np.inf, np.nan, -0.0, 0.0, 2**-24, -(2**-24), 1023 * 2**-24, 65504.0, -65504.0, 1.0]


def expected(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Bits of the product of two FP16 matrices: float32 sums in k order, pairs with a zero left out."""
    c = np.zeros((a.shape[0], b.shape[1]), np.float32)
    for column, row in zip(a.T.astype(np.float32), b.astype(np.float32), strict=True):
        present = (column != 0)[:, None] & (row != 0)
        with np.errstate(invalid="ignore"):
            c = np.where(present, c + column[:, None] * row, c)
    return np.where(np.isnan(c), np.uint32(NAN_BITS), c.view(np.uint32))


def steps(a: np.ndarray, b: np.ndarray) -> int:
    """OHMMA that the two matrices need: each 32x32 warp tile and k takes ceil(nnz/8) times ceil(nnz/16)."""
    total = 0
    for row in range(0, a.shape[0], 32):
        of_a = np.count_nonzero(a[row : row + 32], axis=0)
        for column in range(0, b.shape[1], 32):
            of_b = np.count_nonzero(b[:, column : column + 32], axis=1)
            total += int((-(-of_a // 8) * -(-of_b // 16)).sum())
    return total


def fewest_steps(a: np.ndarray, b: np.ndarray) -> int:
    """The same for the kernel that takes A's values in groups of 8 or B's, whichever needs fewer OHMMA."""
    return min(steps(a, b), steps(b.T, a.T))


def check(a: Any, b: Any, dense_a: np.ndarray, dense_b: np.ndarray, **options: Any) -> SpgemmReport:
    """Multiply, and compare result and counts with those of the FP16 matrices."""
    result = spgemm(a, b, **options)
    assert result.c.dtype == np.float32
    assert result.c.shape == (dense_a.shape[0], dense_b.shape[1])
    np.testing.assert_array_equal(result.c.view(np.uint32), expected(dense_a, dense_b))
    report = result.report
    assert report.ohmma_issued == fewest_steps(dense_a, dense_b)
    tiles = -(-report.m // 32) * -(-report.n // 32)
    assert report.ohmma_issued + report.ohmma_skipped == 8 * tiles * report.k
    assert sum(report.run.histogram.values()) == report.run.warp_instructions
    return report


def filled(rows: int, columns: int, density: float, seed: int, specials: float = 0.0) -> np.ndarray:
    """A random FP16 matrix; ``specials`` is the share of its elements that is drawn from SPECIALS."""
    matrix = random_matrix(rows, columns, density, seed)
    generator = np.random.default_rng(seed)
    places = (generator.random(matrix.shape) < specials) & (matrix != 0)
    matrix[places] = generator.choice(np.array(SPECIALS, np.float16), np.count_nonzero(places))
    return matrix


@settings(max_examples=60)
@given(
    m=st.integers(0, 100),
    n=st.integers(0, 100),
    k=st.integers(0, 80) | st.integers(500, 560),
    density_a=st.sampled_from(DENSITIES),
    density_b=st.sampled_from(DENSITIES),
    specials=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
    seed=st.integers(0, 2**32),
    threads=st.sampled_from([1, 2]),
)
@example(m=33, n=65, k=1100, density_a=0.02, density_b=0.1, specials=0.0, seed=1, threads=2)
@example(m=65, n=33, k=1040, density_a=1.0, density_b=1.0, specials=0.0, seed=2, threads=2)
def test_any_product(
    m: int, n: int, k: int, density_a: float, density_b: float, specials: float, seed: int, threads: int
) -> None:
    a, b = filled(m, k, density_a, seed, specials), filled(k, n, density_b, seed + 1, specials)
    check(a, b, a, b, threads=threads)


@pytest.mark.slow
@pytest.mark.parametrize("m", EDGES)
@pytest.mark.parametrize("n", EDGES)
def test_edges_of_tiles(m: int, n: int) -> None:
    for k in [0, 1, 16, 33]:
        a, b = filled(m, k, 0.6, k), filled(k, n, 0.6, k + 1)
        report = check(a, b, a, b)
        assert (report.m, report.n, report.k) == (m, n, k)


def test_dense_matrix_takes_every_group() -> None:
    a, b = filled(64, 64, 1.0, 3), filled(64, 64, 1.0, 4)
    report = check(a, b, a, b)
    assert (report.ohmma_issued, report.ohmma_skipped) == (2048, 0)
    assert (report.density_a, report.density_b) == (1.0, 1.0)


def test_empty_tiles_and_tile_rows_are_not_visited() -> None:
    a, b = np.zeros((200, 1200), np.float16), np.zeros((1200, 130), np.float16)
    a[5, 3] = a[5, 1199] = a[130, 515] = a[199, 600] = 2
    b[3, 7] = b[515, 129] = b[1199, 0] = b[601, 64] = 3
    report = check(a, b, a, b)
    assert report.ohmma_issued == 3
    empty = check(np.zeros_like(a), b, np.zeros_like(a), b)
    assert empty.ohmma_issued == 0
    assert empty.run.histogram.get("BOHMMA.32321", 0) == 0


def test_order_of_the_sum_and_cancellation() -> None:
    values = np.array([65504, 2**-14, -65504, 2**-24, 1, -1, 2**-12], np.float16)
    a, b = np.tile(values, (3, 20)), np.tile(values[::-1], (2, 20)).T
    check(a, b, a, b)
    back = spgemm(np.array([[1, -1]], np.float16), np.array([[3], [3]], np.float16)).c
    assert back.view(np.uint32).tolist() == [[0]]


def test_largest_sums_round_in_float32() -> None:
    a, b = np.full((4, 700), 65504, np.float16), np.full((700, 3), 65504, np.float16)
    b[1::3] = 2**-24
    check(a, b, a, b)


@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan])
def test_zero_does_not_meet_infinity_or_nan(special: float) -> None:
    a, b = np.zeros((40, 40), np.float16), np.ones((40, 40), np.float16)
    a[3, 4] = special
    b[4, :20] = -0.0
    c = spgemm(a, b).c
    assert np.count_nonzero(c != 0) == 20
    check(a, b, a, b)


def test_infinities_that_cancel_give_the_canonical_nan() -> None:
    a = np.array([[np.inf, -np.inf], [np.nan, 1]], np.float16)
    c = spgemm(a, np.ones((2, 1), np.float16)).c
    assert c.view(np.uint32).tolist() == [[NAN_BITS], [NAN_BITS]]


@pytest.mark.parametrize("convert", [scipy.sparse.csr_array, scipy.sparse.csc_matrix, scipy.sparse.coo_array])
def test_scipy_formats(convert: Any) -> None:
    a, b = filled(70, 90, 0.1, 5), filled(90, 40, 0.2, 6)
    check(convert(a.astype(np.float64)), convert(b.astype(np.float32)), a, b)
    check(convert(a.astype(np.float64)), b, a, b)
    close = scipy.sparse.csr_array(a.astype(np.float64)) @ scipy.sparse.csr_array(b.astype(np.float64))
    np.testing.assert_allclose(spgemm(a, b).c, close.toarray(), atol=1e-5)


def test_duplicates_and_explicit_zeros_of_a_sparse_matrix() -> None:
    a = scipy.sparse.coo_array(([1.0, 2.0, 0.0, 4.0], ([0, 0, 1, 2], [1, 1, 0, 2])), shape=(3, 3))
    report = check(a, np.eye(3), a.toarray().astype(np.float16), np.eye(3, dtype=np.float16))
    assert report.density_a == 2 / 9


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.uint8, np.bool_])
def test_other_types_and_memory_orders(dtype: Any) -> None:
    a = np.asfortranarray(np.arange(33 * 20).reshape(33, 20) % 7).astype(dtype)
    b = (np.arange(40 * 66).reshape(40, 66) % 5).astype(dtype)[::2, ::-2]
    check(a, b, a.astype(np.float16), b.astype(np.float16))


def test_values_are_rounded_to_half_precision() -> None:
    a, b = np.random.default_rng(1).normal(size=(2, 40, 40))
    check(a, b, a.astype(np.float16), b.astype(np.float16))


@settings(max_examples=4)
@given(seed=st.integers(0, 1000), m=st.integers(1, 40), n=st.integers(1, 40), k=st.integers(1, 18))
def test_reference_engine_agrees(seed: int, m: int, n: int, k: int) -> None:
    a, b = filled(m, k, 0.3, seed, 0.1), filled(k, n, 0.3, seed + 1, 0.1)
    compiled, readable = check(a, b, a, b), check(a, b, a, b, reference=True)
    assert compiled.run.histogram == readable.run.histogram
    assert compiled.run.skipped == readable.run.skipped


def test_thread_count_changes_nothing() -> None:
    a, b = filled(300, 200, 0.4, 7, 0.01), filled(200, 330, 0.3, 8, 0.01)
    one, two = spgemm(a, b, threads=1), spgemm(a, b, threads=2)
    np.testing.assert_array_equal(one.c.view(np.uint32), two.c.view(np.uint32))
    assert (one.report.run.threads, two.report.run.threads) == (1, 2)
    assert one.report.run.histogram == two.report.run.histogram
    assert one.report.run.skipped == two.report.run.skipped


BINOMIAL = {
    "a": {0.9: 0.9971, 0.7: 0.7995, 0.5: 0.6069, 0.3: 0.4153, 0.1: 0.2422},
    "b": {0.9: 1.0, 0.7: 0.9931, 0.5: 0.7150, 0.4: 0.5460, 0.3: 0.5026, 0.1: 0.4828},
}
"""Issued OHMMA relative to dense when one matrix has this density of random zeros: exact binomial, 4 digits."""


def mean_share(density: float, group: int) -> float:
    """Expected ceil(nnz / group) of 32 random places, relative to that of 32."""
    counts = [comb(32, n) * density**n * (1 - density) ** (32 - n) * -(-n // group) for n in range(33)]
    return sum(counts) * group / 32


@pytest.mark.parametrize(("sparse", "density"), [(side, d) for side, table in BINOMIAL.items() for d in table])
def test_issued_ohmma_follow_the_binomial_law(sparse: str, density: float) -> None:
    assert mean_share(density, 8 if sparse == "a" else 16) == pytest.approx(BINOMIAL[sparse][density], abs=6e-5)
    densities = (density, 1.0) if sparse == "a" else (1.0, density)
    a, b = random_matrix(512, 512, densities[0], 11), random_matrix(512, 512, densities[1], 12)
    # The kernel of the paper's instructions would let the sparse matrix be a; the other one has 64 rows of it.
    kernel = "spgemm" if sparse == "a" else "spgemm_seq"
    share = share_of(spgemm(a, b, kernel=kernel).report)
    assert share == pytest.approx(BINOMIAL[sparse][density], abs=0.01)


@pytest.mark.parametrize("density", BINOMIAL["a"])
def test_either_side_alone_saves_in_groups_of_eight(density: float) -> None:
    sparse, dense = random_matrix(512, 512, density, 11), random_matrix(512, 512, 1.0, 12)
    share = share_of(spgemm(sparse, dense).report)
    assert share == pytest.approx(BINOMIAL["a"][density], abs=0.01)
    assert share == share_of(spgemm(dense.T, sparse.T).report)


def share_of(report: SpgemmReport) -> float:
    return report.ohmma_issued / (report.ohmma_issued + report.ohmma_skipped)


@settings(max_examples=20)
@given(m=st.integers(1, 100), n=st.integers(1, 100), k=st.integers(1, 40), seed=st.integers(0, 2**32))
def test_operands_change_places_without_a_trace(m: int, n: int, k: int, seed: int) -> None:
    a, b = filled(m, k, 1.0, seed, 0.1), filled(k, n, 0.6, seed + 1, 0.1)
    check(a, b, a, b)
    check(b.T, a.T, b.T, a.T)


def test_report_as_plain_data() -> None:
    a, b = filled(40, 33, 0.5, 9), filled(33, 70, 0.25, 10)
    report = dstc_isa.spgemm(a, b).report
    plain = report.to_dict()
    (launch,) = plain["launches"]
    data = {**launch, **plain["result"]}
    assert (data["m"], data["n"], data["k"]) == (40, 70, 33)
    assert data["density_a"] == np.count_nonzero(a) / a.size
    assert data["density_b"] == np.count_nonzero(b) / b.size
    assert data["ohmma"] == {"issued": fewest_steps(a, b), "skipped": 8 * 2 * 3 * 33 - fewest_steps(a, b)}
    assert data["warp_instructions"] == sum(data["histogram"].values())
    assert data["warp_instructions_per_s"] == pytest.approx(data["warp_instructions"] / data["seconds"])
    assert data["total_seconds"] >= data["seconds"] > 0
    assert data["histogram"]["OHMMA.8161.F32"] - data["skipped"]["OHMMA.8161.F32"] == fewest_steps(a, b)


@pytest.mark.parametrize(
    ("a", "b", "error", "message"),
    [
        (np.ones((3, 4)), np.ones((3, 4)), ValueError, "a is 3x4 and b is 3x4"),
        (np.ones(3), np.ones((3, 4)), ValueError, "^a: a matrix has 2 dimensions"),
        (np.ones((3, 3)), np.ones((3, 3, 3)), ValueError, "^b: a matrix has 2 dimensions"),
        (np.ones((3, 3)), np.ones((3, 3), complex), TypeError, "^b: expected real numbers, not complex128"),
        (np.full((3, 3), "1"), np.ones((3, 3)), TypeError, "^a: expected real numbers, not <U1"),
        ([[1, 2], [3]], np.ones((2, 2)), TypeError, r"^a: expected an array of real numbers, which this list is not: "),
        (None, np.ones((2, 2)), TypeError, "^a: expected real numbers, not NoneType"),
    ],
)
def test_wrong_matrices(a: Any, b: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        spgemm(a, b)


def test_value_beyond_half_precision_is_located() -> None:
    b = np.ones((40, 50))
    b[37, 42] = -70000
    with pytest.raises(ValueRangeError, match=r"^b: row 37, column 42 .*-70000.0 is beyond FP16") as caught:
        spgemm(np.ones((2, 40)), b)
    assert (caught.value.place, caught.value.value) == ((37, 42), -70000)


def test_no_threads() -> None:
    with pytest.raises(ValueError, match="threads is 1 to 256, not 0"):
        spgemm(np.ones((2, 2)), np.ones((2, 2)), threads=0)


def test_a_long_matrix_of_one_column_fits_the_grid() -> None:
    """More than 65,535 CTAs along the rows, and along the columns."""
    long = random_matrix(65536 * 64 + 1, 1, 0.001, 5)
    one = np.ones((1, 1), np.float16)
    assert np.array_equal(spgemm(long, one).c, long.astype(np.float32))
    assert np.array_equal(spgemm(one, long.T).c, long.T.astype(np.float32))


@pytest.mark.slow
def test_a_result_without_room_is_refused() -> None:
    huge = scipy.sparse.csr_array((2**31 - 1, 1), dtype=np.float32)
    with pytest.raises(OutOfMemory, match="the result, which is dense, 2147483647x2147483647 floats: needs 16 EiB"):
        spgemm(huge, huge.T)


def test_inputs_that_underflow_are_counted() -> None:
    report = spgemm(np.full((2, 3), 1e-9), np.ones((3, 1))).report
    assert (report.underflowed, report.as_json()["underflowed"]) == (6, 6)
