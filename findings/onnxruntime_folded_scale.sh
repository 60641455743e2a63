#!/bin/sh
# ONNX Runtime folds a Mul behind a Conv into the Conv's weights already at its lowest level of optimization, ORT_ENABLE_BASIC,
# and rounds the folded weights to float32. Where weight times factor is too small or too large for that, results change without a word:
# a small finite number becomes 0, one of ordinary size becomes infinite. The order in the file, convolve first, then scale, gives both exactly.
#
# Seen with onnxruntime 1.32.0, onnx 1.23.2, on x86-64:
#   x 1e30, weight 1e-30, factor 1e-20: 1e-20 without optimization, 0 with ORT_ENABLE_BASIC
#   x 1e-30, weight 1e30, factor 1e20: 1e20 without optimization, inf with ORT_ENABLE_BASIC
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" install -q onnx==1.23.2 onnxruntime==1.32.0 numpy
"$directory/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto as T, helper as h, numpy_helper


def run(x, weight, factor, level):
    graph = h.make_graph(
        [h.make_node("Conv", ["x", "w"], ["c"]), h.make_node("Mul", ["c", "f"], ["y"])],
        "g",
        [h.make_tensor_value_info("x", T.FLOAT, [1, 1, 1, 1])],
        [h.make_tensor_value_info("y", T.FLOAT, [1, 1, 1, 1])],
        [
            numpy_helper.from_array(np.full((1, 1, 1, 1), weight, np.float32), "w"),
            numpy_helper.from_array(np.array(factor, np.float32), "f"),
        ],
    )
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=10)
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = level
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    return float(session.run(None, {"x": np.full((1, 1, 1, 1), x, np.float32)})[0][0, 0, 0, 0])


levels = onnxruntime.GraphOptimizationLevel
print("versions", onnxruntime.__version__)
found = {}
for case in ((1e30, 1e-30, 1e-20), (1e-30, 1e30, 1e20)):
    for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_BASIC):
        found[case, level.name] = run(*case, level)
        print(*case, level.name, found[case, level.name])
assert np.isclose(found[(1e30, 1e-30, 1e-20), "ORT_DISABLE_ALL"], 1e-20, atol=0)
assert found[(1e30, 1e-30, 1e-20), "ORT_ENABLE_BASIC"] == 0
assert np.isclose(found[(1e-30, 1e30, 1e20), "ORT_DISABLE_ALL"], 1e20)
assert found[(1e-30, 1e30, 1e20), "ORT_ENABLE_BASIC"] == np.inf
PYTHON
