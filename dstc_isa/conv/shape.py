"""The shape of a two-dimensional convolution, checked."""

from collections.abc import Iterable, Sequence
from operator import index
from typing import Any, TypeAlias

import numpy.typing as npt
from attrs import evolve, frozen

from dstc_isa.errors import ShapeError, UsageError

Pair: TypeAlias = "int | Sequence[int]"

PLANNED_SMS = 80
"""SMs for which launches are cut, whatever the GPU: the order of additions depends on it, and so do results."""


LARGEST = (1 << 31) - 1


class StepError(ShapeError, UsageError):
    """A stride, padding, dilation or number of groups that no convolution has."""


@frozen
class ConvShape:
    """A convolution of ``images`` x ``channels`` x ``height`` x ``width`` with ``filters`` of ``rows`` x ``columns``.

    ``stride``, ``dilation``: down and across. ``padding``: rows above and below, columns left and right. A filter sees
    ``channels / groups`` channels.
    """

    images: int
    channels: int
    height: int
    width: int
    filters: int
    rows: int
    columns: int
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def __attrs_post_init__(self) -> None:
        for name in ("images", "channels", "height", "width", "filters", "rows", "columns"):
            if getattr(self, name) < 1:
                raise ShapeError(f"{name} is at least 1, not {getattr(self, name)}")
        if self.groups < 1:
            raise StepError(f"groups is at least 1, not {self.groups}")
        for name in ("stride", "dilation"):
            if min(getattr(self, name)) < 1:
                raise StepError(f"{name} is at least 1, not {_listed(getattr(self, name))}")
        if min(self.padding) < 0:
            raise StepError(f"padding is at least 0, not {_listed(self.padding)}")
        for name in ("stride", "padding", "dilation"):
            if max(getattr(self, name)) > LARGEST:
                raise StepError(f"{name} is at most {LARGEST}, not {_listed(getattr(self, name))}")
        for name in ("channels", "filters"):
            count = getattr(self, name)
            if count % self.groups:
                raise ShapeError(f"{self.groups} groups do not divide {count} {name}")
        for name, size, spread, kernel in (
            ("height", self.height + self.padding[0] + self.padding[1], self.dilation[0], self.rows),
            ("width", self.width + self.padding[2] + self.padding[3], self.dilation[1], self.columns),
        ):
            reach = spread * (kernel - 1) + 1
            if reach > size:
                raise ShapeError(
                    f"the output is empty: the {name} with padding is {size}, "
                    f"and the kernel with dilation reaches {reach}"
                )

    @property
    def out_height(self) -> int:
        """Rows of the output."""
        reach = self.dilation[0] * (self.rows - 1) + 1
        return (self.height + self.padding[0] + self.padding[1] - reach) // self.stride[0] + 1

    @property
    def out_width(self) -> int:
        """Columns of the output."""
        reach = self.dilation[1] * (self.columns - 1) + 1
        return (self.width + self.padding[2] + self.padding[3] - reach) // self.stride[1] + 1

    @property
    def group_channels(self) -> int:
        """Channels that a filter sees."""
        return self.channels // self.groups

    @property
    def group_filters(self) -> int:
        """Filters that see the same channels."""
        return self.filters // self.groups

    def merged(self, groups: int) -> "ConvShape":
        """The convolution with so many groups made one, whose filters have zeros for the others' channels."""
        return evolve(self, groups=self.groups // groups)

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Shape of the activations: images, channels, height, width."""
        return self.images, self.channels, self.height, self.width

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """Shape of the weights: filters, channels of a group, rows, columns."""
        return self.filters, self.group_channels, self.rows, self.columns

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        """Shape of the output: images, filters, height, width."""
        return self.images, self.filters, self.out_height, self.out_width

    @property
    def pixels(self) -> int:
        """Output pixels of all images."""
        return self.images * self.out_height * self.out_width

    @property
    def products(self) -> int:
        """Multiplications of the dense convolution, those with padding included."""
        return self.pixels * self.filters * self.group_channels * self.rows * self.columns


def shape_of(
    x: npt.NDArray[Any],
    w: npt.NDArray[Any],
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> ConvShape:
    """The convolution of activations (images, channels, height, width) with weights (filters, channels, rows, columns).

    ``stride``, ``dilation``: one number, or down and across. ``padding``: one number, down and across, or above, below,
    left and right. Raises ShapeError for arrays that do not fit each other, and as ConvShape does.
    """
    for name, array, axes in (
        ("x", x, "images, channels, height, width"),
        ("w", w, "filters, channels, rows, columns"),
    ):
        if array.ndim != 4:
            raise ShapeError(f"{name} has 4 dimensions ({axes}), not {array.ndim}: its shape is {array.shape}")
        if 0 in array.shape:
            none = axes.split(", ")[array.shape.index(0)]
            raise ShapeError(f"{name} is empty: {none} is at least 1, not 0")
    images, channels, height, width = x.shape
    filters, seen, rows, columns = w.shape
    shape = ConvShape(
        images,
        channels,
        height,
        width,
        filters,
        rows,
        columns,
        pair("stride", stride),
        sides(padding),
        pair("dilation", dilation),
        _count("groups", groups),
    )
    if seen != shape.group_channels:
        of_groups = f" in {groups} groups" if groups > 1 else ""
        raise ShapeError(
            f"x has {channels} channels{of_groups}, so w must have {shape.group_channels} in dimension 1, not {seen}"
        )
    return shape


def pair(name: str, value: Pair) -> tuple[int, int]:
    """Down and across from one number or two; ``name``: what errors call it."""
    numbers = _whole(name, value)
    if len(numbers) == 1:
        return numbers[0], numbers[0]
    if len(numbers) != 2:
        raise StepError(f"{name} is one number or two (down, across), not {len(numbers)}")
    return numbers[0], numbers[1]


def sides(padding: Pair) -> tuple[int, int, int, int]:
    """Rows above and below, columns left and right, from one number, two (down, across) or all four."""
    numbers = _whole("padding", padding)
    if len(numbers) not in (1, 2, 4):
        raise StepError(
            f"padding is one number, two (down, across) or four (above, below, left, right), not {len(numbers)}"
        )
    if len(numbers) < 4:
        down, across = numbers[0], numbers[-1]
        return down, down, across, across
    above, below, left, right = numbers
    return above, below, left, right


def _count(name: str, value: Any) -> int:
    try:
        return index(value)
    except TypeError:
        raise StepError(f"{name} is a whole number, not {value!r}") from None


def _whole(name: str, value: Any) -> tuple[int, ...]:
    """Whole numbers, of Python or NumPy; one stands for a sequence of one."""
    try:
        return tuple(index(number) for number in (value if isinstance(value, Iterable) else (value,)))
    except TypeError:
        raise StepError(f"{name} is made of whole numbers, not {value!r}") from None


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in (numbers if len(set(numbers)) > 1 else numbers[:1]))
