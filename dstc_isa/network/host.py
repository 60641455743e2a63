"""Operators of a network that the host runs, one at a time, with ONNX Runtime."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dstc_isa.network.branches import graphs_of, own_names
from dstc_isa.network.deviations import deviates
from dstc_isa.network.errors import NetworkError
from dstc_isa.network.narrow import carried, carrier, is_narrow

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto

Array = npt.NDArray[Any]
SILENT = 4
"""Severity from which ONNX Runtime prints messages: fatal ones; errors come as exceptions as well."""

LACKING = (
    "not a registered function/op",
    "not currently registered or supported",
    "not supported",
    "unsupported",
    "type error: type",
    "subgraph must have the shape set",
    "failed to construct locale",
    "not implemented",
    "validateopsetfordomain",
    "no op registered",
)
"""Parts of what it says, in lower case, of what it cannot do, where the type of the exception does not tell."""

NOISE = re.compile(
    r"^\[ONNXRuntimeError\] : \d+ : \w+ : (?:.*?Status Message: )?"
    r"|/onnxruntime_src/\S+ (?:.*?\bwas false\. ?|.*?\) (?:const )?)?"
)
"""Around what ONNX Runtime says."""

CARRIED = "carried:"
"""Begins the name of a value that crosses ONNX Runtime's border in a type of NumPy's own."""


def check_libraries() -> None:
    """Raise NetworkError if onnx or onnxruntime is not there."""
    try:
        import ml_dtypes  # noqa: F401 - whether it is there
        import onnx
        import onnxruntime  # noqa: F401 - whether it is there
    except ImportError as error:
        raise NetworkError(
            f"ONNX files need onnx and onnxruntime ({error}): pip install onnx onnxruntime, or the extra [onnx]"
        ) from None
    del onnx


class Host:
    """Runs operators as the versions that a model imports define them; ``path`` is for messages."""

    def __init__(self, model: "ModelProto", path: Path) -> None:
        self.opsets = list(model.opset_import)
        self.ir_version = model.ir_version
        self.path = path

    def run(self, node: "NodeProto", values: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs of an operator by name; NetworkError if it is unknown or refuses its inputs."""
        read = dict.fromkeys([name for name in node.input if name] + list(names_in_graphs(node)))
        feeds = {name: np.asarray(values[name], order="C") for name in read if name in values}
        try:
            results = self._with_reference(node, feeds) if deviates(node, feeds) else self._with_runtime(node, feeds)
        # Exceptions of ONNX Runtime have no base class of their own.
        except Exception as error:
            if not _is_unsupported(error):
                raise self._refusal(node, feeds, f"ONNX Runtime cannot run it: {_reason(error)}") from None
            results = self._with_another(node, feeds, _reason(error))
        for name, result in results.items():
            if not isinstance(result, np.ndarray):
                kind = "a sequence" if isinstance(result, list) else "an optional value" if result is None else "a map"
                raise self._refusal(node, feeds, f"{name} is {kind}, not a tensor, which is not supported")
        return results

    def _refusal(self, node: "NodeProto", feeds: Mapping[str, Array], reason: str) -> NetworkError:
        given = ", ".join(f"{name} {value.dtype} {value.shape}" for name, value in feeds.items())
        on = f" (on {given})" if given else ""
        return NetworkError(f"{self.path}: operator {described(node)}: {reason}{on}")

    def _with_runtime(self, node: "NodeProto", feeds: Mapping[str, Array]) -> dict[str, Any]:
        outputs = [name for name in node.output if name]
        session = _session(self._model([node], feeds, outputs))
        narrow = _narrow_outputs(session)
        if narrow:
            session = _session(self._model([node], feeds, outputs, narrow))
        given = {CARRIED + name if is_narrow(value.dtype) else name: carried(value) for name, value in feeds.items()}
        fetched = session.run([CARRIED + name if name in narrow else name for name in outputs], given)
        results = dict(zip(outputs, fetched, strict=True))
        return {name: value.astype(narrow[name]) if name in narrow else value for name, value in results.items()}

    def _with_another(self, node: "NodeProto", feeds: Mapping[str, Array], reason: str) -> dict[str, Any]:
        """What ONNX Runtime has no kernel for: bfloat16 by way of float32, or the standard's reference."""
        types = self._output_types(node, feeds, reason)
        wide = {name: carried(value) if value.dtype.name == "bfloat16" else value for name, value in feeds.items()}
        if any(wide[name] is not feeds[name] for name in feeds):
            try:
                results = self._with_runtime(node, wide)
                return {name: value.astype(types.get(name, value.dtype)) for name, value in results.items()}
            except Exception:
                pass
        try:
            return self._with_reference(node, feeds)
        # The reference raises whatever Python and NumPy do.
        except Exception as error:
            raise self._refusal(
                node, feeds, f"ONNX Runtime cannot run it: {reason}; nor can the reference of onnx: {_reason(error)}"
            ) from None

    def _with_reference(self, node: "NodeProto", feeds: Mapping[str, Array]) -> dict[str, Any]:
        from onnx.reference import ReferenceEvaluator

        outputs = [name for name in node.output if name]
        types = self._output_types(node, feeds, "")
        with np.errstate(all="ignore"):
            values = ReferenceEvaluator(self._model([node], feeds, outputs, plain=True)).run(None, dict(feeds))
        results = dict(zip(outputs, values, strict=True))
        return {
            name: np.asarray(value, types.get(name)) if isinstance(value, np.ndarray | np.generic) else value
            for name, value in results.items()
        }

    def _model(
        self,
        nodes: list["NodeProto"],
        feeds: Mapping[str, Array],
        outputs: list[str],
        narrow: Mapping[str, np.dtype[Any]] | None = None,
        *,
        plain: bool = False,
    ) -> "ModelProto":
        """A model of operators; values of narrow types go in and out by way of their carriers, unless ``plain``."""
        from onnx import ValueInfoProto
        from onnx.helper import make_graph, make_model

        narrow = narrow or {}
        crossing = {} if plain else {name: value for name, value in feeds.items() if is_narrow(value.dtype)}
        inputs = [
            _described(CARRIED + name, carried(value)) if name in crossing else _described(name, value)
            for name, value in feeds.items()
        ]
        graph = make_graph(
            [
                *(_cast(CARRIED + name, name, value.dtype) for name, value in crossing.items()),
                *nodes,
                *(_cast(name, CARRIED + name, carrier(dtype)) for name, dtype in narrow.items()),
            ],
            "operator",
            inputs,
            [ValueInfoProto(name=CARRIED + name if name in narrow else name) for name in outputs],
        )
        return make_model(graph, opset_imports=self.opsets, ir_version=self.ir_version)

    def _output_types(self, node: "NodeProto", feeds: Mapping[str, Array], reason: str) -> dict[str, np.dtype[Any]]:
        """Types of the outputs as the standard infers them; NetworkError if it does not allow those of the inputs."""
        from onnx.helper import tensor_dtype_to_np_dtype
        from onnx.shape_inference import InferenceError, infer_shapes

        model = self._model([node], feeds, [name for name in node.output if name], plain=True)
        try:
            inferred = infer_shapes(model, check_type=True)
        except InferenceError:
            raise self._refusal(node, feeds, f"ONNX Runtime cannot run it: {reason}") from None
        kinds = {value.name: value.type.tensor_type.elem_type for value in inferred.graph.output}
        return {name: np.dtype(tensor_dtype_to_np_dtype(kind)) for name, kind in kinds.items() if kind}


