"""Runs a launch on the compiled engine: starts the worker threads, collects counts."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from attrs import define, evolve

from dstc_isa.engine.compiled import cache
from dstc_isa.engine.compiled.host_threads import run_threads
from dstc_isa.engine.compiled.state import CtaState, LaunchState, load_launch, longest_running, new_cta
from dstc_isa.engine.compiled.tracking import Tracker, Tracking
from dstc_isa.engine.execution import Dependence, Execution, needs_one_thread
from dstc_isa.engine.faults import KernelFault, record_of
from dstc_isa.engine.launch import Launch
from dstc_isa.engine.launch_records import KEPT_BYTES, SLOT, WORKER, open_ctas
from dstc_isa.engine.ranges import Ranges
from dstc_isa.engine.record_layout import Array, Record, Words, put
from dstc_isa.engine.run_options import RunOptions
from dstc_isa.engine.supervision import Supervisor, Survey
from dstc_isa.engine.tracker_records import TRACKED_CTAS
from dstc_isa.host_memory import require
from dstc_isa.host_threads import host_threads

RUN_WORKER = cache.Entry("run_worker", "dstc_isa.engine.compiled.cta", "worker_of", "as_worker")
IN_ORDER = "once more, in order"


@define
class Worker:
    """One host thread's machine state: the CTAs it has open and its counters."""

    state: LaunchState
    record: Record
    arrays: dict[str, Array]
    slots: Record
    ctas: list[CtaState]

    def field(self, name: str) -> int:
        """A field of the worker record."""
        return int(self.record[name])

    def counts(self, name: str) -> Words:
        """What it has counted for each instruction of the kernel."""
        return self.arrays[name][:-1]

    def open_ctas(self) -> list[CtaState]:
        """The CTAs that have begun and not ended."""
        numbers = self.slots["cta"].tolist()
        return [cta for number, cta in zip(numbers, self.ctas, strict=False) if number >= 0 and cta.live]

    def add_slots(self, count: int) -> None:
        """Make room for further open CTAs."""
        cell = self.record.ctypes.data + WORKER.offset("tracker")
        new = [new_cta(self.state, cell) for _ in range(count)]
        warps, windows = [cta.warps.ctypes.data for cta in new], [cta.shared for cta in new]
        self.slots = np.concatenate([self.slots, SLOT.new(count, warps=warps, shared=windows)])
        self.ctas += new
        put(self.record, slots=self.slots.ctypes.data, slot_count=len(self.ctas))

    def run(self, run_worker: Callable[[int], None]) -> None:
        """Run CTAs until none is left."""
        while True:
            run_worker(self.record.ctypes.data)
            if not self.field("wants_slots"):
                return
            have = len(self.ctas)
            more = min(have, self.field("slot_limit") - have)
            require(more * self.ctas[0].nbytes, f"{more} further CTAs that wait for others")
            self.add_slots(more)


@define
class Outcome:
    """What a number of host threads made of a launch: its counts, or the fault that stopped it.

    ``watchdogs``: warps that the watchdog stopped, whatever the fault. ``longest``: most instructions that one warp
    issued, of the CTAs that ended.
    """

    execution: Execution
    fault: KernelFault | None
    watchdogs: int
    longest: int

    def result(self, dependence: Dependence | None = None) -> Execution:
        """The counts; raises the fault if there is one."""
        if self.fault is None:
            return evolve(self.execution, dependence=dependence)
        if dependence is not None:
            self.fault.add_note(dependence.sentence(self.fault.launch.kernel))
        raise self.fault


def run(launch: Launch, options: RunOptions, supervisor: Supervisor) -> Execution:
    """Execute a launch; the arrays given as arguments hold the results.

    Raises KernelFault for the faulting CTA with the lowest number, TimedOut when the
    ``supervisor`` says so, LaunchError for operands outside a bank.
    """
    announce = options.announce
    with supervisor.paused():
        state = load_launch(launch, options.max_instructions, announce)
    used = threads_for(state, options.threads)
    if used == 1 or options.any_order or not launch.memory.allocations:
        return run_workers(state, used, supervisor, announce=announce).result()
    try:
        tracking = Tracking(state)
        trackers = [tracking.new_tracker(stops=True) for _ in range(used)]
    except MemoryError:
        return run_workers(state, 1, supervisor, announce=announce).result()
    outcome = run_workers(state, used, supervisor, trackers, announce=announce)
    dependence = tracking.found(trackers, supervisor, announce)
    if dependence is None and not outcome.watchdogs:
        return outcome.result()
    tracking.restore()
    in_order = run_workers(state, 1, supervisor, announce=announce, stage=IN_ORDER)
    in_order.execution = evolve(in_order.execution, seconds=in_order.execution.seconds + outcome.execution.seconds)
    return in_order.result(dependence)


