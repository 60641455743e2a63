import math
from typing import Any

from dstc_isa.studies.workers import Died, in_processes


def test_all_tasks_with_their_outcomes() -> None:
    tasks = [float(n) for n in range(7)]
    begun: list[float] = []
    outcomes = dict(in_processes(math.sqrt, tasks, 2, begun.append))
    assert outcomes == {task: math.sqrt(task) for task in tasks}
    assert begun == tasks


def test_a_process_that_dies_takes_only_its_task() -> None:
    tasks = [
        "1 + 1",
        "__import__('os')._exit(3)",
        "2 + 2",
        "__import__('os').kill(__import__('os').getpid(), 9)",
        "3 + 3",
    ]
    outcomes: dict[str, Any] = dict(in_processes(eval, tasks, 1, lambda task: None))
    assert [outcomes[task] for task in tasks] == [2, Died(3), 4, Died(-9), 6]


def test_closing_ends_the_processes() -> None:
    tasks = ["__import__('os').getpid()", "__import__('time').sleep(600)"]
    found: Any = in_processes(eval, tasks, 2, lambda task: None)
    assert next(found)[0] == tasks[0]
    found.close()


def test_nothing_to_do() -> None:
    assert list(in_processes(math.sqrt, [], 2, lambda task: None)) == []
