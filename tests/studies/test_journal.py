import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.studies.claim import JournalError
from dstc_isa.studies.journal import line, opened, read_rows
from dstc_isa.studies.point import PointRow, with_speedups
from tests.disk import Disk, killed_in_a_write
from tests.studies.rows import check_directory, row, rows

SETTINGS = {"m": 64, "gpu": "v100-dstc", "sm.count": 80}
DENSE = {"kernel": "gemm_dense", "density_a": None, "density_b": None}
FOUND = [row(**DENSE), row(), row(density_a=0.25)]


def kept(
    directory: Path, added: list[PointRow], settings: dict[str, Any] | None = None
) -> tuple[list[PointRow], list[str]]:
    """Open a journal, add rows; returns the rows that were there and what was announced."""
    told: list[str] = []
    with opened(directory, settings or SETTINGS, told.append) as journal:
        before = list(journal.rows)
        for each in added:
            journal.add(each)
    return before, told


@settings(max_examples=15)
@given(found=rows(), split=st.integers(0, 5))
def test_rows_come_back(tmp_path_factory: pytest.TempPathFactory, found: list[PointRow], split: int) -> None:
    directory = tmp_path_factory.mktemp("study")
    kept(directory, found[:split])
    before, told = kept(directory, found[split:])
    assert before == with_speedups(found[:split])
    assert told == []
    assert read_rows(directory) == read_rows(str(directory)) == with_speedups(found)
    assert len(check_directory(directory)) == len(found)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("whole")
    kept(directory, FOUND)
    return directory


@pytest.mark.parametrize("rubbish", [b"", b"\0\0\0", b"\xff"])
def test_cut_off_at_every_byte(study: Path, tmp_path: Path, rubbish: bytes) -> None:
    text = (study / "points.jsonl").read_bytes()
    whole, last = with_speedups(FOUND), len(text.splitlines(keepends=True)[-1])
    for left in range(0, last, 16 if rubbish else 1):
        (tmp_path / "points.jsonl").write_bytes(text[: len(text) - last + left] + rubbish)
        assert read_rows(tmp_path) == (whole if left == last - 1 and not rubbish else whole[:-1])


@settings(max_examples=15)
@given(data=st.data())
def test_goes_on_after_a_kill(study: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    directory = tmp_path_factory.mktemp("study")
    text = (study / "points.jsonl").read_bytes()
    left = data.draw(st.integers(0, len(text)), "bytes left")
    (directory / "study.json").write_bytes((study / "study.json").read_bytes())
    (directory / "points.jsonl").write_bytes(text[:left])
    with opened(directory, SETTINGS, print) as journal:
        for each in FOUND:
            if journal.find(each.key) is None:
                journal.add(each)
    assert (directory / "points.jsonl").read_bytes() == text
    assert len(check_directory(directory)) == len(FOUND)


def test_power_may_fail_whenever_a_row_was_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)

    def check() -> None:
        names = ("points.csv", "points.jsonl", "study.json")
        left = disk.left(tmp_path)
        assert {name: left.get(name) for name in names} == {name: (tmp_path / name).read_bytes() for name in names}

    for cut in (0, 1):
        if cut:
            record = tmp_path / "points.jsonl"
            record.write_bytes(record.read_bytes()[:-cut])
            (tmp_path / "points.csv").unlink()
        with opened(tmp_path, SETTINGS, print) as journal:
            check()
            for each in (row(), row(density_a=0.25), row(**DENSE)):
                if journal.find(each.key) is None:
                    journal.add(each)
                    check()