def threads_for(state: LaunchState, threads: int | None) -> int:
    """How many host threads to use where ``threads`` are allowed: one if the outcome would depend on it."""
    alone = needs_one_thread(state.instructions) or state.launch.ctas > TRACKED_CTAS
    wanted = 1 if alone else threads or host_threads()
    return max(1, min(wanted, state.launch.ctas))


def run_workers(
    state: LaunchState,
    threads: int,
    supervisor: Supervisor,
    trackers: Sequence[Tracker] = (),
    ctas: Ranges | None = None,
    announce: Callable[[str], None] | None = None,
    stage: str = "",
) -> Outcome:
    """Run CTAs on so many host threads, on one in the order that defines the results.

    ``trackers``: one for each thread, or none. ``ctas``: linear numbers of those to run, ascending; all if None.
    ``stage``: what the supervisor says of the run. Raises TimedOut.
    """
    with supervisor.paused():
        run_worker = cache.load(RUN_WORKER, announce)
    chosen = ctas or Ranges([range(state.launch.ctas)])
    steps = chosen.steps()
    put(state.record, cta_count=len(chosen), steps=steps.ctypes.data, step_count=len(steps), next_cta=0)
    put(state.record, stop_cta=state.launch.ctas, cancelled=0)
    limit = -(-open_ctas(state.launch.warps) // threads)
    cells = [tracker.record.ctypes.data for tracker in trackers] or [0] * threads
    workers = [new_worker(state, limit, cells[0])]
    what = f"a CTA of {state.launch.warps} warps for each of {threads} host threads"
    require((threads - 1) * workers[0].ctas[0].nbytes, what)
    workers += [new_worker(state, limit, cell) for cell in cells[1:]]
    supervisor.watch(lambda: survey_of(state, workers), stage)
    started = time.perf_counter()
    run_threads(lambda worker: worker.run(run_worker), workers, state.record, supervisor)
    seconds = time.perf_counter() - started
    issued, skipped = (np.sum([w.counts(name) for w in workers], axis=0) for name in ("issued", "skipped"))
    watchdogs = sum(w.field("watchdogs") for w in workers)
    longest = max(w.field("longest") for w in workers)
    return Outcome(Execution(issued, skipped, seconds, threads), fault_of(state.launch, workers), watchdogs, longest)


def survey_of(state: LaunchState, workers: list[Worker]) -> Survey:
    """How far workers are."""
    ctas = [cta for worker in workers for cta in worker.open_ctas()]
    begun = min(int(state.record["next_cta"]), state.cta_count)
    issued = np.sum([worker.counts("issued") for worker in workers], axis=0)
    return Survey(max(0, begun - len(ctas)), state.cta_count, issued, longest_running(ctas))


def fault_of(launch: Launch, workers: list[Worker]) -> KernelFault | None:
    """The fault to report: that of the first CTA, before one that only waited for too long."""
    faulted = [w for w in workers if w.field("fault_cta") >= 0]
    if not faulted:
        return None
    first = min(faulted, key=lambda w: (w.field("fault_by_watchdog"), w.field("fault_cta")))
    cta = first.ctas[first.field("fault_slot")]
    warps = [cta.warp(index) for index in range(launch.warps)]
    fault = KernelFault(launch, record_of(launch, warps[first.field("fault_warp")], warps))
    left = first.state.cta_count - int(first.state.record["next_cta"])
    if first.field("fault_by_watchdog") and left > 0:
        most = open_ctas(launch.warps)
        fault.add_note(f"{most} CTAs had begun, as many as may at once: one that waits for another waits for ever")
    return fault


def new_worker(state: LaunchState, slot_limit: int, tracker: int) -> Worker:
    """Allocate the state of one worker, with room for one CTA; ``tracker``: address of its record, or 0."""
    count = len(state.instructions) + 1
    record = WORKER.new(tracker=tracker, slot_limit=slot_limit)
    arrays = WORKER.point(
        record,
        launch=state.record,
        kept=np.zeros(KEPT_BYTES // 8, np.int64),
        issued=np.zeros(count, np.int64),
        skipped=np.zeros(count, np.int64),
    )
    worker = Worker(state, record, arrays, SLOT.new(0), [])
    worker.add_slots(1)
    return worker
