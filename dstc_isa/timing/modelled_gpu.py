"""The modelled GPU with a launch loaded: SMs side by side, epoch after epoch, on the host's threads."""

from collections.abc import Callable
from math import ceil

import numpy as np
from attrs import define

from dstc_isa.engine.compiled.host_threads import run_threads
from dstc_isa.engine.compiled.state import LaunchState, longest_running
from dstc_isa.engine.execution import Execution
from dstc_isa.engine.faults import KernelFault, record_of
from dstc_isa.engine.record_layout import put
from dstc_isa.engine.supervision import Supervisor, Survey
from dstc_isa.gpu import Gpu
from dstc_isa.timing.blocks import counter_names
from dstc_isa.timing.dealer import Dealer
from dstc_isa.timing.dram import Dram
from dstc_isa.timing.instruction_timing import port_numbers
from dstc_isa.timing.machine_record import Machine
from dstc_isa.timing.model_records import COUNTERS, TICKS
from dstc_isa.timing.occupancy import Occupancy
from dstc_isa.timing.reasons import reasons
from dstc_isa.timing.result import Timing
from dstc_isa.timing.sample import SamplePlan
from dstc_isa.timing.sm import Sm
from dstc_isa.timing.task import Task, new_task

FIRST_EPOCH = 512
AHEAD = 8
"""CTAs that an SM has in reserve at least, so that short ones do not make it wait for the end of an epoch."""


@define
class ModelledGpu:
    """The modelled GPU with a launch loaded."""

    state: LaunchState
    gpu: Gpu
    fits: Occupancy
    plan: SamplePlan
    machine: Machine
    supervisor: Supervisor
    dram: Dram

    @property
    def sms(self) -> list[Sm]:
        """SMs that are modelled."""
        return self.machine.sms

    def field(self, name: str) -> int:
        """A field of the machine record."""
        return int(self.machine.record[name])

    @property
    def cancelled(self) -> bool:
        """Whether the run was stopped before its end."""
        return bool(self.state.record["cancelled"])

    def new_task(self, merge: bool = False, tracker: int = 0) -> Task:
        """A host thread's record, as of ``timing.task``."""
        return new_task(self.machine.record, len(self.state.instructions), merge, tracker)

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
            put(self.machine.record, next_sm=0, epoch=epoch, epoch_start=begin, epoch_end=begin + length)
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
            self.dram.charge(sectors, stored, begin, length)
            self._delay(begin + length)
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
        put(self.machine.record, l2_ticks=round(sector / l2), dram_ticks=max(1, round(sector / dram)))

    def _delay(self, cycle: int) -> None:
        """Let SMs wait for DRAM if it is busy beyond the end of an epoch, which is ``cycle``."""
        if self.dram.until > cycle:
            ticks = int(self.dram.until * TICKS)
            for sm in self.sms:
                put(sm.record, dram_free=max(sm.field("dram_free"), ticks))

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
        cycles = max(ceil(self.dram.until), *(self._end(sm) for sm in self.sms))
        # The last epoch may go on behind the kernel's end; what DRAM writes then is not the kernel's.
        moved = min(self.dram.sectors, cycles * self.dram.sectors_per_cycle)
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
