import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

import pytest

from dstc_isa.gpu import load_gpu
from dstc_isa.object import shipped
from dstc_isa.object.load import load_file
from dstc_isa.object.shipped import load_shipped
from dstc_isa.program_files import program_directory


def test_shipped_program_is_assembled_once() -> None:
    program = load_shipped("spgemm.dasm")
    assert program.kernel(None).name == "spgemm"
    assert program.kernel("spgemm").block == (256, 1, 1)
    assert load_shipped("spgemm.dasm") is program


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["pipes.ALU.initiation=4", "pipes.FMA.latency=6"])
def test_shipped_program_is_scheduled_for_its_gpu(setting: str) -> None:
    """Another GPU before it must not leave its control codes behind."""
    gpu = load_gpu("v100-dstc", [setting])
    plain, varied = load_shipped("microbenchmarks.dasm"), load_shipped("microbenchmarks.dasm", gpu)
    assert varied == load_file(program_directory() / "microbenchmarks.dasm", gpu=gpu)
    assert varied != plain


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and nothing loaded yet."""
    monkeypatch.setenv("DSTC_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(shipped, "_loaded", {})
    monkeypatch.setattr(shipped, "_started", time.time() + 1)
    return tmp_path / "programs"


def test_the_next_process_finds_the_object(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = load_shipped("hello.dasm")
    assert [path.suffix for path in kept.iterdir()] == [".kept"]
    monkeypatch.setattr(shipped, "_loaded", {})
    with patch.object(shipped, "load_file", side_effect=AssertionError):
        assert load_shipped("hello.dasm") == program


@pytest.mark.slow
def test_rooms_that_assemble_are_part_of_what_an_object_is_called() -> None:
    """Else a change in one of them would leave objects that are made as before."""
    load = "import pathlib, sys; from dstc_isa.object.load import load_file; load_file(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", f"{load}; print(*sys.modules)", str(program_directory() / "spgemm.dasm")]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    rooms = {name.split(".")[1] for name in loaded if name.startswith("dstc_isa.")}
    folder = Path(shipped.__file__).parents[1]
    assert {room for room in rooms if (folder / room).is_dir()} <= {*shipped.PACKAGES}


@pytest.mark.parametrize("content", [b"", b"something else", None])
def test_a_damaged_object_is_made_again(kept: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> None:
    program = load_shipped("hello.dasm")
    (path,) = kept.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    monkeypatch.setattr(shipped, "_loaded", {})
    assert load_shipped("hello.dasm") == program
    assert path.read_bytes() == whole


def test_an_object_of_another_program_is_not_taken_for_it(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = load_shipped("hello.dasm")
    (path,) = kept.iterdir()
    load_shipped("microbenchmarks.dasm")
    (other,) = {*kept.iterdir()} - {path}
    path.write_bytes(other.read_bytes())
    monkeypatch.setattr(shipped, "_loaded", {})
    assert load_shipped("hello.dasm") == program


def test_a_change_of_the_sources_leaves_kept_objects_alone(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_shipped("hello.dasm")
    monkeypatch.setattr(shipped, "_loaded", {})
    monkeypatch.setattr(shipped, "_sources", lambda: "changed")
    load_shipped("hello.dasm")
    assert len(list(kept.iterdir())) == 2


def test_an_object_of_changed_sources_is_not_kept(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "_started", 0.0)
    assert load_shipped("hello.dasm").kernel(None).name == "saxpy"
    assert not kept.exists()


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no directory")
    monkeypatch.setenv("DSTC_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setattr(shipped, "_loaded", {})
    assert load_shipped("hello.dasm").kernel(None).name == "saxpy"
