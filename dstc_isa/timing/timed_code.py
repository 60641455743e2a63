"""Compiled code of timed runs: its entries, and costs from files of the user's."""

from collections.abc import Callable, Sequence

from attrs import evolve

from dstc_isa.engine.compiled import cache
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.instruction_set import Isa

RUN_TASK = cache.Entry(
    "run_task",
    "dstc_isa.timing.compiled.sm",
    "task_of",
    "as_task",
    "dstc_isa.timing.compiled.model_views",
    ("dstc_isa.timing", "dstc_isa.gpu"),
)
FOREIGN_COSTS = cache.Foreign(
    "run_foreign_costs", "dstc_isa.timing.compiled.costs", "foreign_source", 6, ("dstc_isa.timing", "dstc_isa.gpu")
)
WATCHED_TASK = evolve(RUN_TASK, name="run_watched_task", factory="watched_task_of")


def foreign_costs(isa: Isa, instructions: Sequence[Instruction | None], announce: Callable[[str], None] | None) -> int:
    """The address of the code of costs from files of the user's; 0 if no instruction has one."""
    units = {instruction.declaration.unit for instruction in instructions if instruction is not None}
    if any(unit.cost_function is not None and not unit.shipped for unit in units):
        return cache.load_foreign(FOREIGN_COSTS, isa, announce)
    return 0
