"""What may draw random numbers, compared with whether ONNX Runtime gives the same twice."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from dstc_isa.network.errors import NetworkError
from dstc_isa.network.graph import load_graph
from dstc_isa.network.graph_run import run_graph
from dstc_isa.network.random_operators import unseeded
from tests.network.models import device, model, sparse

node = helper.make_node
value = helper.make_tensor_value_info
SHAPE = (1, 2, 8, 8)
X = sparse(*SHAPE, density=1.0)
CONSTANTS: dict[str, Any] = {
    "half": np.float32(0.5),
    "none": np.float32(0),
    "yes": np.bool_(True),
    "no": np.bool_(False),
    "two": np.int64(2),
}

OPERATORS = {
    "normal": node("RandomNormal", [], ["r"], shape=SHAPE),
    "normal, seeded": node("RandomNormal", [], ["r"], shape=SHAPE, seed=1.0),
    "normal, like": node("RandomNormalLike", ["x"], ["r"]),
    "uniform": node("RandomUniform", [], ["r"], shape=SHAPE),
    "uniform, like": node("RandomUniformLike", ["x"], ["r"]),
    "uniform, like, seeded": node("RandomUniformLike", ["x"], ["r"], seed=0.0),
    "dropout": node("Dropout", ["x", "half", "yes"], ["r"]),
    "dropout of the usual share": node("Dropout", ["x", "", "yes"], ["r"]),
    "dropout, seeded": node("Dropout", ["x", "half", "yes"], ["r"], seed=3),
    "dropout of nothing": node("Dropout", ["x", "none", "yes"], ["r"]),
    "dropout in use": node("Dropout", ["x", "half", "no"], ["r"]),
    "dropout, unsaid": node("Dropout", ["x", "half"], ["r"]),
    "no draw": node("Abs", ["x"], ["r"]),
}


def within(kind: str, operator: onnx.NodeProto) -> onnx.NodeProto:
    """The operator, or one whose graph it stands in."""
    if kind == "itself":
        return operator
    inner = helper.make_graph([operator], "inner", [], [value("r", TensorProto.FLOAT, None)])
    if kind == "If":
        return node("If", ["yes"], ["r"], then_branch=inner, else_branch=inner)
    if kind == "If in If":
        return within("If", within("If", operator))
    if kind == "own constants":
        # The graph's own values, of names that stand for others outside.
        own = {name: CONSTANTS[other] for name, other in (("half", "half"), ("yes", "no"))}
        inner.initializer.extend(numpy_helper.from_array(np.asarray(v), n) for n, v in own.items())
        return node("If", ["go"], ["r"], then_branch=inner, else_branch=inner)
    body = helper.make_graph(
        [operator, node("Identity", ["g"], ["h"])],
        "body",
        [value("n", TensorProto.INT64, []), value("g", TensorProto.BOOL, []), value("s", TensorProto.FLOAT, None)],
        [value("h", TensorProto.BOOL, []), value("r", TensorProto.FLOAT, None)],
    )
    return node("Loop", ["two", "", "x"], ["r"], body=body)


@pytest.mark.parametrize("kind", ["itself", "If", "If in If", "Loop", "own constants"])
@pytest.mark.parametrize("name", OPERATORS)
def test_what_draws_gives_something_else_each_time(kind: str, name: str, tmp_path: Path) -> None:
    operator = within(kind, OPERATORS[name])
    held = {**CONSTANTS, "go": np.bool_(True)}
    if kind == "own constants":
        held = {n: v for n, v in held.items() if n not in ("half", "yes")}
    onnx.save(model([operator], held, {"x": SHAPE}, ["r"]), tmp_path / "net.onnx")
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 4
    runs = []
    for process in (1, 2):
        # ONNX Runtime takes the time for a seed once, when a process starts.
        onnxruntime.set_seed(process)
        runs.append(onnxruntime.InferenceSession(tmp_path / "net.onnx", quiet).run(None, {"x": X})[0])
    assert bool(unseeded(operator, held)) == (not np.array_equal(*runs))


def test_training_that_an_input_chooses(tmp_path: Path) -> None:
    """The report compares with a network without FP16 if nothing was drawn, and an interrupted run goes on."""
    nodes = [node("Conv", ["x", "w"], ["c"], "conv"), node("Dropout", ["c", "half", "train"], ["y"])]
    network = model(nodes, {"w": sparse(2, 2, 3, 3), "half": np.float32(0.5)}, {"x": SHAPE})
    network.graph.input.append(value("train", TensorProto.BOOL, []))
    onnx.save(network, tmp_path / "net.onnx")
    graph = load_graph(tmp_path / "net.onnx")
    for training in (False, True):
        inputs = {"x": X, "train": np.array(training)}
        outcome = run_graph(graph, inputs, device(), keep=lambda row: None)
        assert list(outcome.accuracy) == ([] if training else ["y"])
        if not training:
            run_graph(graph, inputs, device(), keep=lambda row: None, kept=outcome.rows)
            continue
        with pytest.raises(NetworkError, match="Dropout without a seed draws other numbers than before"):
            run_graph(graph, inputs, device(), keep=lambda row: None, kept=outcome.rows)


def test_weights_that_are_drawn_are_no_constants(tmp_path: Path) -> None:
    nodes = [node("Dropout", ["w", "half", "yes"], ["d"]), node("Conv", ["x", "d"], ["c"]), node("Abs", ["c"], ["y"])]
    network = model(nodes, {"w": sparse(2, 2, 3, 3), **CONSTANTS}, {"x": SHAPE})
    onnx.save(network, tmp_path / "net.onnx")
    assert "d" not in load_graph(tmp_path / "net.onnx").constants
