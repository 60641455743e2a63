"""The tests that the package onnx ships, one operator each, through the reader and the executor of networks.

Run from the repository: ``python benchmarks/node_suite.py``. Every model gets a product appended, so that there is a
layer for the machine, and each output is compared with what the suite expects: shape, type, and value within the
test's tolerance. Models with layers run as they are too, and with all inputs but the first as constants. Kernels run
for the tests of Conv, Gemm and MatMul themselves; elsewhere NumPy stands in for them. It ends with a status of 1 if an
output is wrong or something else than a NetworkError is raised.
"""

import argparse
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.loader import load_model_tests

from dstc_isa.network.device import Device
from dstc_isa.network.errors import NetworkError
from dstc_isa.network.graph import load_graph
from dstc_isa.network.graph_run import checked_inputs, run_graph
from dstc_isa.network.narrow import is_float

LAYERS = ("Conv", "Gemm", "MatMul")
WITH_KERNELS = ("test_basic_conv", "test_conv_", "test_gemm", "test_matmul")
APPENDED = ("own", "behind")
RANDOM = ("test_bernoulli", "test_training_dropout")
"""Tests whose values are drawn: shape and type alone are compared."""

KINDS = ("product appended", "as it is", "weights as constants")
FP16 = 2e-3
"""Share of the largest magnitude by which a sum of products of rounded operands may differ."""

FP32 = 1e-6
"""The same of sums in another order."""


def main() -> int:
    """Run the suite and print a table, with each refusal and each fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="tests whose name has this")
    parser.add_argument("--refusals", action="store_true", help="print each refusal")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from tests.network.models import SMALL_GPU, device

    kernels = Device(gpu=SMALL_GPU, options={"threads": 1})
    stand_ins = device()
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "net.onnx"
        for case in load_model_tests(kind="node"):
            if options.only not in case.name:
                continue
            for kind, model, inputs, expected in variants(case):
                own = kind != "product appended" and case.name.startswith(WITH_KERNELS)
                outcome, text = tried(path, model, inputs, expected, case, kernels if own else stand_ins)
                counts[kind][outcome] += 1
                if outcome in ("wrong", "fault") or (outcome == "refused" and options.refusals):
                    print(f"{outcome}: {case.name}, {kind}: {text}".replace(directory, ""), flush=True)
    print(f"{'':24}{'right':>8}{'refused':>8}{'wrong':>8}{'fault':>8}")
    for kind, count in counts.items():
        print(f"{kind:24}" + "".join(f"{count[outcome]:8}" for outcome in ("right", "refused", "wrong", "fault")))
    return int(any(count["wrong"] or count["fault"] for count in counts.values()))


def variants(case: Any) -> Iterator[tuple[str, onnx.ModelProto, dict[str, Any], dict[str, Any]]]:
    """The models of a test, with inputs and expected outputs by name."""
    model: onnx.ModelProto = case.model
    for given, wanted in case.data_sets:
        names = [value.name for value in model.graph.input]
        inputs = {name: array_of(value) for name, value in zip(names, given, strict=False)}
        outputs = [value.name for value in model.graph.output]
        expected = {name: array_of(value) for name, value in zip(outputs, wanted, strict=True)}
        yield ("product appended", *with_product(model, inputs, expected))
        if any(node.op_type in LAYERS for node in model.graph.node):
            yield "as it is", model, inputs, expected
            if len(inputs) > 1:
                yield ("weights as constants", *with_constants(model, inputs), expected)


def array_of(value: Any) -> Any:
    """A value of a test; of narrow types some are messages."""
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def with_product(
    model: onnx.ModelProto, inputs: dict[str, Any], expected: dict[str, Any]
) -> tuple[onnx.ModelProto, dict[str, Any], dict[str, Any]]:
    """A product of an input of its own, and one of the first output if it is of floats."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    # Up to version 3 an initializer is an input as well.
    copy.ir_version = max(4, model.ir_version)
    if not any(entry.domain == "" for entry in copy.opset_import):
        copy.opset_import.append(helper.make_opsetid("", 17))
    graph = copy.graph
    own, two = np.array([[1, 2], [3, 4]], np.float32), np.array([[1, 0], [0, 2]], np.float32)
    graph.input.append(helper.make_tensor_value_info("own:p", TensorProto.FLOAT, [2, 2]))
    graph.initializer.append(numpy_helper.from_array(two, "own:w"))
    graph.node.append(helper.make_node("MatMul", ["own:p", "own:w"], ["own:y"], "own"))
    graph.output.append(helper.make_tensor_value_info("own:y", TensorProto.FLOAT, None))
    inputs, expected = {**inputs, "own:p": own}, {**expected, "own:y": own @ two}
    name, first = next(iter(expected.items()))
    if isinstance(first, np.ndarray) and first.dtype == np.float32 and first.size and np.abs(first).max() < 1000:
        weights = np.ones((first.size, 2), np.float32) / first.size
        graph.initializer.append(numpy_helper.from_array(weights, "own:v"))
        graph.initializer.append(numpy_helper.from_array(np.array([1, -1]), "own:shape"))
        graph.node.append(helper.make_node("Reshape", [name, "own:shape"], ["own:flat"]))
        graph.node.append(helper.make_node("MatMul", ["own:flat", "own:v"], ["own:z"], "behind"))
        graph.output.append(helper.make_tensor_value_info("own:z", TensorProto.FLOAT, None))
        expected["own:z"] = first.astype(np.float16).reshape(1, -1).astype(np.float32) @ weights.astype(np.float16)
    return copy, inputs, expected


