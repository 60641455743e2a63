"""Runs a launch on the modelled GPU: SMs side by side, epoch after epoch, on the host's threads."""

import time
from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np
from attrs import Factory, define, evolve

from dstc_isa.engine.compiled import cache
from dstc_isa.engine.compiled.host_threads import run_threads
from dstc_isa.engine.compiled.state import LaunchState, load_launch, longest_running
from dstc_isa.engine.compiled.tracking import Tracker, Tracking
from dstc_isa.engine.compiled.workers import IN_ORDER, Outcome, run, run_workers, threads_for
from dstc_isa.engine.execution import Dependence, Execution
from dstc_isa.engine.faults import KernelFault, record_of
from dstc_isa.engine.launch import Launch, LaunchError
from dstc_isa.engine.launch_records import KEPT_BYTES
from dstc_isa.engine.record_layout import Array, Record, Words, put
from dstc_isa.engine.run_options import RunOptions
from dstc_isa.engine.supervision import Supervisor, Survey
from dstc_isa.engine.tracker_records import TRACKED_CTAS
from dstc_isa.gpu import Gpu
from dstc_isa.host_memory import require
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.timing.blocks import counter_names, unit_table
from dstc_isa.timing.dealer import Dealer
from dstc_isa.timing.extrapolate import extrapolate
from dstc_isa.timing.hazard_watch import HazardWatch
from dstc_isa.timing.instruction_timing import kept_rows, port_numbers
from dstc_isa.timing.model_records import CHARGE, COUNTERS, MACHINE, REASONS, SM, TASK, TICKS
from dstc_isa.timing.occupancy import Occupancy, occupancy
from dstc_isa.timing.reasons import reasons
from dstc_isa.timing.result import Timing
from dstc_isa.timing.sample import Plan, plan, whole
from dstc_isa.timing.sm import Sm, log_capacity, new_sm

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
FIRST_EPOCH = 512
AHEAD = 8
"""CTAs that an SM has in reserve at least, so that short ones do not make it wait for the end of an epoch."""


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
    chosen = whole(launch.ctas, sms) if sample is None else plan(sample, launch.ctas, sms, slots)
    wanted = threads_for(state, options.threads)
    tracking = Tracking(state) if may_depend(launch) and not options.any_order else None

    def attempt(used: int, again: bool = False) -> Attempt:
        machine = ModelledGpu.build(state, gpu, fits, slots, chosen, supervisor, costs)
        watch = HazardWatch.attach(state, gpu, machine.record, machine.sms) if options.check_hazards else None
        trackers = [] if tracking is None else [tracking.new_tracker(stops=used > 1) for _ in range(used)]
        stage = [*([IN_ORDER] if again else []), *([] if sample is None else ["of those that are timed"])]
        return Attempt(machine, watch, trackers, used).run(run_task, options.progress, announce, ", ".join(stage))

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


def foreign_costs(isa: Isa, instructions: Sequence[Instruction | None], announce: Callable[[str], None] | None) -> int:
    """The address of the code of costs from files of the user's; 0 if no instruction has one."""
    units = {instruction.declaration.unit for instruction in instructions if instruction is not None}
    if any(unit.cost_function is not None and not unit.shipped for unit in units):
        return cache.load_foreign(FOREIGN_COSTS, isa, announce)
    return 0


def may_depend(launch: Launch) -> bool:
    """Whether CTAs have any memory in common by which they could depend on each other, and can be told apart."""
    return 1 < launch.ctas <= TRACKED_CTAS and bool(launch.memory.allocations)


