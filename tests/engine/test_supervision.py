"""A launch whose time is up stops and says where it spins; what is said of it changes nothing."""

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.engine import supervision
from dstc_isa.engine.compiled.workers import IN_ORDER
from dstc_isa.engine.launch import prepare
from dstc_isa.engine.run_options import RunOptions
from dstc_isa.engine.supervision import Supervisor, Survey, TimedOut
from dstc_isa.errors import DstcError, UsageError
from dstc_isa.timing.occupancy import occupancy
from dstc_isa.timing.run import execute
from dstc_isa.timing.sample import plan_sample
from tests.engine.kernels import program
from tests.engine.order import GPU, MODES

SECONDS = 0.5
HEAD = (
    ".kernel k\n.param .ptr x\n.reg.64 at\n S2R R1, SR_TID.X\n MOV R6, 4\n IMAD.WIDE.U32 at, R1, R6, x\n MOV R2, RZ\n"
)
COUNT = "l: IADD3 R2, R2, 1, RZ\n ISETP.GE.U32.AND P0, PT, R2, RZ, PT\n @P0 BRA l\n"
TAIL = " STG.E [at], R2\n EXIT\n.endkernel\n"
SPIN = HEAD + COUNT + TAIL
LONG = HEAD.replace("x\n.reg", "x\n.param .u32 n\n.reg") + COUNT.replace("GE.U32", "LT.U32").replace("RZ, PT", "n, PT")
LONG += TAIL
POLL = """.kernel k
.shared flag, 16
.param .ptr x
 S2R R1, SR_TID.X
 ISETP.LT.U32.AND P1, PT, R1, 96, PT
 @P1 BAR.SYNC 0
poll: LDS R3, [flag]
 IADD3 R2, R2, 1, RZ
 ISETP.EQ.U32.AND P0, PT, R3, RZ, PT
 @P0 BRA poll
 EXIT
.endkernel
"""


def words(count: int = 64) -> np.ndarray[Any, Any]:
    return np.zeros(count, np.uint32)


def run(text: str, grid: int, block: int, arguments: dict[str, Any], **options: Any) -> Any:
    made = program(text)
    gpu = options.pop("gpu")
    return execute(made, made.kernels[0], (grid,), (block,), arguments, gpu, RunOptions(**options))


def stopped(text: str, grid: int, block: int, **options: Any) -> TimedOut:
    """What is raised when the time is up."""
    with pytest.raises(TimedOut) as caught:
        run(text, grid, block, {"x": words()}, timeout=SECONDS, **options)
    assert isinstance(caught.value, DstcError)
    return caught.value


@pytest.mark.parametrize("mode", [name for name in MODES if not name.startswith("sampled")])
def test_a_loop_that_counts_for_ever_is_stopped_and_named(mode: str) -> None:
    before = threading.active_count()
    error = stopped(SPIN, 2, 64, **MODES[mode])
    assert threading.active_count() == before
    standing = error.standing
    assert (standing.kernel.name, standing.done, standing.total) == ("k", 0, 2)
    assert standing.cta in [(0, 0, 0), (1, 0, 0)]
    assert standing.warp in (0, 1)
    assert standing.pc is not None
    lines = [standing.kernel.locations[pc][0].line for pc in (standing.pc, *standing.of_late)]
    assert 8 <= lines[0] <= 10
    assert lines[1] <= 8
    assert lines[2] >= 10
    assert 0 < standing.issued <= standing.warp_instructions
    assert standing.rate > 0
    assert sum(count for _, count in standing.others) == 1
    message = str(error)
    assert message.startswith("time limit: the launch was stopped after 0.5 s")
    assert "\n  kernel k, 0 of 2 CTAs done, " in message
    assert f"at test.dasm:{lines[0]}" in message
    assert error.line.count("\n") == 0


@pytest.mark.parametrize("mode", ["reference", "functional, 1 thread", "timed, 2 threads"])
def test_warps_that_wait_are_told_from_the_one_that_polls(mode: str) -> None:
    standing = stopped(POLL, 1, 128, **MODES[mode]).standing
    assert (standing.cta, standing.warp) == ((0, 0, 0), 3)
    assert standing.others == (("waiting at test.dasm:6 for barrier 0", 3),)


