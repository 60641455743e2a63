"""CTAs on the compiled engine that Python runs warp by warp, with the attributes of the reference engine's warps."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from dstc_isa.engine.compiled import cache
from dstc_isa.engine.compiled.state import CtaState, load_launch, new_cta
from dstc_isa.engine.launch import Launch
from dstc_isa.engine.launch_records import KEPT_BYTES, TRACE, WARP
from dstc_isa.engine.loops import FIRST_LOOK
from dstc_isa.engine.record_layout import Record, put
from dstc_isa.isa.lanes import LANES
from dstc_isa.trace.compiled.step_record import MOST_STEPS, STEP

RUN_STEP = cache.Entry(
    "run_step",
    "dstc_isa.trace.compiled.step",
    "stepper_of",
    "as_step",
    "dstc_isa.trace.compiled.step_record",
    ("dstc_isa.trace.compiled",),
)
WORDS = {name for name, cell in WARP.fields.items() if cell.words == 1}


class CompiledWarp:
    """A view of a warp's record, registers (row, lane) and predicates; fields of ``isa.warp`` are attributes."""

    def __init__(self, state: CtaState, launch: Launch, index: int, cta: int) -> None:
        record = state.warps[index, ...]
        arrays = {"registers": "registers", "predicates": "predicates", "thread_ids": "threads"}
        vars(self).update(record=record, state=state)
        vars(self).update({name: state.arrays[field][index] for name, field in arrays.items()})
        vars(self).update({name: record[name] for name in WARP.fields if name not in WORDS})
        self.live = self.active = (1 << min(LANES, launch.threads - index * LANES)) - 1
        self.index = index
        self.cta = cta
        self.next_look = FIRST_LOOK
        self.code_size = len(launch.kernel.words)
        x, y, _ = launch.grid
        self.identity[:3] = (cta % x, cta // x % y, cta // (x * y))

    if TYPE_CHECKING:
        record: Record
        state: CtaState

    def __getattr__(self, name: str) -> Any:
        """A field of the record."""
        if name not in WORDS:
            raise AttributeError(name)
        return int(self.record[name])

    def __setattr__(self, name: str, value: int) -> None:
        """Set a field of the record."""
        self.record[name] = value


class Stepper:
    """Runs warps of a launch; ``stops``: instructions before which it stops. ``announce`` is told of its start."""

    def __init__(
        self, launch: Launch, max_instructions: int, stops: Collection[int], announce: Callable[[str], None] | None
    ) -> None:
        self.state = load_launch(launch, max_instructions)
        # Nothing is timed here, so that the mark of what must run in its time is free to say where to stop.
        self.code = self.state.code.rows.copy()
        self.code["in_time"] = 0
        self.code["in_time"][sorted(stops)] = 1
        self.state.record["code"] = self.code.ctypes.data
        self.room = TRACE.new(MOST_STEPS + 1)
        self.function = cache.load(RUN_STEP, announce)
        self.untracked = np.zeros(1, np.int64)
        self.counts = np.zeros((2, len(launch.kernel.words) + 1), np.int64)
        self.step = STEP.new()
        self.arrays = STEP.point(
            self.step,
            launch=self.state.record,
            stops=self.room if stops else None,
            kept=np.zeros(KEPT_BYTES // 8, np.int64),
            issued=self.counts[0],
            skipped=self.counts[1],
        )

    def start_cta(self, cta: int) -> list[CompiledWarp]:
        """The warps of a CTA at its start."""
        state = new_cta(self.state, self.untracked.ctypes.data)
        return [CompiledWarp(state, self.state.launch, index, cta) for index in range(self.state.launch.warps)]

    def run(self, warp: CompiledWarp, budget: int) -> int:
        """Issue the warp's next instruction and those up to the next stop, ``budget`` at most; how many it issued."""
        self._call(warp, min(budget, MOST_STEPS))
        return int(self.step["count"])

    def look(self, warp: CompiledWarp) -> None:
        """Put a fault on a warp that is in an endless loop."""
        self._call(warp, 0)

    def _call(self, warp: CompiledWarp, budget: int) -> None:
        put(self.step, warps=warp.state.warps.ctypes.data, index=warp.index, budget=budget)
        self.function(self.step.ctypes.data)
