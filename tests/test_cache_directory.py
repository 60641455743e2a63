"""What is kept between runs: how much, and how it is shown and removed."""

import os
from pathlib import Path

import pytest

from dstc_isa import cache_directory as kept


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(kept.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(kept, "spare_directory", lambda: tmp_path / "spare")
    return tmp_path / "cache"


def test_what_was_used_longest_ago_makes_room(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 3)
    for number in range(3):
        kept.keep(f"engine/{number}.code", b"code")
        os.utime(place / f"engine/{number}.code", (number, number))
    assert kept.read_kept("engine/0.code") == b"code"
    kept.keep("engine/3.code", b"code")
    assert {path.name for path in (place / "engine").iterdir()} == {"0.code", "2.code", "3.code"}
    assert kept.read_kept("engine/1.code") is None


def test_clear_removes_what_is_ours_and_nothing_else(place: Path) -> None:
    ours = [
        "engine/a.code",
        "engine/.a.code.new",
        "programs/p.kept",
        "programs/p.dobj",
        "printers/p.kept",
        "grammar.lark",
        "dstc_engine_0f/dstc_engine_0f.py",
    ]
    others = ["letter.txt", "engine/notes.txt", "programs/kernel.dasm", "photos/1.code"]
    for name in (*ours, *others):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(b"x")
    (place / "engine/link.code").symlink_to(place / "letter.txt")
    assert {str(path.relative_to(place)) for path in kept.kept_files()} == {*ours}
    assert len(kept.clear()) == len(ours)
    assert all((place / name).exists() for name in others)
    assert not (place / "dstc_engine_0f").exists()
    assert kept.kept_files() == []
    assert kept.clear() == []
