"""One form of report for every command, on a file or on standard output, also after a fault."""

import io
import json
import sys
from importlib.metadata import version
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import dstc_isa
from dstc_isa.cli.emu import main
from tests.cli.reports import SCHEMA, VALIDATOR, document
from tests.cli.test_network import TABLE

STORE = """.kernel store
.param .ptr x
.param .u32 reach
.reg.64 at
.reg lane, size
    S2R lane, SR_LANEID
    MOV size, reach
    IMAD.WIDE.U32 at, lane, size, x
    STG.E [at], lane
    EXIT
.endkernel
"""
RUN = ["run", "store.dasm", "--arg", "x=zeros:u4:32"]
COMMANDS = {
    "run": [*RUN, "--arg", "reach=4", "--grid", "2,3", "--set", "sm.count=7"],
    "spgemm": ["spgemm", "--random", "40,33,20", "--seed", "5", "--verify"],
    "gemm": ["gemm", "--random", "16,16,16", "--functional"],
    "conv": ["conv", "--random", "1,2,5,5,4,3,3", "--check-hazards"],
    "network": ["network", "net.toml", "-o", "study", "--no-plots", "--seed", "3"],
    "sweep": ["sweep", "spgemm", "--m", "32", "--n", "32", "--k", "32", "-o", "points", "--no-plots"],
    "validate": ["validate", "--only", "wmma"],
    "gpu": ["gpu", "show", "v100", "--set", "sm.count=7"],
}


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("store.dasm").write_text(STORE)
    Path("net.toml").write_text(TABLE)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_one_form(command: str) -> None:
    arguments = [*COMMANDS[command], "--json", "r.json"]
    assert main(arguments) == 0
    report = document("r.json")
    assert report["tool"] == {"name": "dstc-isa", "version": version("dstc-isa")}
    assert report["command"] == command
    assert report["command_line"] == ["dstc-emu", *arguments]
    assert (report["status"], report["message"]) == ("done", None)


def test_what_was_run_is_told() -> None:
    assert main([*COMMANDS["run"], "--json", "r.json", "--out", "x=x.npy"]) == 0
    report = document("r.json")
    assert report["gpu"] == {"name": "v100-dstc", "settings": {"sm.count": 7}}
    (launch,) = report["launches"]
    assert (launch["kernel"], launch["grid"], launch["block"]) == ("store", [2, 3, 1], [32, 1, 1])
    assert report["result"]["outputs"] == {"x": "x.npy"}
    assert main([*COMMANDS["spgemm"], "--json", "r.json"]) == 0
    report = document("r.json")
    assert report["seeds"] == {"a": 5, "b": 6}
    assert report["result"]["verification"] is not None
    assert main([*COMMANDS["gemm"], "--json", "r.json"]) == 0
    assert document("r.json")["gpu"] is None


def test_a_fault_is_told_in_the_report_and_beside_the_arrays(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("x.npy", np.full(8, 7, np.uint32))
    before = Path("x.npy").read_bytes()
    assert main(["run", "store.dasm", "--arg", "x=@x.npy", "--arg", "reach=4", "--out", "x=x.npy", "--json", "r"]) == 3
    report = document("r")
    assert report["status"] == "fault"
    assert report["message"].startswith("out-of-bounds access of 4 bytes at 0x")
    assert report["launches"] == []
    assert report["result"]["outputs"] == {"x": "x.fault.npy"}
    assert Path("x.npy").read_bytes() == before
    assert np.load("x.fault.npy").shape == (8,)
    assert "x.fault.npy: x as it was when the kernel faulted\n" in capsys.readouterr().err


def test_a_finding_is_told() -> None:
    Path("hazard.dasm").write_text(
        ".kernel k\n    MOV R1, 3\n    B------:R-:W-:-:S02 FFMA R0, R1, R1, R1\n    IADD3 R2, R0, R0, RZ\n"
        "    STS [RZ], R2\n    EXIT\n.shared cell, 16\n.endkernel\n"
    )
    assert main(["run", "hazard.dasm", "--check-hazards", "--json", "r.json"]) == 4
    assert document("r.json")["status"] == "finding"


@pytest.mark.parametrize("arguments", [[*RUN, "--arg", "reach=4", "--print", "x[0:2]"], COMMANDS["spgemm"]])
def test_standard_output_has_the_report_alone(arguments: list[str], capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main([*arguments, "--json", "-"]) == 0
    out, err = capfdbinary.readouterr()
    VALIDATOR.validate(json.loads(out))
    assert (b"x[0:2] =\n[0 1]\n" in err) == (arguments[0] == "run")
    assert not Path("-").exists()


def test_an_array_goes_to_a_pipe_and_to_no_terminal(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([*RUN, "--arg", "reach=4", "--out", "x=-"]) == 0
    np.testing.assert_array_equal(np.load(io.BytesIO(capfdbinary.readouterr().out)), np.arange(32))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main([*RUN, "--arg", "reach=4", "--out", "x=-"]) == 2
    assert b"standard output is a terminal" in capfdbinary.readouterr().err


def test_two_things_on_standard_output_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*RUN, "--arg", "reach=4", "--out", "x=-", "--json", "-"])
    assert stop.value.code == 2
    assert "2 things would go to standard output (-)" in capsys.readouterr().err


def test_results_in_python_have_the_same_form() -> None:
    a = np.eye(32, dtype=np.float32)
    x, w = np.ones((1, 1, 4, 4), np.float32), np.ones((1, 1, 3, 3), np.float32)
    results = (
        dstc_isa.run("store.dasm", grid=2, gpu=None, x=np.zeros(32, np.uint32), reach=4),
        dstc_isa.spgemm(a, a),
        dstc_isa.gemm_dense(a, a, gpu=None),
        dstc_isa.conv2d(x, w, gpu=None),
    )
    for result, command in zip(results, ("run", "spgemm", "gemm", "conv"), strict=True):
        report = json.loads(json.dumps(result.to_dict()))
        VALIDATOR.validate(report)
        assert (report["command"], report["command_line"]) == (command, None)
