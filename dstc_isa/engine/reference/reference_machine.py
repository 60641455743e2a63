"""Runs a launch on the reference engine: CTAs in order and in turn, and the warps of each."""

import time

import numpy as np

from dstc_isa.engine.code_rows import ConstantReader
from dstc_isa.engine.execution import DEFAULT_MAX_INSTRUCTIONS, Execution, decoded
from dstc_isa.engine.faults import KernelFault, record_of
from dstc_isa.engine.launch import Launch
from dstc_isa.engine.launch_records import QUANTUM, TURN, open_ctas
from dstc_isa.engine.loops import Reach, reach, window
from dstc_isa.engine.reference.execute import execute
from dstc_isa.engine.reference.warp import ReferenceWarp
from dstc_isa.engine.supervision import Supervisor, Survey
from dstc_isa.isa.divergence import resume
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.lanes import lowest_bit
from dstc_isa.isa.warp import Fault, fail

ASKED = 64
"""Instructions after which the supervisor is asked; what a warp is run ahead for a look is no multiple of it."""


class ReferenceMachine:
    """A launch in progress, with its instruction counts."""

    def __init__(self, launch: Launch, max_instructions: int, supervisor: Supervisor) -> None:
        self.launch = launch
        self.supervisor = supervisor
        self.instructions: list[Instruction | None] = decoded(launch)
        self.reaches = [reach(instruction) for instruction in self.instructions]
        self.banks = ConstantReader(launch.banks)
        self.max_instructions = max_instructions
        self.issued = np.zeros(len(self.instructions), np.int64)
        self.skipped = np.zeros(len(self.instructions), np.int64)
        self.slots: list[tuple[int, list[ReferenceWarp]] | None] = []
        self.started = 0

    def start_cta(self, cta: int) -> list[ReferenceWarp]:
        """The warps of a CTA at its start."""
        shared = np.zeros(self.launch.kernel.shared_bytes, np.uint8)
        return [ReferenceWarp(self.launch, index, cta, shared) for index in range(self.launch.warps)]

    def run_turn(self, warps: list[ReferenceWarp]) -> bool:
        """Run a CTA until it ends or has had its turn; whether it has ended. KernelFault if it faults."""
        began = sum(warp.issued for warp in warps)
        while True:
            runnable = [warp for warp in warps if warp.active]
            for warp in runnable:
                if warp.issued >= warp.next_look:
                    self.look(warp, warps)
                self.run_warp(warp, min(TURN, self.max_instructions - warp.issued))
                if not warp.fault and warp.active and warp.issued >= self.max_instructions:
                    warp.pc += 1
                    fail(warp, Fault.WATCHDOG, warp.active, warp.issued, 0)
                if warp.fault:
                    raise KernelFault(self.launch, record_of(self.launch, warp, warps))
            stuck = [warp for warp in warps if warp.live]
            if not stuck:
                return True
            if runnable and sum(warp.issued for warp in warps) - began >= QUANTUM:
                return False
            if not runnable and not open_barriers(self.launch, warps):
                fail_stuck(stuck[0])
                raise KernelFault(self.launch, record_of(self.launch, stuck[0], warps))

    def run_ctas(self) -> None:
        """Run all CTAs in order; one that takes long is set aside and goes on when no other can be started.

        Raises KernelFault for the first CTA that faults, before one that only waited for too long, and TimedOut.
        """
        self.supervisor.watch(self.survey)
        limit, slots = open_ctas(self.launch.warps), self.slots
        cursor, end = 0, self.launch.ctas
        found: KernelFault | None = None
        while True:
            slot = next((number for number, held in enumerate(slots) if held is None), len(slots))
            if self.started < end and slot < limit:
                slots[slot : slot + 1] = [(self.started, self.start_cta(self.started))]
                self.started += 1
            else:
                behind = [(cursor + 1 + number) % len(slots) for number in range(len(slots))] if slots else []
                slot = next((number for number in behind if slots[number] is not None), -1)
            held = slots[slot] if slot >= 0 else None
            if held is None:
                break
            cta, warps = held
            if cta > end:
                slots[slot] = None
                continue
            cursor = slot
            try:
                if self.run_turn(warps):
                    slots[slot] = None
            except KernelFault as fault:
                slots[slot] = None
                end = min(end, cta)
                watchdog = fault.record.kind is Fault.WATCHDOG
                if found is None or not watchdog or found.record.kind is Fault.WATCHDOG:
                    found = fault
        if found is not None:
            raise found

    def survey(self) -> Survey:
        """How far the launch is."""
        ctas = [slot[1] for slot in self.slots if slot is not None]
        longest = max(ctas, key=lambda warps: max(warp.issued for warp in warps), default=[])
        return Survey(self.started - len(ctas), self.launch.ctas, self.issued.copy(), longest)

    def look(self, warp: ReferenceWarp, warps: list[ReferenceWarp]) -> None:
        """Put a fault on a warp that is in an endless loop; see ``engine.loops``."""
        warp.next_look = 2 * warp.issued
        ahead = warp.copy()
        counts = self.issued.copy(), self.skipped.copy()
        reads, first, place = int(Reach.WARP), warp.pc, 0
        found = False
        while ahead.issued - warp.issued < window(warp.issued) and ahead.pc < len(self.instructions) and not found:
            instruction = self.instructions[ahead.pc]
            kind = Reach.WARP
            if instruction is None or ahead.guarded(instruction):
                kind = self.reaches[ahead.pc]
            if kind >= Reach.BEYOND:
                break
            first = min(first, ahead.pc)
            self.run_warp(ahead, 1)
            if not ahead.active or ahead.fault:
                break
            if kind:
                reads |= kind
                place = ahead.last_address
            found = ahead.same_state(warp)
        self.issued, self.skipped = counts
        if not found or (warp.at_barrier and warp.barrier_threads):
            return
        if reads:
            waiting = [w for w in warps if w is not warp and w.live]
            ended = all(w.at_barrier and not w.barrier_threads and not w.active for w in waiting)
            if not ended or (reads & Reach.GLOBAL and self.launch.ctas != 1):
                return
        warp.pc = first + 1
        detail = place if reads else ahead.issued - warp.issued
        fail(warp, Fault.LIVELOCK if reads else Fault.ENDLESS, warp.active, detail, int(reads))

    def run_warp(self, warp: ReferenceWarp, budget: int) -> None:
        """Issue until no lane of the warp is ready, it faults, or the budget is used up; TimedOut when time is up."""
        while warp.active and not warp.fault and budget > 0:
            if budget % ASKED == 0 and self.supervisor.due():
                raise self.supervisor.timed_out()
            budget -= 1
            pc = warp.pc
            warp.pc = pc + 1
            if pc >= len(self.instructions):
                fail(warp, Fault.BAD_TARGET, warp.active, pc, 0)
                return
            warp.issued += 1
            self.issued[pc] += 1
            instruction = self.instructions[pc]
            if instruction is None:
                warp.mask = warp.active
                fail(warp, Fault.UNDEFINED, warp.mask, pc, 16)
                return
            warp.mask = warp.guarded(instruction)
            if warp.mask == 0:
                self.skipped[pc] += 1
                continue
            execute(warp, instruction, self.banks)


def run(
    launch: Launch, *, max_instructions: int = DEFAULT_MAX_INSTRUCTIONS, supervisor: Supervisor | None = None
) -> Execution:
    """Execute a launch one instruction at a time; see ``engine.compiled.workers.run``."""
    machine = ReferenceMachine(launch, max_instructions, supervisor or Supervisor(launch))
    started = time.perf_counter()
    machine.run_ctas()
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
