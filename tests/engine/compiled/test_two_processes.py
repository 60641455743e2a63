"""Two first runs at once: one compiles, the other waits and takes what the first made.

The processes are real; what they make is a text that takes a second to write in place of an engine.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dstc_isa import cache_directory

pytestmark = pytest.mark.engine

PROGRAM = """
import os, sys, time
from pathlib import Path
from dstc_isa import cache_directory
from dstc_isa.engine.compiled import cache
from dstc_isa.engine.compiled.workers import RUN_WORKER
place, seconds = Path(sys.argv[1]), float(sys.argv[2])
cache_directory.spare_directory = lambda: place / "spare"
def compile_apart(entry, fingerprint):
    with open(place / "compilations", "a") as log:
        print("compiles", file=log)
    time.sleep(seconds)
    cache_directory.keep(cache._kept(entry).name, b"code")
cache.compile_apart = compile_apart
cache._function = lambda entry, kept: cache_directory.read_kept(kept.name)
print(cache.load(RUN_WORKER, lambda text: print(text, flush=True)))
"""
WAITING = "another process compiles the engine; waiting for it ..."


def started(place: Path, seconds: float = 1.0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(place), str(seconds)]
    environment = {**os.environ, cache_directory.VARIABLE: str(place / "cache")}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def compilations(place: Path) -> int:
    log = place / "compilations"
    return len(log.read_text().splitlines()) if log.exists() else 0


def await_compilation(place: Path) -> None:
    end = time.monotonic() + 60
    while not compilations(place):
        assert time.monotonic() < end
        time.sleep(0.01)


def lines(process: subprocess.Popen[str]) -> list[str]:
    told = process.communicate(timeout=60)[0].splitlines()
    assert process.returncode == 0
    return told


def test_the_second_waits_for_the_first(tmp_path: Path) -> None:
    first = started(tmp_path, 4)
    await_compilation(tmp_path)
    second = started(tmp_path)
    assert lines(second) == [WAITING, "b'code'"]
    told = lines(first)
    assert told[0].startswith("compiling the engine for this CPU, once")
    assert told[1].startswith("compiled in ")
    assert compilations(tmp_path) == 1
    assert lines(started(tmp_path)) == ["b'code'"]
    assert [path.suffix for path in (tmp_path / "cache" / "engine").iterdir()] == [".code"]


def test_a_killed_process_holds_nobody_up(tmp_path: Path) -> None:
    first = started(tmp_path, 600)
    await_compilation(tmp_path)
    second = started(tmp_path, 0)
    assert second.stdout is not None
    assert second.stdout.readline().rstrip() == WAITING
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    told = lines(second)
    assert told[0].startswith("compiling the engine for this CPU, once")
    assert told[-1] == "b'code'"
    assert compilations(tmp_path) == 2


def test_a_lock_that_was_left_is_taken(tmp_path: Path) -> None:
    first = started(tmp_path, 600)
    await_compilation(tmp_path)
    first.kill()
    first.communicate(timeout=60)
    (lock,) = (tmp_path / "cache" / "engine").iterdir()
    assert lock.suffix == ".lock"
    assert WAITING not in lines(started(tmp_path, 0))
    assert not lock.exists()


@pytest.mark.parametrize("blocked", ["no place", "no lock"])
def test_where_no_lock_is_possible_each_compiles(tmp_path: Path, blocked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache_directory.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(cache_directory, "spare_directory", lambda: tmp_path / "spare")
    if blocked == "no place":
        (tmp_path / "cache").write_bytes(b"")
        (tmp_path / "spare").write_bytes(b"")
    else:
        pytest.importorskip("fcntl")

        def without_locks(*_: object) -> None:
            raise OSError(37, "No locks available")

        monkeypatch.setattr("fcntl.flock", without_locks)
    with cache_directory.made_once("engine/a", pytest.fail), cache_directory.made_once("engine/a", pytest.fail):
        pass
