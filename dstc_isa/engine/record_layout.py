"""Record layouts: machine state in memory, declared once for Python that fills it in and for compiled code.

A declaration says what each field means, how many words it has and what they are at first, and of a pointer what it
points to. Python has records as NumPy arrays of ``dtype``, and says ``record["field"]``; compiled code has their
addresses, to which ``engine.compiled.record_views.record_view`` gives the fields, and says ``record.field``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.isa.unit import Cell

Record = npt.NDArray[np.void]
"""One record, an array without dimensions, or several."""

Words = npt.NDArray[np.int64]
Array = npt.NDArray[Any]

Word = type[np.int64] | type[np.int32] | type[np.uint32]


@frozen(kw_only=True)
class Pointer(Cell):
    """A field with the address of an array; ``to``: the layout of its elements, or their type.

    ``rows``: of several records each has the address of its own row of the array, and not all that of the first one.
    """

    to: "RecordLayout | type[np.generic]"
    rows: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """What an element of the array is."""
        return self.to.dtype if isinstance(self.to, RecordLayout) else np.dtype(self.to)


def pointer(meaning: str, to: "RecordLayout | type[np.generic]", rows: bool = False) -> Pointer:
    """Declare a pointer: "address of" what ``meaning`` says."""
    return Pointer(meaning=f"address of {meaning}", to=to, rows=rows)


class RecordLayout:
    """What lies in a kind of record: fields one behind the other, each a word or several.

    ``fields``: a cell, or only the meaning of one word that is 0 at first.
    """

    def __init__(self, name: str, fields: Mapping[str, str | Cell], word: Word = np.int64) -> None:
        self.name = name
        self.fields = {each: Cell(cell) if isinstance(cell, str) else cell for each, cell in fields.items()}
        self.word = word
        columns = [(each, word, cell.words) if cell.words > 1 else (each, word) for each, cell in self.fields.items()]
        self.dtype = np.dtype(columns)
        self._first = {each: cell.first for each, cell in self.fields.items() if cell.first}

    @property
    def nbytes(self) -> int:
        """Bytes of a record."""
        return self.dtype.itemsize

    def offset(self, field: str) -> int:
        """Bytes of a record in front of a field."""
        assert self.dtype.fields is not None
        return int(self.dtype.fields[field][1])

    def new(self, shape: int | tuple[int, ...] = (), /, **values: Any) -> Record:
        """Records as they are at first, but for fields that are given."""
        made = np.zeros(shape, self.dtype)
        put(made, **{**self._first, **values})
        return made

    def point(self, record: Record, /, **arrays: Array | None) -> dict[str, Array]:
        """Set all pointers of a record, or of all of an array of them, to arrays, to 0 for None.

        Returns the arrays, which are to be kept for as long as the record is read. Raises TypeError if a pointer has
        no array, or an array no pointer, or if an array is not what the pointer is declared to point to.
        """
        pointers = {name: cell for name, cell in self.fields.items() if isinstance(cell, Pointer)}
        wrong = sorted(pointers.keys() ^ arrays.keys())
        if wrong:
            reason = "points to an array that is not given" if wrong[0] in pointers else "is no pointer"
            raise TypeError(f"{self.name}: {wrong[0]} {reason}")
        kept = {name: array for name, array in arrays.items() if array is not None}
        put(record, **dict.fromkeys(pointers, 0))
        for name, array in kept.items():
            pointer = pointers[name]
            if array.dtype != pointer.dtype or not array.flags.c_contiguous:
                raise TypeError(f"{self.name}: {name} points to {pointer.dtype}, one behind the other")
            if pointer.rows and (array.ndim == 0 or array.shape[:1] != record.shape):
                raise TypeError(f"{self.name}: {name} points to a row for each record")
            record[name] = addresses(array) if pointer.rows else array.ctypes.data
        return kept


def put(record: Record, /, **values: Any) -> None:
    """Set fields of a record, or of all of an array of them."""
    for name, value in values.items():
        record[name] = value


def addresses(array: Array) -> Words:
    """Where the elements of an array lie, along its first axis."""
    return array.ctypes.data + array.strides[0] * np.arange(len(array))
