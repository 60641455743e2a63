"""Runs compiled functions on host threads, so that an interrupt or the end of a launch's time ends them all."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from dstc_isa.engine.record_layout import Record
from dstc_isa.engine.supervision import Supervisor

Argument = TypeVar("Argument")


def run_threads(
    function: Callable[[Argument], None],
    arguments: Sequence[Argument],
    launch: Record,
    supervisor: Supervisor | None = None,
) -> None:
    """Call a function for each argument, each on a thread; an interrupt stops the launch.

    Raises TimedOut when the supervisor says that the time is up, and all threads have ended before they were done.
    """
    # Not Thread.join: when it is interrupted, Python 3.11 takes a running thread for one that has ended.
    with ThreadPoolExecutor(len(arguments)) as pool:
        try:
            tasks = [pool.submit(function, argument) for argument in arguments]
            while wait(tasks, None if supervisor is None else supervisor.pause()).not_done:
                _ask(supervisor, launch)
            for task in tasks:
                task.result()
            _ask(supervisor, launch)
        except BaseException:
            launch["cancelled"] = 1
            raise
    if supervisor is not None and supervisor.expired:
        if not supervisor.finished():
            raise supervisor.timed_out()
        # Nobody was stopped. If a conflict had cancelled the launch as well, trackers tell of it.
        launch["cancelled"] = 0


def _ask(supervisor: Supervisor | None, launch: Record) -> None:
    if supervisor is not None and supervisor.due():
        launch["cancelled"] = 1
