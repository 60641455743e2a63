from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.conv.shape import ConvShape
from dstc_isa.exact import Exact, compare, exact_convolution, exact_product
from tests.conv.layers import correlated, operands


@given(st.integers(1, 5), st.integers(1, 9), st.integers(1, 5), st.integers(0, 99), st.booleans())
def test_products_are_those_of_fractions(m: int, k: int, n: int, seed: int, sparse: bool) -> None:
    generator = np.random.default_rng(seed)
    a, b = (generator.standard_normal(shape).astype(np.float32) for shape in ((m, k), (k, n)))
    a[generator.random(a.shape) < 0.4] = 0
    left: Any = scipy.sparse.coo_array(a) if sparse else a
    exact = exact_product(left, scipy.sparse.csc_array(b) if sparse else b)
    halves = [[[Fraction(float(v)) for v in row] for row in each.astype(np.float16)] for each in (a, b)]
    for i in range(m):
        for j in range(n):
            terms = [halves[0][i][step] * halves[1][step][j] for step in range(k)]
            assert exact.values[i, j] == pytest.approx(float(sum(terms)), abs=1e-14)
            assert exact.magnitudes[i, j] == pytest.approx(float(sum(map(abs, terms))), abs=1e-14)


@settings(max_examples=20)
@given(st.integers(1, 2), st.sampled_from([1, 2]), st.sampled_from([(1, 1), (2, 3)]), st.integers(0, 99))
def test_convolutions_are_those_of_scipy(images: int, groups: int, stride: tuple[int, int], seed: int) -> None:
    shape = ConvShape(images, 4, 7, 9, 6, 3, 2, stride, (0, 1, 2, 1), (1, 2), groups)
    x, w = operands(shape, 0.5, 0.5, seed)
    bias = np.linspace(-1, 1, 6)
    expected = correlated(x, w, shape) + bias[:, None, None]
    np.testing.assert_allclose(exact_convolution(x, w, shape, bias).values, expected, atol=1e-12)
    relu = exact_convolution(x, w, shape, bias, relu=True).values
    np.testing.assert_allclose(relu, np.maximum(expected, 0), atol=1e-12)


def test_duplicates_are_added_before_rounding() -> None:
    a = scipy.sparse.coo_array(([2048.0, 1.0], ([0, 0], [0, 0])), shape=(1, 1))
    assert exact_product(a, np.ones((1, 1))).values.tolist() == [[2048]]
    b = scipy.sparse.coo_array(([2048.0, 1.5], ([0, 0], [0, 0])), shape=(1, 1))
    assert exact_product(b, np.ones((1, 1))).values.tolist() == [[2050]]


@given(st.integers(1, 300), st.integers(0, 99))
def test_sums_in_float32_in_any_order_are_within_tolerance(k: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = (generator.standard_normal(k).astype(np.float16) for _ in "ab")
    total = np.float32(0)
    for step in generator.permutation(k):
        total = np.float32(total + np.float32(a[step]) * np.float32(b[step]))
    verdict = compare(np.array([[total]]), exact_product(a[None], b[:, None]))
    assert (verdict.wrong, verdict.compared) == (0, 1)
    assert verdict.error <= verdict.tolerance


def test_one_wrong_result_is_named() -> None:
    a = np.eye(4)
    results = np.eye(4, dtype=np.float32)
    results[2, 1] = 1e-6
    results[3, 3] += 1e-7
    verdict = compare(results, exact_product(a, a))
    assert (verdict.wrong, verdict.place, verdict.expected) == (1, (2, 1), 0)
    assert verdict.text.startswith("WRONG: 1 of 16 results; error 1e-06 at [2, 1]: ")
    results[2, 1] = np.nan
    verdict = compare(results, exact_product(a, a))
    assert (verdict.wrong, verdict.place) == (1, (2, 1))
    assert verdict.as_json()["got"] is None
    results[2, 1] = 0
    verdict = compare(results, exact_product(a, a))
    assert (verdict.wrong, verdict.place) == (0, (3, 3))
    assert verdict.text.startswith("verified 16 results: largest error 1.19e-07 at [3, 3]: ")


def test_what_infinities_and_nans_take_part_in_is_not_compared() -> None:
    a = np.array([[np.inf, 0], [1, 1], [np.nan, 1]])
    verdict = compare(np.full((3, 1), 2, np.float32), exact_product(a, np.ones((2, 1))))
    assert (verdict.wrong, verdict.compared, verdict.results) == (0, 1, 3)
    assert verdict.text.endswith("; 2 not compared, as an infinity or a NaN takes part")
    nothing = compare(np.zeros((0, 3), np.float32), exact_product(np.zeros((0, 2)), np.zeros((2, 3))))
    assert nothing.text == "verified: nothing to compare"


def test_more_roundings_than_a_float_has_values() -> None:
    exact = Exact(np.ones(1), np.ones(1), 2**24)
    assert compare(np.zeros(1), exact).wrong == 0
