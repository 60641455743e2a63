import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dstc_isa.network.errors import NetworkError
from dstc_isa.network.outcome import Outcome
from dstc_isa.network.record import FILES, Record, archive
from tests.network.rows import row


def test_rows_are_there_when_they_are_added(tmp_path: Path) -> None:
    record = Record(tmp_path / "study", {"network": "test"})
    assert list(record.directory.iterdir()) == []
    rows = [row(), row(layer="fc", density_w=None, stride=())]
    for number, each in enumerate(rows, 1):
        record.add(each)
        lines = (record.directory / "layers.jsonl").read_text().splitlines()
        assert [json.loads(line) for line in lines] == [each.as_json() for each in rows[:number]]
        with (record.directory / "layers.csv").open() as file:
            cells = list(csv.DictReader(file))
        assert [cell["layer"] for cell in cells] == [each.layer for each in rows[:number]]
    assert (cells[1]["density_w"], cells[1]["stride"]) == ("", "")
    outcome = Outcome(rows=tuple(rows), outputs={"a/b:0": np.eye(2)}, on_host={"Add": 2}, fused={"Relu": 1})
    written = record.finish(outcome)
    assert sorted(written) == sorted(record.directory.iterdir())
    report = json.loads((record.directory / "network.json").read_text())
    assert (report["network"], report["on_host"], report["fused"]) == ("test", {"Add": 2}, {"Relu": 1})
    assert report["totals"]["dual_cycles"] == 20
    assert len(report["layers"]) == 2
    assert np.array_equal(np.load(record.directory / "outputs.npz")["a/b:0"], np.eye(2))


def test_no_layer(tmp_path: Path) -> None:
    (tmp_path / "layers.csv").write_text("old")
    written = Record(tmp_path, {}).finish(Outcome(rows=(), outputs={"y": np.eye(2)}))
    assert {path.name for path in written} == {"network.json", "outputs.npz"}
    assert sorted(written) == sorted(tmp_path.iterdir())
    assert "NaN" not in (tmp_path / "network.json").read_text()


def test_outputs_of_any_name_and_type() -> None:
    arrays: dict[str, Any] = {
        "file": np.arange(3, dtype=np.int8),
        "allow_pickle": np.float32(1.5).reshape(()),
        "a/b:0.npy": np.zeros((0, 2), bool),
        "labels": np.array([["cat", "Katze"]], object),
        "none": np.array([], object),
    }
    read = np.load(io.BytesIO(archive(arrays)), allow_pickle=False)
    assert read.files == list(arrays)
    for name, array in arrays.items():
        assert read[name].shape == array.shape
        assert read[name].dtype.kind == ("U" if array.dtype == object else array.dtype.kind)
        assert read[name].tolist() == array.tolist()


def test_files_of_an_earlier_run_go_with_the_first_row_and_others_stay(tmp_path: Path) -> None:
    for name in (*FILES, "mine.txt"):
        (tmp_path / name).write_text("old")
    record = Record(tmp_path, {})
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, "mine.txt"}
    record.add(row())
    record.add(row(layer="fc"))
    assert {path.name for path in tmp_path.iterdir()} == {"layers.jsonl", "layers.csv", "mine.txt"}
    assert len((tmp_path / "layers.jsonl").read_text().splitlines()) == 2


def test_a_place_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NetworkError, match="is a file; expected a directory"):
        Record(tmp_path / "file", {})
    with pytest.raises(NetworkError, match=r"there is no directory .*no; make it, or choose another"):
        Record(tmp_path / "no" / "study", {})
