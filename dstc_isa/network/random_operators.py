"""Operators that draw random numbers, wherever they stand."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dstc_isa.network.branches import graphs_of, own_names

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

Array = npt.NDArray[Any]
ALWAYS = {
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
    "Bernoulli",
    "Multinomial",
}
TRAINING = {"Dropout": 2, "BitmaskDropout": 2, "BiasDropout": 4, "BitmaskBiasDropout": 4}
"""Operators that draw in training alone, with the input that says so; the one before it is the share that they drop."""


def draws(node: "NodeProto", known: Mapping[str, Array]) -> bool:
    """Whether an operator may draw random numbers, seeded or not, given the values that are ``known``."""
    if node.op_type in ALWAYS:
        return True
    at = TRAINING.get(node.op_type)
    if at is None or len(node.input) <= at or not node.input[at]:
        return False
    ratio, training = node.input[at - 1 : at + 1]
    return _may_hold(training, known) and (not ratio or _may_hold(ratio, known))


def unseeded(node: "NodeProto", known: Mapping[str, Array]) -> str:
    """An operator that may draw other numbers each time: the node itself, or one in its graphs; empty if none does."""
    if draws(node, known) and not any(attribute.name == "seed" for attribute in node.attribute):
        return node.op_type
    within = (
        unseeded(inner, held) for graph in graphs_of(node) for held in [_known_in(graph, known)] for inner in graph.node
    )
    return next(filter(None, within), "")


def _may_hold(name: str, known: Mapping[str, Array]) -> bool:
    """Whether a value is, or may be, something else than 0."""
    return name not in known or bool(np.any(known[name]))


def _known_in(graph: "GraphProto", known: Mapping[str, Array]) -> dict[str, Array]:
    """What is known within a graph: values from outside that it does not hide, and its own constants."""
    from onnx.numpy_helper import to_array

    own = own_names(graph)
    held = {name: value for name, value in known.items() if name not in own}
    held |= {tensor.name: to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            held[node.output[0]] = to_array(node.attribute[0].t)
    return held
