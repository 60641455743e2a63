from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dstc_isa.dense.gemm import gemm_dense
from dstc_isa.gpu import GpuError, load_gpu
from dstc_isa.sparse.random_matrix import random_matrix
from dstc_isa.sparse.spgemm import spgemm
from dstc_isa.studies import sweep as study
from dstc_isa.studies.claim import JournalError
from dstc_isa.studies.point import Point, PointRow
from dstc_isa.studies.sweep import Failure, PointError, StudyError, SweepProgress, SweptKernel, sweep
from tests.studies.rows import check_directory

SIZES = (48, 32, 64)


class Listener(SweepProgress):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.plan = (0, 0)
        self.run: list[str] = []
        self.outcomes: list[PointRow | Failure] = []

    def planned(self, points: int, kept: int) -> None:
        self.plan = (points, kept)

    def begun(self, point: Point) -> None:
        self.run.append(point.label)

    def ended(self, point: Point, outcome: PointRow | Failure) -> None:
        self.outcomes.append(outcome)


def figures(rows: list[PointRow]) -> dict[Any, PointRow]:
    """Rows by point, without what differs from run to run."""
    return {each.key: attrs.evolve(each, host_seconds=0.0) for each in rows}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[PointRow]]:
    """A study of three points."""
    directory = tmp_path_factory.mktemp("whole")
    return directory, list(sweep(*SIZES, densities_a=(1, 0.5), directory=directory))


def test_rows_have_what_the_kernels_report(whole: tuple[Path, list[PointRow]]) -> None:
    m, n, k = SIZES
    dense, full, half = whole[1]
    b = random_matrix(k, n, 0.5, 1)
    for row, density in ((full, 1.0), (half, 0.5)):
        a = random_matrix(m, k, density, 0)
        report = spgemm(a, b).report
        timing = report.run.timing
        assert timing is not None
        assert (row.kernel, row.density_a, row.density_b) == ("spgemm", density, 0.5)
        assert (row.measured_density_a, row.measured_density_b) == (report.density_a, report.density_b)
        assert (row.cycles, row.time_us, row.issue_slots) == (timing.cycles, timing.microseconds, timing.issue_slots)
        assert (row.warp_instructions, row.ohmma_issued) == (report.run.warp_instructions, report.ohmma_issued)
        assert row.bounds == {bound.resource: bound.cycles for bound in timing.bounds}
        assert row.bound_cycles == max(row.bounds.values()) == row.bounds[row.bound]
        assert row.share_of_bound == row.bound_cycles / row.cycles
        waits = {name: cycles for name, cycles in timing.stalls.items() if name != "not_selected"}
        assert waits[row.stall] == max(waits.values())
        assert row.stall_share == waits[row.stall] / timing.warp_cycles
        assert row.dram_bytes == timing.dram_bytes
        assert row.speedup == dense.time_us / row.time_us
    timing = gemm_dense(np.ones((m, k)), np.ones((k, n))).run.timing
    assert timing is not None
    assert (dense.kernel, dense.density_a, dense.density_b) == ("gemm_dense", None, None)
    assert (dense.cycles, dense.ohmma_issued, dense.speedup) == (timing.cycles, 0, 1.0)


