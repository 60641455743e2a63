from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from dstc_isa.network.errors import NetworkError
from dstc_isa.network.graph import Graph, Input, load_graph
from dstc_isa.network.steps import ConvStep, HostStep, ProductStep, Step
from tests.network.models import model, small_network, sparse

node = helper.make_node


def loaded(tmp_path: Path, network: onnx.ModelProto) -> Graph:
    path = tmp_path / "net.onnx"
    onnx.save(network, path)
    return load_graph(path)


def kinds(steps: tuple[Step, ...]) -> list[str]:
    return [step.node.op_type if isinstance(step, HostStep) else step.name for step in steps]


def test_what_follows_a_convolution_directly_is_taken_in(tmp_path: Path) -> None:
    graph = loaded(tmp_path, small_network())
    assert graph.inputs == (Input("x", np.dtype(np.float32), ("n", 2, 8, 8)),)
    assert graph.outputs == ("y",)
    assert kinds(graph.steps) == ["first", "MaxPool", "second", "Add", "Flatten", "last"]
    first = graph.layers[0]
    assert isinstance(first, ConvStep)
    assert [each.op_type for each in first.nodes] == ["Conv", "BatchNormalization", "Relu"]
    assert (first.relu, first.output) == (True, "r1")
    assert set(graph.weights) == {"w1", "w2", "w3"}


def convolution(more: list[Any], constants: dict[str, Any], outputs: list[str]) -> onnx.ModelProto:
    constants = {"w": sparse(4, 2, 1, 1), **constants}
    return model([node("Conv", ["x", "w"], ["c"], "conv"), *more], constants, {"x": [1, 2, 4, 4]}, outputs)


@pytest.mark.parametrize(
    ("more", "constants", "outputs", "steps"),
    [
        ([node("Relu", ["c"], ["y"])], {}, ["y"], ["conv"]),
        ([node("Relu", ["c"], ["y"])], {}, ["y", "c"], ["conv", "Relu"]),
        ([node("Relu", ["c"], ["y"]), node("Neg", ["c"], ["z"])], {}, ["y", "z"], ["conv", "Relu", "Neg"]),
        ([node("Add", ["c", "r"], ["a"]), node("Relu", ["a"], ["y"])], {"r": sparse(4, 1, 1)}, ["y"], ["conv"]),
        ([node("Add", ["r", "c"], ["y"])], {"r": sparse(1, 4, 1, 1)}, ["y"], ["conv"]),
        ([node("Add", ["r", "c"], ["y"])], {"r": np.float32(1)}, ["y"], ["conv"]),
        ([node("Mul", ["c", "r"], ["m"]), node("Relu", ["m"], ["y"])], {"r": sparse(4, 1, 1)}, ["y"], ["conv"]),
        ([node("Add", ["r", "c"], ["y"])], {"r": sparse(4)}, ["y"], ["conv", "Add"]),
        ([node("Add", ["r", "c"], ["y"])], {"r": sparse(2, 4, 1, 1)}, ["y"], ["conv", "Add"]),
        ([node("Add", ["c", "c"], ["y"])], {}, ["y"], ["conv", "Add"]),
        ([node("Relu", ["c"], ["r"]), node("Add", ["r", "b"], ["y"])], {"b": sparse(4, 1, 1)}, ["y"], ["conv", "Add"]),
        ([node("LeakyRelu", ["c"], ["y"])], {}, ["y"], ["conv", "LeakyRelu"]),
    ],
)
def test_epilogues(
    more: list[Any], constants: dict[str, Any], outputs: list[str], steps: list[str], tmp_path: Path
) -> None:
    assert kinds(loaded(tmp_path, convolution(more, constants, outputs)).steps) == steps


