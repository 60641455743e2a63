from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from dstc_isa.cli.network_report import summary
from dstc_isa.network.errors import NetworkError
from dstc_isa.network.graph import Graph, load_graph
from dstc_isa.network.graph_run import checked_inputs, run_graph
from dstc_isa.network.outcome import NetworkProgress, Outcome
from dstc_isa.network.row import LayerRow
from tests.network.models import device, model, small_network, sparse

X = sparse(2, 2, 8, 8)
node = helper.make_node


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    onnx.save(small_network(), tmp_path / "net.onnx")
    return load_graph(tmp_path / "net.onnx")


def ignore(row: LayerRow) -> None:
    pass


def run(graph: Graph, **options: Any) -> Outcome:
    return run_graph(graph, {"x": X}, device(), keep=ignore, **options)


def expected(**replaced: Any) -> Any:
    network = small_network()
    for tensor in network.graph.initializer:
        if tensor.name in replaced:
            tensor.CopyFrom(onnx.numpy_helper.from_array(replaced[tensor.name], tensor.name))
    return ReferenceEvaluator(network).run(None, {"x": X})[0]


def test_a_network(graph: Graph) -> None:
    kept: list[LayerRow] = []
    outcome = run_graph(graph, {"x": X}, device(), keep=kept.append)
    assert outcome.outputs["y"] == pytest.approx(expected(), rel=0.01, abs=0.02)
    assert [row.layer for row in outcome.rows] == ["first", "second", "last"]
    assert outcome.rows == tuple(kept)
    assert outcome.on_host == {"MaxPool": 1, "Add": 1, "Flatten": 1}
    assert outcome.fused == {"BatchNormalization": 1, "Relu": 1}
    first, second, last = outcome.rows
    assert (first.x, first.w, first.y, first.relu) == ((2, 2, 8, 8), (8, 2, 3, 3), (2, 8, 8, 8), True)
    assert (second.stride, second.groups, second.relu) == ((2, 1), 2, False)
    assert (last.operator, last.x, last.w, last.y) == ("Gemm", (2, 16), (16, 5), (2, 5))
    assert first.density_x == np.count_nonzero(X) / X.size
    assert second.density_w == np.count_nonzero(graph.constants["w2"]) / graph.constants["w2"].size


def test_layers_that_are_not_chosen_run_on_the_host(graph: Graph) -> None:
    outcome = run(graph, layers=["sec*", "last"])
    assert [row.layer for row in outcome.rows] == ["second", "last"]
    assert outcome.on_host == {"MaxPool": 1, "Add": 1, "Flatten": 1, "Conv": 1, "BatchNormalization": 1, "Relu": 1}
    assert outcome.fused == {}
    assert outcome.outputs["y"] == pytest.approx(expected(), rel=0.01, abs=0.02)
    with pytest.raises(NetworkError, match="no layer is named third; there is first, second, last"):
        run(graph, layers=["first", "third"])


@pytest.mark.parametrize("layers", [[], ["last"]])
def test_pruning_reaches_all_layers(graph: Graph, layers: list[str]) -> None:
    outcome = run(graph, prune=0.75, layers=layers)
    assert all(row.density_w is not None and row.density_w <= 0.26 for row in outcome.rows)
    weights = {}
    for name, values in graph.weights.items():
        flat = values.flatten()
        flat[np.argsort(abs(flat), kind="stable")[: int(0.75 * flat.size)]] = 0
        weights[name] = flat.reshape(values.shape)
    assert outcome.outputs["y"] == pytest.approx(expected(**weights), rel=0.01, abs=0.02)


def test_what_the_machine_cannot_multiply_goes_to_the_host(tmp_path: Path) -> None:
    nodes = [
        node("Cast", ["x"], ["i"], to=onnx.TensorProto.INT32),
        node("MatMul", ["i", "i"], ["j"]),
        node("Cast", ["j"], ["f"], to=onnx.TensorProto.FLOAT),
        node("MatMul", ["x", "f"], ["y"]),
    ]
    onnx.save(model(nodes, {}, {"x": [3, 3]}), tmp_path / "net.onnx")
    graph = load_graph(tmp_path / "net.onnx")
    outcome = run_graph(graph, {"x": np.eye(3, dtype=np.float32)}, device(), keep=ignore)
    assert outcome.on_host == {"Cast": 2, "MatMul": 1}
    assert [row.density_w for row in outcome.rows] == [None]
    assert np.array_equal(outcome.outputs["y"], np.eye(3))