def described(node: "NodeProto") -> str:
    """An operator and its name, or what it gives if it has none."""
    return f"{node.op_type} ({node.name or 'of ' + ', '.join(filter(None, node.output))})"


def names_in_graphs(node: "NodeProto") -> Iterator[str]:
    """Names from outside that the graphs among a node's attributes read."""
    for graph in graphs_of(node):
        own = own_names(graph)
        for inner in graph.node:
            yield from (name for name in (*inner.input, *names_in_graphs(inner)) if name and name not in own)
        yield from (output.name for output in graph.output if output.name not in own)


def _session(model: "ModelProto") -> Any:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = SILENT
    # An optimizer takes a cast to a narrow type and one back for nothing, and with them the rounding.
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])


def _narrow_outputs(session: Any) -> dict[str, np.dtype[Any]]:
    from onnx import TensorProto
    from onnx.helper import tensor_dtype_to_np_dtype

    numbers = {f"tensor({name.lower()})": number for name, number in TensorProto.DataType.items() if number}
    types = {
        output.name: np.dtype(tensor_dtype_to_np_dtype(numbers[output.type]))
        for output in session.get_outputs()
        if output.type in numbers
    }
    return {name: dtype for name, dtype in types.items() if is_narrow(dtype)}


def _cast(source: str, target: str, dtype: np.dtype[Any]) -> "NodeProto":
    from onnx.helper import make_node, np_dtype_to_tensor_dtype

    # Infinities stay what they are.
    exact: dict[str, Any] = {"saturate": 0} if dtype.name.startswith("float8") else {}
    return make_node("Cast", [source], [target], to=np_dtype_to_tensor_dtype(dtype), **exact)


def _described(name: str, value: Array) -> "ValueInfoProto":
    from onnx.helper import make_tensor_value_info, np_dtype_to_tensor_dtype

    return make_tensor_value_info(name, np_dtype_to_tensor_dtype(value.dtype), value.shape)


def _is_unsupported(error: Exception) -> bool:
    """Whether ONNX Runtime lacks an operator, a type or a version, rather than refuses the operands."""
    text = str(error).lower()
    return type(error).__name__ == "NotImplemented" or any(sign in text for sign in LACKING)


def _reason(error: Exception) -> str:
    """What an exception says, without places in ONNX Runtime's source."""
    text = NOISE.sub("", " ".join(str(error).split()))
    return text.strip() or type(error).__name__
