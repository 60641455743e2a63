"""An ONNX file as steps: convolutions and matrix products with their constant weights, and operators for the host."""

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.network.branches import (
    STANDARD,
    Guard,
    Guarded,
    branches,
    constant_condition,
    graphs_of,
    has_layers,
    own_names,
)
from dstc_isa.network.epilogue import Readers, with_epilogue
from dstc_isa.network.errors import NetworkError
from dstc_isa.network.host import Host, check_libraries, names_in_graphs
from dstc_isa.network.model_file import initializers, read_model, tensors_of
from dstc_isa.network.narrow import is_float
from dstc_isa.network.random_operators import draws
from dstc_isa.network.steps import ConvStep, DeviceStep, HostStep, ProductStep, Step, attributes_of
from dstc_isa.options import check_name

if TYPE_CHECKING:
    from onnx import NodeProto, ValueInfoProto

Array = npt.NDArray[Any]
CONV_RANKS = (3, 4, 5)
"""Dimensions of the weights of a convolution that the machine runs: along one axis, two, or three."""


@frozen
class Input:
    """An input of a network; a dimension that the file leaves open is its name there, or None."""

    name: str
    dtype: np.dtype[Any]
    dimensions: tuple[int | str | None, ...]

    @property
    def description(self) -> str:
        """Type and shape in words."""
        return f"{self.dtype} of shape ({', '.join('?' if d is None else str(d) for d in self.dimensions)})"


@frozen(eq=False)
class Graph:
    """A network. ``constants``: values by name that depend on no input.

    ``followers``: the convolution that alone reads the result of another one, by that value's name.
    """

    path: Path
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, Array]
    steps: tuple[Step, ...]
    followers: Mapping[str, ConvStep]
    host: Host

    @property
    def layers(self) -> list[DeviceStep]:
        """The steps that the machine can run."""
        return [step for step in self.steps if not isinstance(step, HostStep)]

    @property
    def weights(self) -> dict[str, Array]:
        """Constant weights of the layers, by name."""
        names = [step.weights if isinstance(step, ConvStep) else _weights_of(step) for step in self.layers]
        return {name: self.constants[name] for name in names if name}


def load_graph(path: str | PathLike[str]) -> Graph:
    """Read an ONNX file. Raises NetworkError for one that cannot be used, and without the package onnx."""
    check_name("path", path, (str, PathLike), "a file's name")
    path = Path(path)
    check_libraries()
    model = read_model(path)
    graph = model.graph
    host = Host(model, path)
    given = [value for value in graph.input if value.name not in {tensor.name for tensor in graph.initializer}]
    inputs = tuple(_input(path, value) for value in given)
    for value in graph.output:
        _check_tensor(path, "output", value)
    constants = initializers(path, graph)
    laid_out = _Layout(path, constants, host, own_names(graph))
    nodes = list(laid_out.of([Guarded(node) for node in graph.node]))
    outputs = tuple(value.name for value in graph.output)
    readers = _readers(nodes, outputs)
    steps = tuple(_steps(nodes, constants, readers))
    return Graph(path, inputs, outputs, constants, steps, _followers(steps, readers), host)


def _input(path: Path, value: "ValueInfoProto") -> Input:
    from onnx.helper import tensor_dtype_to_np_dtype

    _check_tensor(path, "input", value)
    kind = value.type.tensor_type
    # Some tools write -1 or a question mark for any size, and mean no two of them alike.
    dimensions = tuple(
        (dimension.dim_value if dimension.dim_value > 0 else None)
        if dimension.HasField("dim_value")
        else dimension.dim_param.strip("?") or None
        for dimension in kind.shape.dim
    )
    try:
        dtype = np.dtype(tensor_dtype_to_np_dtype(kind.elem_type))
    except KeyError:
        raise NetworkError(f"{path}: input {value.name} has an unknown type, number {kind.elem_type}") from None
    return Input(value.name, dtype, dimensions)


def _check_tensor(path: Path, what: str, value: "ValueInfoProto") -> None:
    if not value.type.HasField("tensor_type"):
        raise NetworkError(f"{path}: {what} {value.name} is not a tensor; no sequences, maps or optional values")


