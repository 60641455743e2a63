"""NumPy's files of arrays; what one claims is checked before memory is taken, and what is wrong is in plain words."""

import io
import math
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from dstc_isa.errors import DstcError
from dstc_isa.host_memory import require

MAGIC = b"\x93NUMPY"


class ArrayFileError(DstcError, ValueError):
    """Why a file has no array that can be read; the message does not name the file."""


def read_npy(path: Path) -> NDArray[Any]:
    """The array of a .npy file, C-contiguous, writable, in the host's byte order.

    Raises ArrayFileError, OSError, OutOfMemory.
    """
    with path.open("rb") as file:
        return _array(file, path.stat().st_size, "the file")


def npz_names(path: Path) -> list[str]:
    """The names in a .npz file, without .npy. Raises ArrayFileError, OSError."""
    with _archive(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def read_npz(path: Path, name: str) -> NDArray[Any]:
    """An array of a .npz file by its name, as ``read_npy``. Raises ArrayFileError, OSError."""
    with _archive(path) as archive:
        if f"{name}.npy" not in archive.namelist():
            raise ArrayFileError(f"{name} in it is not an array")
        try:
            with archive.open(f"{name}.npy") as file:
                return _array(file, archive.getinfo(f"{name}.npy").file_size, f"{name} in it")
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
            raise ArrayFileError(f"{name} in it is damaged: its content is not what the archive says of it") from None


def _archive(path: Path) -> zipfile.ZipFile:
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            file.seek(0)
            cut = file.read(4) == b"PK\x03\x04"
            raise ArrayFileError("truncated: its end is missing" if cut else "not a zip archive, as .npz is")
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError):
        raise ArrayFileError("damaged: its list of arrays cannot be read") from None


def _array(file: IO[bytes], size: int, subject: str) -> NDArray[Any]:
    """``size``: bytes of the file. ``subject``: how messages begin."""
    if not size:
        raise ArrayFileError(f"{subject} is empty")
    start = file.read(len(MAGIC) + 2)
    if not start.startswith(MAGIC):
        raise ArrayFileError(f"{subject} does not begin as a .npy array does")
    shape, fortran, dtype, offset = _header(file, start, subject)
    if dtype.hasobject:
        raise ArrayFileError(f"{subject} holds Python objects, not numbers; convert them and save it again")
    count = math.prod(shape)
    wanted, there = count * dtype.itemsize, size - offset
    if wanted > there:
        raise ArrayFileError(
            f"{subject} is truncated: {shape} values of {dtype} are {wanted:,} bytes, and {there:,} are there"
        )
    require(2 * wanted, f"{subject}: {shape} values of {dtype}, read and copied")
    data = file.read(wanted)
    if len(data) < wanted:
        raise ArrayFileError(f"{subject} is truncated: {wanted:,} bytes expected, {len(data):,} read")
    flat = np.frombuffer(data, dtype, count) if wanted else np.zeros(count, dtype)
    array = flat.reshape(shape, order="F" if fortran else "C")
    return np.array(array, dtype.newbyteorder("="), order="C")


def _header(file: IO[bytes], start: bytes, subject: str) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, whether columns come first, type, and where values begin."""
    version = start[-2], start[-1]
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version == (3, 0):
        raise ArrayFileError(f"{subject} holds records, not numbers")
    if version not in readers:
        raise ArrayFileError(f"{subject} is damaged: there is no version {version[0]}.{version[1]} of .npy")
    width = 2 if version == (1, 0) else 4
    length = file.read(width)
    text = file.read(int.from_bytes(length, "little"))
    try:
        shape, fortran, dtype = readers[version](io.BytesIO(length + text))
    # Damaged headers come out of NumPy's parser as nearly any exception.
    except Exception:
        raise ArrayFileError(f"{subject} is damaged: its header cannot be read") from None
    if any(each < 0 for each in shape):
        raise ArrayFileError(f"{subject} is damaged: its header claims the shape {shape}")
    return shape, fortran, dtype, len(start) + width + len(text)
