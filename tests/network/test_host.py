import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from dstc_isa.network.errors import NetworkError
from dstc_isa.network.host import Host, check_libraries, names_in_graphs
from tests.network.models import model, small_network

node = helper.make_node
X = np.array([[1.0, -2.0]], np.float32)


def choice() -> onnx.NodeProto:
    def branch(operator: str) -> onnx.GraphProto:
        output = helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)
        return helper.make_graph([node(operator, ["x"], ["inner"])], operator, [], [output])

    return node("If", ["yes"], ["y"], then_branch=branch("Neg"), else_branch=branch("Abs"))


def test_operators() -> None:
    host = Host(small_network(), Path("net.onnx"))
    assert np.array_equal(host.run(node("Relu", ["x"], ["y"]), {"x": X, "z": X})["y"], [[1, 0]])
    pooled = host.run(node("MaxPool", ["x"], ["y", ""], kernel_shape=[2]), {"x": X[None]})
    assert list(pooled) == ["y"]
    assert np.array_equal(pooled["y"], [[[1]]])
    clipped = host.run(node("Clip", ["x", "", "high"], ["y"]), {"x": X, "high": np.float32(0)})
    assert np.array_equal(clipped["y"], [[0, -2]])


def test_graphs_of_an_operator_read_values_from_outside() -> None:
    assert set(names_in_graphs(choice())) == {"x"}
    for yes, expected in ((True, -X), (False, abs(X))):
        result = Host(small_network(), Path("net.onnx")).run(choice(), {"x": X, "yes": np.bool_(yes)})
        assert np.array_equal(result["y"], expected)


def test_what_cannot_be_run() -> None:
    host = Host(model([], {}, {"x": [1, 2]}, ["x"]), Path("net.onnx"))
    for wrong, message in (
        (
            node("Nonsense", ["x"], ["y"], "there"),
            r"operator Nonsense \(there\): ONNX Runtime cannot run it: .*Nonsense",
        ),
        (node("MatMul", ["x", "x"], ["y"]), r"net.onnx: operator MatMul \(of y\): ONNX Runtime cannot run it: "),
        (
            node("SequenceConstruct", ["x"], ["y"], "s"),
            r"SequenceConstruct \(s\): y is a sequence, not a tensor",
        ),
    ):
        with pytest.raises(NetworkError, match=message):
            host.run(wrong, {"x": X})


def test_without_the_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    check_libraries()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(NetworkError, match=r"pip install onnx onnxruntime, or the extra \[onnx\]"):
        check_libraries()
