"""The record of the modelled GPU that compiled code sees: parameters of the GPU's file, caches, units, SMs."""

from typing import Any

import numpy as np
from attrs import frozen

from dstc_isa.engine.compiled.state import LaunchState
from dstc_isa.engine.record_layout import Record
from dstc_isa.gpu import Gpu
from dstc_isa.host_memory import require
from dstc_isa.timing.blocks import unit_table
from dstc_isa.timing.instruction_timing import kept_rows
from dstc_isa.timing.model_records import MACHINE, SM
from dstc_isa.timing.occupancy import Occupancy
from dstc_isa.timing.sample import SamplePlan
from dstc_isa.timing.sm import Sm, log_capacity, new_sm


@frozen
class Machine:
    """The record, and its SMs; ``kept`` holds what it points to, and what that points to."""

    record: Record
    sms: list[Sm]
    kept: list[Any]


def new_machine(state: LaunchState, gpu: Gpu, fits: Occupancy, slots: int, plan: SamplePlan, costs: int) -> Machine:
    """Allocate everything, caches empty; an SM has ``slots`` for CTAs.

    ``costs``: address of the code of costs from files of the user's, or 0.
    """
    l2_sets = max(1, gpu.l2.bytes * plan.sms // plan.all_sms // (gpu.l1.line_bytes * gpu.l2.ways))
    lines = l2_sets * gpu.l2.ways
    l1_sets = max(1, fits.l1_bytes // (gpu.l1.line_bytes * gpu.l1.ways))
    records = SM.new(plan.sms)
    units, parameters = unit_table(gpu)
    machine = MACHINE.new(
        **gpu.compiled_parameters,
        sm_count=plan.sms,
        round_robin=gpu.scheduler.policy == "lrr",
        branch_latency=max((timing.latency for unit, timing in gpu.pipes.items() if unit.branches), default=0),
        l1_sets=l1_sets,
        l2_sets=l2_sets,
        foreign_costs=costs,
        log_capacity=log_capacity(gpu),
    )
    arrays = MACHINE.point(
        machine,
        launch=state.record,
        rows=kept_rows(state.launch.kernel.words, state.instructions, gpu),
        sms=records,
        l2_tags=np.full(lines, -1, np.int64),
        l2_sectors=np.zeros(lines, np.int64),
        l2_stamps=np.zeros(lines, np.int64),
        units=units,
    )
    sms = [new_sm(state, gpu, slots, l1_sets, records[0, ...])]
    require((plan.sms - 1) * sms[0].nbytes, f"{plan.sms} SMs of {gpu.name} with {slots} CTAs each")
    sms += [new_sm(state, gpu, slots, l1_sets, records[number, ...]) for number in range(1, plan.sms)]
    return Machine(machine, sms, [arrays, parameters])
