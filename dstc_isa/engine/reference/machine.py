"""Runs a launch on the reference engine: CTAs one after the other, warps in turn."""

import time

import numpy as np

from dstc_isa.engine.execution import DEFAULT_MAX_INSTRUCTIONS, Execution, decoded
from dstc_isa.engine.faults import KernelFault, record_of
from dstc_isa.engine.launch import Launch
from dstc_isa.engine.layout import TURN
from dstc_isa.engine.reference.execute import execute
from dstc_isa.engine.reference.warp import ReferenceWarp
from dstc_isa.engine.rows import ConstantReader
from dstc_isa.isa.divergence import resume
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.lanes import FULL_MASK, lowest_bit
from dstc_isa.isa.warp import Fault, fail


class ReferenceMachine:
    """A launch in progress, with its instruction counts."""

    def __init__(self, launch: Launch, max_instructions: int) -> None:
        self.launch = launch
        self.instructions: list[Instruction | None] = decoded(launch)
        self.banks = ConstantReader(launch.banks)
        self.max_instructions = max_instructions
        self.issued = np.zeros(len(self.instructions), np.int64)
        self.skipped = np.zeros(len(self.instructions), np.int64)

    def run_cta(self, cta: int) -> None:
        """Run one CTA to its end; KernelFault if it faults."""
        shared = np.zeros(self.launch.kernel.shared_bytes, np.uint8)
        warps = [ReferenceWarp(self.launch, index, cta, shared) for index in range(self.launch.warps)]
        while True:
            runnable = [warp for warp in warps if warp.active]
            for warp in runnable:
                self.run_warp(warp, min(TURN, self.max_instructions - warp.issued))
                if not warp.fault and warp.active and warp.issued >= self.max_instructions:
                    warp.pc += 1
                    fail(warp, Fault.WATCHDOG, warp.active, warp.issued, 0)
                if warp.fault:
                    raise KernelFault(self.launch, record_of(self.launch, warp, warps))
            if not runnable and not open_barriers(self.launch, warps):
                stuck = [warp for warp in warps if warp.live]
                if not stuck:
                    return
                fail_stuck(stuck[0])
                raise KernelFault(self.launch, record_of(self.launch, stuck[0], warps))

    def run_warp(self, warp: ReferenceWarp, budget: int) -> None:
        """Issue until no lane of the warp is ready, it faults, or the budget is used up."""
        while warp.active and not warp.fault and budget > 0:
            budget -= 1
            pc = warp.pc
            warp.pc = pc + 1
            if pc >= len(self.instructions):
                fail(warp, Fault.BAD_TARGET, warp.active, pc * 16, 16)
                return
            warp.issued += 1
            self.issued[pc] += 1
            instruction = self.instructions[pc]
            warp.mask = warp.active
            if instruction is None:
                fail(warp, Fault.UNDEFINED, warp.mask, pc, 16)
                return
            guard = warp.predicates[instruction.guard.index] ^ (FULL_MASK if instruction.guard.negate else 0)
            warp.mask &= guard
            if warp.mask == 0:
                self.skipped[pc] += 1
                continue
            execute(warp, instruction, self.banks)


def run(launch: Launch, *, max_instructions: int = DEFAULT_MAX_INSTRUCTIONS) -> Execution:
    """Execute a launch one instruction at a time; see ``engine.compiled.machine.run``."""
    machine = ReferenceMachine(launch, max_instructions)
    started = time.perf_counter()
    for cta in range(launch.ctas):
        machine.run_cta(cta)
    return Execution(machine.issued, machine.skipped, time.perf_counter() - started, 1)


def open_barriers(launch: Launch, warps: list[ReferenceWarp]) -> bool:
    """Release every CTA barrier whose threads have all come; whether any was."""
    opened = False
    for identity in sorted({warp.barrier_id for warp in warps if warp.at_barrier}):
        waiting = [warp for warp in warps if warp.at_barrier and warp.barrier_id == identity]
        needed = waiting[0].barrier_threads or launch.threads
        if sum(warp.at_barrier.bit_count() for warp in waiting) < needed:
            continue
        opened = True
        for warp in waiting:
            warp.blocked &= ~warp.at_barrier
            warp.at_barrier = 0
            if warp.active == 0:
                resume(warp, -1)
    return opened


def fail_stuck(warp: ReferenceWarp) -> None:
    """Put the fault on a warp that waits for ever."""
    lanes = warp.at_barrier or warp.blocked
    warp.pc = warp.lane_pc[lowest_bit(lanes)]
    if warp.at_barrier:
        fail(warp, Fault.BARRIER, lanes, warp.barrier_id, 0)
    else:
        fail(warp, Fault.DEADLOCK, lanes, 0, 0)
