"""What is taken into a convolution gives what ONNX Runtime gives of the operators one by one."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from dstc_isa.network.errors import NetworkError
from dstc_isa.network.graph import load_graph
from dstc_isa.network.graph_run import run_graph
from dstc_isa.network.outcome import Outcome
from tests.network.models import device, model, sparse

node = helper.make_node
INF, NAN = np.inf, np.nan
SHAPE = (1, 2, 4, 4)
FILTERS = 3


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks") / "net.onnx"


def convolution(epilogue: list[tuple[str, list[Any]]], w: Any, bias: Any = None) -> onnx.ModelProto:
    """A convolution, and operators behind it with their constants: a number for each filter."""
    constants: dict[str, Any] = {"w": w} if bias is None else {"w": w, "b": np.asarray(bias, np.float32)}
    nodes = [node("Conv", ["x", *constants], ["v0"], "conv")]
    for number, (operator, values) in enumerate(epilogue):
        names = [f"k{number}_{each}" for each in range(len(values))]
        shape = (FILTERS, 1, 1) if operator in ("Mul", "Add") else (FILTERS,)
        constants |= {
            name: np.broadcast_to(np.asarray(value, np.float32).reshape(-1, *shape[1:]), shape)
            for name, value in zip(names, values, strict=True)
        }
        nodes.append(node(operator, [f"v{number}", *names], [f"v{number + 1}"]))
    nodes[-1].output[0] = "y"
    return model(nodes, constants, {"x": SHAPE})


def run_both(path: Path, network: onnx.ModelProto, x: Any) -> tuple[Outcome, Any]:
    """What comes of a network on the machine, and its output from ONNX Runtime."""
    onnx.save(network, path)
    outcome = run_graph(load_graph(path), {"x": x}, device(), keep=lambda row: None)
    plain = onnxruntime.SessionOptions()
    plain.log_severity_level = 4
    # Its optimizer takes factors into weights as well, whatever becomes of infinities.
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    (expected,) = onnxruntime.InferenceSession(path, plain).run(None, {"x": x})
    return outcome, expected


def specials(values: Any) -> Any:
    """Infinities and NaN as they are, other values as 0."""
    return np.where(np.isfinite(values), 0, values)


NUMBERS = st.sampled_from([0.0, -0.0, 1.0, -2.0, 0.25, 1e-9, 1e9, 1e-30, 1e30, 3e38, INF, -INF, NAN])
PER_FILTER = st.lists(NUMBERS, min_size=FILTERS, max_size=FILTERS)
SPREAD = st.lists(st.sampled_from([1.0, 0.25, 1e-12, 1e12, INF]), min_size=FILTERS, max_size=FILTERS)
OPERATORS = st.one_of(
    st.tuples(st.sampled_from(["Mul", "Add"]), st.tuples(PER_FILTER).map(list)),
    st.tuples(st.just("BatchNormalization"), st.tuples(PER_FILTER, PER_FILTER, PER_FILTER, SPREAD).map(list)),
    st.just(("Relu", [])),
)


@settings(max_examples=150)
@given(
    epilogue=st.lists(OPERATORS, min_size=1, max_size=3),
    bias=st.none() | PER_FILTER,
    special=st.lists(st.tuples(st.integers(0, 31), st.sampled_from([0.0, INF, -INF, NAN])), max_size=2),
)
def test_infinities_and_nan_are_those_of_onnx_runtime(
    path: Path, epilogue: list[tuple[str, list[Any]]], bias: Any, special: list[tuple[int, float]]
) -> None:
    x = sparse(*SHAPE, density=1.0)
    x[x == 0] = 1
    for place, value in special:
        x.flat[place] = value
    w = np.full((FILTERS, 2, 1, 1), 0.5, np.float32)
    outcome, expected = run_both(path, convolution(epilogue, w, bias), x)
    assert np.array_equal(specials(outcome.outputs["y"]), specials(expected), equal_nan=True)


@pytest.mark.parametrize(
    ("epilogue", "bias", "fused"),
    [
        ([("Mul", [[2, 0.5, -1]]), ("Add", [[1, 2, 3]]), ("Relu", [])], [1, 2, 3], ["Mul", "Add", "Relu"]),
        ([("BatchNormalization", [[1, 0, 2], [1, 2, 3], [0, 1, 0], [1, 2, 4]]), ("Relu", [])], None, 2),
        ([("Mul", [[2, 0, 1]]), ("Add", [1])], None, 2),
        ([("Mul", [[2, NAN, 1]]), ("Relu", [])], None, 0),
        ([("Add", [[INF, 1, 1]]), ("Relu", [])], None, 0),
        ([("Add", [1]), ("Mul", [INF]), ("Relu", [])], None, 1),
        ([("Mul", [2])], [NAN, 1, 1], 0),
        ([("Relu", [])], [NAN, INF, 1], 1),
        ([("Mul", [1e9])], None, 0),
        ([("Mul", [1e9]), ("Mul", [1e-9]), ("Relu", [])], None, 3),
        ([("Mul", [1e-9]), ("Relu", [])], None, 0),
        ([("Mul", [1e-9]), ("Mul", [1e9])], None, 2),
        ([("Mul", [1e-30]), ("Mul", [1e30])], None, 0),
        ([("Add", [2e38]), ("Mul", [2]), ("Add", [-2e38])], None, 1),
    ],
)
def test_what_is_taken_in(epilogue: list[tuple[str, list[Any]]], bias: Any, fused: int | list[str], path: Path) -> None:
    x, w = sparse(*SHAPE), sparse(FILTERS, 2, 1, 1, density=1.0, seed=3)
    w[w == 0] = 1
    outcome, expected = run_both(path, convolution(epilogue, w, bias), x)
    assert sum(outcome.fused.values()) == (fused if isinstance(fused, int) else len(fused))
    assert np.allclose(outcome.outputs["y"], expected, rtol=1e-2, atol=1e-30, equal_nan=True)


@pytest.mark.parametrize("spatial", [0, 1])
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("version", [7, 8])
def test_batch_normalization_of_each_place(version: int, axes: int, spatial: int, path: Path) -> None:
    area = (3, 2, 4)[:axes]
    shape = (FILTERS,) if spatial else (FILTERS, *area)
    generator = np.random.default_rng(axes)
    numbers = {name: generator.uniform(0.5, 2, shape).astype(np.float32) for name in ("s", "b", "m", "v")}
    nodes = [
        node("Conv", ["x", "w"], ["c"], "conv"),
        node("BatchNormalization", ["c", *numbers], ["n"], spatial=spatial),
        node("Relu", ["n"], ["y"]),
    ]
    network = model(nodes, {"w": sparse(FILTERS, 2, *[1] * axes, seed=3), **numbers}, {"x": (2, 2, *area)})
    network.opset_import[0].version = version
    outcome, expected = run_both(path, network, sparse(2, 2, *area))
    assert sum(outcome.fused.values()) == 2 * spatial
    assert np.allclose(outcome.outputs["y"], expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("shape", [(1,), (2,), (FILTERS, 1, 1), (FILTERS, 4, 4)])
def test_statistics_that_do_not_fit_are_refused_by_the_host(shape: tuple[int, ...], path: Path) -> None:
    constants = {"w": sparse(FILTERS, 2, 1, 1), "v": np.ones(shape, np.float32)}
    nodes = [node("Conv", ["x", "w"], ["c"]), node("BatchNormalization", ["c", *"vvvv"], ["y"])]
    with pytest.raises(NetworkError, match=r"operator BatchNormalization \(of y\): ONNX Runtime cannot run it"):
        run_both(path, model(nodes, constants, {"x": SHAPE}), sparse(*SHAPE))


def test_weights_that_only_a_factor_brings_into_range(path: Path) -> None:
    w = sparse(FILTERS, 2, 1, 1, density=1.0, seed=3)
    for size in (1e-9, 1e6):
        network = convolution([("Mul", [1 / size]), ("Relu", [])], w * np.float32(size))
        outcome, expected = run_both(path, network, sparse(*SHAPE))
        assert outcome.fused == {"Mul": 1, "Relu": 1}
        assert np.allclose(outcome.outputs["y"], expected, rtol=1e-2)


def test_a_factor_of_zero_parts_from_its_convolution_where_activations_are_infinite(path: Path) -> None:
    network = convolution([("Mul", [[0, 1, 1]]), ("Relu", [])], np.ones((FILTERS, 2, 1, 1), np.float32))
    x = np.ones(SHAPE, np.float32)
    outcome, _ = run_both(path, network, x)
    assert (outcome.fused, outcome.on_host) == ({"Mul": 1, "Relu": 1}, {})
    x[0, 0, 1, 1] = INF
    outcome, expected = run_both(path, network, x)
    assert (outcome.fused, outcome.on_host) == ({}, {"Mul": 1, "Relu": 1})
    assert np.array_equal(outcome.outputs["y"], expected, equal_nan=True)
    assert [row.layer for row in outcome.rows] == ["conv"]


@pytest.mark.slow
@pytest.mark.parametrize("addend", [[NAN, 1, 2], [INF, -INF, 2], [1, 2, 3]])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("beta", [0.0, -0.0, 2.0])
@pytest.mark.parametrize("special", [1.0, INF, NAN])
def test_factors_of_a_gemm(path: Path, addend: Any, alpha: float, beta: float, special: float) -> None:
    x = np.array([[special, 2, 3], [1, 2, 3]], np.float32)
    constants = {"w": np.ones((3, 3), np.float32), "c": np.asarray(addend, np.float32)}
    gemm = node("Gemm", ["x", "w", "c"], ["y"], "gemm", alpha=alpha, beta=beta)
    outcome, expected = run_both(path, model([gemm], constants, {"x": x.shape}), x)
    assert np.array_equal(outcome.outputs["y"], expected, equal_nan=True)


def test_a_convolution_without_filters_gives_nothing(path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["c"], "none"),
        node("Relu", ["c"], ["r"]),
        node("Conv", ["r", "v"], ["e"], "of_none"),
        node("Conv", ["x", "u"], ["f"], "some"),
        node("Concat", ["c", "f"], ["g"], axis=1),
        node("Add", ["g", "e"], ["y"]),
    ]
    constants = {
        "w": np.zeros((0, 2, 1, 1), np.float32),
        "v": np.zeros((3, 0, 1, 1), np.float32),
        "u": sparse(3, 2, 1, 1),
    }
    x = sparse(*SHAPE)
    outcome, expected = run_both(path, model(nodes, constants, {"x": SHAPE}), x)
    assert np.allclose(outcome.outputs["y"], expected)
    assert [row.layer for row in outcome.rows] == ["some"]
    assert outcome.on_host["Conv"] == 2
