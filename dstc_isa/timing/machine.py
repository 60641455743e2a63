"""Runs a launch on the modelled GPU: SMs side by side, epoch after epoch, on the host's threads."""

import os
import time
from collections.abc import Callable
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import define

from dstc_isa.engine.compiled import cache
from dstc_isa.engine.compiled.machine import run_threads
from dstc_isa.engine.compiled.state import CtaState, LaunchState, load_launch, new_cta
from dstc_isa.engine.execution import DEFAULT_MAX_INSTRUCTIONS, Execution, needs_one_thread
from dstc_isa.engine.faults import KernelFault, record_of
from dstc_isa.engine.launch import Launch, LaunchError
from dstc_isa.engine.layout import Record, put, record
from dstc_isa.gpu import Gpu
from dstc_isa.isa.instruction import Pipe
from dstc_isa.isa.lanes import LANES
from dstc_isa.timing.dealer import QUEUE, Dealer
from dstc_isa.timing.layout import (
    BANK_WORDS,
    CLOCK_OFFSETS,
    COUNTERS,
    FAR,
    LOG_ENTRY,
    MACHINE_OFFSETS,
    NO_PORT,
    PENDING_ENTRIES,
    PENDING_ENTRY,
    POSITIONS,
    REASONS,
    SM_OFFSETS,
    SUBCORE_OFFSETS,
    TASK_OFFSETS,
    TICKS,
    TILES,
)
from dstc_isa.timing.occupancy import Occupancy, occupancy
from dstc_isa.timing.result import Timing
from dstc_isa.timing.rows import port_numbers, timing_rows

RUN_TASK = cache.Entry(
    "run_task",
    "dstc_isa.timing.compiled.sm",
    "task_of",
    "as_task",
    "dstc_isa.timing.compiled.records",
    ("dstc_isa.timing",),
)
FIRST_EPOCH = 512
LOG_SLACK = 64 * LANES
"""Entries for instructions that begin just before the way to memory is full."""

AHEAD = 8
"""CTAs that an SM has in reserve at least, so that short ones do not make it wait for the end of an epoch."""


