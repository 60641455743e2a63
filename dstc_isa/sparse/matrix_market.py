"""Matrix Market files as they are found: by the format, and with what programs of the last decades made of it.

Entries are read by NumPy; only where it stops, line by line, which takes what is clear all the same or names the place.
"""

import bz2
import gzip
import io
import itertools
import math
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from dstc_isa.errors import DstcError
from dstc_isa.printable import printable

if TYPE_CHECKING:
    from scipy.sparse import sparray

SIZES = {"coordinate": ("rows", "columns", "entries"), "array": ("rows", "columns")}
VALUES: dict[str, type[np.generic] | None] = {
    "real": np.float64,
    "double": np.float64,
    "integer": np.int64,
    "unsigned-integer": np.uint64,
    "pattern": None,
}
SIGNS = {"general": 0, "symmetric": 1, "hermitian": 1, "skew-symmetric": -1}
"""Sign of an entry's mirror image; 0 if there is none."""

BANNER = re.compile(r"\s*%{1,2}MatrixMarket$", re.IGNORECASE)
COMMENT = "%"
EXPECTED = "expected a first line %%MatrixMarket matrix FORMAT FIELD SYMMETRY"
WHOLE = re.compile(r"[+-]?[0-9]+")
REAL = re.compile(
    r"(?P<digits>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[edq](?P<exponent>[+-]?[0-9]+)|(?P<wide>[+-][0-9]{3}))?",
    re.IGNORECASE,
)
"""A number of C or Fortran; the latter writes D or Q, and no letter before an exponent of three digits."""

NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
EXACT = 1 << 53
EXPONENTS = str.maketrans("Dd", "ee")
REFUSALS = (ValueError, OverflowError, DeprecationWarning)
"""What NumPy raises for entries that it does not take."""

END_OF_TEXT = "\x1a"
MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
EXCERPT = 60

_T = TypeVar("_T")


class DroppedValues(UserWarning):
    """Values of a matrix file that are left out."""


