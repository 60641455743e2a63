import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.sparse import random_matrix as module
from dstc_isa.sparse.random_matrix import random_matrix


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.floats(0, 1), st.integers(0, 2**64))
def test_shape_type_range_and_repeatability(rows: int, columns: int, density: float, seed: int) -> None:
    matrix = random_matrix(rows, columns, density, seed)
    assert (matrix.shape, matrix.dtype) == ((rows, columns), np.float16)
    assert np.all(np.abs(matrix) <= 1)
    np.testing.assert_array_equal(random_matrix(rows, columns, density, seed), matrix)


@pytest.mark.parametrize("density", [0.001, 0.1, 0.5, 0.95])
def test_zeros_are_independent_with_the_given_probability(density: float) -> None:
    present = random_matrix(1500, 1200, density, 3) != 0
    deviation = math.sqrt(density * (1 - density))
    assert abs(present.mean() - density) < 5 * deviation / math.sqrt(present.size)
    assert np.all(np.abs(present.mean(axis=0) - density) < 6 * deviation / math.sqrt(1500))
    both = (present[:, 1:] & present[:, :-1]).mean()
    assert abs(both - density**2) < 8 * density / math.sqrt(present.size)


def test_density_0_and_1_are_exact() -> None:
    assert not random_matrix(1100, 1100, 0, 5).any()
    assert random_matrix(1100, 1100, 1, 5).all()


def test_values_are_uniform() -> None:
    values = random_matrix(1000, 1000, 1, 9).astype(np.float64)
    counts, _ = np.histogram(values, bins=20, range=(-1, 1))
    assert np.all(np.abs(counts - 50_000) < 6 * math.sqrt(50_000))
    assert abs(values.mean()) < 0.003


@pytest.mark.parametrize(("drawn", "value"), [(0.5, 2**-24), (0.5 - 2**-24, -(2**-24)), (0, -1), (1 - 2**-24, 1)])
def test_extreme_draws_are_never_zero(drawn: float, value: float, monkeypatch: Any) -> None:
    class Generator:
        def random(self, count: int, dtype: Any = np.float64) -> np.ndarray:
            return np.full(count, drawn, dtype)

    monkeypatch.setattr(module.np.random, "default_rng", lambda seed: Generator())
    assert random_matrix(1, 1, 1, 0).tolist() == [[value]]


def test_seeds_and_chunks_differ() -> None:
    assert np.any(random_matrix(9, 9, 0.5, 1) != random_matrix(9, 9, 0.5, 2))
    matrix = random_matrix(4, module._CHUNK // 2, 0.5, 1)
    assert np.any(matrix[:2] != matrix[2:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 2, 0.5, 0), "not -1 x 2"),
        ((1, -2, 0.5, 0), "not 1 x -2"),
        ((1, 2, 1.5, 0), "density is a fraction from 0 to 1, not 1.5"),
        ((1, 2, -0.1, 0), "not -0.1"),
        ((1, 2, math.nan, 0), "not nan"),
        ((1, 2, 0.5, -1), "seed is 0 or more, not -1"),
    ],
)
def test_wrong_arguments(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        random_matrix(*arguments)
