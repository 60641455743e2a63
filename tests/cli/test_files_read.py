"""No command writes over a file that it has read, however it came to read it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from dstc_isa.cli import asm, emu
from dstc_isa.cli.files_read import note_files, overwritten
from tests.network.models import small_network

KERNEL = ".kernel k\nEXIT\n.endkernel\n"
FAULTS = """.kernel f
.param .ptr.u32 o
.param .ptr.u32 i
.reg v
.reg.64 at
    IMAD.WIDE.U32 at, RZ, RZ, o
    MOV v, 7
    STG.E [at], v
    STG.E [at+0x100000], v
    EXIT
.endkernel
"""


def files(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(place.iterdir()) if path.is_file()}


def status(main: Callable[[list[str]], int], *words: str) -> int:
    try:
        return main(list(words))
    except SystemExit as end:
        return int(end.code or 0)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "k.dasm").write_text(KERNEL)
    (tmp_path / "f.dasm").write_text(FAULTS)
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc" / "i.dasm").write_text(".set Q, 1\n")
    (tmp_path / "m.dasm").write_text(f'.include "i.dasm"\n{KERNEL}')
    (tmp_path / "mine.toml").write_text('extends = "v100-dstc"\n')
    (tmp_path / "child.toml").write_text('extends = "mine.toml"\n')
    np.save(tmp_path / "i.npy", np.arange(4, dtype=np.uint32))
    (tmp_path / "link.toml").symlink_to("mine.toml")
    return tmp_path


@pytest.mark.parametrize(
    ("main", "line", "named"),
    [
        (asm.main, "m.dasm -I inc -o inc/i.dasm", "inc/i.dasm has been read and would be the object too"),
        (asm.main, "m.dasm -I inc -o m.dobj -l inc/i.dasm", "inc/i.dasm has been read and would be the listing too"),
        (emu.main, "run m.dasm -I inc --functional --json inc/i.dasm", "would be the report too"),
        (emu.main, "run k.dasm --gpu child.toml --json mine.toml", "mine.toml has been read and would be the report"),
        (emu.main, "run k.dasm --gpu child.toml --json link.toml", "link.toml has been read and would be the report"),
        (emu.main, "gpu show child.toml --json mine.toml", "mine.toml has been read and would be the report too"),
        (emu.main, "gemm --random 8,8,8 --gpu child.toml --json mine.toml", "mine.toml has been read"),
        (emu.main, "sweep spgemm --m 8 --n 8 --k 8 -o s --gpu child.toml --json mine.toml", "mine.toml has been read"),
    ],
)
def test_what_was_read_by_the_way_stays(
    place: Path, main: Callable[[list[str]], int], line: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(place) | files(place / "inc")
    assert status(main, *line.split()) == 2
    assert named in capsys.readouterr().err
    assert files(place) | files(place / "inc") == before


@pytest.mark.parametrize("name", ["points.jsonl", "points.csv", "study.json", "speedup.png", "bound.svg"])
def test_a_report_is_none_of_a_sweep_s_files(place: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "s").mkdir()
    (place / "s" / name).write_text("kept")
    (place / "linked").symlink_to("s")
    line = "sweep spgemm --m 8 --n 8 --k 8 --kernel gemm_dense -o s --json"
    for report in (f"s/{name}", f"linked/{name}"):
        assert status(emu.main, *line.split(), report) == 2
        assert "part of the study and would be the report too" in capsys.readouterr().err
    assert (place / "s" / name).read_text() == "kept"


@pytest.mark.parametrize("name", ["layers.jsonl", "network.json", "outputs.npz", "layers.csv", "study.json"])
def test_nor_of_a_network_s(place: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "net.onnx").write_bytes(small_network().SerializeToString())
    np.save(place / "x.npy", np.zeros((1, 2, 8, 8), np.float32))
    (place / "o").mkdir()
    assert status(emu.main, *["network", "net.onnx", "--input", "x.npy", "-o", "o", "--json"], f"o/{name}") == 2
    assert "part of the study and would be the report too" in capsys.readouterr().err
    assert files(place / "o") == {}


def test_weights_beside_a_model_stay(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    onnx.save_model(small_network(), place / "net.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    np.save(place / "x.npy", np.zeros((1, 2, 8, 8), np.float32))
    before = files(place)
    assert status(emu.main, *["network", "net.onnx", "--input", "x.npy", "-o", "o", "--json", "w.bin"]) == 2
    assert "w.bin has been read and would be the report too" in capsys.readouterr().err
    assert files(place) == before


@pytest.mark.engine
@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("--arg o=@i.npy --arg i=@y.fault.npy --out o=y.npy", "y.fault.npy"),
        ("--arg o=@i.npy --arg i=@i.npy --out o=y.npy --out i=y.fault.npy", None),
        ("--arg o=@i.npy --arg i=@i.npy --out o=y.npy --json y.fault.npy", "report"),
        ("--arg o=@y.fault.npy --arg i=@i.npy --out o=y.npy", "y.fault.npy"),
    ],
)
def test_arrays_as_they_were_at_a_fault_have_names_of_their_own(place: Path, line: str, taken: str | None) -> None:
    np.save(place / "y.fault.npy", np.arange(4, dtype=np.uint32))
    before = files(place)
    assert status(emu.main, *f"run f.dasm --functional --block 1 {line}".split()) == 3
    after = files(place)
    assert np.load(place / "y.fault2.npy").tolist() == [7, 1, 2, 3]
    if taken == "report":
        assert "y.fault2.npy" in json.dumps(json.loads(after["y.fault.npy"]))
    else:
        assert after["y.fault.npy"] == before["y.fault.npy"]
    assert after["i.npy"] == before["i.npy"]


def test_files_may_be_updated_and_devices_are_no_files(tmp_path: Path) -> None:
    note_files()
    path = tmp_path / "a"
    path.write_text("a")
    assert overwritten([("new", path)]) == ""
    path.read_text()
    assert "would be new too" in overwritten([("new", path)])
    assert overwritten([("new", path)], [path]) == ""
    assert overwritten([("new", "/dev/null"), ("new", "-"), ("new", None), ("new", tmp_path / "b")]) == ""
    note_files()
    assert overwritten([("new", path)]) == ""
