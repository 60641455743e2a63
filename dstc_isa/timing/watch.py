"""Hazards found while a kernel runs: what compiled code must know of the instructions, and what it noted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import define, frozen

from dstc_isa.engine.compiled.state import LaunchState
from dstc_isa.engine.layout import Record, put
from dstc_isa.gpu import Gpu
from dstc_isa.isa.access import accessed_by
from dstc_isa.isa.control import NO_SCOREBOARD
from dstc_isa.isa.instruction import GUARD
from dstc_isa.isa.masks import PLACES, predicate
from dstc_isa.isa.unit import UNITS
from dstc_isa.program import RAW
from dstc_isa.schedule.hazard import Hazard
from dstc_isa.schedule.work import work_of
from dstc_isa.timing.layout import (
    FINDING_WORDS,
    FINDINGS,
    MACHINE_OFFSETS,
    OUTSTANDING_ENTRY,
    PLACE_WORDS,
    SM_OFFSETS,
    USE_WORDS,
    WATCH_OFFSETS,
    Danger,
    Finding,
    Use,
)
from dstc_isa.timing.sm import Sm

WORD_BITS = 64


@frozen
class Found:
    """A hazard that happened: first in ``cta`` (linear number), ``warp`` of it, as the consumer issued at ``cycle``."""

    hazard: Hazard
    cta: int
    warp: int
    cycle: int


@define
class Watch:
    """The records that checked runs work on."""

    uses: npt.NDArray[np.int64]
    findings: npt.NDArray[np.int64]
    sms: list[Sm]
    kept: list[Any]

    @classmethod
    def attach(cls, state: LaunchState, gpu: Gpu, machine: Record, sms: list[Sm]) -> "Watch":
        """Allocate the records and point the machine and its SMs to them."""
        uses = use_rows(state.launch.kernel.words, gpu)
        size = WATCH_OFFSETS["size"] + OUTSTANDING_ENTRY * int(uses[:, Use.OUTSTANDING].sum())
        findings = np.zeros((len(sms), FINDINGS, FINDING_WORDS), np.int64)
        states = []
        put(machine, MACHINE_OFFSETS, uses=uses.ctypes.data, watch_bytes=size)
        for sm, found in zip(sms, findings, strict=True):
            states.append(np.zeros((len(sm.ctas) * state.launch.warps, size // 8), np.int64))
            put(sm.record, SM_OFFSETS, watches=states[-1].ctypes.data, findings=found.ctypes.data)
        return cls(uses, findings, sms, states)

    def found(self) -> list[Found]:
        """One hazard for each pair of producer and consumer, in the order of consumers: the one that lacks most."""
        worst: dict[tuple[int, int], Found] = {}
        for sm, rows in zip(self.sms, self.findings, strict=True):
            for row in rows[: sm.field("finding_count")].tolist():
                each = self._read(row)
                key = (each.hazard.consumer, each.hazard.producer)
                if key not in worst or _rank(each) < _rank(worst[key]):
                    worst[key] = each
        return [worst[key] for key in sorted(worst)]

    def _read(self, row: list[int]) -> Found:
        kind, producer = Danger(row[Finding.DANGER]).name, row[Finding.PRODUCER]
        use = self.uses[producer]
        unset = use[Use.WRITE] == NO_SCOREBOARD and (kind != "WAR" or use[Use.READ] == NO_SCOREBOARD)
        place = row[Finding.PLACE] + (PLACES if kind == "WAIT" else 0)
        hazard = Hazard(producer, row[Finding.CONSUMER], kind, place, row[Finding.MISSING], bool(unset))
        return Found(hazard, row[Finding.CTA], row[Finding.WARP], row[Finding.CYCLE])


def _rank(found: Found) -> tuple[int, int, int, int]:
    return (-found.hazard.missing, found.cycle, found.cta, found.warp)


def use_rows(words: Sequence[int], gpu: Gpu) -> npt.NDArray[np.int64]:
    """One row of ``Use`` for each instruction."""
    work = [work_of(word, accessed_by(word), gpu, RAW, boards=False) for word in words]
    overwritten = 0
    for w in work:
        overwritten |= w.writes
    pipes = {pipe: number for number, pipe in enumerate(UNITS)}
    rows = np.zeros((max(1, len(work)), USE_WORDS), np.int64)
    for row, word, w in zip(rows, words, work, strict=False):
        late = w.late & overwritten
        masks = {
            Use.GUARD: 0 if w.pipe is None else predicate(GUARD.extract(word)),
            Use.READS: w.reads,
            Use.WRITES: w.writes,
            Use.LATE: late,
            Use.TILE: w.tile,
            Use.ACCUMULATORS: w.accumulators,
        }
        for first, mask in masks.items():
            row[first : first + PLACE_WORDS] = _words(mask)
        row[Use.LATENCY :] = (
            w.latency,
            w.accumulate,
            -1 if w.pipe is None else pipes[w.pipe],
            w.variable,
            w.tile != 0,
            (w.variable and w.writes != 0) or late != 0,
            late != 0,
            w.write,
            w.read,
            w.wait,
        )
    return rows


def _words(mask: int) -> npt.NDArray[np.int64]:
    """A mask over places as 64-bit words."""
    return np.frombuffer(mask.to_bytes(PLACE_WORDS * WORD_BITS // 8, "little"), np.int64)
