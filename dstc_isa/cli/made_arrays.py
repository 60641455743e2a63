"""Arrays that the command line describes: ``zeros:``, ``full:``, ``arange:`` and ``random:``."""

import math
import sys
from typing import TYPE_CHECKING, Any

from dstc_isa.cli.arguments import InputError
from dstc_isa.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FORMS = {
    "zeros": "zeros:DTYPE:SHAPE",
    "full": "full:DTYPE:SHAPE:VALUE",
    "arange": "arange:DTYPE:SHAPE[:START[:STEP]]",
    "random": "random:DTYPE:SHAPE[:SEED]",
}
"""How each kind is written; DTYPE is a NumPy type such as f4, SHAPE such as 64x32."""

DEFAULT_SEED = 0
_LONGEST = 128
"""Bits of a number."""

_MOST_DIMENSIONS = 64
"""Dimensions that an array of NumPy can have."""

_MOST_NUMBERS = {"zeros": 0, "full": 1, "arange": 2, "random": 1}


def made_array(option: str, text: str) -> "npt.NDArray[Any]":
    """The array that ``KIND:DTYPE:SHAPE...`` describes; ``option`` begins messages.

    ``random``: PCG64 of the seed; floats from 0 to 1, integers over their whole range. Raises UsageError for what
    describes no array and InputError for one that does not fit in memory.
    """
    import numpy as np

    from dstc_isa.engine.array_types import NUMBERS
    from dstc_isa.host_memory import require

    kind, *parts = text.split(":")
    usage = f"{option}: write {FORMS[kind]}, such as {_EXAMPLES[kind]}"
    try:
        dtype = np.dtype(parts[0] or "?none")
        shape = tuple(int(part) for part in parts[1].split("x"))
        numbers = [_number(part) for part in parts[2:]]
    except (ValueError, TypeError, SyntaxError, IndexError):
        raise UsageError(usage) from None
    if len(numbers) > _MOST_NUMBERS[kind] or (kind == "full" and not numbers):
        raise UsageError(usage)
    if dtype.kind not in NUMBERS:
        raise UsageError(f"{option}: a kernel works on numbers, not on {dtype} values")
    if min(shape) < 0:
        raise UsageError(f"{option}: sizes are 0 or more, not {min(shape)}")
    if len(shape) > _MOST_DIMENSIONS:
        raise UsageError(f"{option}: an array has at most {_MOST_DIMENSIONS} dimensions, not {len(shape)}")
    try:
        require(math.prod(shape) * dtype.itemsize, "the array")
        # NumPy counts bytes without the sizes that are 0.
        if math.prod(size for size in shape if size) * dtype.itemsize > sys.maxsize:
            raise UsageError(f"{option}: its sizes but 0 come to more than {sys.maxsize} bytes")
        return _MAKERS[kind](dtype, shape, numbers)
    except MemoryError as error:
        raise InputError(f"{option}: {error}") from None
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _number(text: str) -> int | float:
    """ValueError for what is no number, or one that no type of NumPy's holds."""
    try:
        number: int | float = int(text, 0)
    except ValueError:
        number = float(text)
    if isinstance(number, int) and abs(number) >> _LONGEST:
        raise ValueError(text)
    return number


def _zeros(dtype: "np.dtype[Any]", shape: tuple[int, ...], numbers: list[int | float]) -> "npt.NDArray[Any]":
    import numpy as np

    return np.zeros(shape, dtype)


def _full(dtype: "np.dtype[Any]", shape: tuple[int, ...], numbers: list[int | float]) -> "npt.NDArray[Any]":
    import numpy as np

    _check(dtype, numbers[0])
    return np.full(shape, numbers[0], dtype)


def _arange(dtype: "np.dtype[Any]", shape: tuple[int, ...], numbers: list[int | float]) -> "npt.NDArray[Any]":
    import numpy as np

    start = numbers[0] if numbers else 0
    step = numbers[1] if len(numbers) > 1 else 1
    if not (math.isfinite(start) and math.isfinite(step)):
        raise ValueError("arange counts from a finite number by a finite one")
    count = math.prod(shape)
    last = start + step * max(0, count - 1)
    for each in (start, last):
        _check(dtype, each)
    if dtype.kind not in "iu":
        exact = all(abs(each) <= np.iinfo(np.int64).max for each in (start, step, last))
        counted: npt.NDArray[Any] = np.arange(count, dtype=np.int64 if exact else np.float64)
        return (counted * step + start).astype(dtype).reshape(shape)
    # Modulo 2**64 neither a negative start nor a large unsigned one is lost.
    terms = np.arange(count, dtype=np.uint64) * np.uint64(int(step) % 2**64) + np.uint64(int(start) % 2**64)
    return terms.astype(dtype).reshape(shape)


def _random(dtype: "np.dtype[Any]", shape: tuple[int, ...], numbers: list[int | float]) -> "npt.NDArray[Any]":
    import numpy as np

    seed = numbers[0] if numbers else DEFAULT_SEED
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"a seed is an integer from 0 on, not {seed}")
    generator = np.random.default_rng(seed)
    if dtype.kind == "c":
        parts = generator.random((*shape, 2))
        return (parts[..., 0] + 1j * parts[..., 1]).astype(dtype)
    if dtype.kind == "f":
        width = np.float32 if dtype.itemsize <= 4 else np.float64
        return generator.random(shape, dtype=width).astype(dtype)
    if dtype.kind == "b":
        return generator.integers(0, 2, shape).astype(dtype)
    limits = np.iinfo(dtype)
    native = dtype.newbyteorder("=")
    return generator.integers(limits.min, limits.max, shape, dtype=native, endpoint=True).astype(dtype)


def _check(dtype: "np.dtype[Any]", value: int | float) -> None:
    """ValueError unless the type holds the number: integers exactly, floats within their range."""
    import numpy as np

    if dtype.kind in "iub":
        low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        if not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{dtype} is an integer of {low} to {high} and cannot hold {value}")
    elif math.isfinite(value):
        with np.errstate(over="ignore"):
            if not np.isfinite(np.array(value, np.float64).astype(dtype)):
                raise ValueError(f"{value} is beyond the range of {dtype}")


_MAKERS = {"zeros": _zeros, "full": _full, "arange": _arange, "random": _random}
_EXAMPLES = {
    "zeros": "zeros:f4:64x32",
    "full": "full:f4:64x32:1.5",
    "arange": "arange:u4:1024",
    "random": "random:f4:1024:7",
}
