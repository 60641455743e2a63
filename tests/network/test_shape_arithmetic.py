"""Graphs that compute shapes, as exporters write them: every value is what ONNX Runtime gives for the whole graph."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from dstc_isa.network.graph import load_graph
from dstc_isa.network.graph_run import run_graph
from tests.network.models import device

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4) % 5


@define
class Builder:
    """A graph that grows; ``scalars`` and ``vectors``: names of whole numbers by rank, all positive."""

    draw: Callable[..., Any]
    nodes: list[onnx.NodeProto] = field(factory=list)
    constants: dict[str, Any] = field(factory=dict)
    scalars: list[str] = field(factory=list)
    vectors: list[str] = field(factory=list)

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], f"node {name}", **attributes))
        return name

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value)
        return name

    def whole(self, *values: int) -> str:
        """A vector of constants."""
        return self.constant(np.array(values, np.int64))

    def pick(self, names: list[str]) -> str:
        return str(self.draw(st.sampled_from(names)))

    def small(self, name: str) -> str:
        """The value, or its remainder plus one, as large as a size may be."""
        return self.add("Add", self.add("Mod", name, self.constant(np.int64(5))), self.constant(np.int64(1)))

    def step(self) -> None:
        """One more value."""
        getattr(self, self.draw(st.sampled_from(STEPS)))()

    def shape(self) -> None:
        limits: dict[str, int] = self.draw(st.sampled_from([{}, {"start": 1}, {"end": 1}, {"start": -2, "end": -1}]))
        self.vectors.append(self.add("Shape", "x", **limits))

    def size(self) -> None:
        self.scalars.append(self.add("Size", "x"))

    def gather(self) -> None:
        index, target = self.draw(st.sampled_from([(np.int64(0), self.scalars), (np.array([-1]), self.vectors)]))
        target.append(self.add("Gather", self.pick(self.vectors), self.constant(index)))

    def slice(self) -> None:
        end = self.draw(st.sampled_from([1, 2, 2**62]))
        zero = self.whole(0)
        self.vectors.append(self.add("Slice", self.pick(self.vectors), zero, self.whole(end), zero))

    def unsqueeze(self) -> None:
        self.vectors.append(self.add("Unsqueeze", self.pick(self.scalars), self.whole(0)))

    def squeeze(self) -> None:
        zero = self.whole(0)
        one = self.add("Slice", self.pick(self.vectors), zero, self.whole(1), zero)
        self.scalars.append(self.add("Squeeze", *([one, zero] if self.draw(st.booleans()) else [one])))

    def concat(self) -> None:
        self.vectors.append(self.add("Concat", self.pick(self.vectors), self.pick(self.vectors), axis=0))

    def arithmetic(self) -> None:
        operator = self.draw(st.sampled_from(["Add", "Mul", "Max", "Min"]))
        first, second = self.small(self.pick(self.scalars)), self.small(self.pick(self.scalars + self.vectors))
        result = self.add(operator, first, second)
        (self.scalars if second in self.results_of(self.scalars) else self.vectors).append(result)

    def results_of(self, names: list[str]) -> set[str]:
        """Names and what ``small`` made of them."""
        made = set(names)
        for each in self.nodes:
            if each.op_type in ("Mod", "Add") and each.input[0] in made and each.input[1] in self.constants:
                made.add(each.output[0])
        return made

    def reduce(self) -> None:
        kept = self.draw(st.integers(0, 1))
        operator = self.draw(st.sampled_from(["ReduceSum", "ReduceMax"]))
        source = self.small(self.pick(self.vectors))
        arguments = [source, self.whole(0)] if operator == "ReduceSum" else [source]
        (self.vectors if kept else self.scalars).append(self.add(operator, *arguments, keepdims=kept))

    def cast(self) -> None:
        to = self.draw(st.sampled_from([TensorProto.FLOAT, TensorProto.INT32, TensorProto.DOUBLE, TensorProto.UINT8]))
        target = self.draw(st.sampled_from([self.scalars, self.vectors]))
        target.append(self.add("Cast", self.add("Cast", self.small(self.pick(target)), to=to), to=TensorProto.INT64))

    def where(self) -> None:
        first, second = self.small(self.pick(self.scalars)), self.small(self.pick(self.scalars))
        self.scalars.append(self.add("Where", self.add("Greater", first, second), first, second))

    def range(self) -> None:
        one = self.constant(np.int64(1))
        limit = self.add("Add", self.small(self.pick(self.scalars)), one)
        self.vectors.append(self.add("Range", one, limit, one))

    def filled(self) -> None:
        size = self.add("Unsqueeze", self.small(self.pick(self.scalars)), self.whole(0))
        value = helper.make_tensor("value", TensorProto.INT64, [1], [3])
        self.vectors.append(self.add("ConstantOfShape", size, value=value))

    def expand(self) -> None:
        size = self.add("Unsqueeze", self.small(self.pick(self.scalars)), self.whole(0))
        self.vectors.append(self.add("Expand", self.pick(self.scalars), size))

    def reshaped(self) -> None:
        rank = self.draw(st.sampled_from(["scalar", "vector"]))
        if rank == "vector":
            self.vectors.append(self.add("Reshape", self.pick(self.scalars), self.whole(-1)))
        else:
            total = self.add("ReduceProd", self.small(self.add("Shape", self.pick(self.vectors))), keepdims=1)
            self.scalars.append(self.add("Reshape", total, self.constant(np.array([], np.int64))))

    def products(self) -> None:
        """Layers of what came out: a Conv, a Gemm, and a MatMul that gives a scalar."""
        vector = self.add("Cast", self.small(self.pick(self.vectors)), to=TensorProto.FLOAT)
        self.add("MatMul", vector, vector)
        row = self.add("Reshape", vector, self.whole(1, -1))
        self.add("Gemm", row, row, transB=1, alpha=0.5)
        image = self.add("Reshape", vector, self.whole(1, 1, -1))
        self.add("Conv", image, self.constant(np.array([[[0.5]], [[2]]], np.float32)))
        scalar = self.add("Cast", self.small(self.pick(self.scalars)), to=TensorProto.FLOAT)
        self.add("Mul", scalar, self.add("MatMul", vector, vector))

    def model(self) -> onnx.ModelProto:
        return helper.make_model(
            helper.make_graph(
                self.nodes,
                "shapes",
                [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "m"])],
                [onnx.ValueInfoProto(name=node.output[0]) for node in self.nodes],
                [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
            ),
            opset_imports=[helper.make_opsetid("", 17)],
            ir_version=8,
        )


STEPS = (
    "shape",
    "size",
    "gather",
    "slice",
    "unsqueeze",
    "squeeze",
    "concat",
    "arithmetic",
    "reduce",
    "cast",
    "where",
    "range",
    "filled",
    "expand",
    "reshaped",
)


@st.composite
def graphs(draw: Callable[..., Any]) -> onnx.ModelProto:
    builder = Builder(draw)
    builder.shape()
    builder.size()
    for _ in range(draw(st.integers(3, 8))):
        builder.step()
    builder.products()
    return builder.model()


@settings(max_examples=40)
@given(model=graphs())
def test_every_value_is_as_onnx_runtime_gives_it(model: onnx.ModelProto, tmp_path_factory: Any) -> None:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = dict(zip([output.name for output in session.get_outputs()], session.run(None, {"x": X}), strict=True))
    inferred = onnx.shape_inference.infer_shapes(model)
    model.graph.ClearField("output")
    model.graph.output.extend(inferred.graph.output)
    path: Path = tmp_path_factory.mktemp("shapes") / "net.onnx"
    path.write_bytes(model.SerializeToString())
    outputs = run_graph(load_graph(path), {"x": X}, device(), keep=lambda row: None).outputs
    assert list(outputs) == list(expected)
    for name, value in expected.items():
        found = outputs[name]
        assert (found.shape, found.dtype) == (value.shape, value.dtype), name
        assert np.allclose(found, value, rtol=2e-3), name
