"""Branches of If operators, laid out among the other operators of a network."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.network.errors import NetworkError

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto

Array = npt.NDArray[Any]
STANDARD = ("", "ai.onnx")
LAYERS = ("Conv", "Gemm", "MatMul")


@frozen
class Guard:
    """That the value ``condition`` is ``taken``."""

    condition: str
    taken: bool


Guards = tuple[Guard, ...]


@frozen(eq=False)
class Guarded:
    """An operator that runs if all guards hold, outer ones first; a branch that is not taken has no values at all."""

    node: "NodeProto"
    guards: Guards = ()


def holds(guards: Guards, values: Mapping[str, Array]) -> bool:
    """Whether what the guards ask of values that are known by now is so."""
    return all(truth(values[guard.condition], guard.condition) == guard.taken for guard in guards)


def truth(value: Array, name: str) -> bool:
    """A condition's value; NetworkError if it is not a single one."""
    if value.size != 1:
        raise NetworkError(f"condition {name} has shape {value.shape}; an If takes a single value")
    return bool(value.item())


def has_layers(graph: "GraphProto") -> bool:
    """Whether layers are in a graph, or in branches within it."""
    return any(
        (node.domain in STANDARD and node.op_type in LAYERS)
        or (node.op_type == "If" and any(map(has_layers, graphs_of(node))))
        for node in graph.node
    )


def graphs_of(node: "NodeProto") -> list["GraphProto"]:
    """The graphs among a node's attributes."""
    return [
        graph
        for attribute in node.attribute
        for graph in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]
    ]


@frozen(eq=False)
class Branch:
    """A branch with names of its own: operators, those at its ``ends`` that give what the If gives, and constants."""

    nodes: Sequence["NodeProto"]
    ends: Sequence["NodeProto"]
    initializers: Sequence["TensorProto"]


def branches(node: "NodeProto", taken: set[str]) -> dict[bool, Branch]:
    """Both branches of an If; names in them that are ``taken`` are replaced, and the others are taken from then on."""
    graphs = {attribute.name: attribute.g for attribute in node.attribute}
    return {
        choice: _laid_out(node, graphs[f"{name}_branch"], f"{node.name or node.output[0]}/{name}", taken)
        for choice, name in ((True, "then"), (False, "else"))
    }


def _laid_out(node: "NodeProto", graph: "GraphProto", prefix: str, taken: set[str]) -> Branch:
    from onnx import TensorProto
    from onnx.helper import make_node

    names = [*(tensor.name for tensor in graph.initializer), *(n for each in graph.node for n in each.output if n)]
    # A new name must not be one that a graph within defines, and hides.
    hiding = _inner_names(graph)
    renamed = {name: _free(name, prefix, taken, hiding) for name in dict.fromkeys(names)}
    constants = []
    for tensor in graph.initializer:
        copy = TensorProto()
        copy.CopyFrom(tensor)
        copy.name = renamed[tensor.name]
        constants.append(copy)
    ends = [
        make_node("Identity", [renamed.get(inner.name, inner.name)], [outer])
        for inner, outer in zip(graph.output, node.output, strict=True)
        if outer
    ]
    return Branch([_renamed(each, renamed) for each in graph.node], ends, constants)


def _free(name: str, prefix: str, taken: set[str], hiding: set[str]) -> str:
    free, number = name, 0
    while free in taken or (free != name and free in hiding):
        free = f"{prefix}/{name}" + (f" ({number})" if number else "")
        number += 1
    taken.add(free)
    return free


def _renamed(node: "NodeProto", names: Mapping[str, str]) -> "NodeProto":
    from onnx import NodeProto

    copy = NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [names.get(name, name) for name in node.input]
    copy.output[:] = [names.get(name, name) for name in node.output]
    for graph in graphs_of(copy):
        own = own_names(graph)
        outer = {name: new for name, new in names.items() if name not in own}
        nodes = [_renamed(inner, outer) for inner in graph.node]
        graph.ClearField("node")
        graph.node.extend(nodes)
        for output in graph.output:
            output.name = outer.get(output.name, output.name)
    return copy


def own_names(graph: "GraphProto") -> set[str]:
    """Names of the values of a graph, without those within its operators' graphs."""
    return {
        *(value.name for value in graph.input),
        *(tensor.name for tensor in graph.initializer),
        *(tensor.values.name for tensor in graph.sparse_initializer),
        *(name for node in graph.node for name in node.output if name),
    }


def _inner_names(graph: "GraphProto") -> set[str]:
    """Names of the values within the graphs of a graph's operators."""
    return {
        name for node in graph.node for inner in graphs_of(node) for name in (*own_names(inner), *_inner_names(inner))
    }


def constant_condition(node: "NodeProto", constants: Mapping[str, Array]) -> bool | None:
    """Which branch an If takes, if that is known; None if not."""
    name = node.input[0]
    return truth(np.asarray(constants[name]), name) if name in constants else None
