"""Operators for which ONNX Runtime 1.32 gives something else than the standard asks, as its own tests show."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

if TYPE_CHECKING:
    from onnx import NodeProto

Array = npt.NDArray[Any]


def deviates(node: "NodeProto", feeds: Mapping[str, Array]) -> bool:
    """Whether the reference of onnx is to compute an operator, slow as it is."""
    match node.op_type:
        case "MaxUnpool":
            # Places are taken as those of the output's size, and not of the pooled tensor's.
            return len(node.input) > 2
        case "Attention":
            # What a mask hides is the lowest finite number in this output, and not minus infinity.
            return len(node.output) > 3 and bool(node.output[3])
        case "DFT" | "STFT":
            # Errors grow with the length: 1e-4 of sums of a hundred values.
            return True
        case "Resize":
            return _aligns_corners(node) and not _is_whole(node, feeds)
    return False


def _aligns_corners(node: "NodeProto") -> bool:
    return any(each.name == "coordinate_transformation_mode" and each.s == b"align_corners" for each in node.attribute)


def _is_whole(node: "NodeProto", feeds: Mapping[str, Array]) -> bool:
    """Whether all sizes are whole after scaling; corners are otherwise aligned with the size before rounding."""
    scales = feeds.get(node.input[2]) if len(node.input) > 2 else None
    if scales is None or not scales.size:
        return True
    axes = next((list(each.ints) for each in node.attribute if each.name == "axes"), range(scales.size))
    shape = feeds[node.input[0]].shape
    return all((shape[axis] * float(scale)).is_integer() for axis, scale in zip(axes, scales, strict=False))
