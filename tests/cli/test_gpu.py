from pathlib import Path

import pytest

from dstc_isa.cli.emu import main
from dstc_isa.gpu import gpu_names
from dstc_isa.gpu.schema import is_optional, specs
from dstc_isa.isa.volta import VOLTA
from dstc_isa.studies import validation
from tests.cli.reports import facts


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gpu", "list"]) == 0
    shown = capsys.readouterr().out
    for name in gpu_names():
        assert name in shown


def test_show(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    assert main(["gpu", "show", "v100", "--set", "sm.count=7", "--json", str(report)]) == 0
    shown = capsys.readouterr().out
    assert "SET: set on the command line" in shown
    parameters = {p["key"]: p for p in facts(report)["parameters"]}
    assert set(parameters) >= {key for key in specs(VOLTA) if not is_optional(VOLTA, key)}
    assert (parameters["sm.count"]["value"], parameters["sm.count"]["source"]) == (7, "SET")
    assert parameters["dram.bandwidth_gb_s"]["unit"] == "GB/s"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["gpu", "show", "v10"], 2, "did you mean v100?"),
        (["gpu", "show", "v100", "--set", "x=1"], 2, "no parameter is called x"),
        (["spgemm", "--random", "32,32,32", "--gpu", "v10"], 2, "did you mean v100?"),
        (["spgemm", "--random", "32,32,32", "--set", "sm.count=0"], 2, "from 1 to 1024"),
        (["spgemm", "--random", "32,32,32", "--functional", "--gpu", "v100"], 2, "go with a timed run"),
        (["validate", "--only", "latencies"], 2, "there is no group latencies"),
    ],
)
def test_wrong_input(arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == status
    assert message in capsys.readouterr().err


def test_validate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    assert main(["validate", "--only", "wmma", "--json", str(report)]) == 0
    assert "2 of 2 within tolerance" in capsys.readouterr().out
    assert [check["group"] for check in facts(report)["checks"]] == ["wmma", "wmma"]


def test_a_value_beyond_its_tolerance_is_a_finding(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    far = validation.Check("wmma", "HMMA", "cycles", published=1, ours=2, tolerance=0.1, source="paper")
    monkeypatch.setattr(validation, "validate", lambda *_: iter([far]))
    assert main(["validate", "--only", "wmma"]) == 4
    assert "0 of 1 within tolerance" in capsys.readouterr().out


def test_json_of_a_timed_run(tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    assert main(["spgemm", "--random", "64,64,64", "--json", str(report), "--set", "sm.count=2"]) == 0
    timing = facts(report)["timing"]
    assert timing["cycles"] > 0
    assert timing["issue_slots"] + sum(timing["stalls"].values()) == timing["warp_cycles"]
    for reason, cycles in timing["stalls"].items():
        assert cycles == sum(i["stalls"].get(reason, 0) for i in timing["instructions"])
    assert timing["bound"]["cycles"] == max(timing["bounds"].values())
    assert main(["spgemm", "--random", "64,64,64", "--json", str(report), "--functional"]) == 0
    assert facts(report)["timing"] is None