class MarketError(DstcError, ValueError):
    """What is wrong with a file; ``line`` and ``column`` count from 1, the column is 0 for a whole line."""

    def __init__(self, line: int, column: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.column = column


@frozen
class _Word:
    text: str
    line: int
    column: int

    def wrong(self, reason: str) -> MarketError:
        return MarketError(self.line, self.column, reason)


@frozen
class _Header:
    """The first lines; ``line`` is that of the sizes."""

    layout: str
    field: str
    symmetry: str
    rows: int
    columns: int
    entries: int
    line: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.columns

    @property
    def names(self) -> list[str]:
        """What a line of an entry has."""
        places = ["row", "column"] if self.layout == "coordinate" else []
        return places + (["value"] if VALUES[self.field] is not None else [])

    @property
    def dtype(self) -> np.dtype[Any]:
        kinds = {"row": np.int64, "column": np.int64, "value": VALUES[self.field]}
        return np.dtype([(name, kinds[name]) for name in self.names])


def read_market(path: Path) -> "NDArray[Any] | sparray":
    """Read a matrix, compressed by gzip or bzip2 or not: coordinates as SciPy's COO array, an array as a dense one.

    Warns if a pattern has values other than 1, which are left out. Raises MarketError, and what opening and
    decompressing raise.
    """
    with _text(path) as stream:
        header = _header(stream)
        try:
            entries = _loaded(stream, header.dtype)
        except REFUSALS:
            entries = _of_fortran(path, header)
    _check_count(path, header, len(entries))
    if VALUES[header.field] is np.float64 and np.isinf(entries["value"]).any():
        _one_by_one(path, header)  # an infinity is one by its name, not by a number too large
    if header.layout == "array":
        return _array_matrix(header, entries["value"])
    _check_places(path, header, entries)
    return _coordinate_matrix(header, entries)


def _loaded(lines: Iterable[str], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The entries, read by NumPy; one of REFUSALS if it cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # NumPy would read 1.5 as the integer 1 with no more than this warning.
        warnings.simplefilter("error", DeprecationWarning)
        return np.loadtxt(lines, dtype, comments=COMMENT, ndmin=1)


def _of_fortran(path: Path, header: _Header) -> NDArray[Any]:
    """The entries, read by NumPy with exponents as it knows them, or word by word."""
    if VALUES[header.field] is np.float64:
        with _text(path) as stream:
            lines = itertools.islice(stream, header.line, None)
            with suppress(*REFUSALS):
                return _loaded((line.translate(EXPONENTS) for line in lines), header.dtype)
    return _one_by_one(path, header)


@contextmanager
def _text(path: Path) -> Iterator[IO[str]]:
    """The text of a file, without a byte-order mark."""
    with path.open("rb") as file:
        start = file.peek(3)
        if start[:2] in MARKS:
            raise MarketError(1, 1, f"the text is {MARKS[start[:2]]}; write it as ASCII or UTF-8")
        unpacked: Any = file
        if path.suffix.lower() == ".gz" or start.startswith(b"\x1f\x8b"):
            unpacked = gzip.GzipFile(fileobj=file)
        elif path.suffix.lower() == ".bz2" or start.startswith(b"BZh"):
            unpacked = bz2.BZ2File(file)
        # Neither closes a file that it was given.
        with _unmarked(unpacked) as stream:
            yield stream


def _unmarked(file: Any) -> IO[str]:
    buffered = file if isinstance(file, io.BufferedReader) else io.BufferedReader(file)
    if buffered.peek(3).startswith(b"\xef\xbb\xbf"):
        buffered.read(3)
    return io.TextIOWrapper(buffered, encoding="latin-1")


def _words(line: int, text: str) -> list[_Word]:
    """The words before a comment."""
    return [_Word(found[0], line, found.start() + 1) for found in re.finditer(r"\S+", text.partition(COMMENT)[0])]


def _header(stream: IO[str]) -> _Header:
    lines = ((number, text) for number, text in enumerate(iter(stream.readline, ""), 1) if text.strip())
    number, text = next(lines, (1, ""))
    words = [_Word(found[0].lower(), number, found.start() + 1) for found in re.finditer(r"\S+", text)]
    if not words or not BANNER.match(words[0].text):
        raise MarketError(number, 1, f"{EXPECTED}, found {_excerpt(text.strip() or 'nothing')}")
    if len(words) > 1 and words[1].text != "matrix":
        raise words[1].wrong(f"expected a matrix, not a {_excerpt(words[1].text)}")
    if len(words) != 5:
        raise MarketError(number, 1, f"{EXPECTED}, found {len(words)} words: {_excerpt(text.strip())}")
    layout = _chosen("format", words[2], SIZES)
    field = _chosen("field", words[3], VALUES)
    symmetry = _chosen("symmetry", words[4], SIGNS)
    if layout == "array" and VALUES[field] is None:
        raise words[3].wrong("a pattern has coordinates, not an array of values")
    wanted = SIZES[layout]
    for number, text in lines:
        sizes = _words(number, text)
        if sizes:
            break
    else:
        raise MarketError(number + 1, 0, f"expected a line of {len(wanted)} sizes before the values, found the end")
    if len(sizes) != len(wanted):
        found = f"found {_excerpt(text.strip())}"
        raise sizes[0].wrong(
            f"expected a line of {len(wanted)} sizes before the values, {found}; they are {_listed(list(wanted))}"
        )
    for size, name in zip(sizes, wanted, strict=True):
        if not re.fullmatch(r"\+?[0-9]+", size.text) or int(size.text) > np.iinfo(np.int64).max:
            raise size.wrong(f"expected the number of {name}, found {_excerpt(size.text)}")
    rows, columns = (int(size.text) for size in sizes[:2])
    sign = SIGNS[symmetry]
    if sign and rows != columns:
        raise sizes[1].wrong(f"a {symmetry} matrix is square, not {rows} x {columns}")
    if layout == "coordinate":
        entries = int(sizes[2].text)
    else:
        entries = rows * columns if not sign else rows * (rows - 1) // 2 + (rows if sign > 0 else 0)
    return _Header(layout, field, symmetry, rows, columns, entries, number)


def _chosen(what: str, word: _Word, choices: dict[str, _T]) -> str:
    if word.text in choices:
        return word.text
    kind = "; a matrix here has real numbers" if word.text == "complex" else ""
    raise word.wrong(f"expected a {what} out of {', '.join(choices)}, not {_excerpt(word.text)}{kind}")


def _entry_lines(path: Path, header: _Header) -> Iterator[list[_Word]]:
    """The words of each line that has an entry."""
    with _text(path) as stream:
        for number, text in enumerate(stream, 1):
            if number > header.line and (words := _words(number, text)):
                if len(words) > 1 or words[0].text.strip(END_OF_TEXT):
                    yield words


def _one_by_one(path: Path, header: _Header) -> NDArray[Any]:
    """The entries, read word by word."""
    rows: list[tuple[int | float, ...]] = []
    dropped: _Word | None = None
    for words in _entry_lines(path, header):
        if VALUES[header.field] is None and len(words) == 3:
            value = _number(words.pop(), np.float64)
            dropped = dropped or (_Word(f"{value:g}", words[0].line, 0) if value != 1 else None)
        _check_words(words, header)
        kinds = (header.dtype[name].type for name in header.names)
        rows.append(tuple(_number(word, kind) for word, kind in zip(words, kinds, strict=True)))
    if dropped is not None:
        warnings.warn(
            f"{path}:{dropped.line}: the first line says pattern, so values such as {dropped.text} are left out; "
            "write real there to have them",
            DroppedValues,
            stacklevel=3,
        )
    return np.array(rows, header.dtype)


def _check_words(words: list[_Word], header: _Header) -> None:
    if len(words) == len(header.names):
        return
    line = " ".join(word.text for word in words)
    each = f"a {header.field} {header.layout} file has {_listed(header.names)} on a line"
    if len(words) < len(header.names):
        last = words[-1]
        missing = header.names[len(words)]
        end = last.column + len(last.text)
        raise MarketError(last.line, end, f"{each}; the {missing} is missing behind {_excerpt(line)}")
    more = words[len(header.names)]
    hint = ", column after column" if header.layout == "array" else ""
    raise more.wrong(f"{each}{hint}; {_excerpt(more.text)} is too much in {_excerpt(line)}")


def _number(word: _Word, kind: type[np.generic]) -> int | float:
    text = word.text
    whole = issubclass(kind, np.integer)
    if WHOLE.fullmatch(text) and whole:
        return _in_range(word, int(text), kind)
    found = REAL.fullmatch(text)
    if found:
        value = float(f"{found['digits']}e{found['exponent'] or found['wide'] or 0}")
        if not whole and not math.isinf(value):
            return value
        if not whole:
            raise word.wrong(f"{_excerpt(text)} is beyond the range of a float64, +-{np.finfo(np.float64).max:.4g}")
        if value.is_integer() and abs(value) <= EXACT:
            return _in_range(word, int(value), kind)
    elif NOT_FINITE.fullmatch(text) and not whole:
        return float(text)
    wanted = "a whole number" if whole else "a number"
    raise word.wrong(f"expected {wanted}, found {_excerpt(text)}")


def _in_range(word: _Word, value: int, kind: type[np.generic]) -> int:
    limits = np.iinfo(kind)  # type: ignore[type-var]
    if not limits.min <= value <= limits.max:
        raise word.wrong(f"expected a whole number from {limits.min} to {limits.max}, found {_excerpt(word.text)}")
    return value


def _check_count(path: Path, header: _Header, count: int) -> None:
    if count == header.entries:
        return
    said = f"expected {header.entries} entries, found {count}; line {header.line} says how many,"
    last = header.line
    for number, words in enumerate(_entry_lines(path, header), 1):
        last = words[0].line
        if number > header.entries:
            raise MarketError(last, words[0].column, f"{said} and this is one too many")
    raise MarketError(last, 0, f"{said} and the file ends behind this line")


def _check_places(path: Path, header: _Header, entries: NDArray[Any]) -> None:
    row, column = entries["row"], entries["column"]
    outside = np.flatnonzero((row < 1) | (row > header.rows) | (column < 1) | (column > header.columns))
    if not len(outside):
        return
    first = int(outside[0])
    words = next(words for number, words in enumerate(_entry_lines(path, header)) if number == first)
    word = words[0] if not 1 <= row[first] <= header.rows else words[1]
    raise word.wrong(
        f"entry {first + 1}: row {row[first]}, column {column[first]} is outside a {header.rows} x {header.columns} "
        "matrix; both count from 1"
    )


def _coordinate_matrix(header: _Header, entries: NDArray[Any]) -> "sparray":
    from scipy.sparse import coo_array

    row, column = entries["row"] - 1, entries["column"] - 1
    value = entries["value"] if "value" in header.names else np.ones(len(entries))
    sign = SIGNS[header.symmetry]
    if sign:
        mirrored = row != column
        row, column = np.append(row, column[mirrored]), np.append(column, row[mirrored])
        value = np.append(value, -value[mirrored] if sign < 0 else value[mirrored])
    return coo_array((value, (row, column)), shape=header.shape)


def _array_matrix(header: _Header, values: NDArray[Any]) -> NDArray[Any]:
    sign = SIGNS[header.symmetry]
    if not sign:
        return np.ascontiguousarray(values.reshape(header.shape, order="F"))
    # Lower triangle, column after column: the transposed of the upper one, row after row.
    column, row = np.triu_indices(header.rows, 1 - max(sign, 0))
    matrix = np.zeros(header.shape, values.dtype)
    matrix[column, row] = -values if sign < 0 else values
    matrix[row, column] = values
    return matrix


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])


def _excerpt(text: str) -> str:
    plain = printable(text)
    return plain if len(plain) <= EXCERPT else f"{plain[: EXCERPT - 3]}..."