def test_what_is_taken_in_gives_the_same(tmp_path: Path) -> None:
    more = [
        node("Add", ["c", "p"], ["a"]),
        node("Mul", ["a", "q"], ["m"]),
        node("BatchNormalization", ["m", "q1", "p1", "p1", "v"], ["n"]),
        node("Add", ["n", "one"], ["y"]),
    ]
    p, q = sparse(4, 1, 1, density=1.0, seed=1), sparse(4, 1, 1, density=1.0, seed=2)
    one, v = np.float32(1), np.full(4, 0.5, np.float32)
    network = convolution(more, {"p": p, "q": q, "p1": p.ravel(), "q1": q.ravel(), "v": v, "one": one}, ["y"])
    (step,) = loaded(tmp_path, network).steps
    assert isinstance(step, ConvStep)
    assert step.scale is not None
    assert step.bias is not None
    x = sparse(1, 2, 4, 4, seed=3)
    convolved = np.einsum("fc,nchw->nfhw", sparse(4, 2, 1, 1)[:, :, 0, 0], x)
    found = convolved * step.scale[:, None, None] + step.bias[:, None, None]
    (expected,) = ReferenceEvaluator(network).run(None, {"x": x})
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("training", "steps"), [(0, ["conv"]), (1, ["conv", "BatchNormalization"])])
def test_batch_normalization_as_in_training_is_not_taken_in(training: int, steps: list[str], tmp_path: Path) -> None:
    more = [node("BatchNormalization", ["c", "v", "v", "v", "v"], ["y"], training_mode=training)]
    assert kinds(loaded(tmp_path, convolution(more, {"v": np.ones(4, np.float32)}, ["y"])).steps) == steps


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("variance", [-1.0, -0.5, np.nan])
def test_batch_normalization_without_a_spread_is_left_to_the_host(variance: float, tmp_path: Path) -> None:
    values = {"v": np.array([1, 1, variance, 1], np.float32), "u": np.ones(4, np.float32)}
    more = [node("BatchNormalization", ["c", "u", "u", "u", "v"], ["y"], epsilon=0.5)]
    assert kinds(loaded(tmp_path, convolution(more, values, ["y"])).steps) == ["conv", "BatchNormalization"]


def test_sizes_that_are_open(tmp_path: Path) -> None:
    network = model([node("Relu", ["x"], ["y"])], {}, {"x": [-1, 3, "?", "rows"]})
    assert loaded(tmp_path, network).inputs[0].dimensions == (None, 3, None, "rows")


def test_a_convolution_read_within_a_branch_keeps_its_output(tmp_path: Path) -> None:
    def branch(operator: str) -> onnx.GraphProto:
        output = helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)
        return helper.make_graph([node(operator, ["c"], ["inner"])], operator, [], [output])

    choose = node("If", ["yes"], ["z"], then_branch=branch("Neg"), else_branch=branch("Abs"))
    network = convolution([node("Relu", ["c"], ["y"]), choose], {"yes": np.bool_(True)}, ["y", "z"])
    assert kinds(loaded(tmp_path, network).steps) == ["conv", "Relu", "If"]


def test_constants_are_computed_once(tmp_path: Path) -> None:
    nodes = [
        node("Constant", [], ["w"], value_floats=[1.0, 2.0, 0.0, 4.0]),
        node("Reshape", ["w", "shape"], ["square"]),
        node("MatMul", ["x", "square"], ["m"]),
        node("MatMul", ["square", "m"], ["n"], "named"),
        node("MatMul", ["m", "n"], ["y"], "named"),
    ]
    graph = loaded(tmp_path, model(nodes, {"shape": np.array([2, 2])}, {"x": [2, 2]}))
    assert kinds(graph.steps) == ["m", "named", "named (2)"]
    products = [step for step in graph.steps if isinstance(step, ProductStep)]
    assert [step.weights for step in products] == ["b", "a", None]
    assert np.array_equal(graph.weights["square"], [[1, 2], [0, 4]])


def test_functions_of_the_file_are_expanded(tmp_path: Path) -> None:
    function = helper.make_function(
        "own", "Product", ["a", "b"], ["c"], [node("MatMul", ["a", "b"], ["c"])], [helper.make_opsetid("", 17)]
    )
    network = model([node("Product", ["x", "w"], ["y"], domain="own")], {"w": sparse(2, 2)}, {"x": [2, 2]})
    network.functions.append(function)
    network.opset_import.append(helper.make_opsetid("own", 1))
    (step,) = loaded(tmp_path, network).steps
    assert isinstance(step, ProductStep)


