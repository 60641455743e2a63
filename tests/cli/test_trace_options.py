"""``dstc-emu run --log``: where the lines go, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from dstc_isa.cli.emu import main
from dstc_isa.program_files import program_directory
from tests.cli.reports import facts

HELLO = program_directory() / "hello.dasm"
LAUNCH = ["--grid", "3", "--block", "64", "--arg", "x=arange:f4:192", "--arg", "y=zeros:f4:192", "--arg", "a=2"]
SAXPY = ["run", str(HELLO), *LAUNCH, "--arg", "n=150"]
INSTRUCTIONS = 13


@pytest.fixture(autouse=True)
def _in_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_log_comes_before_the_report_and_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    cycles = []
    for more in ([], ["--log", "2.0", "--log", "0.1"]):
        assert main([*SAXPY, "--out", "y=y.npy", "--json", "r.json", *more]) == 0
        cycles.append(json.loads(Path("r.json").read_text())["launches"][0]["timing"]["cycles"])
        assert facts("r.json")["warp_instructions"] == 6 * INSTRUCTIONS - 8
    out, err = capsys.readouterr()
    lines = out[out.rindex("busy") :].splitlines() if "busy" in out else out.splitlines()
    logged = [line for line in out.splitlines() if line.startswith(("0.1 ", "2.0 "))]
    assert [line[:3] for line in logged] == ["0.1"] * INSTRUCTIONS + ["2.0"] * INSTRUCTIONS
    assert out.splitlines().index(logged[0]) < len(out.splitlines()) - len(lines)
    assert err == ""
    assert cycles[0] == cycles[1]
    assert np.load("y.npy")[:150].tolist() == [2.0 * i for i in range(150)]


def test_a_log_goes_to_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SAXPY, "--functional", "--log", "1,0,0.1", "--log-file", "w.log"]) == 0
    assert "1.1 " not in capsys.readouterr().out
    assert [line[:3] for line in Path("w.log").read_text().splitlines()] == ["1.1"] * INSTRUCTIONS


def test_standard_output_as_the_file_has_the_log_alone(capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*SAXPY, "--functional", "--log", "0.0", "--log-file", "-"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == INSTRUCTIONS


def test_a_fault_comes_behind_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(HELLO), *LAUNCH, "--arg", "n=193", "--arg", "x=0", "--functional", "--log", "0.0"]) == 2
    capsys.readouterr()
    short = [text.replace("arange:f4:192", "arange:f4:33") for text in SAXPY]
    assert main([*short, "--functional", "--log", "0.1", "--log-file", "w.log"]) == 3
    lines = Path("w.log").read_text().splitlines()
    assert lines[-2].split("  ")[-1] == "fault"
    assert lines[-1].startswith("stopped by a fault: out-of-bounds access of 4 bytes at 0x")
    assert capsys.readouterr().err.startswith("dstc-emu: out-of-bounds access of 4 bytes at 0x")


PRINTING = """.kernel k
.param .ptr.u32 out
.reg cta, four
.reg.64 p
    S2R cta, SR_CTAID.X
    MOV four, 4
    IMAD.WIDE.U32 p, cta, four, out
    PRINT cta
    STG.E [p], cta
    EXIT
.endkernel
"""


def print_runs(capfd: pytest.CaptureFixture[str], *more: str) -> tuple[int, list[str], str]:
    """Status, lines of standard output, and standard error of a kernel with a PRINT."""
    Path("k.dasm").write_text(PRINTING)
    status = main(["run", "k.dasm", "--functional", "--grid", "3", "--arg", "out=zeros:u4:2", *more])
    out, err = capfd.readouterr()
    return status, out.splitlines(), err


def test_prints_come_before_the_report_and_the_fault(capfd: pytest.CaptureFixture[str]) -> None:
    shown = [f"k.dasm:8 CTA {cta} warp 0: cta = {cta}" for cta in range(3)]
    status, lines, err = print_runs(capfd)
    assert (status, lines) == (3, shown)
    assert err.startswith("dstc-emu: out-of-bounds access of 4 bytes")
    status, lines, err = print_runs(capfd, "--grid", "2", "--out", "out=out.npy")
    assert (status, lines[:2], err) == (0, shown[:2], "")
    assert lines[2].startswith("k: 10 warp instructions")
    assert np.load("out.npy").tolist() == [0, 1]


PRINTED_ONE = "… the first is shown; in the launch warps came by a PRINT 2 times"


def test_prints_are_limited(capfd: pytest.CaptureFixture[str]) -> None:
    status, lines, _ = print_runs(capfd, "--grid", "2", "--print-limit", "1")
    assert (status, lines[:2]) == (0, ["k.dasm:8 CTA 0 warp 0: cta = 0", PRINTED_ONE])
    assert print_runs(capfd, "--grid", "2", "--print-limit", "0")[1][0].startswith("k: ")
    assert print_runs(capfd, "--print-limit", "-1")[::2] == (
        2,
        "dstc-emu run: the limit of PRINTs is 0 or more, not -1\n"
        "  usage: dstc-emu run [options] PROG; --help says more\n",
    )


def test_prints_go_beside_what_standard_output_takes(capfd: pytest.CaptureFixture[str]) -> None:
    _, lines, err = print_runs(capfd, "--grid", "2", "--log", "1.0", "--log-file", "-")
    assert len(lines) == 5
    assert err.splitlines() == [f"k.dasm:8 CTA {cta} warp 0: cta = {cta}" for cta in range(2)]


REFUSED = {
    "no warp": ("--log 1", "--log takes CTA.WARP, such as 0.1 or 2,0,1.3, not '1'"),
    "text": ("--log 0.x", "--log takes CTA.WARP"),
    "a CTA of text": ("--log a.0", "--log takes whole numbers"),
    "4 coordinates": ("--log 0,0,0,0.0", "--log takes 1 to 3 numbers, not 4"),
    "an unknown CTA": ("--log 3.0", "log 3.0: there is no such warp; CTAs are 0 to 2, warps 0 to 1"),
    "an unknown warp": ("--log 0.2", "log 0.2: there is no such warp; CTAs are 0 to 2, warps 0 to 1"),
    "a file without a log": ("--log-file w.log", "--log-file goes with --log CTA.WARP"),
    "a file used twice": ("--log 0.0 --log-file y.npy --out y=y.npy", "would be the log too"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    line, message = REFUSED[name]
    assert main([*SAXPY, *line.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert not Path("w.log").exists()
