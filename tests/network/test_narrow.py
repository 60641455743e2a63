import io
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.helper import np_dtype_to_tensor_dtype, tensor_dtype_to_np_dtype

from dstc_isa.network.errors import NetworkError
from dstc_isa.network.graph import load_graph
from dstc_isa.network.graph_run import checked_inputs, run_graph
from dstc_isa.network.host import Host
from dstc_isa.network.narrow import carried, carrier, is_float, is_narrow
from dstc_isa.network.outcome import Outcome
from dstc_isa.network.record import archive
from tests.network.models import device, sparse

node = helper.make_node
KINDS = [kind for kind in TensorProto.DataType.values() if kind not in (TensorProto.UNDEFINED, TensorProto.STRING)]
NARROW = [kind for kind in KINDS if np.dtype(tensor_dtype_to_np_dtype(kind)).type.__module__ == "ml_dtypes"]


def name_of(kind: int) -> str:
    return TensorProto.DataType.Name(kind)


def dtype_of(kind: int) -> np.dtype[Any]:
    return np.dtype(tensor_dtype_to_np_dtype(kind))


def all_values(dtype: np.dtype[Any]) -> Any:
    """Each value of a narrow type, in two dimensions."""
    wide = np.arange(-8, 16) if dtype.name.endswith(("int4", "int2")) else None
    if wide is not None:
        limits = ml_dtypes.iinfo(dtype)
        return wide[(wide >= limits.min) & (wide <= limits.max)].astype(dtype).reshape(2, -1)
    bits = np.arange(1 << (8 * dtype.itemsize), dtype=f"u{dtype.itemsize}")
    used = ml_dtypes.finfo(dtype).bits
    return bits[: 1 << min(used, 8 * dtype.itemsize)].view(dtype).reshape(2, -1)


