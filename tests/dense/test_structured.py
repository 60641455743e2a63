import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa import gemm_dense, gemm_sparse24
from dstc_isa.dense.structured import GROUP, KEPT, StructureError, encode, position_words, prune

SIZES = st.one_of(st.integers(1, 40), st.sampled_from([63, 64, 127, 129, 200]))


def matrix(m: int, k: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    values = generator.standard_normal((m, k)).astype(np.float16)
    return np.where(generator.random((m, k)) < 0.8, values, np.float16(0))


def grouped(a: np.ndarray) -> np.ndarray:
    columns = -(-a.shape[1] // GROUP) * GROUP
    return np.pad(a, ((0, 0), (0, columns - a.shape[1]))).reshape(len(a), -1, GROUP)


@given(SIZES, SIZES, st.integers(0, 99))
def test_pruning_keeps_the_largest_two_of_four(m: int, k: int, seed: int) -> None:
    a = matrix(m, k, seed)
    pruned = prune(a)
    assert ((pruned == a) | (pruned == 0)).all()
    largest = np.sort(np.abs(grouped(a)), axis=2)[:, :, KEPT:]
    np.testing.assert_array_equal(np.sort(np.abs(grouped(pruned)), axis=2)[:, :, KEPT:], largest)
    assert (np.count_nonzero(grouped(pruned), axis=2) <= KEPT).all()


def test_pruning_leaves_what_is_sparse_enough() -> None:
    a = prune(matrix(20, 30, 1))
    np.testing.assert_array_equal(prune(a), a)


@given(SIZES, SIZES, st.integers(0, 99))
def test_what_is_encoded_decodes(m: int, k: int, seed: int) -> None:
    a = prune(matrix(m, k, seed))
    encoded = encode(a)
    np.testing.assert_array_equal(encoded.decode()[:, :k], a)
    pairs = encoded.positions.reshape(m, -1, KEPT)
    assert (pairs[:, :, 0] < pairs[:, :, 1]).all()
    assert (pairs < GROUP).all()


def test_metadata_words() -> None:
    positions = np.zeros((64, 32), np.uint8)
    positions[16 * 2 + 5, 16 + 4 * 3 : 16 + 4 * 3 + 4] = [0, 1, 2, 3]  # block 2, lane 5; slab 1, slice 3
    words = position_words(positions)
    assert words.shape == (1, 2, 16, 4)
    assert words[0, 1, 5, 3] == 0b11_10_01_00 << 16
    assert np.count_nonzero(words) == 1


@settings(max_examples=10)
@given(SIZES, SIZES, st.integers(1, 100), st.integers(0, 99))
def test_the_product_is_the_dense_kernels(m: int, n: int, k: int, seed: int) -> None:
    a, b = prune(matrix(m, k, seed)), matrix(k, n, seed + 1)
    np.testing.assert_array_equal(gemm_sparse24(a, b, gpu=None).c, gemm_dense(a, b, gpu=None).c)


def test_dropped_values_do_not_meet_infinity() -> None:
    a, b = np.array([[1, 2, 0, 0]], np.float16), np.array([[1], [1], [np.inf], [np.nan]], np.float16)
    assert gemm_sparse24(a, b, gpu=None).c == 3


def test_fewer_cycles_than_the_dense_kernel() -> None:
    a, b = prune(matrix(512, 1024, 0)), matrix(1024, 512, 1)
    dense, sparse = (multiply(a, b, gpu="v100") for multiply in (gemm_dense, gemm_sparse24))
    np.testing.assert_array_equal(sparse.c, dense.c)
    assert dense.run.timing is not None
    assert sparse.run.timing is not None
    assert sparse.run.timing.counters["bank_conflicts"] == 0
    assert 1.2 * sparse.run.timing.cycles < dense.run.timing.cycles


def test_a_group_with_three_values() -> None:
    a = np.zeros((5, 12), np.float16)
    a[3, 4:7] = 1
    with pytest.raises(StructureError, match="row 3, columns 4 to 7 have 3 values"):
        gemm_sparse24(a, np.ones((12, 2)))


@pytest.mark.parametrize("shapes", [((2, 4), (8, 5)), ((0, 4), (4, 5)), ((4,), (4, 5))])
def test_shapes_that_do_not_fit(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match=r"a is"):
        gemm_sparse24(np.ones(shapes[0]), np.ones(shapes[1]))
