"""Kernel arguments and sizes as they are written on the command line."""

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from dstc_isa.engine.launch import Argument

MAX_ELEMENTS = 1 << 33


class UsageError(ValueError):
    """Something written on the command line that cannot be used; the message says how to write it."""


@frozen
class Assignment:
    """``NAME=TEXT``."""

    name: str
    text: str


def assignment(option: str, text: str) -> Assignment:
    """Split ``NAME=VALUE``."""
    name, sign, value = text.partition("=")
    if not sign or not name or not value:
        raise UsageError(f"{option} takes NAME=VALUE, not {text!r}")
    return Assignment(name, value)


def sizes(option: str, text: str, count: int | None = None) -> tuple[int, ...]:
    """Comma-separated whole numbers; exactly ``count`` of them if given."""
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{option} takes whole numbers with commas between, such as 8,4,1, not {text!r}") from None
    if count is not None and len(numbers) != count:
        raise UsageError(f"{option} takes {count} numbers, not {len(numbers)}")
    return numbers


def kernel_argument(given: Assignment) -> "Argument":
    """The value of ``--arg``: a number, ``@FILE.npy``, or ``zeros:DTYPE:SHAPE`` with SHAPE such as 64x32."""
    if given.text.startswith("@"):
        return array_from(Path(given.text[1:]))
    if given.text.startswith("zeros:"):
        return zeros(given)
    try:
        return int(given.text, 0)
    except ValueError:
        pass
    try:
        return float(given.text)
    except ValueError:
        raise UsageError(
            f"--arg {given.name}={given.text}: expected a number, @FILE.npy, or zeros:DTYPE:SHAPE such as zeros:f4:64x32"
        ) from None


def zeros(given: Assignment) -> "Argument":
    """A zeroed array as ``zeros:DTYPE:SHAPE`` describes it."""
    import numpy as np

    parts = given.text.split(":")
    try:
        _, dtype_name, shape_text = parts
        dtype = np.dtype(dtype_name)
        shape = tuple(int(part) for part in shape_text.split("x"))
    except (ValueError, TypeError):
        raise UsageError(
            f"--arg {given.name}={given.text}: write zeros:DTYPE:SHAPE, such as zeros:float32:1024 or zeros:u4:64x32"
        ) from None
    elements = 1
    for size in shape:
        elements *= size
    if any(size < 0 for size in shape) or elements > MAX_ELEMENTS or dtype.hasobject:
        raise UsageError(f"--arg {given.name}={given.text}: such an array cannot be made")
    return np.zeros(shape, dtype)


def array_from(path: Path) -> "Argument":
    """A C-contiguous, writable array from a ``.npy`` file."""
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path}: cannot be read as a .npy array: {error}") from None
    if not isinstance(array, np.ndarray):
        raise UsageError(f"{path}: holds several arrays; a kernel argument is one .npy array")
    return np.ascontiguousarray(array)
