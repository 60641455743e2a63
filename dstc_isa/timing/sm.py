"""An SM of the modelled GPU as it lies in memory: sub-cores, CTA slots, L1."""

import numpy as np
from attrs import define

from dstc_isa.engine.compiled.state import CtaState, LaunchState, new_cta
from dstc_isa.engine.launch_records import TRACE
from dstc_isa.engine.record_layout import Array, Record, Words, addresses, put
from dstc_isa.gpu import Gpu
from dstc_isa.isa.lanes import LANES
from dstc_isa.timing.blocks import counter_names, first_state
from dstc_isa.timing.dealer import QUEUE
from dstc_isa.timing.model_records import (
    AHEAD,
    BANK_WORDS,
    CLOCK,
    FILL,
    LOGGED,
    PENDING,
    PENDING_ENTRIES,
    SM,
    SUBCORE,
)

LOG_SLACK = 64 * LANES
"""Entries for instructions that begin just before the way to memory is full."""


@define
class Sm:
    """An SM's record, the CTA slots it has, and what the record points to, by name; ``kept``: what that points to."""

    record: Record
    ctas: list[CtaState]
    arrays: dict[str, Array]
    kept: list[Array]

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        arrays = (self.record, *self.arrays.values(), *self.kept)
        return sum(each.nbytes for each in arrays) + sum(cta.nbytes for cta in self.ctas)

    def field(self, name: str) -> int:
        """A field of the SM record."""
        return int(self.record[name])

    def queued(self) -> list[int]:
        """CTAs dealt to it that have not been started."""
        tasks: list[int] = self.arrays["queue"][self.field("queue_head") : self.field("queue_tail")].tolist()
        return tasks

    def empty_slots(self) -> int:
        """CTA slots without a CTA."""
        return int((self._live_warps == 0).sum())

    def open_ctas(self) -> list[CtaState]:
        """The CTAs that have begun and not ended."""
        return [cta for cta, live in zip(self.ctas, self._live_warps.tolist(), strict=True) if live]

    @property
    def _live_warps(self) -> Words:
        """Warps that have not exited, of each CTA slot."""
        live: Words = self.record["live"][: len(self.ctas)]
        return live


def log_capacity(gpu: Gpu) -> int:
    """Sectors that an SM can ask L2 for in an epoch, those included that wait."""
    return gpu.l2.port_bandwidth * (gpu.model.epoch_cycles + gpu.l2.queue_cycles) // gpu.l1.sector_bytes + LOG_SLACK


def new_sm(state: LaunchState, gpu: Gpu, slots: int, l1_sets: int, record: Record) -> Sm:
    """Allocate what an SM's record points to: sub-cores, ``slots`` for CTAs, L1."""
    warps = state.launch.warps
    ctas = [new_cta(state, record.ctypes.data + SM.offset("tracker")) for _ in range(slots)]
    lines = l1_sets * gpu.l1.ways
    subcores = SUBCORE.new(gpu.sm.subcores)
    blocks = SUBCORE.point(subcores, blocks=np.tile(first_state(gpu.isa), (gpu.sm.subcores, 1)))
    position, subcore = np.divmod(np.arange(slots * warps), gpu.sm.subcores)
    clocks = CLOCK.new(
        slots * warps,
        slot=np.arange(slots * warps) // warps,
        subcore=addresses(subcores)[subcore],
        position=position,
    )
    traces = CLOCK.point(clocks, trace=TRACE.new((slots * warps, AHEAD + 1)))
    subcores["count"] = np.bincount(subcore, minlength=gpu.sm.subcores)
    subcores["warp"][subcore, position] = np.concatenate([addresses(cta.warps) for cta in ctas])
    subcores["clock"][subcore, position] = addresses(clocks)
    put(record, slots=slots)
    arrays = SM.point(
        record,
        subcores=subcores,
        clocks=clocks,
        slot_warps=np.array([cta.warps.ctypes.data for cta in ctas], np.int64),
        slot_shared=np.array([cta.shared for cta in ctas], np.int64),
        queue=np.zeros(QUEUE, np.int64),
        l1_tags=np.full(lines, -1, np.int64),
        l1_sectors=np.zeros(lines, np.int64),
        l1_used=np.zeros(lines, np.int64),
        l1_filled=FILL.new(lines),
        pending=PENDING.new(PENDING_ENTRIES),
        log=LOGGED.new(log_capacity(gpu)),
        bank_words=BANK_WORDS.new(gpu.shared.banks),
        counters=np.zeros(len(counter_names(gpu.isa)) + 1, np.int64),
    )
    return Sm(record, ctas, arrays, [*blocks.values(), *traces.values()])
