import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.sparse.bitmap import encode
from dstc_isa.sparse.groups import products
from dstc_isa.sparse.packed import pack


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 100), st.floats(0, 0.3), st.integers(0, 99))
def test_products_are_counted_step_by_step(m: int, n: int, k: int, density: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = ((generator.random(size) < density).astype(np.float16) for size in ((m, k), (k, n)))

    def groups(matrix: np.ndarray, rows: int, size: int) -> np.ndarray:
        """Of each k, groups of values of as many rows as a tile has."""
        padded = np.pad(matrix != 0, ((0, -len(matrix) % rows), (0, 0)))
        values = padded.reshape(-1, rows, matrix.shape[1]).sum(axis=1)
        return (-(-values // size)).sum(axis=0)

    left, right = encode(a, "a", 32), encode(b, "b", 32)
    assert products(left.groups(8), right.groups(16)) == groups(a, 32, 8) @ groups(b.T, 32, 16)
    assert products(pack(left).groups(8), pack(right).groups(16)) == groups(a, 64, 8) @ groups(b.T, 32, 16)


def test_few_values_along_a_long_k_take_little_memory() -> None:
    # A table of all steps would be 16 GB.
    import scipy.sparse

    matrix = scipy.sparse.csr_array(([1.0, 2.0], ([0, 0], [3, 1_999_999_999])), shape=(1, 2_000_000_000))
    left, right = encode(matrix, "a", 32), encode(matrix.T, "b", 32)
    assert products(left.groups(8), right.groups(16)) == 2