@define
class Attempt:
    """A timed run of the planned CTAs, and one without time of the others."""

    machine: "ModelledGpu"
    watch: HazardWatch | None
    trackers: list[Tracker]
    threads: int
    tasks: list["Task"] = Factory(list)
    seconds: float = 0.0
    others: Execution | None = None
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
        machine = self.machine
        put(machine.state.record, cancelled=0)
        cells = [tracker.record.ctypes.data for tracker in self.trackers] or [0] * self.threads
        used = max(1, min(self.threads, len(machine.sms)))
        self.tasks = [machine.new_task(tracker=cell) for cell in cells[:used]]
        machine.supervisor.watch(lambda: machine.survey(self.tasks), stage)
        started = time.perf_counter()
        try:
            machine.run(run_task, self.tasks, progress)
        except KernelFault as fault:
            self.fault = fault
        self.seconds = time.perf_counter() - started
        rest = machine.plan.others()
        if len(rest) and self.fault is None and not machine.cancelled:
            stage = "of those that are not timed"
            outcome = run_workers(machine.state, self.threads, machine.supervisor, self.trackers, rest, announce, stage)
            self.others, self.fault = outcome.execution, outcome.fault
        return self

    def take_results(self, in_order: Outcome, dependence: Dependence) -> None:
        """Let a run of the CTAs in order say what the results are, or the fault."""
        self.dependence = dependence
        in_order.result(dependence)
        if self.fault is not None:
            self.fault.add_note(dependence.sentence(self.machine.state.launch.kernel))
            self.fault.add_note("without time the kernel ends: what a CTA waits for may not be resident on this GPU")

    def timing(self, sample: float | None) -> Timing:
        """What the run tells of time; raises the fault if there is one."""
        if self.fault is not None:
            raise self.fault
        machine = self.machine
        timing = machine.timing(self.tasks, self.seconds)
        if self.watch is not None:
            timing = evolve(timing, hazards=self.watch.found())
        if sample is not None:
            sums = np.array([(sm.field("finished"), sm.field("issued")) for sm in machine.sms])
            timing = extrapolate(timing, machine.plan, sample, sums, self.others)
        return evolve(timing, execution=evolve(timing.execution, dependence=self.dependence))


@define
class Task:
    """One host thread's counters."""

    record: Record
    arrays: dict[str, Array]

    def counts(self, name: str) -> Words:
        """What it has counted for each instruction of the kernel."""
        return self.arrays[name][:-1]


