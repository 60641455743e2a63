"""Where the compiled engine is kept, and when it is compiled anew."""

import os
import shutil
from pathlib import Path

import pytest

import dstc_isa.isa
from dstc_isa.cache_directory import cache_directory
from dstc_isa.engine.compiled import cache


def test_fingerprint_follows_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change in one byte of one file is another engine; the same text is the same engine."""
    copy = tmp_path / "isa"
    shutil.copytree(dstc_isa.isa.__path__[0], copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(dstc_isa.isa, "__path__", [str(copy)])
    before = cache.fingerprint()
    assert cache.fingerprint() == before
    changed = copy / "lanes.py"
    text = changed.read_text(encoding="utf-8")
    changed.write_text(text + "#", encoding="utf-8")
    os.utime(changed, (0, 0))
    assert cache.fingerprint() != before
    changed.write_text(text, encoding="utf-8")
    os.utime(changed, (0, 0))
    assert cache.fingerprint() == before


def test_an_engine_whose_sources_changed_while_it_ran_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "isa"
    shutil.copytree(dstc_isa.isa.__path__[0], copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(dstc_isa.isa, "__path__", [str(copy)])
    before = cache.fingerprint()
    os.utime(copy / "lanes.py")
    mine = cache.fingerprint()
    assert mine != before
    monkeypatch.setattr(cache, "_ALONE", b"another process")
    assert cache.fingerprint() not in (mine, before)


@pytest.mark.parametrize("name", ["NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"])
def test_fingerprint_follows_the_cpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache.fingerprint()
    monkeypatch.setenv(name, "+something")
    assert cache.fingerprint() != before


def test_directory_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTC_CACHE_DIR", str(tmp_path))
    assert cache_directory() == tmp_path
