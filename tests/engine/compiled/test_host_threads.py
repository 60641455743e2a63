"""Host threads of a launch end together: by themselves, at an interrupt, or when the time is up."""

import os
import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest

from dstc_isa.engine.compiled.host_threads import run_threads
from dstc_isa.engine.launch import prepare
from dstc_isa.engine.launch_records import LAUNCH, WORKER
from dstc_isa.engine.supervision import Supervisor, Survey, TimedOut
from dstc_isa.program import Kernel, Program
from tests.engine.build import build


@pytest.fixture
def interrupts() -> Iterator[None]:
    """SIGINT is KeyboardInterrupt, also where a shell has started the tests in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_an_interrupt_is_raised_when_all_threads_have_ended() -> None:
    launch = LAUNCH.new()
    workers = [WORKER.new() for _ in range(3)]
    ended = []

    def work(address: int) -> None:
        first = address == workers[0].ctypes.data
        if first:
            time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGINT)
        while not launch["cancelled"]:
            time.sleep(0.001)
        time.sleep(0.2 if first else 0)
        ended.append(address)

    with pytest.raises(KeyboardInterrupt):
        run_threads(work, [worker.ctypes.data for worker in workers], launch)
    assert sorted(ended) == sorted(worker.ctypes.data for worker in workers)


def supervised(done: int, total: int) -> Supervisor:
    """A supervisor of a launch of which so many CTAs are done, and whose time is up at once."""
    kernel = Kernel("k", (build("EXIT"),))
    supervisor = Supervisor(prepare(Program((kernel,)), kernel, (total,), (32,), {}), timeout=1e-3)
    supervisor.watch(lambda: Survey(done, total, np.zeros(1, np.int64)))
    return supervisor


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("seconds", [0.0, 0.05], ids=["noticed at the end", "noticed on the way"])
def test_time_that_is_up_when_all_is_done_was_enough(threads: int, seconds: float) -> None:
    launch, supervisor = LAUNCH.new(), supervised(4, 4)
    time.sleep(0.002)
    run_threads(lambda _: time.sleep(seconds), range(threads), launch, supervisor)
    assert not launch["cancelled"]
    supervisor.watch(lambda: Survey(0, 2, np.zeros(1, np.int64)))
    with pytest.raises(TimedOut):
        run_threads(lambda _: None, range(threads), launch, supervisor)


@pytest.mark.parametrize("seconds", [0.0, 0.05], ids=["noticed at the end", "noticed on the way"])
def test_a_launch_whose_time_is_up_before_all_is_done_is_stopped(seconds: float) -> None:
    launch, supervisor = LAUNCH.new(), supervised(3, 4)
    time.sleep(0.002)
    with pytest.raises(TimedOut, match="3 of 4 CTAs done"):
        run_threads(lambda _: time.sleep(seconds), range(2), launch, supervisor)
    assert launch["cancelled"]
