"""The files of a run: rows as layers end, and the whole in the end."""

import csv
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dstc_isa.network.errors import NetworkError
from dstc_isa.network.outcome import Outcome
from dstc_isa.network.row import LayerRow, totals
from dstc_isa.studies.journal import append_line, replace_file

ROWS, TABLE, REPORT, OUTPUTS, PICTURE = "layers.jsonl", "layers.csv", "network.json", "outputs.npz", "layers.png"
FILES = (ROWS, TABLE, REPORT, OUTPUTS, PICTURE)


class Record:
    """Writes the rows of a run to a directory, made if it is not there.

    Files of an earlier run are removed when there is something to write. ``settings``: what was run, for the report.
    Raises NetworkError if the place is taken or within no directory, OSError if it cannot be written.
    """

    def __init__(self, directory: Path, settings: Mapping[str, Any]) -> None:
        if directory.exists() and not directory.is_dir():
            raise NetworkError(f"{directory}: is a file; expected a directory, or a name that is free for one")
        if not directory.parent.is_dir():
            raise NetworkError(f"{directory}: there is no directory {directory.parent}; make it, or choose another")
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.settings = settings
        self.rows: list[LayerRow] = []

    def add(self, row: LayerRow) -> None:
        """Keep a row; it is on the disk when this returns."""
        self._remove_earlier()
        self.rows.append(row)
        append_line(self.directory / ROWS, json.dumps(row.as_json()) + "\n")
        replace_file(self.directory / TABLE, table(self.rows).encode())

    def finish(self, outcome: Outcome) -> list[Path]:
        """Write totals, the operators of the host and the network's outputs; returns all files written."""
        self._remove_earlier()
        report = {
            **self.settings,
            "totals": totals(outcome.rows).as_json(),
            "on_host": dict(outcome.on_host),
            "fused": dict(outcome.fused),
            "layers": [row.as_json() for row in outcome.rows],
        }
        replace_file(self.directory / REPORT, (json.dumps(report, indent=2) + "\n").encode())
        written = [self.directory / name for name in ((ROWS, TABLE, REPORT) if self.rows else (REPORT,))]
        if outcome.outputs:
            replace_file(self.directory / OUTPUTS, archive(outcome.outputs))
            written.append(self.directory / OUTPUTS)
        return written

    def _remove_earlier(self) -> None:
        if not self.rows:
            for name in FILES:
                (self.directory / name).unlink(missing_ok=True)


def archive(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Arrays as an .npz file; strings, which ONNX Runtime gives as objects, as NumPy's own."""
    data = io.BytesIO()
    # np.savez takes names as keywords beside its own, so that not every name is one.
    with zipfile.ZipFile(data, "w") as file:
        for name, array in arrays.items():
            plain = array.astype(np.str_) if array.dtype.hasobject else array
            with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, plain, allow_pickle=False)
    return data.getvalue()


def table(rows: list[LayerRow]) -> str:
    """Rows as CSV; what a row does not have is empty."""
    cells = [row.as_json() for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(cells[0]) if cells else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells)
    return text.getvalue()