@frozen(eq=False)
class _Layout:
    """Lays a network out: results of operators of constants go to ``constants``, and branches with layers are unfolded.

    ``taken``: names that are in use.
    """

    path: Path
    constants: dict[str, Array]
    host: Host
    taken: set[str]

    def of(self, nodes: Sequence[Guarded]) -> Iterator[Guarded]:
        """Yield what depends on inputs."""
        for each in nodes:
            node = each.node
            if node.op_type == "If" and node.domain in STANDARD and any(map(has_layers, graphs_of(node))):
                yield from self._branches(each)
            elif not self._folded(each):
                yield each

    def _branches(self, each: Guarded) -> Iterator[Guarded]:
        known = constant_condition(each.node, self.constants)
        for choice, branch in branches(each.node, self.taken).items():
            if known not in (None, choice):
                continue
            self.constants.update(tensors_of(self.path, branch.initializers))
            guards = each.guards if known is not None else (*each.guards, Guard(each.node.input[0], choice))
            yield from self.of([Guarded(node, guards) for node in branch.nodes])
            ends = [Guarded(end, guards) for end in branch.ends]
            # What an If gives depends on the condition, even where each branch gives a constant.
            yield from self.of(ends) if known is not None and not guards else ends

    def _folded(self, each: Guarded) -> bool:
        """Whether an operator depends on no input; then its results are constants."""
        node = each.node
        fixed = all(name in self.constants for name in node.input if name) and not draws(node, self.constants)
        if not fixed or graphs_of(node):
            return False
        try:
            self.constants.update(self.host.run(node, self.constants))
        except NetworkError:
            # A branch that is never taken may hold what cannot be computed.
            if not each.guards:
                raise
            return False
        return True


def _steps(nodes: Sequence[Guarded], constants: Mapping[str, Array], readers: Readers) -> Iterator[Step]:
    taken: set[int] = set()
    names: set[str] = set()
    for number, each in enumerate(nodes):
        node = each.node
        if id(node) in taken:
            continue
        name = node.name or node.output[0]
        step: Step = HostStep(node, each.guards)
        if node.domain in STANDARD:
            unique = name if name not in names else f"{name} ({number})"
            names.add(unique)
            if node.op_type == "Conv" and _is_convolution(node, constants):
                step = with_epilogue(_conv(each, unique, constants), readers, constants)
                taken.update(id(part) for part in step.nodes)
            elif node.op_type in ("Gemm", "MatMul"):
                step = _product(each, unique, constants)
        yield step


def _readers(nodes: Sequence[Guarded], outputs: Sequence[str]) -> dict[str, list[Guarded | None]]:
    """Who reads a value: nodes, and None for outside of the network, from within a node's graph, or for a branch."""
    readers: dict[str, list[Guarded | None]] = {name: [None] for name in outputs}
    for each in nodes:
        for name in each.node.input:
            readers.setdefault(name, []).append(each)
        for name in [*names_in_graphs(each.node), *(guard.condition for guard in each.guards)]:
            readers.setdefault(name, []).append(None)
    return readers


def _followers(steps: Sequence[Step], readers: Readers) -> dict[str, ConvStep]:
    convolutions = [step for step in steps if isinstance(step, ConvStep)]
    results = {step.output: step.guards for step in convolutions}
    return {
        step.x: step
        for step in convolutions
        if step.x in results and step.guards == results[step.x] and len(readers[step.x]) == 1
    }


def _is_convolution(node: "NodeProto", constants: Mapping[str, Array]) -> bool:
    constant = all(name in constants for name in node.input[1:] if name)
    return constant and constants[node.input[1]].ndim in CONV_RANKS and is_float(constants[node.input[1]].dtype)


def _conv(each: Guarded, name: str, constants: Mapping[str, Array]) -> ConvStep:
    node = each.node
    bias = _wide(constants[node.input[2]]) if len(node.input) > 2 and node.input[2] else None
    x, weights = node.input[:2]
    attributes = attributes_of(node)
    return ConvStep(name, x, weights, node.output[0], (node,), attributes, bias=bias, guards=each.guards)


def _product(each: Guarded, name: str, constants: Mapping[str, Array]) -> ProductStep:
    node = each.node
    a, b, *rest = node.input
    weights: Literal["a", "b"] | None = "b" if b in constants else "a" if a in constants else None
    addend = rest[0] if rest else ""
    return ProductStep(name, a, b, addend, node.output[0], node, attributes_of(node), weights, each.guards)


def _weights_of(step: ProductStep) -> str:
    return "" if step.weights is None else step.b if step.weights == "b" else step.a


def _wide(values: Array) -> Array:
    return values.astype(np.float64)
