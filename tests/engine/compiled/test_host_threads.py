import os
import signal
import time
from collections.abc import Iterator

import pytest

from dstc_isa.engine.compiled.host_threads import run_threads
from dstc_isa.engine.launch_records import LAUNCH, WORKER


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
