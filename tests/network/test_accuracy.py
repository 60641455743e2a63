from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from dstc_isa.conv.shape import ConvShape
from dstc_isa.network.accuracy import Accuracy, accuracy_of, convolution_accuracy, product_accuracy
from dstc_isa.network.graph import load_graph
from dstc_isa.network.graph_run import run_graph
from tests.conv.layers import correlated
from tests.network.models import device, small_network, sparse


def test_by_hand() -> None:
    accuracy = accuracy_of(np.array([3.0, 4.5]), np.array([3.0, 4.0]), np.array([3.0, 4.25]))
    assert accuracy == Accuracy(0.5, 0.1, 0.05)
    assert accuracy_of(np.array([1.0]), np.array([0.0])) == Accuracy(1.0, None)
    assert accuracy_of(np.array([np.inf, 2.0]), np.array([1.0, 1.0])) == Accuracy(1.0, 1.0)
    assert accuracy_of(np.array([np.nan]), np.array([1.0])) == Accuracy(None, None)
    assert accuracy_of(np.zeros(0), np.zeros(0)) == Accuracy(None, None)


@given(st.integers(0, 99))
def test_rounding_explains_the_error_of_a_product_that_adds_exactly(seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.standard_normal((1, 4, 8)), generator.standard_normal((2, 8, 3))
    y = a.astype(np.float16).astype(np.float64) @ b.astype(np.float16).astype(np.float64)
    accuracy = product_accuracy(y, a, b)
    assert accuracy.error_relative == accuracy.error_of_rounding
    assert accuracy.error_max == pytest.approx(abs(y - a @ b).max(), rel=1e-4)
    assert accuracy.error_relative == pytest.approx(np.linalg.norm(y - a @ b) / np.linalg.norm(a @ b), rel=1e-4)
    halves = [each.astype(np.float16) for each in (a, b)]
    assert product_accuracy(y, *halves) == Accuracy(0, 0, 0)


def test_of_a_convolution() -> None:
    shape = ConvShape(2, 4, 7, 9, 6, 3, 2, (2, 1), (1, 0, 1, 1), (1, 2), 2)
    generator = np.random.default_rng(0)
    x, w = generator.standard_normal(shape.input_shape), generator.standard_normal(shape.weight_shape)
    rounded = correlated(x.astype(np.float16), w.astype(np.float16), shape)
    exact = np.maximum(correlated(x, w, shape) + 0.5, 0)
    accuracy = convolution_accuracy(np.maximum(rounded + 0.5, 0), x, w, shape, np.full(6, 0.5), True)
    assert accuracy.error_relative == accuracy.error_of_rounding
    assert accuracy.error_max == pytest.approx(abs(np.maximum(rounded + 0.5, 0) - exact).max(), rel=1e-4)


def test_of_a_network(tmp_path: Path) -> None:
    onnx.save(small_network(), tmp_path / "net.onnx")
    # A third is no FP16 value, so that the inputs are rounded.
    x = sparse(2, 2, 8, 8) / np.float32(3)
    outcome = run_graph(load_graph(tmp_path / "net.onnx"), {"x": x}, device(), keep=lambda row: None)
    expected = ReferenceEvaluator(small_network()).run(None, {"x": x})[0]
    error = abs(outcome.outputs["y"] - expected)
    (name, accuracy), *more = outcome.accuracy.items()
    assert (name, more) == ("y", [])
    assert 0 < error.max() < 0.02
    assert accuracy.error_max == pytest.approx(error.max(), rel=0.01)
    assert accuracy.error_relative == pytest.approx(np.linalg.norm(error) / np.linalg.norm(expected), rel=0.01)
    for row in outcome.rows:
        assert row.accuracy.error_relative is not None
        assert 0 < row.accuracy.error_relative < 0.001
        assert row.accuracy.error_of_rounding == pytest.approx(row.accuracy.error_relative, rel=0.01)
