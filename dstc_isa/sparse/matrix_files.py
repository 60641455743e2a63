"""Matrices in files: NumPy, SciPy sparse and Matrix Market."""

import gzip
import warnings
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dstc_isa.array_files import ArrayFileError, npz_names, read_npy, read_npz
from dstc_isa.errors import DstcError
from dstc_isa.host_memory import OutOfMemory
from dstc_isa.real_arrays import REAL_KINDS
from dstc_isa.sparse.matrix_market import DroppedValues, MarketError, read_market
from dstc_isa.whole_file import whole_file

if TYPE_CHECKING:
    from scipy.sparse import sparray, spmatrix

LoadedMatrix: TypeAlias = "NDArray[Any] | sparray | spmatrix[Any]"


class MatrixFileError(DstcError):
    """A matrix file that cannot be read or written; ``path`` and ``reason`` say which and why.

    ``line``, ``column``: of a text file, from 1; 0 if there is none.
    """

    def __init__(self, path: str | PathLike[str], reason: str, line: int = 0, column: int = 0) -> None:
        place = "".join(f":{number}" for number in (line, column) if number)
        super().__init__(f"{path}{place}: {reason}")
        self.path = Path(path)
        self.reason = reason
        self.line = line
        self.column = column


def load_matrix(path: str | PathLike[str]) -> LoadedMatrix:
    """Read a real matrix: a dense array from .npy, dense or SciPy sparse from .npz, .mtx, .mtx.gz and .mtx.bz2.

    The values keep the type they have in the file. Warns of values that are left out. Raises MatrixFileError.
    """
    place = Path(path)
    read = next((reader for suffix, reader in _READERS.items() if place.name.lower().endswith(suffix)), None)
    if read is None:
        raise MatrixFileError(path, f"expected a file name that ends in one of {', '.join(_READERS)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", DroppedValues)
            matrix = read(place)
    except MarketError as error:
        raise MatrixFileError(path, str(error), error.line, error.column) from None
    except ArrayFileError as error:
        raise MatrixFileError(path, str(error)) from None
    except gzip.BadGzipFile as error:
        reason = f"its gzip data is damaged, or other bytes stand behind it, which gunzip leaves out: {error}"
        raise MatrixFileError(path, reason) from None
    except OSError as error:
        raise MatrixFileError(path, f"cannot be read: {error.strerror or error}") from None
    except OutOfMemory as error:
        raise MatrixFileError(path, str(error)) from None
    except MemoryError:
        raise MatrixFileError(path, "corrupted, or its matrix does not fit in memory") from None
    # Damaged bytes come out of the readers as nearly any exception: zipfile's, zlib's, struct's, SciPy's own.
    except Exception as error:
        raise MatrixFileError(path, f"corrupted or not a matrix of real numbers: {_one_line(error)}") from None
    _check_real(path, matrix)
    return matrix


def save_matrix(path: str | PathLike[str], array: NDArray[Any]) -> None:
    """Write a dense real matrix as .npy. Raises MatrixFileError."""
    if Path(path).suffix != ".npy":
        raise MatrixFileError(path, "a matrix is written as .npy: expected a file name that ends in .npy")
    _check_real(path, array)
    try:
        with whole_file(path, durable=True) as file:
            np.save(file, array, allow_pickle=False)
    except OSError as error:
        raise MatrixFileError(path, str(error.strerror)) from None


def _check_real(path: str | PathLike[str], matrix: Any) -> None:
    if matrix.ndim != 2:
        raise MatrixFileError(path, f"a matrix has 2 dimensions, this array has {matrix.ndim}: shape {matrix.shape}")
    if matrix.dtype.kind not in REAL_KINDS:
        raise MatrixFileError(path, f"matrix values are real numbers, integers or booleans, not {matrix.dtype}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _read_npz(path: Path) -> LoadedMatrix:
    names = npz_names(path)
    if "format" not in names:
        if len(names) != 1:
            raise ArrayFileError(
                f"expected a SciPy sparse matrix or a single array, found {', '.join(names) or 'none'}"
            )
        return read_npz(path, names[0])
    from scipy.sparse import load_npz

    try:
        matrix: Any = load_npz(path)
    except Exception:
        for name in names:
            read_npz(path, name)  # says in plain words what is wrong with one of them, if it is that
        raise
    if matrix.format in ("csr", "csc", "bsr"):
        matrix.check_format(full_check=True)
    loaded: LoadedMatrix = matrix
    return loaded


# SciPy's mmread takes "1x" for 1 and crashes on a last value that is cut off, so Matrix Market is read here.
_READERS = {
    ".npy": read_npy,
    ".npz": _read_npz,
    ".mtx": read_market,
    ".mtx.gz": read_market,
    ".mtx.bz2": read_market,
}
