"""``--timeout`` of every command that launches kernels, and what a command says of a run that goes on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dstc_isa.cli import network, run_options, sweep
from dstc_isa.cli.emu import main
from dstc_isa.engine.reference.reference_machine import ReferenceMachine
from dstc_isa.trace import run
from tests.cli.reports import document
from tests.cli.test_network import TABLE
from tests.cli.test_report import COMMANDS

SPIN = """.kernel spin
.param .ptr x
.reg.64 at
    S2R R1, SR_LANEID
    MOV R6, 4
    IMAD.WIDE.U32 at, R1, R6, x
    STG.E [at], R1
again:
    IADD3 R2, R2, 1, RZ
    BRA again
.endkernel
"""
RUN = ["run", "spin.dasm", "--arg", "x=zeros:u4:32"]
AT_ONCE = "1e-9"
"""A time that is up whenever it is asked for."""

LAUNCHING = ("run", "spgemm", "gemm", "conv", "network", "sweep")
SAID = "has run for "


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spin.dasm").write_text(SPIN)
    Path("net.toml").write_text(TABLE)


@pytest.mark.parametrize("mode", [[], ["--functional"], ["--reference"]])
def test_a_run_that_is_stopped_ends_like_a_fault(mode: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*RUN, *mode, "--timeout", "0.5", "--out", "x=x.npy", "--json", "r.json"]
    assert main(arguments) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "x.fault.npy: x as it was when the kernel stopped\n" in err
    assert "dstc-emu: time limit: the launch was stopped after 0.5 s" in err
    assert "\n  kernel spin, 0 of 1 CTAs done, " in err
    assert "of late from spin.dasm:9 to spin.dasm:10" in err
    report = document("r.json")
    assert report["status"] == "fault"
    assert report["message"].startswith("time limit: ")
    assert report["result"]["outputs"] == {"x": "x.fault.npy"}
    assert np.load("x.fault.npy").tolist() == list(range(32))
    assert not Path("x.npy").exists()


def test_a_log_without_end_is_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "--log", "0.0", "--log-file", "log", "--timeout", "0.5"]) == 3
    err = capsys.readouterr().err
    assert "dstc-emu: time limit: the launch was stopped after 0.5 s" in err
    assert "of late from spin.dasm:9 to spin.dasm:10" in err
    assert "\n  that was the run that shows PRINTs and logs, which is made before the launch\n" in err
    first, *_, last = Path("log").read_text().splitlines()
    assert first.startswith("0.0      1  0x0000  spin.dasm:4")
    assert last.startswith("cut short by the time limit of 0.5 s: 0 of 1 CTAs done, ")


def test_a_log_that_is_interrupted_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    step = ReferenceMachine.run_warp
    turns = iter(range(9))

    def interrupted(*given: Any) -> None:
        if next(turns, None) is None:
            raise KeyboardInterrupt
        step(*given)

    monkeypatch.setattr(ReferenceMachine, "run_warp", interrupted)
    assert main([*RUN, "--log", "0.0", "--log-file", "log"]) == 130
    lines = Path("log").read_text().splitlines()
    assert [line.split()[1] for line in lines[:-1]] == [str(count) for count in range(1, 10)]
    assert lines[-1] == "cut short by an interrupt"


def test_an_interrupt_before_the_first_line_leaves_the_old_log(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("log").write_text("old\n")

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "trace", interrupted)
    assert main([*RUN, "--log", "0.0", "--log-file", "log"]) == 130
    assert Path("log").read_text() == "old\n"


@pytest.mark.parametrize(
    "command",
    [
        ["spgemm", "--random", "512,512,512"],
        ["gemm", "--random", "512,512,512", "--functional"],
        ["conv", "--random", "4,16,32,32,16,3,3"],
    ],
)
def test_products_are_stopped(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """They are large enough not to be over before anyone looks at the time."""
    assert main([*command, "--timeout", AT_ONCE]) == 3
    assert "dstc-emu: time limit: the launch was stopped after 1e-09 s" in capsys.readouterr().err


def test_a_layer_that_is_stopped_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    command = [*COMMANDS["network"], "--layers", "fc"]
    assert main([*command, "--timeout", AT_ONCE]) == 3
    err = capsys.readouterr().err
    assert "dstc-emu: time limit: the launch was stopped after 1e-09 s" in err
    assert "\n  layer fc\n" in err
    assert main([*command, "--timeout", "3600"]) == 0


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_point_that_is_stopped_has_failed_and_the_others_go_on(jobs: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = [*COMMANDS["sweep"], "--jobs", jobs]
    assert main([*command, "--timeout", AT_ONCE]) == 3
    err = capsys.readouterr().err
    lines = [line for line in err.splitlines() if "failed: time limit of 1e-09 s: " in line]
    assert sorted(line[:4] for line in lines) == ["1/2 ", "2/2 "]
    assert "2 of 2 points failed" in err
    assert main(command) == 0


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
@pytest.mark.parametrize("command", LAUNCHING)
def test_a_limit_that_is_none_is_refused(command: str, seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*(RUN if command == "run" else COMMANDS[command]), "--timeout", seconds]
    try:
        status = main(arguments)
    except SystemExit as end:
        status = int(end.code or 0)
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert "--timeout" in err
    assert not Path("study").exists()
    assert not Path("points").exists()


@pytest.mark.parametrize("command", LAUNCHING)
def test_a_run_that_goes_on_says_so(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (run_options, network, sweep):
        monkeypatch.setattr(module, "HEARTBEAT", 1e-6)
    arguments = ["run", "store.dasm", "--arg", "x=zeros:u4:32"] if command == "run" else COMMANDS[command]
    Path("store.dasm").write_text(SPIN.replace("BRA again", "EXIT"))
    main([*arguments, "-q"])
    assert SAID not in capsys.readouterr().err
    if command in ("network", "sweep"):
        arguments = [*arguments[: arguments.index("-o") + 1], "again", *arguments[arguments.index("-o") + 2 :]]
    main(arguments)
    assert SAID in capsys.readouterr().err
