"""The files of a run: rows as layers end, kept across a kill at any moment, and the whole in the end."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dstc_isa.network.errors import NetworkError
from dstc_isa.network.narrow import carried
from dstc_isa.network.outcome import Outcome
from dstc_isa.network.row import LayerRow, totals
from dstc_isa.studies.claim import SETTINGS, Wording, claimed, has_study, lines_in, parsed_lines, settings_text
from dstc_isa.studies.figure_files import picture_files
from dstc_isa.whole_file import append_line, write_whole

ROWS, TABLE, REPORT, OUTPUTS = "layers.jsonl", "layers.csv", "network.json", "outputs.npz"
PICTURE = "layers"
FILES = (ROWS, TABLE, REPORT, OUTPUTS, *picture_files(PICTURE))
WORDING = Wording("network", "layers", "choose another directory, or replace it with --overwrite", FILES)


class Record:
    """Writes the rows of a run to a directory; ``opened`` makes one.

    ``study``: what tells its rows from those of other runs. ``settings``: what was run, for the report. ``rows``:
    those that are there already. If none are, files of another run are removed when there is something to write.
    """

    def __init__(
        self, directory: Path, study: Mapping[str, Any], settings: Mapping[str, Any], rows: Sequence[LayerRow] = ()
    ) -> None:
        self.directory = directory
        self.study = study
        self.settings = settings
        self.rows = list(rows)
        self._goes_on = bool(rows)

    def add(self, row: LayerRow) -> None:
        """Keep a row; it is on the disk when this returns."""
        self._begin()
        append_line(self.directory / ROWS, line(row))
        self.rows.append(row)
        write_whole(self.directory / TABLE, table(self.rows).encode(), durable=True)

    def finish(self, outcome: Outcome) -> list[Path]:
        """Write totals, the operators of the host and the network's outputs; returns all files written."""
        self._begin()
        report = self.report(outcome)
        if self.rows:
            write_whole(self.directory / TABLE, table(self.rows).encode(), durable=True)
        write_whole(self.directory / REPORT, (json.dumps(report, indent=2) + "\n").encode(), durable=True)
        written = [self.directory / name for name in ((ROWS, TABLE, REPORT) if self.rows else (REPORT,))]
        if outcome.outputs:
            write_whole(self.directory / OUTPUTS, archive(outcome.outputs), durable=True)
            written.append(self.directory / OUTPUTS)
        return written

    def report(self, outcome: Outcome) -> dict[str, Any]:
        """The whole as plain data for ``json.dump``: what was run, totals, outputs and layers."""
        return {
            **self.settings,
            "totals": totals(outcome.rows).as_json(),
            "on_host": dict(outcome.on_host),
            "fused": dict(outcome.fused),
            "beside": list(outcome.beside),
            "outputs": {
                name: {"type": "string" if array.dtype.hasobject else array.dtype.name, "shape": array.shape}
                for name, array in outcome.outputs.items()
            },
            "accuracy": {name: each.as_json() for name, each in outcome.accuracy.items()},
            "layers": [row.as_json() for row in outcome.rows],
        }

    def unfinished(self) -> dict[str, Any]:
        """What was run and the rows that are there, of a run that did not end."""
        return {**self.settings, "layers": [row.as_json() for row in self.rows]}

    def _begin(self) -> None:
        if self._goes_on:
            return
        # In this order a kill leaves no rows under the settings of another run.
        for name in (SETTINGS, *FILES):
            (self.directory / name).unlink(missing_ok=True)
        write_whole(self.directory / SETTINGS, settings_text(self.study).encode(), durable=True)
        self._goes_on = True


@contextmanager
def opened(
    directory: Path,
    study: Mapping[str, Any],
    settings: Mapping[str, Any],
    announce: Callable[[str], None],
    *,
    overwrite: bool = False,
) -> Iterator[Record]:
    """The record in a directory, made if it is not there, for this process alone until the block ends.

    ``study``, ``settings``: as of Record. A run of the same study goes on; ``overwrite`` starts anew, whatever is
    there. ``announce`` is told of a dropped row. Raises NetworkError for a place within no directory, JournalError for
    one that is taken, in use, of another study, or damaged, and OSError for one that cannot be written.
    """
    if not directory.parent.is_dir():
        raise NetworkError(f"{directory}: there is no directory {directory.parent}; make it, or choose another")
    with claimed(directory, WORDING):
        rows: list[LayerRow] = []
        if not overwrite and has_study(directory, study, WORDING):
            path = directory / ROWS
            data = path.read_bytes() if path.exists() else b""
            rows = parsed_lines(path, data, LayerRow.from_line, lambda row: row.layer, "layer")
            if len(rows) < lines_in(data):
                announce(f"{path}: the last row was cut off; its layer is run again")
            text = "".join(map(line, rows)).encode()
            if text != data:
                write_whole(path, text, durable=True)
        yield Record(directory, study, settings, rows)


def line(row: LayerRow) -> str:
    """A row as a line of the record."""
    return json.dumps(row.as_json()) + "\n"


def archive(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Arrays as an .npz file; strings, which ONNX Runtime gives as objects, as NumPy's own, narrow types as wider ones.

    NumPy would write a narrow type as bytes without a meaning.
    """
    data = io.BytesIO()
    # np.savez takes names as keywords beside its own, so that not every name is one.
    with zipfile.ZipFile(data, "w") as file:
        for name, array in arrays.items():
            plain = array.astype(np.str_) if array.dtype.hasobject else carried(array)
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
