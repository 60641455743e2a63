import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dstc_isa.network.errors import NetworkError
from dstc_isa.network.outcome import Outcome
from dstc_isa.network.record import FILES, Record, archive, opened
from dstc_isa.studies.claim import JournalError
from tests.disk import Disk, killed_in_a_write
from tests.network.rows import row

STUDY = {"network": "test", "sm.count": 80, "layers": ["a*"]}


def record_in(directory: Path, **changes: Any) -> Record:
    """The record of a study in a directory, open for as long as it takes to read it."""
    with opened(directory, STUDY | changes, {"network": "test"}, print) as record:
        return record


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_rows_are_there_when_they_are_added(tmp_path: Path) -> None:
    record = record_in(tmp_path / "study")
    assert names(record.directory) == {".lock"}
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
    assert {path.name for path in written} | {".lock", "study.json"} == names(record.directory)
    report = json.loads((record.directory / "network.json").read_text())
    assert (report["network"], report["on_host"], report["fused"]) == ("test", {"Add": 2}, {"Relu": 1})
    assert report["totals"]["dual_cycles"] == 20
    assert len(report["layers"]) == 2
    assert np.array_equal(np.load(record.directory / "outputs.npz")["a/b:0"], np.eye(2))


def test_power_may_fail_whenever_a_row_was_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)

    def check(*names: str) -> None:
        left = disk.left(tmp_path)
        assert {name: left.get(name) for name in names} == {name: (tmp_path / name).read_bytes() for name in names}

    begun = ("study.json", "layers.jsonl", "layers.csv")
    rows = [row(), row(layer="fc")]
    record = record_in(tmp_path)
    for each in rows:
        record.add(each)
        check(*begun)
    record.finish(Outcome(rows=tuple(rows), outputs={"y": np.eye(2)}))
    check(*begun, "network.json", "outputs.npz")
    record.finish(Outcome(rows=tuple(rows)))
    check(*begun, "network.json")
    lines = tmp_path / "layers.jsonl"
    lines.write_bytes(lines.read_bytes()[:-9])
    record_in(tmp_path)
    check("layers.jsonl")


@pytest.mark.slow
def test_killed_while_the_report_is_replaced(tmp_path: Path) -> None:
    record = record_in(tmp_path)
    record.add(row())
    record.finish(Outcome(rows=(row(),), on_host={"Add": 1}))
    before = (tmp_path / "network.json").read_bytes()
    opening = f"""
from pathlib import Path
from dstc_isa.network.outcome import Outcome
from dstc_isa.network.record import opened
with opened(Path({str(tmp_path)!r}), {STUDY!r}, {{"network": "test"}}, print) as record:"""
    finishing = 'record.finish(Outcome(rows=tuple(record.rows), on_host={"Add": 2}))'
    assert killed_in_a_write(opening, finishing, len(before) - 1)
    assert (tmp_path / "network.json").read_bytes() == before


def test_no_layer(tmp_path: Path) -> None:
    (tmp_path / "layers.csv").write_text("old")
    with opened(tmp_path, STUDY, {}, print, overwrite=True) as record:
        written = record.finish(Outcome(rows=(), outputs={"y": np.eye(2)}))
    assert {path.name for path in written} == {"network.json", "outputs.npz"}
    assert names(tmp_path) == {"network.json", "outputs.npz", "study.json", ".lock"}
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


def test_files_of_another_run_go_with_the_first_row_and_others_stay(tmp_path: Path) -> None:
    for name in (*FILES, "mine.txt"):
        (tmp_path / name).write_text("old")
    with pytest.raises(JournalError, match=r"has layers.jsonl but no study.json, .* replace it with --overwrite"):
        record_in(tmp_path)
    with opened(tmp_path, STUDY, {}, print, overwrite=True) as record:
        assert names(tmp_path) == {*FILES, "mine.txt", ".lock"}
        record.add(row())
        record.add(row(layer="fc"))
    assert names(tmp_path) == {"layers.jsonl", "layers.csv", "mine.txt", ".lock", "study.json"}
    assert len((tmp_path / "layers.jsonl").read_text().splitlines()) == 2


def test_a_run_goes_on(tmp_path: Path) -> None:
    rows = [row(), row(layer="fc", density_w=None, stride=(), x=(), relu=True, input="stored by conv1", dual=0)]
    for number, each in enumerate(rows):
        record = record_in(tmp_path)
        assert record.rows == rows[:number]
        record.add(each)
    assert record_in(tmp_path).rows == rows
    for name, value in {"sm.count": 40, "layers": []}.items():
        with pytest.raises(JournalError, match=rf"another study: {name} is .* there and .* here; .*--overwrite"):
            record_in(tmp_path, **{name: value})
    assert record_in(tmp_path).rows == rows


@pytest.mark.slow
def test_a_run_goes_on_after_a_kill_at_any_byte(tmp_path: Path) -> None:
    rows = [row(), row(layer="fc")]
    record = record_in(tmp_path)
    for each in rows:
        record.add(each)
    text = (tmp_path / "layers.jsonl").read_bytes()
    first = len(text.splitlines(keepends=True)[0])
    for left in [*range(0, len(text), 17), first, len(text) - 1]:
        (tmp_path / "layers.jsonl").write_bytes(text[:left])
        kept = record_in(tmp_path).rows
        # A row without the end of its line alone is whole.
        assert kept == rows[: (left >= first - 1) + (left >= len(text) - 1)]
        record = record_in(tmp_path)
        for each in rows[len(kept) :]:
            record.add(each)
        assert (tmp_path / "layers.jsonl").read_bytes() == text


@pytest.mark.parametrize(
    ("line", "reason"),
    [("{", "not JSON"), ("[]", "not a row of a network"), ('{"layer": "conv1"}', "not a row of a network")],
)
def test_a_damaged_row(tmp_path: Path, line: str, reason: str) -> None:
    record_in(tmp_path).add(row())
    text = (tmp_path / "layers.jsonl").read_text()
    (tmp_path / "layers.jsonl").write_text(f"{line}\n{text}")
    with pytest.raises(JournalError, match=rf"layers.jsonl:1: {reason}; remove the line, and its layer is run again"):
        record_in(tmp_path)
    (tmp_path / "layers.jsonl").write_text(text + text)
    with pytest.raises(JournalError, match=r"layers.jsonl:2: the same layer as line 1"):
        record_in(tmp_path)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with opened(tmp_path, STUDY, {}, print), pytest.raises(JournalError, match="another network is writing to it"):
        record_in(tmp_path)


def test_a_place_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="is a file; expected a directory"):
        record_in(tmp_path / "file")
    with pytest.raises(NetworkError, match=r"there is no directory .*no; make it, or choose another"):
        record_in(tmp_path / "no" / "study")
