"""Tensor types that NumPy lacks: bfloat16 and numbers of 8, 6, 4 and 2 bits, which the package ml_dtypes adds to it."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_FLOATS = (
    "bfloat16",
    "float8_e3m4",
    "float8_e4m3",
    "float8_e4m3b11fnuz",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float6_e2m3fn",
    "float6_e3m2fn",
    "float4_e2m1fn",
)
_CARRIERS: dict[str, np.dtype[Any]] = {
    **dict.fromkeys(_FLOATS, np.dtype(np.float32)),
    **dict.fromkeys(("int4", "int2"), np.dtype(np.int8)),
    **dict.fromkeys(("uint4", "uint2"), np.dtype(np.uint8)),
}


def carrier(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The smallest of NumPy's own types that holds each value of a narrow type; other types are their own."""
    return _CARRIERS.get(dtype.name, dtype)


def is_narrow(dtype: np.dtype[Any]) -> bool:
    """Whether it is one that NumPy lacks."""
    return dtype.name in _CARRIERS


def is_float(dtype: np.dtype[Any]) -> bool:
    """Whether its values are floating-point numbers, narrow or not."""
    return carrier(dtype).kind == "f"


def carried(values: Array) -> Array:
    """The same values in a type of NumPy's own; the same array if it has one."""
    return values.astype(carrier(values.dtype), copy=False)
