"""Tensors of an ONNX model whose values are in other files: where those may be, and their values."""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from dstc_isa.network.errors import NetworkError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

SNAPSHOTS, BLOBS = "snapshots", "blobs"
"""Directories of a model hub's cache: names of files, each a link to the contents, which are named by their hash."""

_BITS = {"UINT4": 4, "INT4": 4, "FLOAT4E2M1": 4, "UINT2": 2, "INT2": 2}


def is_external(tensor: "TensorProto") -> bool:
    """Whether a tensor's values are in another file."""
    from onnx import TensorProto

    return tensor.HasField("data_location") and tensor.data_location == TensorProto.EXTERNAL


def embed_inner_tensors(model: "ModelProto", path: Path) -> None:
    """Take in the external values of all tensors but the model's own initializers. Raises NetworkError."""
    for node in [*model.graph.node, *(node for function in model.functions for node in function.node)]:
        for tensor in _tensors_of(node):
            if is_external(tensor):
                tensor.CopyFrom(embedded(tensor, path))


def embedded(tensor: "TensorProto", path: Path) -> "TensorProto":
    """The tensor with its values in place of the name of a file; ``path``: of the model. Raises NetworkError."""
    from onnx import TensorProto

    what = f"{path}: the values of tensor {tensor.name or '(without a name)'}"
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    file = _data_file(path, location, what)
    offset, length = (_whole(entries, key, what) for key in ("offset", "length"))
    needed = _size(tensor)
    if needed is not None and length is not None and length != needed:
        shape = tuple(tensor.dims)
        raise NetworkError(f"{what} are {length} bytes of {location}, but its type and shape {shape} need {needed}")
    start = offset or 0
    wanted = needed if length is None else length
    try:
        there = file.stat().st_size
        wanted = max(there - start, 0) if wanted is None else wanted
        # Compared before memory is taken for them.
        if start + wanted > there:
            raise NetworkError(f"{what} are bytes {start} to {start + wanted} of {file}, which has {there}: cut off?")
        with file.open("rb") as stream:
            stream.seek(start)
            data = stream.read(wanted)
    except OSError as error:
        raise NetworkError(f"{what}: {file}: cannot be read: {error.strerror or error}") from None
    return TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims, raw_data=data)


def _data_file(model: Path, location: str, what: str) -> Path:
    """The file, links followed, if a model may name it; a path from the model's directory down, without ``..``."""
    posix, windows = PurePosixPath(location), PureWindowsPath(location)
    if not location or posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise NetworkError(
            f"{what} are in {location!r}; a model may name files in its own directory and below, without '..'"
        )
    real = model.resolve()
    # Beside the model's name, or if that is a link, beside what it leads to.
    places = [place / location for place in dict.fromkeys((model.parent, real.parent))]
    named = next((place for place in places if os.path.lexists(place)), places[0])
    try:
        file = named.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NetworkError(f"{what} are in {named}, which cannot be read: {reason}") from None
    if not any(file.is_relative_to(place) for place in _allowed(model, real)):
        raise NetworkError(
            f"{what} are in {named}, a link to {file}; it may lead to the model's directory, to the directory that the "
            f"model itself is a link to, or from a hub's {SNAPSHOTS} to its {BLOBS}: copy the file beside the model"
        )
    if not file.is_file():
        raise NetworkError(f"{what} are in {named}, which is no regular file")
    return file


def _allowed(model: Path, real: Path) -> Iterator[Path]:
    directory = model.parent.resolve()
    yield directory
    yield real.parent
    for place in (directory, *directory.parents):
        if place.name == SNAPSHOTS:
            yield place.parent / BLOBS


def _whole(entries: dict[str, str], key: str, what: str) -> int | None:
    text = entries.get(key)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise NetworkError(f"{what}: {key} is a number of bytes, not {text!r}")
    return int(text)


def _size(tensor: "TensorProto") -> int | None:
    """Bytes that a tensor's values take in a file; None for types of which it is not known."""
    from onnx import TensorProto
    from onnx.helper import tensor_dtype_to_np_dtype

    name = TensorProto.DataType.Name(tensor.data_type)
    if name.startswith("FLOAT6") or name == "STRING":
        return None
    bits: int = _BITS.get(name) or 8 * tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    elements: int = math.prod(tensor.dims)
    return -(-elements * bits // 8)


def _tensors_of(node: "NodeProto") -> Iterator["TensorProto"]:
    for attribute in node.attribute:
        yield from ([attribute.t] if attribute.HasField("t") else [])
        yield from attribute.tensors
        for graph in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
            yield from _tensors_in(graph)


def _tensors_in(graph: "GraphProto") -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        yield from _tensors_of(node)
