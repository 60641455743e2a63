"""A convolution that finds its activations on the device, or leaves its result there for the next one.

It encodes its result itself if the next layer has no stride and needs about as many positions; otherwise a launch of
its own encodes the FP32 result, for a stride into its phases.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.result_range import ResultRangeError, check_range
from dstc_isa.conv.sparse.activations import EncodedActivations, encode_on_device
from dstc_isa.conv.sparse.convolve import convolve, convolve_encoded
from dstc_isa.conv.sparse.sparse_plan import SparsePlan
from dstc_isa.engine.run_options import DEFAULTS, RunOptions
from dstc_isa.errors import ShapeError
from dstc_isa.gpu import Gpu

HOST = "host"


@frozen(eq=False)
class Stored:
    """FP32 results of ``problem`` in the device's memory; its scale, offset and then ReLU are left to the encoding."""

    y: npt.NDArray[np.float32]
    problem: ConvProblem


Kept: TypeAlias = EncodedActivations | Stored
"""A result in the device's memory: encoded for the plan of the layer that reads it, or FP32."""


@frozen(eq=False)
class Left:
    """What layer ``by`` left in the device's memory."""

    by: str
    result: Kept

    @property
    def description(self) -> str:
        """The link in words, for a row."""
        return f"{'encoded' if isinstance(self.result, EncodedActivations) else 'stored'} by {self.by}"


@frozen(eq=False)
class Link:
    """A layer among those that feed each other: its plan, what the layer before left, and the plan of the next one.

    ``found`` is None if the host gives the activations, ``following`` if it takes the result.
    """

    plan: SparsePlan
    found: Left | None = None
    following: SparsePlan | None = None

    @property
    def input(self) -> str:
        """Where the activations come from, for a row."""
        return HOST if self.found is None else self.found.description


def convolve_linked(
    problem: ConvProblem,
    link: Link,
    *,
    keep_zeros: bool = False,
    strict: bool = True,
    gpu: Gpu | None,
    options: RunOptions = DEFAULTS,
) -> tuple[ConvResult, Kept | None]:
    """Convolve as ``conv2d``, from what the device has and to what the next layer reads; that is None for the host.

    The result is encoded for a next layer whose plan follows this one's. ``strict``: a finite value beyond FP16's
    range is refused. Without it, such a result stays FP32, and what asks for the next layer judges the values.

    Raises ResultRangeError for such a value, and ShapeError for what the kernels cannot count.
    """
    if link.found is None:
        found = encode_on_device(problem.activations, link.plan, gpu, keep_zeros=keep_zeros, options=options)
    else:
        found = encoded_for(link.plan, link.found.result, gpu, keep_zeros=keep_zeros, strict=strict, options=options)
    if link.following is not None and link.following.follows:
        try:
            return convolve_encoded(
                found, link.plan, problem, link.following, keep_zeros=keep_zeros, gpu=gpu, options=options
            )
        except (ResultRangeError, ShapeError):
            if strict:
                raise
    result = convolve(found, link.plan, problem, gpu=gpu, options=options)
    return result, None if link.following is None else Stored(result.y, problem)


def encoded_for(
    plan: SparsePlan,
    kept: Kept,
    gpu: Gpu | None,
    *,
    keep_zeros: bool,
    strict: bool = True,
    options: RunOptions = DEFAULTS,
) -> EncodedActivations:
    """What a layer left, encoded for the plan of the layer that reads it, by a launch of its own if it is not yet.

    With ``strict``, raises ResultRangeError for a finite value that FP16 makes infinite.
    """
    if isinstance(kept, EncodedActivations):
        return kept
    problem = kept.problem
    encoded = encode_on_device(
        kept.y,
        plan,
        gpu,
        scale=problem.scale,
        offset=problem.offset,
        relu=problem.scaled and problem.relu,
        keep_zeros=keep_zeros,
        options=options,
    )
    if strict and np.isinf(encoded.values).any():
        check_range(kept.y, problem.scale, problem.offset, problem.relu)
    return encoded