@pytest.mark.parametrize("mode", ["functional, 2 threads", "timed, 2 threads"])
def test_a_run_in_order_is_stopped_too(mode: str) -> None:
    clash = SPIN.replace("MOV R2, RZ\n", "MOV R2, RZ\n STG.E [at], R2\n")
    assert stopped(clash, 8, 32, **MODES[mode]).standing.stage.startswith(IN_ORDER)


def test_a_cta_that_is_not_timed_is_stopped_too() -> None:
    text = HEAD + " S2R R7, SR_CTAID.X\n ISETP.NE.U32.AND P1, PT, R7, n, PT\n@P1 EXIT\n" + COUNT + TAIL
    text = text.replace("x\n.reg", "x\n.param .u32 n\n.reg")
    mode, grid = MODES["sampled, 2 threads"], 1000
    kernel = program(text).kernels[0]
    slots = occupancy(GPU, 1, kernel.registers, 0).ctas
    other = next(iter(plan_sample(mode["sample"], grid, GPU.sm.count, slots).others()))
    with pytest.raises(TimedOut) as caught:
        run(text, grid, 32, {"x": words(), "n": other}, timeout=SECONDS, **mode)
    standing = caught.value.standing
    assert standing.stage == "of those that are not timed"
    assert standing.cta == (other, 0, 0)
    assert standing.done >= standing.total // 2


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_what_is_told_of_a_long_run_changes_nothing(mode: str) -> None:
    count = 3000 if mode == "reference" else 30_000
    left = []
    for supervised in (False, True):
        lines: list[str] = []
        arguments = {"x": words(), "n": count}
        options = {"timeout": 3600.0, "heartbeat": 1e-4, "announce": lines.append} if supervised else {}
        execution, timing = run(LONG, 2, 64, arguments, **MODES[mode], **options)
        left.append((execution.issued.tolist(), None if timing is None else timing.cycles, arguments["x"].tolist()))
        told = [line for line in lines if line.startswith("kernel k has run for ")]
        assert bool(told) == supervised
    assert left[0] == left[1]
    assert left[0][2] == [count] * 64


def supervisor(monkeypatch: pytest.MonkeyPatch, clock: list[float], **options: Any) -> Supervisor:
    """One whose time is the clock's."""
    monkeypatch.setattr(supervision.time, "monotonic", lambda: clock[0])
    made = program(SPIN)
    launch = prepare(made, made.kernels[0], (1,), (32,), {"x": words(32)})
    found = Supervisor(launch, **options)
    found.watch(lambda: Survey(0, 1, np.zeros(len(made.kernels[0].words), np.int64)))
    return found


STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=30)


@given(STEPS, st.integers(1, 60), st.integers(1, 20))
def test_lines_and_the_end_come_when_a_clock_says_so(
    steps: list[tuple[bool, int]], timeout: int, heartbeat: int
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        clock, told = [1000.0], list[str]()
        watched = supervisor(monkeypatch, clock, timeout=timeout, heartbeat=heartbeat, announce=told.append)
        counted, beat, expected = 0, heartbeat, 0
        for is_paused, seconds in steps:
            if is_paused:
                with watched.paused():
                    clock[0] += seconds
                continue
            clock[0] += seconds
            counted += seconds
            if counted >= beat:
                expected, beat = expected + 1, counted + 2 * heartbeat
            assert watched.due() == (counted >= timeout)
            assert len(told) == expected
            times = [beat - counted] + ([timeout - counted] if counted < timeout else [])
            assert 0 <= watched.pause() <= min(times)


def test_a_supervisor_without_anything_to_say_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = supervisor(monkeypatch, [0.0])
    assert watched.pause() == supervision.LONGEST_PAUSE
    assert not watched.due()
    assert watched.standing().spin == "no CTA is open"


@pytest.mark.parametrize("name", ["timeout", "heartbeat"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "1"])
def test_a_time_that_is_none_is_refused(name: str, value: Any) -> None:
    for mode in ("reference", "timed, 1 thread"):
        with pytest.raises(UsageError, match=f"^{name} is a number of seconds above 0, not {value}$"):
            run(SPIN, 1, 32, {"x": words()}, **MODES[mode], **{name: value})