@pytest.mark.slow
@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
def test_killed_while_the_record_is_replaced(tmp_path: Path, part: float) -> None:
    """A dense row completes the earlier ones: the record is written anew, and is the old one until it is whole."""
    kept(tmp_path, [row(), row(density_a=0.25)])
    before = (tmp_path / "points.jsonl").read_bytes()
    dense = row(**DENSE)
    opening = f"""
import json
from pathlib import Path
from dstc_isa.studies.journal import opened
from dstc_isa.studies.point import PointRow
with opened(Path({str(tmp_path)!r}), {SETTINGS!r}, print) as journal:"""
    adding = f"journal.add(PointRow.from_json(json.loads({line(dense)!r})))"
    assert killed_in_a_write(opening, adding, int(part * len(before)))
    assert (tmp_path / "points.jsonl").read_bytes() == before
    kept(tmp_path, [dense])
    assert read_rows(tmp_path) == with_speedups([row(), row(density_a=0.25), dense])


def test_a_dropped_row_is_announced(study: Path, tmp_path: Path) -> None:
    (tmp_path / "study.json").write_bytes((study / "study.json").read_bytes())
    (tmp_path / "points.jsonl").write_bytes((study / "points.jsonl").read_bytes()[:-9])
    before, told = kept(tmp_path, [])
    assert before == with_speedups(FOUND)[:-1]
    assert len(told) == 1
    assert "cut off" in told[0]
    assert kept(tmp_path, []) == (before, [])


def test_dense_row_completes_earlier_ones(tmp_path: Path) -> None:
    with opened(tmp_path, SETTINGS, print) as journal:
        assert journal.add(row(time_us=2.0)).speedup is None
        assert check_directory(tmp_path)[0]["speedup"] is None
        assert journal.add(row(**DENSE, time_us=5.0)).speedup == 1
        assert [each["speedup"] for each in check_directory(tmp_path)] == [2.5, 1.0]


def test_table_is_made_again_from_the_record(tmp_path: Path) -> None:
    kept(tmp_path, [row(), row(density_a=0.25)])
    (tmp_path / "points.csv").write_text("m\n1\n")
    (tmp_path / ".points.csv.new").write_text("half a fi")
    kept(tmp_path, [])
    assert len(check_directory(tmp_path)) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"m": 32}, "m is 64 there and 32 here; choose"),
        ({"m": 32, "sm.count": 8}, "m is 64 there and 32 here, sm.count is 80 there and 8 here; choose"),
        ({"sample": 0.5}, "sample is not set there and 0.5 here"),
        ({str(n): n for n in range(7)}, "and 2 more"),
    ],
)
def test_another_study_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    kept(tmp_path, [row()])
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(JournalError, match=message):
        kept(tmp_path, [], SETTINGS | changes)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files


@pytest.mark.parametrize("bad", ["x", "{}", "[1]", "", '{"m": 1}', "\\ud800", None])
def test_damaged_line_is_named(tmp_path: Path, bad: str | None) -> None:
    kept(tmp_path, [row(), row(density_a=0.25)])
    record = tmp_path / "points.jsonl"
    lines = record.read_text().splitlines()
    record.write_text("\n".join([lines[0], lines[0] if bad is None else bad, lines[1], ""]))
    with pytest.raises(JournalError, match=r"points\.jsonl:2: .*remove"):
        kept(tmp_path, [])


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "\xff"])
def test_damaged_settings(tmp_path: Path, text: str) -> None:
    (tmp_path / "study.json").write_text(text, encoding="latin-1")
    with pytest.raises(JournalError, match=r"study\.json"):
        kept(tmp_path, [])


def test_places_that_are_no_study(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("mine")
    with pytest.raises(JournalError, match=r"has points\.csv but no study\.json"):
        kept(tmp_path, [])
    assert (tmp_path / "points.csv").read_text() == "mine"
    with pytest.raises(JournalError, match="is a file"):
        kept(tmp_path / "points.csv", [])
    with pytest.raises(FileNotFoundError):
        kept(tmp_path / "no" / "study", [])


def test_one_at_a_time(tmp_path: Path) -> None:
    with opened(tmp_path, SETTINGS, print), pytest.raises(JournalError, match="another sweep is writing"):
        kept(tmp_path, [])
    kept(tmp_path, [row()])
    assert json.loads((tmp_path / "study.json").read_text()) == SETTINGS
