"""A host thread of a timed run: what it is given, and what it counts."""

import numpy as np
from attrs import define

from dstc_isa.engine.launch_records import KEPT_BYTES
from dstc_isa.engine.record_layout import Array, Record, Words
from dstc_isa.timing.model_records import CHARGE, REASONS, TASK


@define
class Task:
    """A host thread's record, and what it points to, by name."""

    record: Record
    arrays: dict[str, Array]

    def counts(self, name: str) -> Words:
        """What it has counted for each instruction of the kernel."""
        return self.arrays[name][:-1]


def new_task(machine: Record, instructions: int, merge: bool = False, tracker: int = 0) -> Task:
    """Allocate it for a kernel of so many instructions; ``tracker``: address of its tracker record, or 0.

    ``merge``: it merges what SMs have missed into L2, and runs no epoch.
    """
    count = instructions + 1
    task = TASK.new(merge=merge, tracker=tracker)
    arrays = TASK.point(
        task,
        machine=machine,
        issued=np.zeros(count, np.int64),
        skipped=np.zeros(count, np.int64),
        kept=np.zeros(KEPT_BYTES // 8, np.int64),
        stalls=np.zeros((count, REASONS), np.int64),
        free=np.zeros(count, np.int64),
        charge=CHARGE.new(),
    )
    return Task(task, arrays)
