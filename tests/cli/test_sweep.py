import json
import sys
from pathlib import Path
from typing import Any

import matplotlib.image
import pytest

from dstc_isa.cli.emu import main
from dstc_isa.studies import sweep as study
from dstc_isa.studies.sweep import SweptKernel
from tests.studies.rows import check_directory

COMMAND = ["sweep", "spgemm", "--m", "32", "--n", "32", "--k", "32"]
SPEEDUP, BOUND = {"speedup.png", "speedup.svg"}, {"bound.png", "bound.svg"}
FILES = {".lock", "points.csv", "points.jsonl", "study.json"} | SPEEDUP | BOUND


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


def test_study(capsys: pytest.CaptureFixture[str]) -> None:
    command = [*COMMAND, "--density-a", "1,0.5", "--density-b", "1", "--vary", "sm.count=1,2", "-o", "study"]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert [line.partition(":")[0] for line in err.splitlines()] == [
        "1/6 gemm_dense, sm.count=1",
        "2/6 spgemm, A 1, B 1, sm.count=1",
        "3/6 spgemm, A 0.5, B 1, sm.count=1",
        "4/6 gemm_dense, sm.count=2",
        "5/6 spgemm, A 1, B 1, sm.count=2",
        "6/6 spgemm, A 0.5, B 1, sm.count=2",
    ]
    assert "\x1b" not in out + err
    assert "wrote study/points.jsonl, study/points.csv, study/speedup.png, study/speedup.svg, study/bound.png" in out
    rows = check_directory(Path("study"))
    table = [line.split() for line in out.splitlines()[1:]]
    for row in rows:
        assert any(f"{row['cycles']:,}" in line and f"{row['speedup']:.2f}" in line for line in table)
    for name in ("speedup.png", "bound.png"):
        assert matplotlib.image.imread(f"study/{name}").shape[2] == 4
    assert {path.name for path in Path("study").iterdir()} == FILES
    record = Path("study/points.jsonl").read_bytes()
    assert main(command) == 0
    assert capsys.readouterr().err == "6 of 6 points are there already\n"
    assert Path("study/points.jsonl").read_bytes() == record


def test_without_dense_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COMMAND, "--kernel", "spgemm", "-o", "study"]) == 0
    assert "no picture of speed-ups: it needs the kernel gemm_dense" in capsys.readouterr().out
    assert {path.name for path in Path("study").iterdir()} == FILES - SPEEDUP


def test_without_matplotlib_there_is_no_picture(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main([*COMMAND, "--density-a", "2", "-o", "study"]) == 2
    assert "picture" not in capsys.readouterr().err
    assert main([*COMMAND, "-o", "study"]) == 0
    out, err = capsys.readouterr()
    (line,) = [line for line in (out + err).splitlines() if "picture" in line]
    assert "dstc-emu: no picture is drawn: no Matplotlib" in line
    assert "pip install matplotlib, or the extra [plot]" in line
    assert main([*COMMAND, "--no-plots", "-o", "study"]) == 0
    assert "picture" not in "".join(capsys.readouterr())
    assert {path.name for path in Path("study").iterdir()} == FILES - SPEEDUP - BOUND


@pytest.mark.parametrize(
    ("more", "status", "message"),
    [
        (["--density-a", "1,1.5"], 2, "density of A is a fraction from 0 to 1, not 1.5"),
        (["--density-b", "1;0.5"], 2, "--density-b takes numbers with commas between, such as 1,0.7,0.5, not '1;0.5'"),
        (["--kernel", "gemm_dens"], 2, "did you mean gemm_dense?"),
        (["--m", "0"], 2, "m is 1 to"),
        (["--jobs", "0"], 2, "--jobs is 1 to 256, not 0"),
        (["--vary", "sm.count"], 2, "--vary takes NAME=VALUE"),
        (["--vary", "sm.count=1", "--vary", "sm.count=2"], 2, "--vary sm.count is given twice"),
        (["--vary", "sm.cuont=1"], 2, "did you mean sm.count?"),
        (["--set", "sm.count=0"], 2, "from 1 to 1024"),
        (["--gpu", "v10"], 2, "did you mean v100?"),
        (["-o", "no/study"], 1, "no/study: No such file or directory"),
        (["-o", "file"], 1, "file: is a file; expected a directory"),
        (["-o", "/proc/study"], 1, "/proc/study: No such file"),
        (["-o", "other"], 1, "other: holds the points of another study: m is 64 there and 32 here"),
    ],
)
def test_wrong_input(more: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    Path("other").mkdir()
    settings = study.Study(
        m=64,
        n=32,
        k=32,
        densities_a=(),
        densities_b=(),
        kernels=(),
        seed=0,
        gpu="v100-dstc",
        settings=(),
        vary={},
        sample=None,
    ).common()
    Path("other/study.json").write_text(json.dumps(settings))
    assert main([*COMMAND, "-o", "study", *more]) == status
    out, err = capsys.readouterr()
    assert out == ""
    program, *usage = (
        ("dstc-emu sweep spgemm", "  usage: dstc-emu sweep spgemm [options] ") if status == 2 else ("dstc-emu",)
    )
    for line, begins in zip(err.splitlines(), [f"{program}: ", *usage], strict=True):
        assert line.startswith(begins)
    assert message in err
    assert not Path("study").exists()


def test_sizes_and_directory_are_required() -> None:
    for arguments in (
        ["sweep"],
        ["sweep", "spgemm", "-o", "x", "--m", "1", "--n", "1"],
        COMMAND,
        [*COMMAND, "--m", "x"],
    ):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2


def refuse(*matrices: Any, **options: Any) -> Any:
    raise ValueError("no room for it")


def interrupt(*matrices: Any, **options: Any) -> Any:
    raise KeyboardInterrupt


def test_a_point_that_fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(study.KERNELS, "refused", SweptKernel(refuse, True, True))
    assert main([*COMMAND, "--kernel", "refused,spgemm", "-o", "study"]) == 1
    err = capsys.readouterr().err
    assert "1/2 refused, A 0.5, B 0.5: failed: no room for it" in err
    assert "dstc-emu: 1 of 2 points failed; the same command tries them again" in err
    assert [row["kernel"] for row in check_directory(Path("study"))] == ["spgemm"]
    assert b"none: the point failed" in Path("study/bound.svg").read_bytes()


def test_interrupt(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(study.KERNELS, "endless", SweptKernel(interrupt, True, True))
    assert main([*COMMAND, "--kernel", "spgemm,endless", "-o", "study"]) == 130
    assert "1 of 2 points are kept in study; the same command goes on" in capsys.readouterr().err
    assert len(check_directory(Path("study"))) == 1
