"""Tasks in processes of their own, several at once; one that dies takes only its task with it."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TypeVar

from attrs import frozen

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


@frozen
class Died:
    """The process of a task ended before the task; ``status`` as in ``multiprocessing``: -9 for signal 9."""

    status: int | None


def in_processes(
    function: Callable[[Task], Outcome], tasks: Sequence[Task], count: int, begun: Callable[[Task], None]
) -> Iterator[tuple[Task, Outcome | Died]]:
    """Each task with what ``function`` returned for it, as they end; ``begun`` is told of a task's start.

    At most ``count`` processes run at once, and all have ended when the iterator is closed. Function, tasks and
    outcomes are pickled; ``function`` should return its errors rather than raise them.
    """
    waiting = deque(tasks)
    idle: list[tuple[Connection, SpawnProcess]] = []
    running: dict[Connection, tuple[SpawnProcess, Task]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < count:
                connection, process = idle.pop() if idle else _started(function)
                task = waiting.popleft()
                running[connection] = process, task
                # A process that died meanwhile is found below: its connection is at an end.
                with suppress(BrokenPipeError):
                    connection.send(task)
                begun(task)
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                process, task = running.pop(ready)
                try:
                    outcome: Outcome | Died = ready.recv()
                    idle.append((ready, process))
                except (EOFError, ConnectionResetError):
                    process.join()
                    outcome = Died(process.exitcode)
                yield task, outcome
    finally:
        processes = [process for process, _ in running.values()] + [process for _, process in idle]
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _started(function: Callable[[Task], Outcome]) -> tuple[Connection, SpawnProcess]:
    # The engine runs threads, and a forked process would have their locks without them.
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(function, theirs), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _work(function: Callable[[Task], Outcome], connection: Connection) -> None:
    # An interrupt from the terminal reaches every process; the one that started these ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, BrokenPipeError):
        while True:
            connection.send(function(connection.recv()))


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