def test_progress(graph: Graph) -> None:
    told: list[Any] = []

    class Listener(NetworkProgress):
        def planned(self, layers: int, kept: int = 0) -> None:
            told.append(layers)

        def begun(self, layer: str) -> None:
            told.append(layer)

        def ended(self, row: LayerRow) -> None:
            told.append(row.layer)

    run(graph, watch=Listener())
    assert told == [3, "first", "first", "second", "second", "last", "last"]


def test_nothing_for_the_machine(tmp_path: Path) -> None:
    onnx.save(model([node("Relu", ["x"], ["y"])], {}, {"x": [3, 3]}), tmp_path / "net.onnx")
    graph = load_graph(tmp_path / "net.onnx")
    with pytest.raises(NetworkError, match="nothing for the machine"):
        run_graph(graph, {"x": np.eye(3, dtype=np.float32)}, device(), keep=ignore)


def test_a_value_beyond_fp16_names_the_layer(graph: Graph) -> None:
    with pytest.raises(NetworkError, match=r"layer first: .* beyond FP16's range.*; choose layers without this one"):
        run_graph(graph, {"x": X + np.float32(1e6)}, device(), layers=["first"], keep=ignore)


@pytest.mark.parametrize(
    ("nodes", "constants", "shape", "message"),
    [
        ([node("Conv", ["x", "w"], ["y"])], {"w": sparse(2, 2, 1, 1)}, (1, 3, 4, 4), "channels"),
        ([node("Conv", ["x", "w"], ["y"])], {"w": sparse(2, 2, 3)}, (4,), r"operands of shapes \(4,\) and \(2, 2, 3\)"),
        ([node("MatMul", ["x", "w"], ["y"])], {"w": sparse(3, 2)}, (2, 2), "do not fit"),
        ([node("MatMul", ["x", "w"], ["y"])], {"w": sparse(3, 2)}, (), "do not fit"),
        ([node("Gemm", ["x", "w"], ["y"])], {"w": sparse(3, 2)}, (2, 2, 3), "do not fit"),
        ([node("Gemm", ["x", "w", "b"], ["y"])], {"w": sparse(3, 2), "b": sparse(3)}, (2, 3), "addend of shape"),
        ([node("Gemm", ["x", "w", "b"], ["y"])], {"w": sparse(3, 2), "b": sparse(4, 2)}, (1, 3), "addend of shape"),
    ],
)
def test_operands_that_do_not_fit_are_not_for_the_host_either(
    nodes: list[Any], constants: dict[str, Any], shape: tuple[int, ...], message: str, tmp_path: Path
) -> None:
    onnx.save(model(nodes, constants, {"x": shape}), tmp_path / "net.onnx")
    graph = load_graph(tmp_path / "net.onnx")
    x = np.ones(shape, np.float32)
    with pytest.raises(NetworkError, match=message) as caught:
        run_graph(graph, {"x": x}, device(), keep=ignore)
    assert "the host runs it" not in str(caught.value)
    with pytest.raises(NetworkError, match="ONNX Runtime cannot run it"):
        graph.host.run(nodes[0], {**graph.constants, "x": x})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"no array for input x; give float32 of shape \(n, 2, 8, 8\) with --input X\.npy$"),
        ({"z": X}, r"has no input z; its inputs are x: float32 of shape \(n, 2, 8, 8\)"),
        ({"": X[0]}, r"not float32 of shape \(2, 8, 8\): the array has 3 dimensions"),
        ({"": X[:, :1]}, r"dimension 1 \(counted from 0\) must be 2"),
        ({"x": X.astype(np.complex64)}, "not complex64 .*: convert the array"),
    ],
)
def test_inputs_that_do_not_fit(graph: Graph, given: dict[str, Any], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        checked_inputs(graph, given)


def test_inputs(graph: Graph, tmp_path: Path) -> None:
    (x,) = checked_inputs(graph, {"": X.astype(np.float64)}).values()
    assert (x.dtype, x.shape) == (np.float32, X.shape)
    onnx.save(model([node("MatMul", ["a", "b"], ["y"])], {}, {"a": ["n", "n"], "b": ["n", 3]}), tmp_path / "two.onnx")
    two = load_graph(tmp_path / "two.onnx")
    a, b = np.ones((2, 2), np.float32), np.ones((2, 3), np.float32)
    assert list(checked_inputs(two, {"b": b, "a": a})) == ["a", "b"]
    for wrong, message in (
        ({"": a}, "has 2 inputs: name each"),
        ({"a": a, "b": np.ones((4, 3))}, "must be 2"),
        ({"a": a}, r"with --input b=X\.npy$"),
    ):
        with pytest.raises(NetworkError, match=message):
            checked_inputs(two, wrong)


def test_scalars_stay_scalars(tmp_path: Path) -> None:
    """``x.view(x.size(0), -1)`` as PyTorch exports it."""
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["rows"]),
        node("Unsqueeze", ["rows", "axis"], ["row"]),
        node("Concat", ["row", "rest"], ["sizes"], axis=0),
        node("Reshape", ["x", "sizes"], ["flat"]),
        node("MatMul", ["flat", "w"], ["y"]),
    ]
    constants = {"zero": np.int64(0), "axis": np.array([0]), "rest": np.array([-1]), "w": sparse(12, 2)}
    onnx.save(model(nodes, constants, {"x": [1, 3, 4]}, ["y", "rows"]), tmp_path / "net.onnx")
    graph = load_graph(tmp_path / "net.onnx")
    x = sparse(1, 3, 4)
    outcome = run_graph(graph, {"x": x}, device(), keep=ignore)
    assert outcome.outputs["y"] == pytest.approx(x.reshape(1, 12) @ constants["w"], abs=1e-5)
    assert outcome.outputs["rows"].shape == ()
    assert outcome.outputs["rows"].dtype == np.int64


