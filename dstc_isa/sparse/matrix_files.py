"""Matrices in files: NumPy, SciPy sparse and Matrix Market."""

import gzip
import warnings
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from zipfile import is_zipfile

import numpy as np
from numpy.typing import NDArray

from dstc_isa.sparse.bitmap import REAL_KINDS

if TYPE_CHECKING:
    from scipy.sparse import sparray, spmatrix

LoadedMatrix: TypeAlias = "NDArray[Any] | sparray | spmatrix[Any]"
_T = TypeVar("_T")


class MatrixFileError(Exception):
    """A matrix file that cannot be read or written; ``path`` and ``reason`` say which and why."""

    def __init__(self, path: str | PathLike[str], reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = Path(path)
        self.reason = reason


def load_matrix(path: str | PathLike[str]) -> LoadedMatrix:
    """Read a real matrix: a dense array from .npy, dense or SciPy sparse from .npz, .mtx and .mtx.gz.

    The values keep the type they have in the file. Raises MatrixFileError.
    """
    place = Path(path)
    read = next((reader for suffix, reader in _READERS.items() if place.name.endswith(suffix)), None)
    if read is None:
        raise MatrixFileError(path, f"expected a file name that ends in one of {', '.join(_READERS)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            matrix = read(place)
    except OSError as error:
        raise MatrixFileError(path, f"cannot be read: {error.strerror or error}") from None
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
        np.save(path, array, allow_pickle=False)
    except OSError as error:
        raise MatrixFileError(path, f"cannot be written: {error.strerror or error}") from None


def _check_real(path: str | PathLike[str], matrix: Any) -> None:
    if matrix.ndim != 2:
        raise MatrixFileError(path, f"a matrix has 2 dimensions, this array has {matrix.ndim}: shape {matrix.shape}")
    if matrix.dtype.kind not in REAL_KINDS:
        raise MatrixFileError(path, f"matrix values are real numbers, integers or booleans, not {matrix.dtype}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _read_npy(path: Path) -> NDArray[Any]:
    # Mapping compares the size that the header claims with the file's before any memory is taken.
    return np.array(np.lib.format.open_memmap(path, mode="r"))


def _read_npz(path: Path) -> LoadedMatrix:
    with path.open("rb") as file:
        if not is_zipfile(file):
            raise ValueError("not a zip archive, as .npz is, or its end is missing")
    with np.load(path, allow_pickle=False) as archive:
        names = archive.files
        if "format" not in names:
            if len(names) != 1:
                raise ValueError(
                    f"expected a SciPy sparse matrix or a single array, found {', '.join(names) or 'none'}"
                )
            array: NDArray[Any] | bytes = archive[names[0]]
            if isinstance(array, bytes):
                raise ValueError(f"{names[0]} in it is not an array")
            return array
    from scipy.sparse import load_npz

    matrix: Any = load_npz(path)
    if matrix.format in ("csr", "csc", "bsr"):
        matrix.check_format(full_check=True)
    loaded: LoadedMatrix = matrix
    return loaded


# SciPy's mmread takes "1x" for 1 and crashes on a last value that is cut off, so Matrix Market is read here.
def _read_mtx(path: Path) -> LoadedMatrix:
    with gzip.open(path, "rt", encoding="latin-1") if path.suffix == ".gz" else path.open(encoding="latin-1") as stream:
        header = stream.readline().lower().split()
        if header[:2] != ["%%matrixmarket", "matrix"] or len(header) != 5:
            raise ValueError("expected a first line %%MatrixMarket matrix FORMAT FIELD SYMMETRY")
        size_count = _chosen("format", header[2], _MTX_SIZES)
        value_type = _chosen("field", header[3], _MTX_VALUES)
        sign = _chosen("symmetry", header[4], _MTX_SIGNS)
        sizes = next((line.split() for line in stream if line.strip() and not line.startswith("%")), [])
        if len(sizes) != size_count or not all(size.isdecimal() for size in sizes):
            raise ValueError(
                f"expected a line of {size_count} sizes before the values, found {' '.join(sizes) or 'none'}"
            )
        places = [("row", np.int64), ("column", np.int64)] if header[2] == "coordinate" else []
        if not places and not value_type:
            raise ValueError("a pattern has coordinates, not an array of values")
        with warnings.catch_warnings():
            # NumPy would read 1.5 as the integer 1 with no more than this warning.
            warnings.simplefilter("error", DeprecationWarning)
            entries = np.loadtxt(stream, [*places, *value_type], comments="%", ndmin=1)
    rows, columns = int(sizes[0]), int(sizes[1])
    if sign and rows != columns:
        raise ValueError(f"a {header[4]} matrix is square, not {rows} x {columns}")
    if header[2] == "coordinate":
        return _coordinate_matrix((rows, columns), int(sizes[2]), entries, sign)
    return _array_matrix((rows, columns), entries, sign)


_MTX_SIZES = {"coordinate": 3, "array": 2}
_MTX_VALUES: dict[str, list[tuple[str, type[np.generic]]]] = {
    "real": [("value", np.float64)],
    "double": [("value", np.float64)],
    "integer": [("value", np.int64)],
    "unsigned-integer": [("value", np.uint64)],
    "pattern": [],
}
_MTX_SIGNS = {"general": 0, "symmetric": 1, "hermitian": 1, "skew-symmetric": -1}


def _chosen(what: str, word: str, choices: dict[str, _T]) -> _T:
    if word not in choices:
        raise ValueError(f"expected a {what} out of {', '.join(choices)}, not {word}")
    return choices[word]


def _check_count(expected: int, entries: NDArray[Any]) -> None:
    if len(entries) != expected:
        raise ValueError(f"expected {expected} entries, found {len(entries)}")


def _coordinate_matrix(shape: tuple[int, int], count: int, entries: NDArray[Any], sign: int) -> LoadedMatrix:
    from scipy.sparse import coo_array

    _check_count(count, entries)
    row, column = entries["row"] - 1, entries["column"] - 1
    outside = np.flatnonzero((row < 0) | (row >= shape[0]) | (column < 0) | (column >= shape[1]))
    if len(outside):
        number, entry = outside[0] + 1, entries[outside[0]]
        raise ValueError(
            f"entry {number}: row {entry['row']}, column {entry['column']} is outside a {shape[0]} x {shape[1]} matrix"
        )
    value = entries["value"] if "value" in (entries.dtype.names or ()) else np.ones(count)
    if sign:
        mirrored = row != column
        row, column = np.append(row, column[mirrored]), np.append(column, row[mirrored])
        value = np.append(value, -value[mirrored] if sign < 0 else value[mirrored])
    return coo_array((value, (row, column)), shape=shape)


def _array_matrix(shape: tuple[int, int], entries: NDArray[Any], sign: int) -> LoadedMatrix:
    size = shape[0]
    if not sign:
        _check_count(size * shape[1], entries)
        return np.ascontiguousarray(entries["value"].reshape(shape, order="F"))
    diagonal = max(sign, 0)
    _check_count(size * (size - 1) // 2 + diagonal * size, entries)
    # Lower triangle, column after column: the transposed of the upper one, row after row.
    column, row = np.triu_indices(size, 1 - diagonal)
    matrix = np.zeros(shape, entries["value"].dtype)
    matrix[column, row] = -entries["value"] if sign < 0 else entries["value"]
    matrix[row, column] = entries["value"]
    return matrix


_READERS = {".npy": _read_npy, ".npz": _read_npz, ".mtx": _read_mtx, ".mtx.gz": _read_mtx}
