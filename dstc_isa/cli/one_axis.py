"""Convolutions along one axis on the command line: as ones along two, the first of which has one row."""

from typing import Any

from attrs import frozen

from dstc_isa.errors import UsageError


@frozen(eq=False)
class OneAxis:
    """Operands and numbers of a convolution along one axis or two, as ``conv2d`` takes them; ``alone``: one axis."""

    x: Any
    w: Any
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    alone: bool

    def result(self, y: Any) -> Any:
        """The result with as many axes as the operands."""
        return y[:, :, 0] if self.alone else y


def along_two(x: Any, w: Any, stride: tuple[int, ...], padding: tuple[int, ...], dilation: tuple[int, ...]) -> OneAxis:
    """A convolution of ``x`` (images, channels, width) with ``w`` (filters, channels, columns) along two axes.

    Others are as they are. UsageError for numbers of two axes.
    """
    if not (x.ndim == w.ndim == 3):
        return OneAxis(x, w, stride, padding, dilation, False)
    for option, numbers, most in (("--stride", stride, 1), ("--padding", padding, 2), ("--dilation", dilation, 1)):
        if len(numbers) > most:
            wanted = "one number" if most == 1 else "one number, or left and right"
            raise UsageError(f"{option} of a convolution along one axis is {wanted}, not {len(numbers)}")
    sides = (0, 0, padding[0], padding[-1])
    return OneAxis(x[:, :, None], w[:, :, None], (1, *stride), sides, (1, *dilation), True)
