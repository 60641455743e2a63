"""One form of report for every command, on a file or on standard output, also after a fault."""

import io
import json
import pkgutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import jsonschema
import numpy as np
import pytest

import dstc_isa
from dstc_isa.cli.emu import main
from dstc_isa.network import device
from dstc_isa.network.device import Device
from dstc_isa.studies import sweep
from tests.cli.reports import SCHEMA, VALIDATOR, document
from tests.cli.test_network import TABLE
from tests.network.fakes import convolve

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


PRODUCTS = {
    "spgemm": ("sparse.spgemm.spgemm", {"m": 40, "n": 33, "k": 20}, ["spgemm", "--random", "40,33,20"]),
    "underflow": ("sparse.spgemm.spgemm", {"m": 2, "n": 2, "k": 2}, ["spgemm", "small.npy", "small.npy"]),
    "nothing": ("sparse.spgemm.spgemm", {"m": 0, "n": 3, "k": 2}, ["spgemm", "--random", "0,3,2"]),
    "gemm": ("dense.gemm.gemm_dense", {"m": 9, "n": 8, "k": 7}, ["gemm", "--random", "9,8,7"]),
    "gemm_sparse24": (
        "dense.structured.gemm_sparse24",
        {"m": 9, "n": 8, "k": 7},
        ["gemm", "--random", "9,8,7", "--kernel", "gemm_sparse24", "--prune24"],
    ),
    "conv": (
        "conv.conv2d.conv2d",
        {"input": [1, 2, 5, 5], "weights": [4, 2, 3, 3], "output": [1, 4, 3, 3]},
        ["conv", "--random", "1,2,5,5,4,3,3"],
    ),
    "functional": (
        "conv.conv2d.conv2d",
        {"input": [1, 2, 5, 5], "weights": [4, 2, 3, 3], "output": [1, 4, 3, 3]},
        ["conv", "--random", "1,2,5,5,4,3,3", "--functional"],
    ),
}


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_result_of_python_tells_what_the_command_tells(
    product: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save("small.npy", np.array([[1, 1e-30], [0, 2]]))
    name, sizes, arguments = PRODUCTS[product]
    results: list[Any] = []
    multiply = pkgutil.resolve_name(f"dstc_isa.{name}")

    def kept(*operands: Any, **options: Any) -> Any:
        results.append(multiply(*operands, **options))
        return results[-1]

    monkeypatch.setattr(f"dstc_isa.{name}", kept)
    assert main([*arguments, "--json", "r.json"]) == 0
    (result,) = results
    assert capsys.readouterr().out == f"{result.report}\n"
    told = result.to_dict()
    VALIDATOR.validate(told)
    assert {key: told["result"][key] for key in sizes} == sizes
    of_command = document("r.json")
    assert {**told["result"], "verification": None} == of_command["result"]
    assert told["launches"] == of_command["launches"]
    assert told["command"] == of_command["command"]


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
    assert "x.fault.npy: x as it was when the kernel stopped\n" in capsys.readouterr().err


def fault(*operands: Any, **options: Any) -> NoReturn:
    """In place of a kernel's launch: a kernel that stores behind the end of an array."""
    dstc_isa.run("store.dasm", gpu=None, x=np.zeros(8, np.uint32), reach=4)
    raise AssertionError("no fault")


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("spgemm", "dstc_isa.sparse.spgemm.spgemm"),
        ("gemm", "dstc_isa.dense.gemm.gemm_dense"),
        ("conv", "dstc_isa.conv.conv2d.conv2d"),
    ],
)
def test_a_product_that_faults_has_a_report_and_no_result(
    command: str, place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(place, fault)
    Path("c.npy").write_bytes(b"earlier")
    assert main([*COMMANDS[command], "--json", "r.json", "-o", "c.npy"]) == 3
    report = document("r.json")
    assert (report["status"], report["launches"], report["result"]) == ("fault", [], {})
    assert "kernel store" in report["message"]
    assert report["seeds"].keys() == ({"x", "w"} if command == "conv" else {"a", "b"})
    assert report["message"] in capsys.readouterr().err
    assert Path("c.npy").read_bytes() == b"earlier"
    assert {path.name for path in Path().iterdir()} == {"c.npy", "r.json", "store.dasm", "net.toml"}


def test_a_network_that_faults_keeps_its_layers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def with_fault(**options: Any) -> Device:
        return Device(**options, dense_convolution=convolve, sparse_convolution=convolve, dense_product=fault)

    monkeypatch.setattr(device, "Device", with_fault)
    assert main([*COMMANDS["network"], "--json", "r.json"]) == 3
    report = document("r.json")
    assert report["status"] == "fault"
    assert [layer["layer"] for layer in report["result"]["layers"]] == ["conv1"]
    assert report["message"].startswith("out-of-bounds access")
    assert report["message"].endswith("\nlayer fc")
    err = capsys.readouterr().err
    assert "kernel store" in err
    assert "layer fc" in err
    assert {path.name for path in Path("study").iterdir()} == {".lock", "layers.csv", "layers.jsonl", "study.json"}


def test_a_sweep_with_a_fault_runs_its_other_points(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sweep.KERNELS, "faulty", sweep.SweptKernel(fault, by_a=True, by_b=True))
    assert main([*COMMANDS["sweep"], "--kernel", "faulty,gemm_dense", "--json", "r.json"]) == 3
    report = document("r.json")
    assert report["status"] == "fault"
    assert [row["kernel"] for row in report["result"]["rows"]] == ["gemm_dense"]
    assert report["message"].startswith("1 of 2 points failed\nfaulty, A 0.5, B 0.5: out-of-bounds access")
    assert "kernel store" in report["message"]
    assert "kernel store" in capsys.readouterr().err


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