def time_launch(
    launch: Launch,
    gpu: Gpu,
    *,
    threads: int | None = None,
    max_instructions: int = DEFAULT_MAX_INSTRUCTIONS,
    announce: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Timing:
    """Execute and time a launch; the arrays given as arguments hold the results.

    ``threads``: host threads, all cores if None; neither results nor cycles depend on it. ``progress`` is told CTAs
    done and in all. Raises LaunchError if a CTA does not fit the GPU, KernelFault for a fault.
    """
    fits = occupancy(gpu, launch.warps, launch.kernel.registers, launch.kernel.shared_bytes)
    if fits.ctas == 0:
        raise LaunchError(f"no CTA of kernel {launch.kernel.name} fits an SM of {gpu.name}: too few {fits.limit}")
    state = load_launch(launch, max_instructions)
    run_task = cache.load(RUN_TASK, announce)
    machine = Machine.build(state, gpu, fits)
    wanted = 1 if needs_one_thread(state.instructions) else threads or len(os.sched_getaffinity(0))
    used = max(1, min(wanted, len(machine.sms)))
    tasks = [machine.new_task() for _ in range(used)]
    started = time.perf_counter()
    machine.run(run_task, tasks, progress)
    return machine.timing(tasks, time.perf_counter() - started)


@define
class Task:
    """One host thread's counters."""

    record: Record
    issued: npt.NDArray[np.int64]
    skipped: npt.NDArray[np.int64]
    stalls: npt.NDArray[np.int64]
    free: npt.NDArray[np.int64]


@define
class Sm:
    """An SM's records and the CTA slots it has."""

    record: Record
    subcores: npt.NDArray[np.int64]
    ctas: list[CtaState]
    queue: npt.NDArray[np.int64]
    kept: list[Any]

    def field(self, name: str) -> int:
        """A field of the SM record."""
        return int(self.record[SM_OFFSETS[name] // 8])

    def queued(self) -> list[int]:
        """CTAs dealt to it that have not been started."""
        tasks: list[int] = self.queue[self.field("queue_head") : self.field("queue_tail")].tolist()
        return tasks

    def empty_slots(self) -> int:
        """CTA slots without a CTA."""
        first = SM_OFFSETS["live"] // 8
        return int((self.record[first : first + len(self.ctas)] == 0).sum())


@define
class Machine:
    """The modelled GPU with a launch loaded."""

    state: LaunchState
    gpu: Gpu
    fits: Occupancy
    record: Record
    sms: list[Sm]
    kept: list[Any]
    dram_sectors: int = 0
    dram_until: float = 0.0
    unwritten: int = 0

    @classmethod
    def build(cls, state: LaunchState, gpu: Gpu, fits: Occupancy) -> "Machine":
        """Allocate everything, caches empty."""
        lines = gpu.l2.bytes // gpu.l1.line_bytes
        tags, sectors, stamps = np.full(lines, -1, np.int64), np.zeros(lines, np.int64), np.zeros(lines, np.int64)
        rows = timing_rows(state.instructions, gpu)
        count = min(gpu.sm.count, state.launch.ctas)
        l1_sets = max(1, fits.l1_bytes // (gpu.l1.line_bytes * gpu.l1.ways))
        records = np.zeros((count, SM_OFFSETS["size"] // 8), np.int64)
        machine = record(MACHINE_OFFSETS)
        buffer = gpu.accumulation_buffer
        put(
            machine,
            MACHINE_OFFSETS,
            launch=state.record.ctypes.data,
            rows=rows.ctypes.data,
            sms=records.ctypes.data,
            sm_count=count,
            subcores=gpu.sm.subcores,
            round_robin=gpu.scheduler.policy == "lrr",
            cta_launch=gpu.sm.cta_launch_cycles,
            branch_latency=gpu.pipes[Pipe.BRANCH].latency,
            barrier_latency=gpu.barrier.latency,
            shared_latency=gpu.shared.latency,
            shared_banks=gpu.shared.banks,
            lsu_queue=gpu.shared.queue,
            l1_latency=gpu.l1.latency,
            l1_sets=l1_sets,
            l1_ways=gpu.l1.ways,
            l2_latency=gpu.l2.latency,
            l2_sets=lines // gpu.l2.ways,
            l2_ways=gpu.l2.ways,
            l2_tags=tags.ctypes.data,
            l2_sectors=sectors.ctypes.data,
            l2_stamps=stamps.ctypes.data,
            memory_queue=gpu.l2.queue_cycles,
            dram_latency=gpu.dram.latency,
            atomic_latency=gpu.l2.atomic_latency,
            buffer_banks=buffer.banks,
            bank_cycles=buffer.bank_cycles,
            buffer_window=buffer.window,
            buffer_tiles=buffer.tiles,
            fill_cycles=buffer.fill_cycles,
            spill_cycles=buffer.spill_cycles,
            sequence_interval=gpu.pipes[Pipe.SPWMMA].initiation,
            free_skip=buffer.skipped == "none",
            log_capacity=log_capacity(gpu),
        )
        sms = [new_sm(state, gpu, fits, l1_sets, row) for row in records]
        return cls(state, gpu, fits, machine, sms, [tags, sectors, stamps, rows, records])

    def field(self, name: str) -> int:
        """A field of the machine record."""
        return int(self.record[MACHINE_OFFSETS[name] // 8])

    def new_task(self, merge: bool = False) -> Task:
        """Counters of a host thread."""
        count = len(self.state.instructions) + 1
        issued, skipped, free = (np.zeros(count, np.int64) for _ in range(3))
        stalls = np.zeros((count, REASONS), np.int64)
        task = record(TASK_OFFSETS)
        put(
            task,
            TASK_OFFSETS,
            machine=self.record.ctypes.data,
            merge=merge,
            issued=issued.ctypes.data,
            skipped=skipped.ctypes.data,
            reasons=stalls.ctypes.data,
            free=free.ctypes.data,
        )
        return Task(task, issued, skipped, stalls, free)

    def run(
        self, run_task: Callable[[int], None], tasks: list[Task], progress: Callable[[int, int], None] | None
    ) -> None:
        """Run epochs until every CTA has ended; KernelFault if one faults."""
        dealer = Dealer(self.state.launch.ctas)
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
                sm.queue[: len(queue)] = queue
                put(sm.record, SM_OFFSETS, queue_head=0, queue_tail=len(queue))
            self._share_bandwidth(sum(busy), sharing)
            put(self.record, MACHINE_OFFSETS, next_sm=0, epoch=epoch, epoch_start=begin, epoch_end=begin + length)
            run_threads(run_task, [task.record for task in tasks], self.state.record)
            self._check_faults()
            run_task(merging.record.ctypes.data)
            loaded, missed = self.field("loaded_sectors"), self.field("missed_sectors")
            self._charge_dram(loaded, self.field("dram_sectors") - loaded, begin, length)
            sharing = missed / loaded if loaded else sharing
            begin += length
            epoch += 1
            length = min(2 * length, self.gpu.model.epoch_cycles)
            if progress is not None:
                progress(sum(sm.field("ctas_done") for sm in self.sms), dealer.total)

    def _share_bandwidth(self, busy: int, sharing: float) -> None:
        """Divide L2 and DRAM among the busy SMs; ``sharing``: SMs that miss the same sector at about the same time."""
        gpu = self.gpu
        l2 = min(gpu.l2.port_bandwidth, gpu.l2.bandwidth / busy)
        dram = gpu.dram.bandwidth_gb_s * 1e3 / gpu.clock_mhz / busy * sharing
        sector = gpu.l1.sector_bytes * TICKS
        put(self.record, MACHINE_OFFSETS, l2_ticks=round(sector / l2), dram_ticks=max(1, round(sector / dram)))

    def _charge_dram(self, loaded: int, stored: int, begin: int, length: int) -> None:
        """Count what DRAM moved in an epoch; SMs wait in the next one for what took longer than the epoch.

        Loads go first. What was stored stays in L2 until DRAM is idle, as long as L2 has room for it.
        """
        gpu = self.gpu
        sector = gpu.l1.sector_bytes
        per_cycle = gpu.dram.bandwidth_gb_s * 1e3 / gpu.clock_mhz / sector
        room = gpu.l2.bytes // sector
        self.dram_until = max(self.dram_until, begin) + loaded / per_cycle
        self.unwritten += stored
        written = min(self.unwritten, int(max(0.0, begin + length - self.dram_until) * per_cycle))
        if self.unwritten - written > room:
            forced = self.unwritten - written - room
            self.dram_until = max(self.dram_until, begin + length) + forced / per_cycle
            written += forced
        self.unwritten -= written
        self.dram_sectors += loaded + written
        if self.dram_until > begin + length:
            ticks = int(self.dram_until * TICKS)
            for sm in self.sms:
                put(sm.record, SM_OFFSETS, dram_free=max(sm.field("dram_free"), ticks))

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

    def timing(self, tasks: list[Task], seconds: float) -> Timing:
        """The result, summed over threads and SMs."""
        issued, skipped, stalls, free = (
            np.sum([getattr(task, name) for task in tasks], axis=0)[:-1]
            for name in ("issued", "skipped", "stalls", "free")
        )
        ports = port_numbers(self.gpu)
        first = SUBCORE_OFFSETS["port_busy"] // 8
        busy = sum(sm.subcores[:, first : first + len(ports)].sum(axis=0) for sm in self.sms)
        return Timing(
            gpu=self.gpu,
            execution=Execution(issued, skipped, seconds, len(tasks)),
            cycles=max(ceil(self.dram_until), *(self._end(sm) for sm in self.sms)),
            stalls=stalls,
            free=free,
            counters={name: sum(sm.field(name) for sm in self.sms) for name in COUNTERS},
            port_busy={name: int(busy[number]) for name, number in ports.items()},
            sms=len(self.sms),
            dram_sectors=self.dram_sectors,
            occupancy=self.fits,
        )


def log_capacity(gpu: Gpu) -> int:
    """Sectors that an SM can ask L2 for in an epoch, those included that wait."""
    return gpu.l2.port_bandwidth * (gpu.model.epoch_cycles + gpu.l2.queue_cycles) // gpu.l1.sector_bytes + LOG_SLACK


def new_sm(state: LaunchState, gpu: Gpu, fits: Occupancy, l1_sets: int, row: Record) -> Sm:
    """Allocate an SM: sub-cores, CTA slots, L1."""
    warps = state.launch.warps
    slots = min(fits.ctas, -(-state.launch.ctas // min(gpu.sm.count, state.launch.ctas)))
    ctas = [new_cta(state) for _ in range(slots)]
    lines = l1_sets * gpu.l1.ways
    tags, sectors, uses, filled = (np.full(lines, -1, np.int64), *(np.zeros(lines, np.int64) for _ in range(3)))
    queue = np.zeros(QUEUE, np.int64)
    slot_warps = np.array([cta.warps.ctypes.data for cta in ctas], np.int64)
    slot_shared = np.array([cta.window.ctypes.data for cta in ctas], np.int64)
    clocks = np.zeros((slots * warps, CLOCK_OFFSETS["size"] // 8), np.int64)
    subcores = np.zeros((gpu.sm.subcores, SUBCORE_OFFSETS["size"] // 8), np.int64)
    pending = np.zeros(PENDING_ENTRIES * PENDING_ENTRY // 8, np.int64)
    log = np.zeros(log_capacity(gpu) * LOG_ENTRY // 8, np.int64)
    words = np.zeros(gpu.shared.banks * (BANK_WORDS + 1), np.int64)
    place = {name: offset // 8 for name, offset in SUBCORE_OFFSETS.items()}
    subcores[:, place["greedy"]] = -1
    subcores[:, place["next"]] = FAR
    subcores[:, place["ready"] : place["ready"] + POSITIONS] = FAR
    subcores[:, place["port"] : place["port"] + POSITIONS] = NO_PORT
    subcores[:, place["tile"] : place["tile"] + TILES] = -1
    for number in range(slots * warps):
        subcore, position = subcores[number % gpu.sm.subcores], number // gpu.sm.subcores
        slot, index = divmod(number, warps)
        subcore[place["count"]] = position + 1
        subcore[place["warp"] + position] = ctas[slot].warps[index].ctypes.data
        subcore[place["clock"] + position] = clocks[number].ctypes.data
        put(clocks[number], CLOCK_OFFSETS, slot=slot, subcore=subcore.ctypes.data, position=position)
    put(
        row,
        SM_OFFSETS,
        subcores=subcores.ctypes.data,
        clocks=clocks.ctypes.data,
        slots=slots,
        slot_warps=slot_warps.ctypes.data,
        slot_shared=slot_shared.ctypes.data,
        queue=queue.ctypes.data,
        l1_tags=tags.ctypes.data,
        l1_sectors=sectors.ctypes.data,
        l1_used=uses.ctypes.data,
        l1_filled=filled.ctypes.data,
        pending=pending.ctypes.data,
        log=log.ctypes.data,
        bank_words=words.ctypes.data,
        fault_cta=-1,
    )
    kept = [tags, sectors, uses, filled, slot_warps, slot_shared, clocks, pending, log, words]
    return Sm(row, subcores, ctas, queue, kept)