@define
class ModelledGpu:
    """The modelled GPU with a launch loaded."""

    state: LaunchState
    gpu: Gpu
    fits: Occupancy
    plan: Plan
    record: Record
    sms: list[Sm]
    kept: list[Any]
    supervisor: Supervisor
    dram_sectors: float = 0.0
    dram_until: float = 0.0
    unwritten: float = 0.0

    @classmethod
    def build(
        cls,
        state: LaunchState,
        gpu: Gpu,
        fits: Occupancy,
        slots: int,
        plan: Plan,
        supervisor: Supervisor,
        costs: int,
    ) -> "ModelledGpu":
        """Allocate everything, caches empty; an SM has ``slots`` for CTAs.

        ``costs``: address of the code of costs from files of the user's, or 0.
        """
        l2_sets = max(1, gpu.l2.bytes * plan.sms // plan.all_sms // (gpu.l1.line_bytes * gpu.l2.ways))
        lines = l2_sets * gpu.l2.ways
        l1_sets = max(1, fits.l1_bytes // (gpu.l1.line_bytes * gpu.l1.ways))
        records = SM.new(plan.sms)
        units, parameters = unit_table(gpu)
        machine = MACHINE.new(
            sm_count=plan.sms,
            subcores=gpu.sm.subcores,
            round_robin=gpu.scheduler.policy == "lrr",
            cta_launch=gpu.sm.cta_launch_cycles,
            branch_latency=max((timing.latency for unit, timing in gpu.pipes.items() if unit.branches), default=0),
            barrier_latency=gpu.barrier.latency,
            shared_latency=gpu.shared.latency,
            shared_banks=gpu.shared.banks,
            lsu_queue=gpu.shared.queue,
            l1_latency=gpu.l1.latency,
            l1_sets=l1_sets,
            l1_ways=gpu.l1.ways,
            l2_latency=gpu.l2.latency,
            l2_sets=l2_sets,
            l2_ways=gpu.l2.ways,
            memory_queue=gpu.l2.queue_cycles,
            dram_latency=gpu.dram.latency,
            atomic_latency=gpu.l2.atomic_latency,
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
        return cls(state, gpu, fits, plan, machine, sms, [arrays, parameters], supervisor)

    def field(self, name: str) -> int:
        """A field of the machine record."""
        return int(self.record[name])

    @property
    def cancelled(self) -> bool:
        """Whether the run was stopped before its end."""
        return bool(self.state.record["cancelled"])

    def new_task(self, merge: bool = False, tracker: int = 0) -> Task:
        """Counters of a host thread; ``tracker``: address of its tracker record, or 0."""
        count = len(self.state.instructions) + 1
        task = TASK.new(merge=merge, tracker=tracker)
        arrays = TASK.point(
            task,
            machine=self.record,
            issued=np.zeros(count, np.int64),
            skipped=np.zeros(count, np.int64),
            kept=np.zeros(KEPT_BYTES // 8, np.int64),
            stalls=np.zeros((count, REASONS), np.int64),
            free=np.zeros(count, np.int64),
            charge=CHARGE.new(),
        )
        return Task(task, arrays)

    def run(
        self, run_task: Callable[[int], None], tasks: list[Task], progress: Callable[[int, int], None] | None
    ) -> None:
        """Run epochs until every CTA has ended; KernelFault if one faults, TimedOut when time is up."""
        dealer = Dealer(self.plan.ctas)
        merging = self.new_task(merge=True)
        started = [0] * len(self.sms)
        epoch, begin, length, sharing = 1, 0, min(FIRST_EPOCH, self.gpu.model.epoch_cycles), 1.0
        while True:
            free = [sm.empty_slots() for sm in self.sms]
            ages = [sm.field("age") for sm in self.sms]
            ahead = [max(AHEAD, 2 * (age - before)) for age, before in zip(ages, started, strict=True)]
            started = ages
            queues = dealer.deal([sm.queued() for sm in self.sms], free, ahead)
            busy = [bool(q) or f < len(sm.ctas) for q, f, sm in zip(queues, free, self.sms, strict=True)]
            if not any(busy):
                return
            for sm, queue in zip(self.sms, queues, strict=True):
                sm.arrays["queue"][: len(queue)] = queue
                put(sm.record, queue_head=0, queue_tail=len(queue))
            self._share_bandwidth(sum(busy), sharing)
            put(self.record, next_sm=0, epoch=epoch, epoch_start=begin, epoch_end=begin + length)
            run_threads(run_task, [task.record.ctypes.data for task in tasks], self.state.record, self.supervisor)
            self._check_faults()
            if self.cancelled:
                return
            run_task(merging.record.ctypes.data)
            loaded, missed = self.field("loaded_sectors"), self.field("missed_sectors")
            stored = (self.field("dram_sectors") - loaded) / self.plan.part
            sectors = 0.0
            if loaded:
                sharing, sectors = self.plan.traffic(missed, loaded)
            self._charge_dram(sectors, stored, begin, length)
            begin += length
            epoch += 1
            length = min(2 * length, self.gpu.model.epoch_cycles)
            if progress is not None:
                progress(sum(sm.field("ctas_done") for sm in self.sms), len(dealer.ctas))

    def survey(self, tasks: list[Task]) -> Survey:
        """How far the run is."""
        ctas = [cta for sm in self.sms for cta in sm.open_ctas()]
        issued = np.sum([task.counts("issued") for task in tasks], axis=0)
        return Survey(sum(sm.field("ctas_done") for sm in self.sms), len(self.plan.ctas), issued, longest_running(ctas))

    def _share_bandwidth(self, busy: int, sharing: float) -> None:
        """Divide L2 and DRAM among the busy SMs; ``sharing``: SMs that miss the same sector at about the same time."""
        gpu = self.gpu
        l2 = min(gpu.l2.port_bandwidth, gpu.l2.bandwidth * self.plan.part / busy)
        dram = gpu.dram.bandwidth_gb_s * 1e3 / gpu.clock_mhz * self.plan.part / busy * sharing
        sector = gpu.l1.sector_bytes * TICKS
        put(self.record, l2_ticks=round(sector / l2), dram_ticks=max(1, round(sector / dram)))

    def _charge_dram(self, loaded: float, stored: float, begin: int, length: int) -> None:
        """Count what DRAM moved for the whole GPU in an epoch; what took longer than it delays the next one.

        Loads go first. What was stored stays in L2 until DRAM is idle, as long as L2 has room for it.
        """
        per_cycle = self._dram_sectors_per_cycle()
        room = self.gpu.l2.bytes // self.gpu.l1.sector_bytes
        self.dram_until = max(self.dram_until, begin) + loaded / per_cycle
        self.unwritten += stored
        written = min(self.unwritten, max(0.0, begin + length - self.dram_until) * per_cycle)
        if self.unwritten - written > room:
            forced = self.unwritten - written - room
            self.dram_until = max(self.dram_until, begin + length) + forced / per_cycle
            written += forced
        self.unwritten -= written
        self.dram_sectors += loaded + written
        if self.dram_until > begin + length:
            ticks = int(self.dram_until * TICKS)
            for sm in self.sms:
                put(sm.record, dram_free=max(sm.field("dram_free"), ticks))

    def _dram_sectors_per_cycle(self) -> float:
        return self.gpu.dram.bandwidth_gb_s * 1e3 / self.gpu.clock_mhz / self.gpu.l1.sector_bytes

    def _check_faults(self) -> None:
        faulted = [sm for sm in self.sms if sm.field("fault_cta") >= 0]
        if faulted:
            first = min(faulted, key=lambda sm: sm.field("fault_cta"))
            cta = first.ctas[first.field("fault_slot")]
            warps = [cta.warp(index) for index in range(self.state.launch.warps)]
            raise KernelFault(self.state.launch, record_of(self.state.launch, warps[first.field("fault_warp")], warps))

    def _end(self, sm: Sm) -> int:
        """Cycle at which an SM's last CTA has ended and all it has begun is done."""
        ticks = max(sm.field("l2_free"), sm.field("dram_free"))
        return max(sm.field("finished"), sm.field("lsu_free"), -(-ticks // TICKS))

    def counters(self) -> dict[str, int]:
        """What SMs and blocks of units have counted."""
        of_blocks = np.sum([sm.arrays["counters"] for sm in self.sms], axis=0).tolist()
        own = {name: sum(sm.field(name) for sm in self.sms) for name in COUNTERS}
        return own | dict(zip(counter_names(self.gpu.isa), of_blocks, strict=False))

    def timing(self, tasks: list[Task], seconds: float) -> Timing:
        """The result, summed over threads and SMs."""
        issued, skipped, stalls, free = (
            np.sum([task.counts(name) for task in tasks], axis=0) for name in ("issued", "skipped", "stalls", "free")
        )
        ports = port_numbers(self.gpu)
        busy = sum(sm.arrays["subcores"]["port_busy"].sum(axis=0) for sm in self.sms)
        cycles = max(ceil(self.dram_until), *(self._end(sm) for sm in self.sms))
        # The last epoch may go on behind the kernel's end; what DRAM writes then is not the kernel's.
        moved = min(self.dram_sectors, cycles * self._dram_sectors_per_cycle())
        return Timing(
            gpu=self.gpu,
            execution=Execution(issued, skipped, seconds, len(tasks)),
            cycles=cycles,
            issued=issued,
            stalls=stalls[:, : len(reasons(self.gpu.isa))],
            free=free,
            counters=self.counters(),
            port_busy={name: int(busy[number]) for name, number in ports.items()},
            sms=len(self.sms),
            dram_sectors=int(moved),
            occupancy=self.fits,
        )