def network(nodes: list[Any], constants: dict[str, Any], inputs: dict[str, Any], outputs: list[str]) -> onnx.ModelProto:
    """``inputs``: arrays of the shape and type of each."""
    value = helper.make_tensor_value_info
    return helper.make_model(
        helper.make_graph(
            nodes,
            "narrow",
            [value(name, np_dtype_to_tensor_dtype(array.dtype), array.shape) for name, array in inputs.items()],
            [value(name, TensorProto.UNDEFINED, None) for name in outputs],
            [numpy_helper.from_array(array, name) for name, array in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", onnx.defs.onnx_opset_version())],
        ir_version=onnx.IR_VERSION,
    )


def run(path: Path, model: onnx.ModelProto, inputs: dict[str, Any]) -> Outcome:
    for output in model.graph.output:
        output.type.tensor_type.elem_type = TensorProto.FLOAT
    path.write_bytes(model.SerializeToString())
    graph = load_graph(path)
    return run_graph(graph, checked_inputs(graph, inputs), device(), keep=lambda row: None)


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_every_type_of_the_standard_has_a_carrier_of_numpys_own(kind: int) -> None:
    dtype = dtype_of(kind)
    assert is_narrow(dtype) == (kind in NARROW)
    assert carrier(dtype).type.__module__ == "numpy"
    assert is_float(dtype) == ("FLOAT" in name_of(kind) or name_of(kind) == "DOUBLE")


@pytest.mark.parametrize("kind", [kind for kind in NARROW if "FLOAT6" not in name_of(kind)], ids=name_of)
def test_every_value_survives_constants_inputs_operators_and_outputs(kind: int, tmp_path: Path) -> None:
    values = all_values(dtype_of(kind))
    nodes = [
        node("Transpose", ["x"], ["t"]),
        node("Identity", ["c"], ["d"]),
        node("MatMul", ["p", "q"], ["y"]),
    ]
    one = np.ones((1, 1), np.float32)
    model = network(nodes, {"c": values, "q": one}, {"x": values, "p": one}, ["t", "d", "y"])
    outputs = run(tmp_path / "net.onnx", model, {"x": values, "p": one}).outputs
    for found, expected in ((outputs["t"], values.T), (outputs["d"], values)):
        assert found.dtype == values.dtype
        assert np.array_equal(carried(found), carried(expected), equal_nan=is_float(values.dtype))
    saved = np.load(io.BytesIO(archive(outputs)))["d"]
    assert saved.dtype == carrier(values.dtype)
    assert np.array_equal(saved, carried(values), equal_nan=is_float(values.dtype))


@pytest.mark.parametrize("kind", NARROW, ids=name_of)
def test_casts_to_and_from(kind: int) -> None:
    dtype = dtype_of(kind)
    wide = np.array([0.5, 1, 1.0625, 1.25, 1.5, 2, 3], np.float32) if is_float(dtype) else np.array([0, 1, 1], np.int32)
    host = Host(network([], {}, {}, []), Path("net.onnx"))
    narrow = host.run(node("Cast", ["x"], ["y"], to=kind), {"x": wide})["y"]
    assert narrow.dtype == dtype
    back = host.run(node("Cast", ["x"], ["y"], to=np_dtype_to_tensor_dtype(wide.dtype)), {"x": narrow})["y"]
    expected = wide.astype(dtype).astype(wide.dtype)
    # How halves are rounded to powers of two, the standard says in an attribute.
    exact = np.log2(wide) % 1 == 0 if dtype.name == "float8_e8m0fnu" else np.full(wide.shape, True)
    assert np.array_equal(back[exact], expected[exact])


@pytest.mark.parametrize("kind", [TensorProto.INT4, TensorProto.UINT4, TensorProto.INT8, TensorProto.FLOAT8E4M3FN])
@pytest.mark.parametrize("axis", [0, 1])
def test_dequantized_weights_are_those_of_a_layer(kind: int, axis: int, tmp_path: Path) -> None:
    weights = (np.arange(20).reshape(5, 4) % 7).astype(dtype_of(kind))
    scale = np.linspace(0.5, 2.5, weights.shape[axis], dtype=np.float32)
    nodes = [node("DequantizeLinear", ["w", "s"], ["d"], axis=axis), node("MatMul", ["x", "d"], ["y"])]
    x = sparse(3, 5)
    outcome = run(tmp_path / "net.onnx", network(nodes, {"w": weights, "s": scale}, {"x": x}, ["y"]), {"x": x})
    dequantized = carried(weights) * (scale[:, None] if axis == 0 else scale)
    assert outcome.outputs["y"] == pytest.approx(x @ dequantized, abs=1e-2)
    assert [row.density_w for row in outcome.rows] == [np.count_nonzero(dequantized) / 20]


def test_a_network_in_bfloat16(tmp_path: Path) -> None:
    bfloat16 = np.dtype(ml_dtypes.bfloat16)
    w, v, b, x = (sparse(*shape, density=1.0).astype(bfloat16) for shape in ((4, 2, 3, 3), (4, 3), (3,), (1, 2, 6, 6)))
    nodes = [
        node("Conv", ["x", "w"], ["c"], "conv"),
        node("Relu", ["c"], ["r"]),
        node("GlobalAveragePool", ["r"], ["p"]),
        node("Flatten", ["p"], ["f"]),
        node("Gemm", ["f", "v", "b"], ["y"], "gemm"),
        node("Softmax", ["y"], ["z"]),
    ]
    outcome = run(tmp_path / "net.onnx", network(nodes, {"w": w, "v": v, "b": b}, {"x": x}, ["c", "y", "z"]), {"x": x})
    assert [row.layer for row in outcome.rows] == ["conv", "gemm"]
    assert {value.dtype for value in outcome.outputs.values()} == {bfloat16}
    windows = np.lib.stride_tricks.sliding_window_view(carried(x), (3, 3), (2, 3))
    convolved = np.einsum("nchwij,fcij->nfhw", windows, carried(w))
    assert carried(outcome.outputs["c"]) == pytest.approx(convolved, rel=2**-7, abs=1e-3)
    flat = np.maximum(convolved, 0).mean((2, 3))
    y = flat @ carried(v) + carried(b)
    assert carried(outcome.outputs["y"]) == pytest.approx(y, rel=2**-5, abs=2e-2)
    assert carried(outcome.outputs["z"]) == pytest.approx(np.exp(y) / np.exp(y).sum(), rel=2**-4)


def test_inputs_are_taken_in_types_that_hold_them(tmp_path: Path) -> None:
    x = sparse(2, 2)
    small, four = x.astype(ml_dtypes.float8_e4m3fn), np.array([[1, -8], [7, 0]], np.int8).astype(ml_dtypes.int4)
    nodes = [node("Cast", ["a"], ["f"], to=TensorProto.FLOAT), node("MatMul", ["f", "f"], ["y"])]
    path = tmp_path / "net.onnx"
    for wanted, given in ((small, x), (small, small.view("V1")), (four, carried(four)), (four, four)):
        outcome = run(path, network(nodes, {}, {"a": wanted}, ["f", "y"]), {"a": given})
        assert np.array_equal(outcome.outputs["f"], carried(wanted).astype(np.float32))
    for wanted, wrong, message in (
        (four, np.array([[0, 0], [0, 8]], np.int8), r"not int8 .*: 8 at \(1, 1\) is beyond the range of int4"),
        (small, np.full((2, 2), 1e4, np.float32), r"10000\.0 at \(0, 0\) is beyond the range of float8_e4m3fn"),
        (four, x, "not float32 .*: convert the array"),
    ):
        with pytest.raises(NetworkError, match=message):
            run(path, network(nodes, {}, {"a": wanted}, ["f", "y"]), {"a": wrong})
