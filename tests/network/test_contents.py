from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from dstc_isa.network.contents import left_to_host
from dstc_isa.network.errors import NetworkError
from dstc_isa.network.graph import Graph, load_graph
from dstc_isa.network.graph_run import run_graph
from tests.network.models import device, model, sparse

node = helper.make_node


def loaded(tmp_path: Path, network: onnx.ModelProto) -> Graph:
    onnx.save(network, tmp_path / "net.onnx")
    return load_graph(tmp_path / "net.onnx")


def loop() -> onnx.NodeProto:
    """Multiplies ``x`` by ``w`` three times."""
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [node("MatMul", ["before", "w"], ["after"]), node("Identity", ["go"], ["again"])],
        "body",
        [
            value("i", TensorProto.INT64, []),
            value("go", TensorProto.BOOL, []),
            value("before", TensorProto.FLOAT, [2, 2]),
        ],
        [value("again", TensorProto.BOOL, []), value("after", TensorProto.FLOAT, [2, 2])],
    )
    return node("Loop", ["three", "", "x"], ["l"], "steps", body=body)


@pytest.mark.parametrize(
    ("nodes", "constants", "inputs", "texts"),
    [
        (
            [node("Conv", ["x", "w"], ["y"], "c")],
            {},
            {"x": [1, 2, 4, 4], "w": [3, 2, 1, 1]},
            ["1 Conv (c) whose weights are no constant: the input w"],
        ),
        (
            [node("Conv", ["x", "w", "b"], ["y"], "c")],
            {"w": sparse(3, 2, 1, 1)},
            {"x": [1, 2, 4, 4], "b": [3]},
            ["1 Conv (c) whose bias is no constant: the input b"],
        ),
        (
            [node("Neg", ["v"], ["w"]), node("Conv", ["x", "w"], ["c"]), node("Conv", ["c", "w"], ["y"])],
            {},
            {"x": [1, 2, 4, 4], "v": [2, 2, 1, 1]},
            ["2 Conv (c, y) whose weights are no constant: w, which depends on inputs"],
        ),
        (
            [node("Conv", ["x", "w"], ["y"])],
            {"w": sparse(1, 1, 1, 1, 1, 1)},
            {"x": [1, 1, 2, 2, 2, 2]},
            ["1 Conv (y) along 4 axes; the machine runs those along one to three"],
        ),
        (
            [node("ConvTranspose", ["x", "w"], ["y"], "up")],
            {"w": sparse(2, 2, 2, 2)},
            {"x": [1, 2, 4, 4]},
            ["1 ConvTranspose (up) for which the machine has no kernel"],
        ),
        (
            [loop(), node("Relu", ["l"], ["y"])],
            {"w": sparse(2, 2), "three": np.int64(3)},
            {"x": [2, 2]},
            ["1 MatMul (steps) within a Loop, which the host runs as a whole"],
        ),
        ([node("Relu", ["x"], ["y"])], {}, {"x": [2]}, []),
    ],
)
def test_what_a_network_without_layers_holds(
    nodes: list[Any], constants: dict[str, Any], inputs: dict[str, Any], texts: list[str], tmp_path: Path
) -> None:
    graph = loaded(tmp_path, model(nodes, constants, inputs))
    assert left_to_host(graph) == texts
    with pytest.raises(NetworkError) as caught:
        run_graph(graph, {}, device(), keep=lambda row: None)
    assert all(text in str(caught.value) for text in texts)
    assert f"it holds 1 {nodes[0].op_type}" in str(caught.value) or len(nodes) > 1


def test_layers_within_a_loop_are_named_beside_those_that_ran(tmp_path: Path) -> None:
    w = sparse(2, 2, seed=3)
    network = model([loop(), node("MatMul", ["l", "w"], ["y"])], {"w": w, "three": np.int64(3)}, {"x": [2, 2]})
    x = sparse(2, 2, density=1.0)
    outcome = run_graph(loaded(tmp_path, network), {"x": x}, device(), keep=lambda row: None)
    assert outcome.outputs["y"] == pytest.approx(x @ w @ w @ w @ w, abs=0.01)
    assert outcome.beside == ("1 MatMul (steps) within a Loop, which the host runs as a whole",)