def with_constants(model: onnx.ModelProto, inputs: dict[str, Any]) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """All inputs but the first become constants."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.ir_version = max(4, model.ir_version)
    first, *others = inputs
    for name in others:
        copy.graph.initializer.append(numpy_helper.from_array(inputs[name], name))
    keep = [value for value in copy.graph.input if value.name == first]
    copy.graph.ClearField("input")
    copy.graph.input.extend(keep)
    return copy, {first: inputs[first]}


def tried(
    path: Path, model: onnx.ModelProto, inputs: dict[str, Any], expected: dict[str, Any], case: Any, device: Device
) -> tuple[str, str]:
    """What came of a model: right, refused, wrong or a fault, and why."""
    try:
        path.write_bytes(model.SerializeToString())
        graph = load_graph(path)
        given = {each.name: inputs[each.name] for each in graph.inputs}
        outcome = run_graph(graph, checked_inputs(graph, given), device, keep=lambda row: None)
    except NetworkError as error:
        return "refused", str(error)
    except Exception:
        return "fault", traceback.format_exc()
    rounded = any(row.layer not in APPENDED for row in outcome.rows)
    for name, wanted in expected.items():
        difference = different(outcome.outputs[name], np.asarray(wanted), case, rounded or name == "own:z")
        if difference:
            return "wrong", f"output {name}: {difference}"
    return "right", ""


def different(found: np.ndarray, wanted: np.ndarray, case: Any, rounded: bool) -> str:
    """How an output differs from what is expected, in words; empty if it does not.

    ``rounded``: operands of products before it were rounded to FP16.
    """
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        return f"{found.dtype} {found.shape}, expected {wanted.dtype} {wanted.shape}"
    if case.name.startswith(RANDOM):
        return ""
    if wanted.dtype.hasobject or wanted.dtype.kind in "biuUS":
        return "" if np.array_equal(found, wanted) else f"{found}, expected {wanted}"
    wide = np.complex128 if wanted.dtype.kind == "c" else np.float64
    a, b = found.astype(wide), wanted.astype(wide)
    finite = np.abs(b[np.isfinite(b)])
    largest = float(finite.max()) if finite.size else 0.0
    atol = FP16 * max(1.0, largest) if rounded else max(case.atol, FP32 * largest)
    # Sums in another order differ in the last place of a short type.
    short = is_float(wanted.dtype) and wanted.dtype.itemsize <= 2
    ulp = float(ml_dtypes.finfo(wanted.dtype).eps) if short else 0.0
    close = np.isclose(a, b, rtol=max(case.rtol, 2 * ulp), atol=atol, equal_nan=True)
    return "" if close.all() else f"{found[~close][:4]}, expected {wanted[~close][:4]}"


if __name__ == "__main__":
    sys.exit(main())
