"""A convolution as it is asked for: operands that fit each other, rounded once, and what becomes of the sums."""

from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import evolve, frozen

from dstc_isa.conv.operands import half_activations, half_filters, of_filters
from dstc_isa.conv.shape import ConvShape, Pair, shape_of
from dstc_isa.halves import underflowed
from dstc_isa.options import check_kind
from dstc_isa.real_arrays import real_array

Floats = npt.NDArray[np.float32]


@frozen(eq=False, kw_only=True)
class ConvProblem:
    """Everything that a convolution computes from, checked; how it is computed is no part of it.

    ``x``: activations of ``shape.input_shape``; None if the device alone has them. ``w``: filters. ``bias``: of each
    filter, added to its sums. ``scale``, ``offset``: of each filter, the result times scale plus offset as it is
    encoded for a next layer. ``relu``: negative results then become 0. ``underflowed_x``, ``underflowed_w``: non-zero
    values that became zero by rounding to FP16.
    """

    shape: ConvShape
    x: npt.NDArray[np.float16] | None = None
    w: npt.NDArray[np.float16]
    bias: Floats | None = None
    scale: Floats | None = None
    offset: Floats | None = None
    relu: bool = False
    underflowed_x: int = 0
    underflowed_w: int = 0

    @classmethod
    def of(
        cls,
        x: npt.ArrayLike,
        w: npt.ArrayLike,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: npt.ArrayLike | None = None,
        relu: bool = False,
    ) -> "ConvProblem":
        """Check and round what a caller gives; ``stride``, ``padding``, ``dilation``: see ``shape_of``.

        Raises ArgumentTypeError for what is no array of real numbers, ShapeError for arrays that do not fit each other,
        ValueRangeError for an operand beyond FP16's range and a bias beyond FP32's.
        """
        x, w = real_array("x", x), real_array("w", w)
        return cls.shaped(shape_of(x, w, stride, padding, dilation, groups), x, w, bias=bias, relu=relu)

    @classmethod
    def shaped(
        cls,
        shape: ConvShape,
        x: npt.NDArray[Any] | None,
        w: npt.NDArray[Any],
        *,
        bias: npt.ArrayLike | None = None,
        scale: npt.ArrayLike | None = None,
        offset: npt.ArrayLike | None = None,
        relu: bool = False,
    ) -> "ConvProblem":
        """Round arrays of real numbers whose ``shape`` is known, and check what follows them, as ``of`` does."""
        check_kind("relu", relu, (bool, np.bool_), "True or False")
        halves_x = None if x is None else half_activations(x)
        halves_w = half_filters(w)
        return cls(
            shape=shape,
            x=halves_x,
            w=halves_w,
            bias=of_filters(bias, "bias", shape),
            scale=of_filters(scale, "scale", shape),
            offset=of_filters(offset, "offset", shape),
            relu=relu,
            underflowed_x=0 if x is None or halves_x is None else underflowed(x, halves_x),
            underflowed_w=underflowed(w, halves_w),
        )

    @property
    def activations(self) -> npt.NDArray[np.float16]:
        """``x`` of a convolution whose activations the host has."""
        if self.x is None:
            raise ValueError("the device has the activations, and the host has not")
        return self.x

    @property
    def density_x(self) -> float:
        """Share of the activations that is not zero, 0 to 1."""
        return _density(self.activations)

    @property
    def density_w(self) -> float:
        """Share of the filters' values that is not zero, 0 to 1."""
        return _density(self.w)

    @property
    def scaled(self) -> bool:
        """Whether there is a scale or an offset; the ReLU is then left to what encodes the result."""
        return self.scale is not None or self.offset is not None

    def of_images(self, images: slice) -> "ConvProblem":
        """The convolution of some of the images; values that became zero are counted with the whole."""
        part = self.activations[images]
        return evolve(self, shape=evolve(self.shape, images=len(part)), x=part, underflowed_x=0)


def _density(values: npt.NDArray[np.float16]) -> float:
    return float(np.count_nonzero(values) / values.size)
