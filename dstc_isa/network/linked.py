"""A convolution that finds its activations on the device, or leaves its result there for the next one."""

from typing import Any, TypeAlias, Unpack

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.activations import EncodedActivations, encode_on_device
from dstc_isa.conv.convolve import convolve, convolve_encoded
from dstc_isa.conv.operands import half_activations
from dstc_isa.conv.plan import Plan
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.result_range import ResultRangeError
from dstc_isa.errors import ShapeError
from dstc_isa.gpu import Gpu
from dstc_isa.timing.run import RunOptions

HOST = "host"
Kept: TypeAlias = EncodedActivations | npt.NDArray[np.float32]
"""A result in the device's memory: encoded for the plan of the layer that reads it, or FP32."""


@frozen(eq=False)
class Left:
    """What layer ``by`` left in the device's memory."""

    by: str
    result: Kept

    @property
    def description(self) -> str:
        """In words, for a row."""
        return f"{'encoded' if isinstance(self.result, EncodedActivations) else 'stored'} by {self.by}"


@frozen(eq=False)
class Link:
    """A layer among those that feed each other: its plan, what the layer before left, and the plan of the next one.

    ``found`` is None if the host gives the activations, ``following`` if it takes the result.
    """

    plan: Plan
    found: Left | None = None
    following: Plan | None = None

    @property
    def input(self) -> str:
        """Where the activations come from, for a row."""
        return HOST if self.found is None else self.found.description


def convolve_linked(
    x: npt.NDArray[Any],
    w: npt.NDArray[Any],
    link: Link,
    *,
    bias: npt.NDArray[Any] | None,
    relu: bool,
    gpu: Gpu | None,
    **options: Unpack[RunOptions],
) -> tuple[ConvResult, Kept | None]:
    """Convolve as ``conv2d``, from what the device has and to what the next layer reads; that is None for the host.

    ``x``: the activations, whether the device has them or not. The result is encoded for a next layer whose plan
    follows this one's. If it cannot be, as a value of it is beyond FP16's range, it stays FP32, which that layer then
    judges as it does what the host gives.
    """
    halves = half_activations(x)
    found = halves if link.found is None else link.found.result
    if not isinstance(found, EncodedActivations):
        found = encode_on_device(found, link.plan, gpu, **options)
    density = float(np.count_nonzero(halves) / halves.size)
    if link.following is not None and link.following.follows:
        try:
            return convolve_encoded(
                found, link.plan, w, link.following, bias=bias, relu=relu, gpu=gpu, density_x=density, **options
            )
        except (ResultRangeError, ShapeError):
            pass
    result = convolve(found, link.plan, w, bias=bias, relu=relu, gpu=gpu, density_x=density, **options)
    return result, None if link.following is None else result.y