def test_values_that_become_zero_in_fp16_are_counted_and_told(tmp_path: Path) -> None:
    """Those of weights as they are folded, and of activations; the network goes on."""
    tiny = np.float32(1e-9)
    w = np.ones((3, 2, 1, 1), np.float32)
    w[0] = tiny
    nodes = [
        node("Conv", ["x", "w"], ["c"], "conv"),
        node("Flatten", ["c"], ["f"]),
        node("MatMul", ["f", "m"], ["p"], "product"),
        node("MatMul", ["p", "t"], ["y"], "last"),
    ]
    constants = {"w": w, "m": np.eye(12, dtype=np.float32), "t": tiny * np.eye(12, dtype=np.float32)}
    onnx.save(model(nodes, constants, {"x": [1, 2, 2, 2]}), tmp_path / "net.onnx")
    x = np.ones((1, 2, 2, 2), np.float32)
    x[0, 0, 0, 0] = tiny
    outcome = run_graph(load_graph(tmp_path / "net.onnx"), {"x": x}, device(), keep=ignore)
    counts = {row.layer: (row.underflowed_x, row.underflowed_w) for row in outcome.rows}
    assert counts == {"conv": (1, 2), "product": (0, 0), "last": (0, 12)}
    mend = "became 0 in FP16, whose smallest number is 6e-08: scale them up, and the result down"
    assert {row.layer: row.underflow for row in outcome.rows} == {
        "conv": f"2 of 6 weights and 1 of 8 activations {mend}",
        "product": "",
        "last": f"12 of 144 weights {mend}",
    }
    assert [line for line in summary(outcome) if "became 0" in line] == [
        f"conv: 2 of 6 weights and 1 of 8 activations {mend}",
        f"last: 12 of 144 weights {mend}",
    ]
