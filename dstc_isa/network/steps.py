"""What a network is run as: convolutions and matrix products for the machine, and operators for the host."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy.typing as npt
from attrs import frozen

from dstc_isa.network.branches import Guards

if TYPE_CHECKING:
    from onnx import NodeProto

Array = npt.NDArray[Any]


@frozen(eq=False)
class HostStep:
    """An operator that the host runs, if its guards hold."""

    node: "NodeProto"
    guards: Guards = ()


@frozen(eq=False)
class ConvStep:
    """A convolution of ``x`` with constant ``weights``, and what follows it directly.

    Filters are multiplied by ``scale`` and ``bias`` is added, per filter, then ReLU if ``relu``. ``nodes``: all
    operators it stands for, the convolution first; ``output``: of the last one; ``alone``: the convolution without
    those behind it, None if there are none. It runs if its guards hold.
    """

    name: str
    x: str
    weights: str
    output: str
    nodes: tuple["NodeProto", ...]
    attributes: Mapping[str, Any]
    scale: Array | None = None
    bias: Array | None = None
    relu: bool = False
    guards: Guards = ()
    alone: "ConvStep | None" = None


@frozen(eq=False)
class ProductStep:
    """A Gemm or MatMul of ``a`` and ``b``, if its guards hold; ``weights`` says which of the two is constant."""

    name: str
    a: str
    b: str
    addend: str
    output: str
    node: "NodeProto"
    attributes: Mapping[str, Any]
    weights: Literal["a", "b"] | None
    guards: Guards = ()


Step: TypeAlias = HostStep | ConvStep | ProductStep
DeviceStep: TypeAlias = ConvStep | ProductStep


def attributes_of(node: "NodeProto") -> dict[str, Any]:
    """The attributes of an operator, by name."""
    from onnx.helper import get_attribute_value

    return {attribute.name: get_attribute_value(attribute) for attribute in node.attribute}
