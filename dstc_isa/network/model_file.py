"""An ONNX file, read and checked: functions expanded, values in other files left there until they are asked for."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from dstc_isa.network.errors import NetworkError
from dstc_isa.network.external_data import embed_inner_tensors, embedded, is_external

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto

Array = npt.NDArray[Any]


def read_model(path: Path) -> "ModelProto":
    """Read and check a model and expand its own functions. Raises NetworkError for a file that is none."""
    import onnx
    from google.protobuf.message import DecodeError, EncodeError
    from onnx.inliner import inline_local_functions

    try:
        model = onnx.load(path, load_external_data=False)
        for output in model.graph.output:
            # Only the check asks for it, and files of other tools leave it out.
            if output.type.HasField("tensor_type"):
                output.type.tensor_type.shape.SetInParent()
        embed_inner_tensors(model, path)
        _check(model)
        return inline_local_functions(model) if model.functions else model
    except OSError as error:
        raise NetworkError(f"{path}: cannot be read: {error.strerror or error}") from None
    except DecodeError:
        raise NetworkError(f"{path}: not an ONNX file, or damaged") from None
    except (onnx.checker.ValidationError, ValueError, RuntimeError, EncodeError) as error:
        raise NetworkError(f"{path}: not a valid ONNX network: {first_line(error)}") from None


def _check(model: "ModelProto") -> None:
    """Raise what onnx does if the model is not valid; files of external values are not looked at."""
    from onnx.checker import check_model
    from onnx.helper import make_tensor_value_info

    graph = model.graph
    outside = [tensor for tensor in graph.initializer if is_external(tensor)]
    if not outside:
        check_model(model)
        return
    inside = [tensor for tensor in graph.initializer if not is_external(tensor)]
    named = {value.name for value in graph.input}
    # To the check they are inputs: it follows no link, and not a model of more than 2 GiB.
    stand_ins = [
        make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        for tensor in outside
        if tensor.name not in named
    ]
    own = len(graph.input)
    graph.ClearField("initializer")
    graph.initializer.extend(inside)
    graph.input.extend(stand_ins)
    try:
        check_model(model)
    finally:
        del graph.input[own:]
        graph.initializer.extend(outside)


def initializers(path: Path, graph: "GraphProto") -> dict[str, Array]:
    """The constants that a graph has, by name. Raises NetworkError for one that cannot be read."""
    if graph.sparse_initializer:
        name = graph.sparse_initializer[0].values.name
        raise NetworkError(f"{path}: {name} is a sparse initializer, which is not supported; store it densely")
    return tensors_of(path, graph.initializer)


def tensors_of(path: Path, tensors: Iterable["TensorProto"]) -> dict[str, Array]:
    """Tensors as arrays, by name. Raises NetworkError for one that cannot be read."""
    from onnx.numpy_helper import to_array

    values: dict[str, Array] = {}
    for tensor in tensors:
        try:
            values[tensor.name] = to_array(embedded(tensor, path) if is_external(tensor) else tensor)
        except (ValueError, TypeError, KeyError) as error:
            raise NetworkError(f"{path}: tensor {tensor.name} cannot be read: {first_line(error)}") from None
    return values


def first_line(error: Exception) -> str:
    """What an error says, in one line."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
