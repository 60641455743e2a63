"""Operands that a caller gives: whatever NumPy reads as an array of real numbers; an error names the argument."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dstc_isa.errors import ArgumentTypeError

REAL_KINDS = "biuf"


def real_array(name: str, given: Any) -> NDArray[Any]:
    """The array of an argument called ``name``, in the type that its values have.

    Raises ArgumentTypeError for what is no array of real numbers: text, objects, complex numbers, rows of different
    lengths, a masked array, whose gaps would become numbers, and a sparse matrix.
    """
    if is_sparse(given):
        raise ArgumentTypeError(
            f"{name}: expected an array, not a sparse {type(given).__name__}; its .toarray() gives one"
        )
    if isinstance(given, np.ma.MaskedArray):
        raise ArgumentTypeError(f"{name}: expected an array without gaps, not a MaskedArray; its .filled(0) gives one")
    try:
        array = np.asarray(given)
    except MemoryError:
        raise
    # Objects with a conversion of their own fail as they like.
    except Exception as error:
        reason = str(error).partition("\n")[0].strip().rstrip(".") or type(error).__name__
        raise ArgumentTypeError(
            f"{name}: expected an array of real numbers, which this {type(given).__name__} is not: {reason}"
        ) from None
    if array.dtype.kind not in REAL_KINDS:
        raise ArgumentTypeError(f"{name}: expected real numbers, not {_found(given, array)}")
    return array


def is_sparse(given: object) -> bool:
    """Whether it is one of SciPy's sparse matrices or arrays."""
    # By name: asking SciPy would import it for every dense matrix too.
    if not any(base.__module__.startswith("scipy.sparse") for base in type(given).__mro__):
        return False
    from scipy.sparse import issparse

    return bool(issparse(given))


def _found(given: Any, array: NDArray[Any]) -> str:
    if array.dtype.kind != "O":
        return str(array.dtype)
    return f"{type(array.flat[0]).__name__} objects" if array.ndim and array.size else type(given).__name__
