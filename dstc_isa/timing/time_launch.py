"""A timed launch: runs it on the modelled GPU, and again in order where its CTAs depend on their order."""

import time
from collections.abc import Callable

import numpy as np
from attrs import Factory, define, evolve

from dstc_isa.engine.compiled import cache
from dstc_isa.engine.compiled.state import load_launch
from dstc_isa.engine.compiled.tracking import Tracker, Tracking
from dstc_isa.engine.compiled.workers import IN_ORDER, Outcome, run, run_workers, threads_for
from dstc_isa.engine.execution import Dependence
from dstc_isa.engine.faults import KernelFault
from dstc_isa.engine.launch import Launch, LaunchError
from dstc_isa.engine.record_layout import put
from dstc_isa.engine.run_options import RunOptions
from dstc_isa.engine.supervision import Supervisor
from dstc_isa.engine.tracker_records import TRACKED_CTAS
from dstc_isa.gpu import Gpu
from dstc_isa.timing.dram import Dram
from dstc_isa.timing.extrapolate import extrapolate
from dstc_isa.timing.hazard_watch import HazardWatch
from dstc_isa.timing.machine_record import new_machine
from dstc_isa.timing.modelled_gpu import ModelledGpu
from dstc_isa.timing.occupancy import occupancy
from dstc_isa.timing.result import Timing
from dstc_isa.timing.sample import plan_sample, plan_whole
from dstc_isa.timing.task import Task
from dstc_isa.timing.timed_code import RUN_TASK, WATCHED_TASK, foreign_costs


def time_launch(launch: Launch, gpu: Gpu, options: RunOptions, supervisor: Supervisor) -> Timing:
    """Execute and time a launch; the arrays given as arguments hold the results.

    Raises LaunchError if a CTA does not fit the GPU, KernelFault for a fault, TimedOut when the ``supervisor`` says so.
    """
    sample, announce = options.sample, options.announce
    fits = occupancy(gpu, launch.warps, launch.kernel.registers, launch.kernel.shared_bytes)
    if fits.ctas == 0:
        raise LaunchError(f"no CTA of kernel {launch.kernel.name} fits an SM of {gpu.name}: too few {fits.limit}")
    with supervisor.paused():
        state = load_launch(launch, options.max_instructions, announce)
        costs = foreign_costs(gpu.isa, state.instructions, announce)
        run_task = cache.load(WATCHED_TASK if options.check_hazards else RUN_TASK, announce)
    sms = min(gpu.sm.count, launch.ctas)
    slots = min(fits.ctas, -(-launch.ctas // sms))
    chosen = plan_whole(launch.ctas, sms) if sample is None else plan_sample(sample, launch.ctas, sms, slots)
    wanted = threads_for(state, options.threads)
    tracking = Tracking(state) if may_depend(launch) and not options.any_order else None

    def attempt(used: int, again: bool = False) -> Attempt:
        machine = new_machine(state, gpu, fits, slots, chosen, costs)
        watch = HazardWatch.attach(state, gpu, machine.record, machine.sms) if options.check_hazards else None
        trackers = [] if tracking is None else [tracking.new_tracker(stops=used > 1) for _ in range(used)]
        stage = [*([IN_ORDER] if again else []), *([] if sample is None else ["of those that are timed"])]
        modelled = ModelledGpu(state, gpu, fits, chosen, machine, supervisor, Dram(gpu))
        return Attempt(modelled, watch, trackers, used).run(run_task, options.progress, announce, ", ".join(stage))

    made = attempt(wanted)
    if tracking is None:
        return made.timing(sample)
    dependence = tracking.found(made.trackers, supervisor, announce)
    if dependence is not None and wanted > 1:
        tracking.restore()
        made = attempt(1, again=True)
    if dependence is not None:
        tracking.restore()
        in_order = run_workers(state, 1, supervisor, announce=announce, stage=f"{IN_ORDER} and without time")
        made.take_results(in_order, dependence)
    elif made.fault is not None:
        tracking.restore()
        run(launch, options, supervisor)
    return made.timing(sample)


def may_depend(launch: Launch) -> bool:
    """Whether CTAs have any memory in common by which they could depend on each other, and can be told apart."""
    return 1 < launch.ctas <= TRACKED_CTAS and bool(launch.memory.allocations)


@define
class Attempt:
    """A timed run of the planned CTAs, and one without time of the others."""

    modelled: ModelledGpu
    watch: HazardWatch | None
    trackers: list[Tracker]
    threads: int
    tasks: list[Task] = Factory(list)
    seconds: float = 0.0
    others: Outcome | None = None
    fault: KernelFault | None = None
    dependence: Dependence | None = None

    def run(
        self,
        run_task: Callable[[int], None],
        progress: Callable[[int, int], None] | None,
        announce: Callable[[str], None] | None,
        stage: str,
    ) -> "Attempt":
        """Run everything; a fault is kept. ``stage``: what the supervisor says of the planned CTAs."""
        modelled = self.modelled
        put(modelled.state.record, cancelled=0)
        cells = [tracker.record.ctypes.data for tracker in self.trackers] or [0] * self.threads
        used = max(1, min(self.threads, len(modelled.sms)))
        self.tasks = [modelled.new_task(tracker=cell) for cell in cells[:used]]
        modelled.supervisor.watch(lambda: modelled.survey(self.tasks), stage)
        started = time.perf_counter()
        try:
            modelled.run(run_task, self.tasks, progress)
        except KernelFault as fault:
            self.fault = fault
        self.seconds = time.perf_counter() - started
        rest = modelled.plan.others()
        if len(rest) and self.fault is None and not modelled.cancelled:
            stage = "of those that are not timed"
            self.others = run_workers(
                modelled.state, self.threads, modelled.supervisor, self.trackers, rest, announce, stage
            )
            self.fault = self.others.fault
        return self

    def take_results(self, in_order: Outcome, dependence: Dependence) -> None:
        """Let a run of the CTAs in order say what the results are, or the fault."""
        self.dependence = dependence
        in_order.result(dependence)
        if self.fault is not None:
            self.fault.add_note(dependence.sentence(self.modelled.state.launch.kernel))
            self.fault.add_note("without time the kernel ends: what a CTA waits for may not be resident on this GPU")

    def timing(self, sample: float | None) -> Timing:
        """What the run tells of time; raises the fault if there is one."""
        if self.fault is not None:
            raise self.fault
        modelled = self.modelled
        timing = modelled.timing(self.tasks, self.seconds)
        if self.watch is not None:
            timing = evolve(timing, hazards=self.watch.found())
        if sample is not None:
            sums = np.array([(sm.field("finished"), sm.field("issued")) for sm in modelled.sms])
            longest = max(sm.field("longest") for sm in modelled.sms)
            timing = extrapolate(timing, modelled.plan, sample, sums, longest, self.others)
        return evolve(timing, execution=evolve(timing.execution, dependence=self.dependence))
