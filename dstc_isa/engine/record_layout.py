"""Record layouts: machine state in memory, declared once for Python that fills it in and for compiled code.

A declaration says what each field means, how many words it has and what they are at first. Python has records as NumPy
arrays of ``dtype``, and says ``record["field"]``; compiled code has their addresses, to which
``engine.compiled.record_views.record_view`` gives the fields, and says ``record.field``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dstc_isa.isa.unit import Cell

Record = npt.NDArray[np.void]
"""One record, an array without dimensions, or several."""

Words = npt.NDArray[np.int64]

Word = type[np.int64] | type[np.int32] | type[np.uint32]


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


def put(record: Record, /, **values: Any) -> None:
    """Set fields of a record, or of all of an array of them."""
    for name, value in values.items():
        record[name] = value


def addresses(array: npt.NDArray[Any]) -> Words:
    """Where the elements of an array lie, along its first axis."""
    return array.ctypes.data + array.strides[0] * np.arange(len(array))
