from pathlib import Path
from typing import Any

import attrs
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from dstc_isa import Layer, run_layers
from dstc_isa.conv.dense.conv_dense import convolve_densely
from dstc_isa.network.errors import NetworkError
from dstc_isa.network.graph import load_graph
from dstc_isa.network.graph_run import run_graph
from dstc_isa.network.outcome import Outcome
from dstc_isa.network.row import LayerRow, totals
from tests.network.models import SMALL_GPU, device_of_dual, model, sparse

node = helper.make_node


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks") / "net.onnx"


def run(path: Path, network: onnx.ModelProto, x: Any, **options: Any) -> Outcome:
    onnx.save(network, path)
    options = {"keep": lambda row: None, "device": device_of_dual(), **options}
    return run_graph(load_graph(path), {"x": x}, **options)


class Drawn:
    """A random network: convolutions with what may stand between them; ``direct``: which read the one before alone."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, Any] = {}
        self.direct: dict[str, tuple[str, list[int]]] = {}
        self.outputs: list[str] = []
        self.axes = draw(st.integers(1, 2))
        self.channels = draw(st.sampled_from([2, 34]))
        self.size = 10
        self.shape = [draw(st.integers(1, 2)), self.channels, *[self.size] * self.axes]
        self.value, before = "x", ""
        for number in range(draw(st.integers(2, 4))):
            name = f"conv{number}"
            strides = self.convolve(name)
            if before:
                self.direct[name] = before, strides
            before = "" if self.follow(name) else name
        self.outputs.append(self.value)

    def add(self, operator: str, *constants: Any, name: str = "", **attributes: Any) -> None:
        names = [f"{len(self.constants) + number}" for number in range(len(constants))]
        self.constants.update(zip(names, constants, strict=True))
        result = f"{self.value}{operator[0]}"
        self.nodes.append(node(operator, [self.value, *names], [result], name, **attributes))
        self.value = result

    def convolve(self, name: str) -> list[int]:
        kernel, stride = self.draw(st.sampled_from([(1, 1), (3, 1), (3, 1), (3, 2), (2, 1)]))
        groups = self.draw(st.sampled_from([1, 1, 2]))
        filters = self.draw(st.sampled_from([4, 36]))
        w = sparse(filters, self.channels // groups, *[kernel] * self.axes, density=0.4, seed=len(self.nodes))
        bias = [sparse(filters, seed=99)] if self.draw(st.booleans()) else []
        pads = [kernel // 2] * 2 * self.axes
        self.add("Conv", w, *bias, name=name, strides=[stride] * self.axes, pads=pads, group=groups)
        self.channels = filters
        self.size = (self.size + 2 * (kernel // 2) - kernel) // stride + 1
        return [stride] * self.axes

    def follow(self, name: str) -> bool:
        """What stands behind a convolution; whether the next one does not read it alone, or not it."""
        if self.draw(st.booleans()):
            spread = np.linspace(0.5, 2, self.channels, dtype=np.float32)
            self.add("BatchNormalization", spread, spread - 1, spread / 4, spread)
        if self.draw(st.booleans()):
            self.add("Relu")
        kind = self.draw(st.sampled_from(["none", "none", "none", "pool", "branch", "output", "clip"]))
        if kind == "pool":
            self.add("MaxPool", kernel_shape=[2] * self.axes)
            self.size -= 1
        elif kind == "branch":
            self.nodes.append(node("Sigmoid", [self.value], [f"{name}_branch"]))
            self.outputs.append(f"{name}_branch")
        elif kind == "output":
            self.outputs.append(self.value)
        elif kind == "clip":
            self.add("Clip", np.float32(-1), np.float32(6))
        return kind != "none"


@settings(max_examples=10)
@given(st.composite(Drawn)(), st.floats(0.1, 1), st.integers(0, 99))
def test_results_are_those_without_chains_bit_for_bit(path: Path, drawn: Drawn, density: float, seed: int) -> None:
    network = model(drawn.nodes, drawn.constants, {"x": drawn.shape}, list(dict.fromkeys(drawn.outputs)))
    x = sparse(*drawn.shape, density=density, seed=seed)
    chained, apart = run(path, network, x), run(path, network, x, chain=False)
    assert {name: y.tobytes() for name, y in chained.outputs.items()} == {
        name: y.tobytes() for name, y in apart.outputs.items()
    }
    assert (chained.on_host, chained.fused) == (apart.on_host, apart.fused)
    for row, alone in zip(chained.rows, apart.rows, strict=True):
        assert (row.layer, row.density_x, row.density_w) == (alone.layer, alone.density_x, alone.density_w)
        assert all(row.costs[variant] == alone.costs[variant] for variant in ("dense", "weights"))
        assert alone.input == "host"
        if row.layer not in drawn.direct:
            assert row.input == "host"
            continue
        before, strides = drawn.direct[row.layer]
        how, by, name = row.input.split()
        assert (by, name) == ("by", before)
        # A layer without a stride goes with the one before unless its positions would be too many.
        assert how in (("encoded", "stored") if set(strides) == {1} else ("stored",))
        assert (row.costs["dual"].encode_cycles == 0) == (how == "encoded")


def four_convolutions(**changes: Any) -> onnx.ModelProto:
    """One encoded by the one before, one with a stride, and one behind a pooling."""
    constants = {
        "w1": sparse(8, 3, 3, 3, seed=1),
        "w2": sparse(36, 8, 3, 3, seed=2),
        "w3": sparse(4, 36, 3, 3, seed=3),
        "w4": sparse(2, 4, 1, 1, seed=4),
        "b1": sparse(8, seed=5),
    }
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        node("Relu", ["c1"], ["r1"]),
        node("Conv", ["r1", "w2"], ["c2"], "conv2", pads=[1, 1, 1, 1]),
        node("Relu", ["c2"], ["r2"]),
        node("Conv", ["r2", "w3"], ["c3"], "conv3", strides=[2, 2]),
        node("MaxPool", ["c3"], ["p3"], kernel_shape=[2, 2]),
        node("Conv", ["p3", "w4"], ["y"], "conv4"),
    ]
    return model(nodes, {**constants, **changes}, {"x": [1, 3, 9, 9]})


X = sparse(1, 3, 9, 9)


def test_rows_are_those_of_layers_on_the_device(path: Path) -> None:
    network = four_convolutions()
    outcome = run(path, network, X)
    rows = {row.layer: row for row in outcome.rows}
    assert {name: row.input for name, row in rows.items()} == {
        "conv1": "host",
        "conv2": "encoded by conv1",
        "conv3": "stored by conv2",
        "conv4": "host",
    }
    w = load_graph(path).constants
    layers = [
        Layer(w=w["w1"], padding=1, bias=w["b1"], relu=True),
        Layer(w=w["w2"], padding=1, relu=True),
        Layer(w=w["w3"], stride=2),
    ]
    results = run_layers(X, layers, gpu=SMALL_GPU, threads=1)
    assert [rows[f"conv{number}"].costs["dual"].cycles for number in (1, 2, 3)] == [each.cycles for each in results]
    assert [len(each.launches) for each in results] == [2, 1, 2]
    encoding = [rows[f"conv{number}"].costs["dual"].encode_cycles for number in (1, 2, 3, 4)]
    assert [cycles > 0 for cycles in encoding] == [True, False, True, True]
    whole = totals(outcome.rows)
    assert whole.encode_cycles["dual"] == sum(encoding)
    assert whole.cycles["dual"] == sum(row.costs["dual"].cycles for row in outcome.rows)
    (expected,) = ReferenceEvaluator(network).run(None, {"x": X})
    assert outcome.outputs["y"] == pytest.approx(expected, rel=0.01, abs=0.02)


@pytest.mark.parametrize(
    ("layers", "inputs"),
    [
        (["conv1", "conv3"], ["host", "host"]),
        (["conv2", "conv3"], ["host", "stored by conv2"]),
        (["conv1", "conv2"], ["host", "encoded by conv1"]),
    ],
)
def test_what_the_host_runs_is_in_no_chain(path: Path, layers: list[str], inputs: list[str]) -> None:
    assert [row.input for row in run(path, four_convolutions(), X, layers=layers).rows] == inputs


def test_a_layer_with_many_more_positions_is_encoded_apart(path: Path) -> None:
    network = four_convolutions()
    network.graph.node[2].attribute[0].ints[:] = [9] * 4
    assert [row.input for row in run(path, network, X, layers=["conv1", "conv2"]).rows] == ["host", "stored by conv1"]


def test_a_layer_that_does_not_fit_is_named_in_its_turn(path: Path) -> None:
    kept: list[LayerRow] = []
    with pytest.raises(NetworkError, match="layer conv3: x has 36 channels, so w must have 36 in dimension 1, not 5"):
        run(path, four_convolutions(w3=sparse(4, 5, 3, 3)), X, keep=kept.append)
    assert [row.input for row in kept] == ["host", "encoded by conv1"]
    with pytest.raises(NetworkError, match=r"layer conv2: operands of shapes .* do not fit"):
        run(path, four_convolutions(w2=sparse(4, 8, 3)), X)


@pytest.mark.parametrize("layer", ["w1", "w2"])
def test_a_result_beyond_fp16_is_the_same_error_as_without_chains(path: Path, layer: str) -> None:
    weights = {"w1": sparse(8, 3, 3, 3, seed=1), "w2": sparse(36, 8, 3, 3, seed=2)}[layer]
    large = four_convolutions(**{layer: weights * np.float32(3e4)})
    machine = attrs.evolve(device_of_dual(), dense_convolution=convolve_densely)
    messages = []
    for chain in (True, False):
        with pytest.raises(NetworkError) as caught:
            run(path, large, X, chain=chain, device=machine)
        messages.append(str(caught.value))
    reader = "conv2" if layer == "w1" else "conv3"
    assert messages[0] == messages[1]
    assert messages[0].startswith(f"layer {reader}: x: image 0, channel ")
    assert "is beyond FP16's range of +-65504" in messages[0]
    assert "choose layers without this one, and the host runs it" in messages[0]


def test_a_network_in_fp16_goes_on_with_infinities(path: Path) -> None:
    nodes = [
        node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16),
        node("Conv", ["h", "w1"], ["c1"], "conv1"),
        node("Conv", ["c1", "w2"], ["c2"], "conv2"),
        node("Conv", ["c2", "w2"], ["c3"], "conv3"),
        node("Cast", ["c3"], ["y"], to=TensorProto.FLOAT),
    ]
    constants = {"w1": np.full((2, 1, 1, 1), 6e4, np.float16), "w2": np.eye(2, dtype=np.float16)[:, :, None, None]}
    network = model(nodes, constants, {"x": [1, 1, 3, 3]})
    x = np.array([[[[0, 1, 2], [0.5, 0, -3], [1, 0, 0.25]]]], np.float32)
    chained, apart = run(path, network, x), run(path, network, x, chain=False)
    assert [row.input for row in chained.rows] == ["host", "stored by conv1", "encoded by conv2"]
    assert chained.outputs["y"].tobytes() == apart.outputs["y"].tobytes()
    assert np.isinf(chained.outputs["y"][0, 0, 0, 2])
    assert chained.outputs["y"][0, 0, 0, 1] == np.float16(6e4)
