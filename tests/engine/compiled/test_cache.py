"""Where the compiled engine is kept, and when it is compiled anew."""

import shutil
import tempfile
from pathlib import Path

import pytest

import dstc_isa.isa
from dstc_isa.cache_directory import cache_directory
from dstc_isa.engine.compiled import cache, generate


def test_fingerprint_follows_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change in one byte of one file is another engine; the same text is the same engine."""
    copy = tmp_path / "isa"
    shutil.copytree(dstc_isa.isa.__path__[0], copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(dstc_isa.isa, "__path__", [str(copy)])
    before = cache.fingerprint()
    assert cache.fingerprint() == before
    text = (copy / "lanes.py").read_text(encoding="utf-8")
    (copy / "lanes.py").write_text(text + "#", encoding="utf-8")
    assert cache.fingerprint() != before
    (copy / "lanes.py").write_text(text, encoding="utf-8")
    assert cache.fingerprint() == before


@pytest.mark.parametrize("name", ["NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"])
def test_fingerprint_follows_the_cpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache.fingerprint()
    monkeypatch.setenv(name, "+something")
    assert cache.fingerprint() != before


def test_directory_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTC_CACHE_DIR", str(tmp_path))
    assert cache_directory() == tmp_path
    path = cache.module_file("engine", generate.source)
    assert path == tmp_path / "engine" / "engine.py"
    assert path.read_text(encoding="utf-8") == generate.source()
    assert [p.name for p in path.parent.iterdir()] == ["engine.py"]


def test_an_existing_module_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTC_CACHE_DIR", str(tmp_path))
    path = cache.module_file("engine", str)
    changed = path.stat().st_mtime_ns
    assert cache.module_file("engine", str).stat().st_mtime_ns == changed


def test_an_unwritable_cache_falls_back_to_a_temporary_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no directory")
    spare = tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setenv("DSTC_CACHE_DIR", str(blocked / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(spare))
    assert cache.module_file("engine", str).is_relative_to(spare)
    cache.temporary_directory.cache_clear()
    monkeypatch.setattr(tempfile, "tempdir", str(blocked))
    with pytest.raises(OSError, match="set DSTC_CACHE_DIR to a writable directory"):
        cache.module_file("engine", str)
