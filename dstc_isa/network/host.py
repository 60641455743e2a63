"""Operators of a network that the host runs, one at a time, with ONNX Runtime."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dstc_isa.network.errors import NetworkError

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto

Array = npt.NDArray[Any]
SILENT = 4
"""Severity from which ONNX Runtime prints messages: fatal ones; errors come as exceptions as well."""


def check_libraries() -> None:
    """Raise NetworkError if onnx or onnxruntime is not there."""
    try:
        import onnx
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise NetworkError(
            f"ONNX files need onnx and onnxruntime ({error}): pip install onnx onnxruntime, or the extra [onnx]"
        ) from None
    del onnx


class Host:
    """Runs operators as the versions that a model imports define them."""

    def __init__(self, model: "ModelProto") -> None:
        self.opsets = list(model.opset_import)
        self.ir_version = model.ir_version

    def run(self, node: "NodeProto", values: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs of an operator by name; NetworkError if it is unknown or refuses its inputs."""
        import onnxruntime
        from onnx import ValueInfoProto
        from onnx.helper import make_graph, make_model

        # A name that the node's own graphs define is none of ours.
        read = dict.fromkeys([name for name in node.input if name] + list(names_in_graphs(node)))
        feeds = {name: np.ascontiguousarray(values[name]) for name in read if name in values}
        outputs = [name for name in node.output if name]
        graph = make_graph(
            [node],
            "operator",
            [_described(name, value) for name, value in feeds.items()],
            [ValueInfoProto(name=name) for name in outputs],
        )
        model = make_model(graph, opset_imports=self.opsets, ir_version=self.ir_version)
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = SILENT
        try:
            session = onnxruntime.InferenceSession(
                model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
            )
            results = session.run(outputs, feeds)
        # Exceptions of ONNX Runtime have no base class of their own.
        except Exception as error:
            what = f"operator {node.op_type}" + (f" ({node.name})" if node.name else "")
            raise NetworkError(f"{what}: ONNX Runtime cannot run it: {_reason(error)}") from None
        if not all(isinstance(result, np.ndarray) for result in results):
            raise NetworkError(f"operator {node.op_type} ({node.name}): gives no tensor; sequences are not supported")
        return dict(zip(outputs, results, strict=True))


def names_in_graphs(node: "NodeProto") -> Iterator[str]:
    """Names that the graphs among a node's attributes read, their own ones included."""
    for attribute in node.attribute:
        for graph in [attribute.g, *attribute.graphs]:
            for inner in graph.node:
                yield from inner.input
                yield from names_in_graphs(inner)
            yield from (output.name for output in graph.output)


def _described(name: str, value: Array) -> "ValueInfoProto":
    from onnx.helper import make_tensor_value_info, np_dtype_to_tensor_dtype

    return make_tensor_value_info(name, np_dtype_to_tensor_dtype(value.dtype), value.shape)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text.rpartition(" : ")[2] or type(error).__name__
