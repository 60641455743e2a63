from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from dstc_isa.network.errors import NetworkError
from dstc_isa.network.graph import Graph, load_graph
from dstc_isa.network.graph_run import run_graph
from dstc_isa.network.outcome import Outcome
from dstc_isa.network.steps import HostStep
from tests.network.models import OPSET, device, sparse

node = helper.make_node
value = helper.make_tensor_value_info
X = sparse(1, 2, 4, 4, density=1.0)
W = sparse(2, 2, 3, 3, seed=1)


def branch(nodes: list[Any], output: str, constants: dict[str, Any] | None = None) -> onnx.GraphProto:
    tensors = [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]
    return helper.make_graph(nodes, "branch", [], [value(output, TensorProto.FLOAT, None)], tensors)


def choice(name: str = "choose", condition: str = "yes", out: str = "i") -> onnx.NodeProto:
    """A convolution and a ReLU in one branch, another convolution in the other; names of values are the same."""
    then = branch(
        [node("Conv", ["x", "w"], ["c"], "first", pads=[1, 1, 1, 1]), node("Relu", ["c"], ["r"])], "r", {"w": W}
    )
    other = branch([node("Conv", ["x", "w"], ["c"], "second", pads=[1, 1, 1, 1])], "c", {"w": -2 * W})
    return node("If", [condition], [out], name, then_branch=then, else_branch=other)


