"""Machine code on disk in every state that a disk can leave it in, with a function that compiles at once."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from numba import njit

from dstc_isa import cache_directory
from dstc_isa.engine.compiled.kept_code import KeptCode


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache directory, and a spare one beside it."""
    monkeypatch.setenv(cache_directory.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(cache_directory, "spare_directory", lambda: tmp_path / "spare")
    return tmp_path / "cache"


def twice(x):
    return 2 * x


def hits() -> int:
    """Run a function; whether its code came from the disk."""
    function = njit(twice)
    function._cache = KeptCode("twice")
    assert function(21) == 42
    return sum(function.stats.cache_hits.values())


def cut(size: int) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(path.read_bytes()[:size])


def flip(place: int) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[place] ^= 1
        path.write_bytes(data)

    return damage


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("none")


DAMAGES = {
    "empty": cut(0),
    "cut in the seal": cut(10),
    "cut behind the seal": cut(53),
    "cut in the middle": cut(2000),
    "cut at the end": cut(-1),
    "a bit of the seal": flip(3),
    "a bit of the digest": flip(30),
    "a bit of the code": flip(-100),
    "foreign": lambda path: path.write_bytes(b"something else" * 100),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "a directory": directory,
    "a link to nothing": nowhere,
    "removed": lambda path: path.unlink(),
    "of another signature": lambda path: None,
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_code_is_made_again(place: Path, damage: str) -> None:
    assert hits() == 0
    assert hits() == 1
    (path,) = (place / "engine").iterdir()
    DAMAGES[damage](path)
    if damage == "of another signature":
        other = njit(twice)
        other._cache = KeptCode("twice")
        assert other(1.5) == 3.0
    assert hits() == 0
    assert hits() == 1


def test_code_that_cannot_be_unpickled(place: Path) -> None:
    cache_directory.keep("engine/twice.code", b"not a pickle")
    assert hits() == 0
    assert hits() == 1


def test_a_place_that_cannot_be_written(place: Path) -> None:
    place.write_bytes(b"a file")
    assert hits() == 0
    assert hits() == 1
    assert (place.parent / "spare" / "engine" / "twice.code").is_file()


def test_a_spare_place_of_somebody_else_is_left_alone(place: Path) -> None:
    place.write_bytes(b"a file")
    (place.parent / "spare").mkdir()
    (place.parent / "spare").chmod(0o777)
    assert hits() == 0
    assert hits() == 0
    assert not any((place.parent / "spare").iterdir())


def test_a_copied_cache_is_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hits() == 0
    shutil.copytree(place, place.parent / "copy", copy_function=shutil.copyfile)
    monkeypatch.setenv(cache_directory.VARIABLE, str(place.parent / "copy"))
    assert hits() == 1


def test_a_full_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    assert hits() == 0
    monkeypatch.undo()
    assert not any(path.is_file() for path in place.parent.rglob("*"))


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["NUMBA_DISABLE_JIT", "PYTHONOPTIMIZE"])
def test_variables_that_change_how_python_compiles(tmp_path: Path, variable: str) -> None:
    """The engine is made of compiled code in any case."""
    program = (
        "from dstc_isa.engine.compiled.jit import entry\n"
        "from numba.core.registry import CPUDispatcher\n"
        "import sys; sys.exit(not isinstance(entry(lambda x: None), CPUDispatcher))"
    )
    subprocess.run([sys.executable, "-c", program], env={**os.environ, variable: "2"}, check=True)
