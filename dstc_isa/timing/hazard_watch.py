"""Hazards found while a kernel runs: what compiled code must know of the instructions, and what it noted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import define, frozen

from dstc_isa.engine.compiled.state import LaunchState
from dstc_isa.engine.record_layout import Record, Words, addresses, put
from dstc_isa.gpu import Gpu
from dstc_isa.isa.access import accessed_by
from dstc_isa.isa.control import NO_SCOREBOARD
from dstc_isa.isa.lanes import LANES
from dstc_isa.isa.masks import PLACES, predicate
from dstc_isa.program import RAW
from dstc_isa.schedule.hazard import Hazard
from dstc_isa.schedule.work import to_users, work_of
from dstc_isa.timing.hazard_records import (
    FINDING,
    FINDINGS,
    OUTSTANDING,
    PARTED,
    PLACE_WORDS,
    REGISTER_USE,
    WATCH,
    Danger,
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
class HazardWatch:
    """The records that checked runs work on."""

    uses: Record
    findings: Record
    sms: list[Sm]
    kept: list[Any]

    @classmethod
    def attach(cls, state: LaunchState, gpu: Gpu, machine: Record, sms: list[Sm]) -> "HazardWatch":
        """Allocate the records and point the machine and its SMs to them."""
        uses = register_uses(state.launch.kernel.words, gpu)
        parted_at = WATCH.nbytes + OUTSTANDING.nbytes * int(uses["outstanding"].sum())
        size = parted_at + PARTED.nbytes * _most_parted(uses)
        findings = FINDING.new((len(sms), FINDINGS))
        states = [np.zeros((len(sm.ctas) * state.launch.warps, size // 8), np.int64) for sm in sms]
        latencies = np.array([to_users(gpu, unit) for unit in gpu.isa.units], np.int64)
        put(
            machine,
            uses=uses.ctypes.data,
            watch_bytes=size,
            parted_at=parted_at,
            latencies=latencies.ctypes.data,
            users=latencies.shape[1],
        )
        for sm, watches, found in zip(sms, states, addresses(findings).tolist(), strict=True):
            put(sm.record, watches=watches.ctypes.data, findings=found)
        return cls(uses, findings, sms, [states, latencies])

    def found(self) -> list[Found]:
        """One hazard for each pair of producer and consumer, in the order of consumers: the one that lacks most."""
        worst: dict[tuple[int, int], Found] = {}
        for sm, rows in zip(self.sms, self.findings, strict=True):
            for finding in rows[: sm.field("finding_count")]:
                each = self._read(finding)
                key = (each.hazard.consumer, each.hazard.producer)
                if key not in worst or _rank(each) < _rank(worst[key]):
                    worst[key] = each
        return [worst[key] for key in sorted(worst)]

    def _read(self, finding: Record) -> Found:
        producer, consumer, danger, place, missing, cta, warp, cycle = finding.item()
        kind = Danger(danger).name
        use = self.uses[producer]
        unset = use["write"] == NO_SCOREBOARD and (kind != "WAR" or use["read"] == NO_SCOREBOARD)
        hazard = Hazard(producer, consumer, kind, place + (PLACES if kind == "WAIT" else 0), missing, bool(unset))
        return Found(hazard, cta, warp, cycle)


def _rank(found: Found) -> tuple[int, int, int, int]:
    return (-found.hazard.missing, found.cycle, found.cta, found.warp)


def register_uses(words: Sequence[int], gpu: Gpu) -> Record:
    """The register use of each instruction."""
    work = [work_of(word, accessed_by(gpu.isa, word), gpu, RAW, boards=False) for word in words]
    overwritten = 0
    for w in work:
        overwritten |= w.writes
    pipes = {pipe: number for number, pipe in enumerate(gpu.isa.units)}
    uses = REGISTER_USE.new(max(1, len(work)))
    for use, word, w in zip(uses, words, work, strict=False):
        late = w.late & overwritten
        put(
            use,
            guard=_words(0 if w.pipe is None else predicate(gpu.isa.word.decode_guard(word).index)),
            reads=_words(w.reads),
            guards=_words(w.guards),
            writes=_words(w.writes),
            late=_words(late),
            tile=_words(w.tile),
            accumulators=_words(w.accumulators),
            latency=w.latency,
            kind=w.kind,
            accumulate=w.accumulate,
            longest=w.longest,
            pipe=-1 if w.pipe is None else pipes[w.pipe],
            variable=w.variable,
            outer=w.tile != 0,
            outstanding=(w.variable and w.writes != 0) or late != 0,
            has_late=late != 0,
            write=w.write,
            read=w.read,
            wait=w.wait,
        )
    return uses


def _most_parted(uses: Record) -> int:
    """How many parted results can be under way: they were issued in different cycles, and their lanes are different."""
    fixed = uses[(uses["variable"] == 0) & uses["writes"].any(axis=1)]
    if not len(fixed):
        return 0
    writes = fixed["writes"].view(np.uint64)
    longest = int(fixed["longest"].max())
    together = int(np.bitwise_count(writes).sum(axis=1).max())
    places = int(np.bitwise_count(np.bitwise_or.reduce(writes)).sum())
    return min(longest * together, (LANES - 1) * places)


def _words(mask: int) -> Words:
    """A mask over places as 64-bit words."""
    return np.frombuffer(mask.to_bytes(PLACE_WORDS * WORD_BITS // 8, "little"), np.int64)
