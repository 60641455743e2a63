"""The rows of a sweep in a directory: kept across a kill at any moment, refused to another study.

``points.jsonl`` is the record: a row is appended with one write and reaches the disk before the next point is begun.
``points.csv`` is made from it. Whole files are replaced by renaming, so each is there as it was or as it is to be.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import attrs

from dstc_isa.options import check_name
from dstc_isa.studies.claim import SETTINGS, Wording, claimed, has_study, lines_in, parsed_lines, settings_text
from dstc_isa.studies.figure_files import picture_files
from dstc_isa.studies.plots import BOUND, SPEEDUP
from dstc_isa.studies.point import Key, PointRow, RowError, with_speedups
from dstc_isa.whole_file import append_line, write_whole

ROWS = "points.jsonl"
TABLE = "points.csv"
FILES = (ROWS, TABLE, SETTINGS, *(name for picture in (SPEEDUP, BOUND) for name in picture_files(picture)))
"""The files of a study's directory."""

WORDING = Wording("sweep", "the points", "choose another directory", (ROWS, TABLE))

Announce = Callable[[str], None]


class Journal:
    """The rows of a study, in the order in which they were found; in memory alone without a directory."""

    def __init__(self, directory: Path | None = None, rows: list[PointRow] | None = None) -> None:
        self.directory = directory
        self.rows = rows or []

    def find(self, wanted: Key) -> PointRow | None:
        """The row of a point, if it is there."""
        return next((row for row in self.rows if row.key == wanted), None)

    def add(self, row: PointRow) -> PointRow:
        """Keep a row; returns it with its speed-up. A dense row may complete earlier ones."""
        rows = with_speedups([*self.rows, row])
        appended = rows[:-1] == self.rows
        self.rows = rows
        if self.directory is not None:
            if appended:
                append_line(self.directory / ROWS, line(rows[-1]))
            else:
                write_whole(self.directory / ROWS, "".join(map(line, rows)).encode(), durable=True)
            write_whole(self.directory / TABLE, table(rows).encode(), durable=True)
        return rows[-1]


@contextmanager
def opened(directory: Path, settings: Mapping[str, Any], announce: Announce) -> Iterator[Journal]:
    """The journal in a directory, made if it is not there, for this process alone until the block ends.

    ``settings``: what all rows have in common, by name. Raises JournalError for a directory with other settings, one
    in use, or a damaged one, and OSError for one that cannot be written. ``announce`` is told of a dropped row.
    """
    with claimed(directory, WORDING):
        if not has_study(directory, settings, WORDING):
            write_whole(directory / SETTINGS, settings_text(settings).encode(), durable=True)
        path = directory / ROWS
        data = path.read_bytes() if path.exists() else b""
        kept = _parsed(path, data)
        rows = with_speedups(kept)
        text = "".join(map(line, rows)).encode()
        if len(kept) < lines_in(data):
            announce(f"{path}: the last row was cut off; its point is run again")
        if text != data or not path.exists():
            write_whole(path, text, durable=True)
        write_whole(directory / TABLE, table(rows).encode(), durable=True)
        yield Journal(directory, rows)


def read_rows(directory: str | PathLike[str]) -> list[PointRow]:
    """The rows that a directory holds; JournalError if the record is damaged, OSError if there is none."""
    check_name("directory", directory, (str, PathLike), "a directory's name")
    path = Path(directory) / ROWS
    return _parsed(path, path.read_bytes())


def _parsed(path: Path, data: bytes) -> list[PointRow]:
    return parsed_lines(path, data, _row, lambda row: row.key, "point")


def _row(text: bytes) -> PointRow:
    try:
        data = json.loads(text)
    except ValueError:
        raise RowError("not JSON") from None
    return PointRow.from_json(data)


def line(row: PointRow) -> str:
    """A row as a line of the record."""
    return json.dumps(row.as_json()) + "\n"


def table(rows: list[PointRow]) -> str:
    """Rows as CSV; a bound or an override has a column of its own, and what a row does not have is empty."""
    flat = [_flat(row.as_json()) for row in rows]
    columns = list(dict.fromkeys(name for each in flat for name in each)) or [
        field.name for field in attrs.fields(PointRow)
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            cells |= {f"{name}.{inner}": cell for inner, cell in value.items()}
        else:
            cells[name] = value
    return cells
