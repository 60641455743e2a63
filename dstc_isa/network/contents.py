"""What a graph holds that is much like a layer and that the machine does not run, in words, with the reason."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dstc_isa.network.branches import LAYERS, STANDARD, graphs_of
from dstc_isa.network.graph import CONV_RANKS, Graph
from dstc_isa.network.steps import HostStep

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

RELATIVES = ("ConvTranspose", "ConvInteger", "QLinearConv", "DeformConv", "MatMulInteger", "QLinearMatMul", "Einsum")
NAMES_SHOWN = 4


def left_to_host(graph: Graph) -> list[str]:
    """For each reason a text: how many operators of which kind, which ones, and why the host runs them."""
    found: dict[tuple[str, str], list[str]] = {}
    for step in graph.steps:
        if isinstance(step, HostStep):
            node = step.node
            for operator, reason, count in _reasons(node, graph):
                name = node.name or node.output[0]
                found.setdefault((operator, reason), []).extend([name] * count)
    return [_told(operator, reason, names) for (operator, reason), names in found.items()]


def without_layers(graph: Graph) -> str:
    """Why there is nothing for the machine in a graph, and what it holds."""
    missing = f"{graph.path} has no Conv with constant weights, Gemm or MatMul: nothing for the machine"
    counts = Counter(step.node.op_type for step in graph.steps if isinstance(step, HostStep))
    operators = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    held = f"it holds {operators}" if operators else "all its operators are of constants"
    return "; ".join([missing, *left_to_host(graph), held])


def _reasons(node: "NodeProto", graph: Graph) -> Iterator[tuple[str, str, int]]:
    """Operator, reason and number of what a step of the host stands for."""
    if node.domain in STANDARD and node.op_type == "Conv":
        yield "Conv", _of_conv(node, graph), 1
    elif node.domain in STANDARD and node.op_type in RELATIVES:
        yield node.op_type, "for which the machine has no kernel", 1
    inner: Counter[str] = Counter()
    for each in graphs_of(node):
        inner.update(_layers_in(each))
    for operator, count in sorted(inner.items()):
        yield operator, f"within a {node.op_type}, which the host runs as a whole", count


def _of_conv(node: "NodeProto", graph: Graph) -> str:
    inputs = {each.name for each in graph.inputs}
    for name, what in zip(node.input[1:], ("weights are", "bias is"), strict=False):
        if name and name not in graph.constants:
            source = f"the input {name}" if name in inputs else f"{name}, which depends on inputs"
            return f"whose {what} no constant: {source}"
    weights = graph.constants[node.input[1]]
    if weights.ndim not in CONV_RANKS:
        return f"along {weights.ndim - 2} axes; the machine runs those along one to three"
    return f"with weights of type {weights.dtype}; the machine takes floats"


def _layers_in(graph: "GraphProto") -> Iterator[str]:
    for node in graph.node:
        if node.domain in STANDARD and node.op_type in (*LAYERS, *RELATIVES):
            yield node.op_type
        for inner in graphs_of(node):
            yield from _layers_in(inner)


def _told(operator: str, reason: str, names: list[str]) -> str:
    different = list(dict.fromkeys(names))
    more = f" and {len(different) - NAMES_SHOWN} more" if len(different) > NAMES_SHOWN else ""
    return f"{len(names)} {operator} ({', '.join(different[:NAMES_SHOWN])}{more}) {reason}"
