from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa import gemm_dense, gemm_sparse24
from dstc_isa.halves import ValueRangeError

SIZES = st.one_of(st.integers(1, 40), st.sampled_from([63, 64, 127, 129, 200]))


def in_k_order(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    total = np.zeros((a.shape[0], b.shape[1]), np.float32)
    for k in range(a.shape[1]):
        total += np.outer(a[:, k].astype(np.float32), b[k].astype(np.float32))
    return total


@settings(max_examples=15)
@given(SIZES, SIZES, st.integers(1, 100), st.integers(0, 99))
def test_bit_exact_in_the_order_of_k(m: int, n: int, k: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    a = generator.standard_normal((m, k)).astype(np.float16)
    b = generator.standard_normal((k, n)).astype(np.float16)
    result = gemm_dense(a, b, gpu=None)
    assert result.c.shape == (m, n)
    np.testing.assert_array_equal(result.c, in_k_order(a, b))


def test_infinities_stay_in_their_rows_and_columns() -> None:
    a, b = np.ones((5, 3), np.float16), np.ones((3, 7), np.float16)
    a[2, 1] = np.inf
    c = gemm_dense(a, b, gpu=None).c
    assert np.isinf(c[2]).all()
    assert (np.delete(c, 2, axis=0) == 3).all()


def test_a_large_product_keeps_the_tensor_cores_busy() -> None:
    a, b = np.ones((2048, 1024), np.float16), np.ones((1024, 1280), np.float16)
    result = gemm_dense(a, b, gpu="v100")
    assert (result.c == 1024).all()
    timing = result.run.timing
    assert timing is not None
    assert timing.bound.resource == "tensor and FP16 pipe"
    assert timing.counters["bank_conflicts"] == 0
    assert timing.share_of_bound > 0.6


@pytest.mark.parametrize("shapes", [((2, 3), (4, 5)), ((0, 3), (3, 5)), ((3,), (3, 5))])
def test_shapes_that_do_not_fit(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match=r"a is"):
        gemm_dense(np.ones(shapes[0]), np.ones(shapes[1]))


@pytest.mark.parametrize("multiply", [gemm_dense, gemm_sparse24])
@pytest.mark.parametrize("name", ["a", "b"])
def test_value_beyond_half_precision_is_located(multiply: Callable[..., object], name: str) -> None:
    matrices = {"a": np.zeros((4, 4)), "b": np.ones((4, 4))}
    matrices[name][2, 1] = 70000
    with pytest.raises(ValueRangeError, match=rf"^{name}: row 2, column 1 .*70000.0 is beyond FP16"):
        multiply(**matrices)
