"""An SM of the modelled GPU as it lies in memory: sub-cores, CTA slots, L1."""

from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import define

from dstc_isa.engine.compiled.state import CtaState, LaunchState, new_cta
from dstc_isa.engine.layout import TRACE_ENTRY, Record, put
from dstc_isa.gpu import Gpu
from dstc_isa.isa.lanes import LANES
from dstc_isa.timing.blocks import counter_names, first_state
from dstc_isa.timing.dealer import QUEUE
from dstc_isa.timing.layout import (
    AHEAD,
    BANK_WORDS,
    CLOCK_OFFSETS,
    FAR,
    L1_FILL_BYTES,
    LOG_ENTRY,
    NO_PORT,
    PENDING_ENTRIES,
    PENDING_ENTRY,
    POSITIONS,
    SM_OFFSETS,
    SUBCORE_OFFSETS,
)

LOG_SLACK = 64 * LANES
"""Entries for instructions that begin just before the way to memory is full."""


@define
class Sm:
    """An SM's records and the CTA slots it has."""

    record: Record
    subcores: npt.NDArray[np.int64]
    ctas: list[CtaState]
    queue: npt.NDArray[np.int64]
    counters: npt.NDArray[np.int64]
    kept: list[Any]

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return sum(
            each.nbytes for each in (self.record, self.subcores, self.queue, self.counters, *self.ctas, *self.kept)
        )

    def field(self, name: str) -> int:
        """A field of the SM record."""
        return int(self.record[SM_OFFSETS[name] // 8])

    def queued(self) -> list[int]:
        """CTAs dealt to it that have not been started."""
        tasks: list[int] = self.queue[self.field("queue_head") : self.field("queue_tail")].tolist()
        return tasks

    def empty_slots(self) -> int:
        """CTA slots without a CTA."""
        return int((self._live_warps == 0).sum())

    def open_ctas(self) -> list[CtaState]:
        """The CTAs that have begun and not ended."""
        return [cta for cta, live in zip(self.ctas, self._live_warps.tolist(), strict=True) if live]

    @property
    def _live_warps(self) -> Record:
        """Warps that have not exited, of each CTA slot."""
        first = SM_OFFSETS["live"] // 8
        return self.record[first : first + len(self.ctas)]


def log_capacity(gpu: Gpu) -> int:
    """Sectors that an SM can ask L2 for in an epoch, those included that wait."""
    return gpu.l2.port_bandwidth * (gpu.model.epoch_cycles + gpu.l2.queue_cycles) // gpu.l1.sector_bytes + LOG_SLACK


def new_sm(state: LaunchState, gpu: Gpu, slots: int, l1_sets: int, row: Record) -> Sm:
    """Allocate an SM: sub-cores, ``slots`` for CTAs, L1."""
    warps = state.launch.warps
    ctas = [new_cta(state, row.ctypes.data + SM_OFFSETS["tracker"]) for _ in range(slots)]
    lines = l1_sets * gpu.l1.ways
    tags, sectors, uses = (np.full(lines, -1, np.int64), *(np.zeros(lines, np.int64) for _ in range(2)))
    filled = np.zeros(lines * L1_FILL_BYTES // 8, np.int64)
    queue = np.zeros(QUEUE, np.int64)
    slot_warps = np.array([cta.warps.ctypes.data for cta in ctas], np.int64)
    slot_shared = np.array([cta.window.ctypes.data for cta in ctas], np.int64)
    clocks = np.zeros((slots * warps, CLOCK_OFFSETS["size"] // 8), np.int64)
    subcores = np.zeros((gpu.sm.subcores, SUBCORE_OFFSETS["size"] // 8), np.int64)
    traces = np.zeros((slots * warps, AHEAD + 1, TRACE_ENTRY // 8), np.int64)
    blocks = np.tile(first_state(), (gpu.sm.subcores, 1))
    counters = np.zeros(len(counter_names()) + 1, np.int64)
    pending = np.zeros(PENDING_ENTRIES * PENDING_ENTRY // 8, np.int64)
    log = np.zeros(log_capacity(gpu) * LOG_ENTRY // 8, np.int64)
    words = np.zeros(gpu.shared.banks * (BANK_WORDS + 1), np.int64)
    place = {name: offset // 8 for name, offset in SUBCORE_OFFSETS.items()}
    subcores[:, place["greedy"]] = -1
    subcores[:, place["next"]] = FAR
    subcores[:, place["ready"] : place["ready"] + POSITIONS] = FAR
    subcores[:, place["port"] : place["port"] + POSITIONS] = NO_PORT
    subcores[:, place["blocks"]] = [each.ctypes.data for each in blocks]
    for number in range(slots * warps):
        subcore, position = subcores[number % gpu.sm.subcores], number // gpu.sm.subcores
        slot, index = divmod(number, warps)
        subcore[place["count"]] = position + 1
        subcore[place["warp"] + position] = ctas[slot].warps[index].ctypes.data
        subcore[place["clock"] + position] = clocks[number].ctypes.data
        put(clocks[number], CLOCK_OFFSETS, slot=slot, subcore=subcore.ctypes.data, position=position)
        put(clocks[number], CLOCK_OFFSETS, trace=traces[number].ctypes.data)
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
        counters=counters.ctypes.data,
        fault_cta=-1,
    )
    kept = [tags, sectors, uses, filled, slot_warps, slot_shared, clocks, traces, blocks, pending, log, words]
    return Sm(row, subcores, ctas, queue, counters, kept)
