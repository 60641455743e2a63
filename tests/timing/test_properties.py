"""What must hold of every timed run, on generated kernels and random configurations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.gpu import DEFAULT_GPU, Gpu, load_gpu
from dstc_isa.sparse.random_matrix import random_matrix
from dstc_isa.sparse.spgemm import spgemm
from dstc_isa.timing.bounds import bounds
from dstc_isa.timing.result import Timing
from tests.timing.kernels import LOAD_OWN, timed

SETTINGS = {
    "sm.count": st.integers(1, 90),
    "sm.subcores": st.sampled_from([1, 2, 4]),
    "sm.ctas": st.integers(1, 32),
    "scheduler.policy": st.sampled_from(["gto", "lrr"]),
    "sm.cta_launch_cycles": st.integers(0, 500),
    "pipes.ALU.initiation": st.integers(1, 4),
    "pipes.OHMMA.initiation": st.integers(1, 4),
    "pipes.FMA.latency": st.integers(1, 14),
    "shared.latency": st.integers(1, 100),
    "shared.queue": st.integers(1, 64),
    "l1.latency": st.integers(1, 200),
    "l2.bandwidth": st.integers(64, 4096),
    "l2.port_bandwidth": st.integers(4, 256),
    "dram.bandwidth_gb_s": st.floats(10, 2000),
    "barrier.latency": st.integers(0, 100),
    "accumulation_buffer.banks": st.sampled_from([1, 2, 4, 8, 16, 32]),
    "accumulation_buffer.window": st.integers(0, 16),
    "accumulation_buffer.tiles": st.integers(1, 8),
    "accumulation_buffer.skipped": st.sampled_from(["none", "slot"]),
    "model.epoch_cycles": st.sampled_from([64, 512, 4096]),
}
GPUS = st.dictionaries(st.sampled_from(sorted(SETTINGS)), st.none(), max_size=6).flatmap(
    lambda keys: st.fixed_dictionaries({key: SETTINGS[key] for key in keys})
)


LAST = 8
"""Cycles that the last instruction may hold its port beyond the kernel's end."""


def configured(values: dict[str, object]) -> Gpu:
    return load_gpu(DEFAULT_GPU, [f"{key}={value}" for key, value in values.items()])


def check(timing: Timing) -> None:
    """Stall reasons and issues add up, and no bound is beaten."""
    assert timing.stalls.min() >= 0
    assert timing.issue_slots + timing.stalls.sum() == timing.counters["warp_cycles"]
    for bound in bounds(timing):
        assert bound.cycles <= timing.cycles + LAST, (bound, timing.cycles)


A, B = random_matrix(150, 70, 0.3, 1), random_matrix(70, 130, 0.5, 2)
EXPECTED = spgemm(A, B, gpu=None).c


@settings(max_examples=40)
@given(GPUS)
def test_no_parameter_changes_a_result(values: dict[str, object]) -> None:
    result = spgemm(A, B, gpu=configured(values))
    assert result.c.tobytes() == EXPECTED.tobytes()
    timing = result.report.run.timing
    assert timing is not None
    assert sum(timing.stalls.values()) + timing.issue_slots == timing.warp_cycles
    for bound in timing.bounds:
        assert bound.cycles <= timing.cycles + LAST, bound
    for instruction in timing.instructions:
        assert instruction.stalled == 0 or instruction.issued > 0


OPERATIONS = st.sampled_from(
    [
        "FFMA R{a}, R{b}, R{c}, R{a}",
        "IADD3 R{a}, R{b}, R{c}, RZ",
        "POPC R{a}, R{b}",
        "LDS R{a}, [R20]",
        "STS [R20], R{a}",
        "LDG.E R{a}, [R22]",
        "BAR.SYNC 0",
        "SHFL.BFLY PT, R{a}, R{b}, 1, 0x1f",
        "OHMMA.8161.F32 R40, R{a}.H0, R{b}.H0, R{c}, 0, 0",
        "HMMA.884.F32.F32.STEP0 R10, R12.ROW, R14.COL, R16",
    ]
)
LINES = st.builds(lambda t, a, b, c: t.format(a=a, b=b, c=c), OPERATIONS, *[st.integers(0, 7)] * 3)
START = [
    ".shared cells, 4096, 128",
    "S2R R20, SR_TID.X",
    "MOV R21, 4",
    "IMAD.WIDE.U32 R22, R20, R21, x",
    "SHF.L.U32 R20, R20, 2, RZ",
]


@settings(max_examples=60)
@given(st.lists(LINES, min_size=1, max_size=30), GPUS, st.integers(1, 6), st.sampled_from([32, 128, 160]))
def test_generated_kernels(body: list[str], values: dict[str, object], grid: int, block: int) -> None:
    x = np.arange(1024, dtype=np.uint32)
    runs = [
        timed([*START, *body], machine=configured(values), grid=grid, block=block, threads=threads, x=x)
        for threads in (1, 2)
    ]
    check(runs[0])
    assert runs[0].cycles == runs[1].cycles
    np.testing.assert_array_equal(runs[0].stalls, runs[1].stalls)
    assert runs[0].counters == runs[1].counters


@pytest.mark.parametrize("setting", ["sm.count", "dram.bandwidth_gb_s", "l2.bandwidth"])
def test_more_hardware_is_not_slower(setting: str) -> None:
    x = np.zeros(1 << 16, np.uint32)
    body = [
        *LOAD_OWN,
        *["FFMA R6, R6, R6, R6"] * 20,
        "STG.E [R4], R6",
    ]
    found = [timed(body, f"{setting}={value}", grid=256, block=256, x=x).cycles for value in (4, 40, 400)]
    assert found == sorted(found, reverse=True)
