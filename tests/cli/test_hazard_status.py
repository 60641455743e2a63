"""Hazards decide a command's exit status, whichever launch has them; no kernel is run here."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dstc_isa.cli.emu import main
from dstc_isa.cli.output import hazard_status
from dstc_isa.cli.products import verified_status
from dstc_isa.cli.status import Status
from dstc_isa.conv import conv2d as conv2d_module
from dstc_isa.dense import gemm as gemm_module
from dstc_isa.report.hazards import HazardReport
from dstc_isa.report.statistics import RunStatistics
from dstc_isa.sparse import spgemm as spgemm_module
from tests.report.test_headline import launch

HAZARD = HazardReport("k.dasm:4", "k.dasm:3", "RAW", "R0", "RAW hazard: IADD3 reads R0", "a wait", 2, 0, 0, 7)


def run(*hazards: HazardReport) -> RunStatistics:
    return RunStatistics("k", 0, 0.1, 1, {}, {}, launch(hazards=[*hazards], warp_cycles=0))


@pytest.mark.parametrize(
    ("ran", "status"),
    [
        (RunStatistics("k", 0, 0.1, 1, {}, {}), Status.DONE),
        (RunStatistics("k", 0, 0.1, 1, {}, {}, launch()), Status.DONE),
        (run(), Status.DONE),
        (run(HAZARD), Status.FINDING),
    ],
)
def test_a_hazard_is_a_finding(ran: RunStatistics, status: Status, capsys: pytest.CaptureFixture[str]) -> None:
    assert hazard_status(ran) is status
    assert ("RAW hazard: IADD3 reads R0" in capsys.readouterr().err) == (status is Status.FINDING)


@pytest.mark.parametrize("status", [Status.DONE, Status.FINDING])
@pytest.mark.parametrize("verdict", [None, SimpleNamespace(wrong=0), SimpleNamespace(wrong=1)])
def test_a_right_result_hides_no_hazard(status: Status, verdict: Any) -> None:
    wrong = verdict is not None and verdict.wrong
    assert verified_status(verdict, status) == (Status.FINDING if wrong else status)


@pytest.mark.parametrize(("command", "sizes"), [("spgemm", "9,8,7"), ("gemm", "9,8,7"), ("conv", "1,4,6,6,3,3,3")])
@pytest.mark.parametrize("hasty", [[], [0], [1], [0, 1]])
def test_a_command_tells_the_hazards_of_its_launches(
    command: str, sizes: str, hasty: list[int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launches = [run(HAZARD) if number in hasty else run() for number in range(2 if command == "conv" else 1)]
    report = SimpleNamespace(run=launches[0], headed_run=launches[0], as_json=dict, warning="")
    outcome = SimpleNamespace(
        c=np.zeros((9, 7)), y=np.zeros((1, 3, 4, 4)), run=launches[0], launches=launches, as_json=dict, warning=""
    )
    outcome.report = report if command == "spgemm" else launches[0]
    module, name = {
        "spgemm": (spgemm_module, "spgemm"),
        "gemm": (gemm_module, "gemm_dense"),
        "conv": (conv2d_module, "conv2d"),
    }[command]
    monkeypatch.setattr(module, name, lambda *operands, **options: outcome)
    found = sum(bool(launched.timing and launched.timing.hazards) for launched in launches)
    assert main([command, "--random", sizes, "--check-hazards"]) == (Status.FINDING if found else Status.DONE)
    assert capsys.readouterr().err.count("RAW hazard: ") == found