def test_processes_find_the_same(whole: tuple[Path, list[PointRow]], tmp_path: Path) -> None:
    listener = Listener()
    found = list(sweep(*SIZES, densities_a=(1, 0.5), directory=tmp_path, jobs=2, watch=listener))
    again = list(sweep(*SIZES, densities_a=(1, 0.5), directory=tmp_path, jobs=2))
    assert figures(again) == figures(whole[1])
    assert {each.key for each in found} == set(figures(again))
    assert len(listener.run) == len(listener.outcomes) == 3
    check_directory(tmp_path)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_goes_on_where_it_was_cut_off(
    whole: tuple[Path, list[PointRow]], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("cut")
    text = (whole[0] / "points.jsonl").read_bytes()
    (directory / "study.json").write_bytes((whole[0] / "study.json").read_bytes())
    left = data.draw(st.integers(0, len(text)), "bytes left")
    (directory / "points.jsonl").write_bytes(text[:left])
    listener = Listener()
    found = list(sweep(*SIZES, densities_a=(1, 0.5), directory=directory, watch=listener))
    kept = text[: left + 1].count(b"\n")
    assert listener.plan == (3, kept)
    assert listener.run == [each.label for each in whole[1][kept:]]
    assert figures(found) == figures(whole[1])
    check_directory(directory)


def test_a_study_grows(whole: tuple[Path, list[PointRow]], tmp_path: Path) -> None:
    vary = {"accumulation_buffer.banks": ["4", "16"], "scheduler.policy": ["lrr"]}
    first, second = Listener(), Listener()
    list(sweep(*SIZES, kernels=["spgemm"], directory=tmp_path, vary=vary, watch=first))
    rows = list(sweep(*SIZES, directory=tmp_path, vary=vary, watch=second))
    assert (first.plan, second.plan) == ((2, 0), (4, 2))
    assert second.run == [f"gemm_dense, accumulation_buffer.banks={n}, scheduler.policy=lrr" for n in (4, 16)]
    assert {each.overrides["accumulation_buffer.banks"] for each in rows} == {4, 16}
    assert all(each["speedup"] for each in check_directory(tmp_path))


def test_parameters_take_effect() -> None:
    vary = {"dram.bandwidth_gb_s": ["9", "900"]}
    slow, fast = sweep(*SIZES, kernels=["spgemm"], settings=["sm.count=2"], vary=vary)
    assert slow.overrides == {"sm.count": 2, "dram.bandwidth_gb_s": 9.0}
    assert slow.cycles > fast.cycles
    timing = spgemm(random_matrix(48, 64, 0.5, 0), random_matrix(64, 32, 0.5, 1), gpu=load_gpu(settings=["sm.count=2"]))
    assert timing.report.run.timing is not None
    assert fast.cycles == timing.report.run.timing.cycles


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "seed is 0 there and 1 here"),
        ({"settings": ["sm.count=40"]}, "sm.count is 80 there and 40 here"),
        ({"gpu": "v100"}, "gpu is v100-dstc there and v100 here"),
    ],
)
def test_another_study_is_refused(whole: tuple[Path, list[PointRow]], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(JournalError, match=message):
        next(sweep(*SIZES, directory=whole[0], **changes))


def test_another_model_is_refused(whole: tuple[Path, list[PointRow]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "model_digest", lambda: "0123")
    with pytest.raises(JournalError, match=r"model is [0-9a-f]{16} there and 0123 here"):
        next(sweep(*SIZES, directory=whole[0]))


def failing(error: Exception) -> Callable[..., Any]:
    def multiply(*matrices: Any, **options: Any) -> Any:
        raise error

    return multiply


def test_a_failed_point_does_not_end_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(study.KERNELS, "refused", SweptKernel(failing(ValueError("no room")), False, True))
    monkeypatch.setitem(study.KERNELS, "broken", SweptKernel(failing(MemoryError("none left")), False, False))
    listener, rows = Listener(), []
    found = sweep(*SIZES, kernels=["refused", "broken", "spgemm"], directory=tmp_path, watch=listener)
    with pytest.raises(PointError, match="2 of 3 points failed") as caught:
        rows.extend(found)
    assert caught.value.__notes__ == ["broken: MemoryError: none left", "refused, B 0.5: no room"]
    assert [row.kernel for row in rows] == ["spgemm"]
    assert listener.outcomes[:2] == [Failure("MemoryError: none left"), Failure("no room")]
    assert len(check_directory(tmp_path)) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"m": 0}, "m is 1 to 2147483647, not 0"),
        ({"k": 1 << 31}, "k is 1 to"),
        ({"seed": -1}, "seed is 0 or more"),
        ({"densities_a": (0.5, 1.5)}, "density of A is a fraction from 0 to 1, not 1.5"),
        ({"densities_b": (float("nan"),)}, "density of B is a fraction from 0 to 1, not nan"),
        ({"densities_b": ()}, "there are no densities of B"),
        ({"densities_a": (0.5, 1, 0.5)}, "0.5 is twice among the densities of A"),
        ({"kernels": ["spgem"]}, "no kernel to sweep is called 'spgem'; did you mean spgemm?"),
        ({"kernels": ["x"]}, "there is spgemm, spgemm_seq, gemm_sparse24, gemm_dense"),
        ({"kernels": ["spgemm", "spgemm"]}, "spgemm is twice among the kernels"),
        ({"settings": ["sm.count=4"], "vary": {"sm.count": ["2"]}}, "sm.count is both set and varied"),
        ({"vary": {"sm.count": ["2", "2"]}}, "2 is twice among the values of sm.count"),
        ({"vary": {"dram.bandwidth_gb_s": ["2", "2.0"]}}, "are the same number"),
        ({"jobs": 0}, "jobs is 1 to 256, not 0"),
    ],
)
def test_wrong_studies(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    given = {"m": 32, "n": 32, "k": 32, "directory": tmp_path / "new"} | changes
    with pytest.raises(StudyError) as caught:
        next(sweep(**given))
    assert message in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_wrong_parameters(tmp_path: Path) -> None:
    for vary in ({"sm.cuont": ["1"]}, {"sm.count": ["1", "0"]}):
        with pytest.raises(GpuError):
            next(sweep(32, 32, 32, vary=vary, directory=tmp_path / "new"))
    assert not (tmp_path / "new").exists()
