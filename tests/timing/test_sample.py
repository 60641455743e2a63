"""Samples of a grid: what is chosen, what is estimated, and that results stay whole."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.dense.gemm import gemm_dense
from dstc_isa.gpu import load_gpu
from dstc_isa.sparse.random_matrix import random_matrix
from dstc_isa.sparse.spgemm import spgemm
from dstc_isa.text.run_text import sample_line
from dstc_isa.timing.bounds import bounds
from dstc_isa.timing.result import Timing
from dstc_isa.timing.sample import SamplePlan, plan_sample, plan_whole, relative_error
from tests.timing.kernels import LOAD_OWN, gpu, timed

GRID, BLOCK = 1600, 64
BODY = [*LOAD_OWN, *["FFMA R6, R6, R6, R6", "IADD3 R7, R7, 1, RZ"] * 20, "STG.E [R4], R6"]
UNEVEN = [
    *LOAD_OWN,
    "LOP3.LUT R8, R1, 7, RZ, 0xc0",
    "IADD3 R8, R8, 1, RZ",
    "again: IADD3 R8, R8, -1, RZ",
    *["FFMA R6, R6, R6, R6"] * 5,
    "ISETP.GT.AND P0, PT, R8, 0, PT",
    "@P0 BRA again",
    "STG.E [R4], R6",
]
"""The work of a CTA depends on its number."""


def run(body: list[str], sample: float | None, *settings: str, **more: int) -> tuple[Timing, bytes]:
    x = np.arange(GRID * BLOCK, dtype=np.float32)
    machine = gpu("sm.count=32", "sm.ctas=4", *settings)
    timing = timed(body, machine=machine, grid=GRID, block=BLOCK, x=x, sample=sample, **more)
    return timing, x.tobytes()


@given(st.floats(0.001, 1), st.integers(1, 20_000), st.integers(1, 200), st.integers(1, 32))
def test_a_plan_takes_about_the_share_of_every_part_of_the_grid(share: float, total: int, sms: int, slots: int) -> None:
    sms = min(sms, total)
    found = plan_sample(share, total, sms, slots)
    assert sorted({*found.ctas}) == list(found.ctas)
    assert sorted([*found.ctas, *found.others()]) == list(range(total))
    assert len(found.ctas) == -(-total * found.sms // sms)
    assert found.sms >= min(sms, ceil(Fraction(str(share)) * sms))
    if len(found.ctas) < total:
        counts = np.histogram(list(found.ctas), bins=8, range=(0, total))[0]
        assert counts.min() > 0


@given(st.integers(1, 999), st.integers(1, 300), st.integers(1, 32))
def test_as_many_sms_are_timed_as_the_decimal_share_says(thousandths: int, sms: int, slots: int) -> None:
    found = plan_sample(thousandths / 1000, 1_000_000, sms, slots)
    wanted = max(min(8, sms // 2), 2, -(-thousandths * sms // 1000))
    assert found.sms == (wanted if wanted < sms else sms)


def test_small_grids_are_timed_whole() -> None:
    assert plan_sample(0.1, 10_000, 80, 4).sms == 8
    assert len(plan_sample(0.1, 400, 80, 4).ctas) == 400
    assert len(plan_sample(0.5, 1000, 1, 4).ctas) == 1000
    timing = timed(["NOP"], grid=3, sample=0.5)
    assert timing.sample is not None
    assert timing.sample.complete


@pytest.mark.parametrize(("body", "near"), [(BODY, 0.03), (UNEVEN, 0.05)], ids=["even", "uneven"])
@pytest.mark.parametrize("share", [0.5, 0.25])
def test_an_estimate_is_near_and_results_are_whole(body: list[str], near: float, share: float) -> None:
    full, expected = run(body, None)
    found, result = run(body, share)
    assert result == expected
    assert found.sample is not None
    assert (found.sample.ctas, found.sample.timed) == (GRID, GRID * share)
    assert found.cycles == pytest.approx(full.cycles, rel=near)
    assert found.sample.low <= found.cycles <= found.sample.high
    assert found.sample.low * (1 - near) <= full.cycles <= found.sample.high * (1 + near)
    np.testing.assert_array_equal(found.execution.issued, full.execution.issued)
    np.testing.assert_array_equal(found.execution.skipped, full.execution.skipped)


def test_counts_of_a_sample_agree_with_each_other_and_the_whole() -> None:
    full, _ = run(UNEVEN, None)
    found, _ = run(UNEVEN, 0.5)
    assert found.issue_slots + found.stalls.sum() == found.counters["warp_cycles"]
    assert found.counters["ctas_done"] == GRID
    assert found.sms == full.sms
    assert found.issue_slots == pytest.approx(full.issue_slots, rel=0.001)
    for name in ("stored", "wavefronts", "warp_cycles"):
        assert found.counters[name] == pytest.approx(full.counters[name], rel=0.05)
    known = {bound.resource: bound.cycles for bound in bounds(full)}
    for bound in bounds(found):
        assert bound.cycles <= found.cycles + 8
        assert bound.cycles == pytest.approx(known[bound.resource], rel=0.05, abs=8)


def test_a_share_of_one_is_the_full_run() -> None:
    full, expected = run(UNEVEN, None)
    found, result = run(UNEVEN, 1.0)
    assert result == expected
    assert found.cycles == full.cycles
    assert found.counters == full.counters
    np.testing.assert_array_equal(found.stalls, full.stalls)
    assert found.sample is not None
    assert (found.sample.low, found.sample.high) == (full.cycles, full.cycles)


def test_threads_change_nothing() -> None:
    one, two = (run(UNEVEN, 0.5, threads=threads)[0] for threads in (1, 2))
    assert (one.cycles, one.sample, one.counters) == (two.cycles, two.sample, two.counters)
    np.testing.assert_array_equal(one.stalls, two.stalls)


def test_products_of_matrices() -> None:
    # Of 36 CTAs an SM has nine. With four each, those that begin at once end at once, and a tie deals one SM a fifth.
    machine = load_gpu("v100-dstc", ["sm.count=4"])
    a, b = random_matrix(768, 96, 0.3, 1), random_matrix(96, 768, 0.5, 2)
    full, found = spgemm(a, b, gpu=machine), spgemm(a, b, gpu=machine, sample=0.5)
    assert found.c.tobytes() == full.c.tobytes()
    assert found.report.ohmma_issued == full.report.ohmma_issued
    assert found.report.run.timing is not None
    assert full.report.run.timing is not None
    assert found.report.run.timing.cycles == pytest.approx(full.report.run.timing.cycles, rel=0.05)
    dense = np.ones((640, 32), np.float16)
    sampled = gemm_dense(dense, dense.T, gpu=machine, sample=0.5)
    assert sampled.run.timing is not None
    assert sampled.run.timing.sample is not None
    assert not sampled.run.timing.sample.complete
    assert (sampled.c == 32).all()


@pytest.mark.parametrize("share", [0, -0.5, 1.01, float("nan")])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="more than 0 and at most 1"):
        timed(["NOP"], sample=share)


def test_a_sample_needs_time() -> None:
    with pytest.raises(ValueError, match="need a GPU"):
        spgemm(np.eye(4), np.eye(4), gpu=None, sample=0.5)


def test_the_interval_is_that_of_a_ratio() -> None:
    half = SamplePlan(np.arange(50), 100, 4, 8)
    even = np.array([[100, 10]] * 4)
    assert relative_error(even, half) == 0
    assert relative_error(even * np.array([[1], [2], [3], [4]]), half) == pytest.approx(0, abs=1e-12)
    cycles = np.array([90, 110, 95, 105])
    found = relative_error(np.stack([cycles, np.full(4, 10)], axis=1), half)
    assert found == pytest.approx(3.182446 * np.std(cycles, ddof=1) / 2 / 100 * 0.5**0.5, rel=1e-5)


def test_traffic_of_the_whole() -> None:
    part = SamplePlan(np.arange(50), 100, 4, 16)
    assert part.traffic(400, 400) == pytest.approx((1, 1600))
    assert part.traffic(400, 100) == pytest.approx((16, 100))
    assert part.traffic(400, 200) == pytest.approx((4, 400))
    assert plan_whole(100, 16).traffic(300, 100) == (3, 100)


RARE = [
    *LOAD_OWN,
    "S2R R8, SR_CTAID.X",
    "LOP3.LUT R8, R8, 511, RZ, 0xc0",
    "ISETP.NE.AND P0, PT, R8, 100, PT",
    "@P0 EXIT",
    "MOV R8, 3000",
    "again: IADD3 R8, R8, -1, RZ",
    "FFMA R6, R6, R6, R6",
    "ISETP.GT.AND P0, PT, R8, 0, PT",
    "@P0 BRA again",
]
"""One CTA in 512 has nearly all the work."""


@pytest.mark.parametrize("share", [0.5, 0.25])
def test_rare_long_ctas_are_told_and_in_the_interval(share: float) -> None:
    full, _ = run(RARE, None)
    found, _ = run(RARE, share)
    assert found.sample is not None
    assert found.sample.low <= full.cycles <= found.sample.high
    assert found.cycles >= max(found.sample.longest)
    if found.sample.longest[0] < found.sample.longest[1]:
        assert found.sample.uneven
        assert "time all CTAs" in sample_line(found.sample)


def test_even_ctas_are_not_called_uneven() -> None:
    for body in (BODY, UNEVEN):
        sample = run(body, 0.25)[0].sample
        assert sample is not None
        assert not sample.uneven
        assert "95 % interval" in sample_line(sample)
