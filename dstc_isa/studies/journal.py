"""The rows of a sweep in a directory: kept across a kill at any moment, refused to another study.

``points.jsonl`` is the record: a row is appended with one write and reaches the disk before the next point is begun.
``points.csv`` is made from it. Whole files are replaced by renaming, so each is there as it was or as it is to be.
"""

import csv
import errno
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from dstc_isa.studies.claim import SETTINGS, Wording, claimed, has_study, lines_in, parsed_lines, settings_text
from dstc_isa.studies.point import Key, Row, RowError, with_speedups

ROWS = "points.jsonl"
TABLE = "points.csv"
WORDING = Wording("sweep", "the points", "choose another directory", (ROWS, TABLE))

Announce = Callable[[str], None]


class Journal:
    """The rows of a study, in the order in which they were found; in memory alone without a directory."""

    def __init__(self, directory: Path | None = None, rows: list[Row] | None = None) -> None:
        self.directory = directory
        self.rows = rows or []

    def find(self, wanted: Key) -> Row | None:
        """The row of a point, if it is there."""
        return next((row for row in self.rows if row.key == wanted), None)

    def add(self, row: Row) -> Row:
        """Keep a row; returns it with its speed-up. A dense row may complete earlier ones."""
        rows = with_speedups([*self.rows, row])
        appended = rows[:-1] == self.rows
        self.rows = rows
        if self.directory is not None:
            if appended:
                append_line(self.directory / ROWS, line(rows[-1]))
            else:
                replace_file(self.directory / ROWS, "".join(map(line, rows)).encode())
            replace_file(self.directory / TABLE, table(rows).encode())
        return rows[-1]


@contextmanager
def opened(directory: Path, settings: Mapping[str, Any], announce: Announce) -> Iterator[Journal]:
    """The journal in a directory, made if it is not there, for this process alone until the block ends.

    ``settings``: what all rows have in common, by name. Raises JournalError for a directory with other settings, one
    in use, or a damaged one, and OSError for one that cannot be written. ``announce`` is told of a dropped row.
    """
    with claimed(directory, WORDING):
        if not has_study(directory, settings, WORDING):
            replace_file(directory / SETTINGS, settings_text(settings).encode())
        path = directory / ROWS
        data = path.read_bytes() if path.exists() else b""
        kept = _parsed(path, data)
        rows = with_speedups(kept)
        text = "".join(map(line, rows)).encode()
        if len(kept) < lines_in(data):
            announce(f"{path}: the last row was cut off; its point is run again")
        if text != data or not path.exists():
            replace_file(path, text)
        replace_file(directory / TABLE, table(rows).encode())
        yield Journal(directory, rows)


def read_rows(directory: Path) -> list[Row]:
    """The rows that a directory holds; JournalError if the record is damaged, OSError if there is none."""
    path = directory / ROWS
    return _parsed(path, path.read_bytes())


def _parsed(path: Path, data: bytes) -> list[Row]:
    return parsed_lines(path, data, _row, lambda row: row.key, "point")


def _row(text: bytes) -> Row:
    try:
        data = json.loads(text)
    except ValueError:
        raise RowError("not JSON") from None
    return Row.from_json(data)


def line(row: Row) -> str:
    """A row as a line of the record."""
    return json.dumps(row.as_json()) + "\n"


def table(rows: list[Row]) -> str:
    """Rows as CSV; a bound or an override has a column of its own, and what a row does not have is empty."""
    flat = [_flat(row.as_json()) for row in rows]
    columns = list(dict.fromkeys(name for each in flat for name in each)) or [field.name for field in attrs.fields(Row)]
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


def append_line(path: Path, text: str) -> None:
    """Append a line with one write; it is on the disk when this returns."""
    fresh = not path.exists()
    with path.open("ab", buffering=0) as file:
        data = text.encode()
        if file.write(data) != len(data):
            raise OSError(errno.ENOSPC, "a row could only be written in part", str(path))
        os.fsync(file.fileno())
    if fresh:
        _sync_directory(path.parent)


def replace_file(path: Path, data: bytes) -> None:
    """Write a whole file so that a reader, or a kill, finds the old or the new one."""
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