def test_weights_that_are_computed_are_left_to_the_host(tmp_path: Path) -> None:
    nodes = [node("Neg", ["v"], ["w"]), node("Conv", ["x", "w"], ["y"])]
    graph = loaded(tmp_path, model(nodes, {}, {"x": [1, 2, 4, 4], "v": [4, 2, 1, 1]}))
    assert kinds(graph.steps) == ["Neg", "Conv"]
    more_axes = model([node("Conv", ["x", "w"], ["y"])], {"w": sparse(1, 1, 1, 1, 1, 1)}, {"x": [1, 1, 2, 2, 2, 2]})
    assert kinds(loaded(tmp_path, more_axes).steps) == ["Conv"]


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    with pytest.raises(NetworkError, match=r"net\.onnx: cannot be read: No such file"):
        load_graph(path)
    data = small_network().SerializeToString()
    for damaged in (b"", b"\x89PNG....", data[: len(data) // 2], bytes(200)):
        path.write_bytes(damaged)
        with pytest.raises(NetworkError, match=r"net\.onnx: not a"):
            load_graph(path)
    unknown = model([node("Nonsense", ["x"], ["y"])], {}, {"x": [1]})
    path.write_bytes(unknown.SerializeToString())
    with pytest.raises(NetworkError, match=r"net\.onnx: not a valid ONNX network: No Op registered for Nonsense"):
        load_graph(path)


def test_inputs_of_no_tensor_type(tmp_path: Path) -> None:
    network = small_network()
    network.graph.input[0].type.tensor_type.elem_type = 99
    with pytest.raises(NetworkError, match="input x has an unknown type, number 99"):
        loaded(tmp_path, network)
    sequence = helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, [1])
    network.graph.input[0].CopyFrom(sequence)
    with pytest.raises(NetworkError, match="input x is not a tensor"):
        loaded(tmp_path, network)


def test_an_output_that_is_a_sequence(tmp_path: Path) -> None:
    network = model([node("SplitToSequence", ["x"], ["y"])], {}, {"x": [2, 2]})
    network.graph.output[0].CopyFrom(helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None))
    with pytest.raises(NetworkError, match="output y is not a tensor; no sequences, maps or optional values"):
        loaded(tmp_path, network)


def test_weights_in_a_file_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(small_network(), path, save_as_external_data=True, location="weights", size_threshold=0)
    assert "w1" in load_graph(path).weights
    (tmp_path / "weights").unlink()
    with pytest.raises(NetworkError, match=r"net\.onnx: .*weights"):
        load_graph(path)


@pytest.mark.parametrize(
    ("more", "outputs", "followers"),
    [
        ([node("Conv", ["c", "v"], ["y"], "next")], ["y"], {"c": "next"}),
        ([node("Relu", ["c"], ["r"]), node("Conv", ["r", "v"], ["y"], "next")], ["y"], {"r": "next"}),
        ([node("Conv", ["c", "v"], ["y"], "next")], ["y", "c"], {}),
        ([node("Conv", ["c", "v"], ["y"], "next"), node("Neg", ["c"], ["z"])], ["y", "z"], {}),
        ([node("Conv", ["c", "v"], ["y"], "next"), node("Conv", ["c", "v"], ["z"], "other")], ["y", "z"], {}),
        ([node("Neg", ["c"], ["n"]), node("Conv", ["n", "v"], ["y"], "next")], ["y"], {}),
        # Weights that are not constant are for the host.
        ([node("Conv", ["x", "c"], ["y"], "next")], ["y"], {}),
    ],
)
def test_a_convolution_that_alone_reads_the_result_of_another_follows_it(
    more: list[Any], outputs: list[str], followers: dict[str, str], tmp_path: Path
) -> None:
    graph = loaded(tmp_path, convolution(more, {"v": sparse(2, 4, 1, 1)}, outputs))
    assert {value: step.name for value, step in graph.followers.items()} == followers