def network(nodes: list[Any], constants: dict[str, Any], inputs: dict[str, int]) -> onnx.ModelProto:
    shapes = {"x": X.shape}
    return helper.make_model(
        helper.make_graph(
            nodes,
            "test",
            [value(name, kind, shapes.get(name, [])) for name, kind in inputs.items()],
            [value("y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
    )


def loaded(tmp_path: Path, model: onnx.ModelProto) -> Graph:
    onnx.save(model, tmp_path / "net.onnx")
    return load_graph(tmp_path / "net.onnx")


def check(graph: Graph, **inputs: Any) -> Outcome:
    """Run it, and compare with ONNX Runtime on the whole file."""
    (expected,) = onnxruntime.InferenceSession(graph.path).run(None, inputs)
    outcome = run_graph(graph, inputs, device(), keep=lambda row: None)
    assert outcome.outputs["y"] == pytest.approx(expected, rel=2e-3, abs=2e-2)
    return outcome


def kinds(graph: Graph) -> list[str]:
    return [step.node.op_type if isinstance(step, HostStep) else step.name for step in graph.steps]


@pytest.mark.parametrize("yes", [True, False])
def test_of_a_constant_condition_one_branch_is_left(yes: bool, tmp_path: Path) -> None:
    nodes = [choice(), node("Neg", ["i"], ["y"])]
    graph = loaded(tmp_path, network(nodes, {"yes": np.bool_(yes)}, {"x": TensorProto.FLOAT}))
    assert kinds(graph) == (["first", "Identity", "Neg"] if yes else ["second", "Identity", "Neg"])
    assert [row.relu for row in check(graph, x=X).rows] == [yes]


def test_a_condition_that_follows_from_constants(tmp_path: Path) -> None:
    nodes = [node("Greater", ["two", "one"], ["yes"]), choice(out="y")]
    constants = {"one": np.float32(1), "two": np.float32(2)}
    graph = loaded(tmp_path, network(nodes, constants, {"x": TensorProto.FLOAT}))
    assert [row.layer for row in check(graph, x=X).rows] == ["first"]


@pytest.mark.parametrize("yes", [True, False])
def test_a_condition_that_the_host_computes(yes: bool, tmp_path: Path) -> None:
    nodes = [
        node("ReduceSum", ["x"], ["sum"], keepdims=0),
        node("Greater" if yes else "Less", ["sum", "limit"], ["yes"]),
        choice(),
        node("Neg", ["i"], ["y"]),
    ]
    graph = loaded(tmp_path, network(nodes, {"limit": np.float32(-1e6)}, {"x": TensorProto.FLOAT}))
    assert [step.name for step in graph.layers] == ["first", "second"]
    assert [row.layer for row in check(graph, x=X).rows] == ["first" if yes else "second"]


@pytest.mark.parametrize(("outer", "inner"), [(True, True), (True, False), (False, True)])
def test_branches_within_branches(outer: bool, inner: bool, tmp_path: Path) -> None:
    deep = branch([choice("within", "inner", "j"), node("Abs", ["j"], ["k"])], "k")
    flat = branch([node("Identity", ["x"], ["k"])], "k")
    nodes = [node("If", ["outer"], ["y"], "around", then_branch=deep, else_branch=flat)]
    model = network(nodes, {}, {"x": TensorProto.FLOAT, "outer": TensorProto.BOOL, "inner": TensorProto.BOOL})
    outcome = check(loaded(tmp_path, model), x=X, outer=np.array(outer), inner=np.array(inner))
    assert [row.layer for row in outcome.rows] == (["first" if inner else "second"] if outer else [])


def test_constants_and_names_of_branches_are_kept_apart(tmp_path: Path) -> None:
    constant = branch([node("MatMul", ["p", "p"], ["c"])], "c", {"p": np.eye(4, dtype=np.float32)})
    other = branch([node("MatMul", ["x", "p"], ["c"])], "c", {"p": 2 * np.eye(4, dtype=np.float32)})
    nodes = [
        node("If", ["yes"], ["i"], "one", then_branch=constant, else_branch=other),
        node("If", ["yes"], ["j"], "two", then_branch=other, else_branch=constant),
        node("Add", ["i", "j"], ["y"]),
    ]
    graph = loaded(tmp_path, network(nodes, {}, {"x": TensorProto.FLOAT, "yes": TensorProto.BOOL}))
    for yes in (True, False):
        check(graph, x=X, yes=np.array(yes))


def without_layers(kind: str) -> onnx.NodeProto:
    """An operator for the host from ``i`` to ``j`` whose graphs name their values as those of ``choice`` do."""
    doubled = [node("Add", ["i", "i"], ["c"]), node("Relu", ["c"], ["r"])]
    negated = [node("Neg", ["i"], ["c"])]
    if kind == "If":
        return node("If", ["yes"], ["j"], "plain", then_branch=branch(doubled, "r"), else_branch=branch(negated, "c"))
    if kind == "If in If":
        inner = node("If", ["yes"], ["r"], then_branch=branch(doubled, "r"), else_branch=branch(negated, "c"))
        flat = branch([node("Identity", ["i"], ["w"])], "w")
        return node("If", ["yes"], ["j"], "plain", then_branch=branch([inner], "r"), else_branch=flat)
    body = helper.make_graph(
        [node("Identity", ["w"], ["go"]), node("Add", ["c", "i"], ["r"])],
        "body",
        [value("n", TensorProto.INT64, []), value("w", TensorProto.BOOL, []), value("c", TensorProto.FLOAT, None)],
        [value("go", TensorProto.BOOL, []), value("r", TensorProto.FLOAT, None)],
    )
    return node("Loop", ["two", "", "i"], ["j"], "plain", body=body)


@pytest.mark.parametrize("kind", ["If", "If in If", "Loop"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("yes", [True, False])
def test_names_within_an_operator_of_the_host_may_be_those_of_a_branch(
    kind: str, first: bool, yes: bool, tmp_path: Path
) -> None:
    host = without_layers(kind)
    nodes = [choice(), host, node("Identity", ["j"], ["y"])]
    if not first:
        nodes = [node("Neg", ["x"], ["i"]), host, choice(out="k"), node("Add", ["j", "k"], ["y"])]
    constants = {"two": np.int64(2)}
    graph = loaded(tmp_path, network(nodes, constants, {"x": TensorProto.FLOAT, "yes": TensorProto.BOOL}))
    outcome = check(graph, x=X, yes=np.array(yes))
    assert [row.layer for row in outcome.rows] == ["first" if yes else "second"]


def test_a_new_name_is_none_that_a_graph_within_has(tmp_path: Path) -> None:
    within = without_layers("If")
    then = [node("Conv", ["x", "w"], ["i"], "conv"), within, node("Relu", ["j"], ["c"])]
    # ``i`` is taken, and the name that would stand for it is in use within the operator that reads it.
    for each in within.attribute:
        each.g.node[0].output[0] = each.g.output[0].name = "choose/then/i"
        del each.g.node[1:]
    flat = branch([node("Neg", ["x"], ["c"])], "c")
    nodes = [
        node("If", ["yes"], ["k"], "choose", then_branch=branch(then, "c", {"w": W}), else_branch=flat),
        node("Abs", ["k"], ["i"]),
        node("Identity", ["i"], ["y"]),
    ]
    graph = loaded(tmp_path, network(nodes, {}, {"x": TensorProto.FLOAT, "yes": TensorProto.BOOL}))
    assert check(graph, x=X, yes=np.array(True)).on_host["If"] == 1


def test_a_branch_that_is_never_taken_may_hold_what_cannot_be_computed(tmp_path: Path) -> None:
    wrong = branch(
        [node("Reshape", ["p", "three"], ["q"]), node("MatMul", ["x", "q"], ["c"])], "c", {"p": sparse(4, 4)}
    )
    right = branch([node("MatMul", ["x", "p"], ["c"])], "c", {"p": sparse(4, 4)})
    nodes = [node("If", ["yes"], ["y"], then_branch=wrong, else_branch=right)]
    model = network(nodes, {"three": np.array([3])}, {"x": TensorProto.FLOAT, "yes": TensorProto.BOOL})
    graph = loaded(tmp_path, model)
    outcome = run_graph(graph, {"x": X, "yes": np.array(False)}, device(), keep=lambda row: None)
    assert outcome.outputs["y"] == pytest.approx(X @ sparse(4, 4), abs=1e-2)
    with pytest.raises(NetworkError, match=r"net\.onnx: operator Reshape \(of q\): .*on p float32 \(4, 4\)"):
        run_graph(graph, {"x": X, "yes": np.array(True)}, device(), keep=lambda row: None)


def test_a_condition_of_several_values(tmp_path: Path) -> None:
    nodes = [node("Greater", ["x", "limit"], ["yes"]), choice(out="y")]
    graph = loaded(tmp_path, network(nodes, {"limit": np.float32(0)}, {"x": TensorProto.FLOAT}))
    with pytest.raises(NetworkError, match=r"condition yes has shape \(1, 2, 4, 4\)"):
        run_graph(graph, {"x": X}, device(), keep=lambda row: None)
