"""What a timed run tells: cycles, what bounds them, why warps waited and at which instructions."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from dstc_isa.overview import HtmlOverview
from dstc_isa.program import Kernel
from dstc_isa.report.advice import Advice, advice
from dstc_isa.report.global_access import lane_bytes
from dstc_isa.report.hazards import HazardReport, hazard_reports
from dstc_isa.report.headline import Headline, Load, headline, longest_wait
from dstc_isa.report.mnemonic import text_of
from dstc_isa.timing.bounds import LOAD_STORE_UNIT, Bound, bounds
from dstc_isa.timing.model_records import POSITIONS
from dstc_isa.timing.reasons import reasons
from dstc_isa.timing.result import Timing
from dstc_isa.timing.sample import Sample


@frozen
class InstructionStalls:
    """An instruction: index, source place, text, times issued, and warp cycles by reason.

    ``global_bytes``: of global memory, that each lane asks for; 0 if it does not access it.
    """

    index: int
    place: str
    text: str
    issued: int
    stalls: dict[str, int]
    global_bytes: int = 0

    @property
    def stalled(self) -> int:
        """Warp cycles that warps stood before it."""
        return sum(self.stalls.values())


@frozen(repr=False)
class TimedStatistics(HtmlOverview):
    """A timed launch.

    ``gpu``: its name, and the parameters changed by name in ``gpu_settings``.
    ``cycles`` of the modelled clock, ``microseconds`` the same as time. ``warp_cycles``: cycles that warps were
    resident; those with an issue (``issue_slots``) and ``stalls`` by reason add up to it. ``bounds``: cycles that
    each resource needs at least. ``occupancy``: CTAs an SM holds and what limits it; ``warps``: of a CTA,
    ``warp_slots``: places for warps on an SM; ``sms`` had CTAs, of ``gpu_sms``. ``access_cycles``: of one access to
    DRAM. ``sample``: None if it was not
    asked for; all numbers are then estimates for the whole launch. ``hazards``: None if they were not looked for.
    """

    gpu: str
    gpu_settings: dict[str, Any]
    cycles: int
    microseconds: float
    launch_microseconds: float
    issue_slots: int
    warp_cycles: int
    stalls: dict[str, int]
    bounds: list[Bound]
    counters: dict[str, int]
    dram_bytes: int
    occupancy: int
    occupancy_limit: str
    sms: int
    gpu_sms: int
    ctas: int
    warps: int
    warp_slots: int
    access_cycles: int
    sample: Sample | None
    hazards: list[HazardReport] | None
    instructions: list[InstructionStalls]

    def overview(self) -> Mapping[str, object]:
        """Cycles, and the resource that needs most of them."""
        limit = f"{self.headline.name} ({self.bound.resource} {self.share_of_bound:.0%})"
        return {"gpu": self.gpu, "cycles": self.cycles, "microseconds": f"{self.microseconds:.4g}", "limited_by": limit}

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as in a report of ``--json``."""
        return self.as_json()

    @property
    def bound(self) -> Bound:
        """The highest bound."""
        return self.bounds[0]

    @property
    def share_of_bound(self) -> float:
        """Highest bound over cycles: 1 is as fast as the work allows."""
        return self.bound.cycles / self.cycles if self.cycles else 0.0

    @property
    def headline(self) -> Headline:
        """What limits the launch."""
        return headline([self.load])

    @property
    def load(self) -> Load:
        """What the headline is judged by."""
        crowd = self.gpu_sms / self.sms if self.sms else 1.0
        return Load(
            cycles=self.cycles,
            access_cycles=self.access_cycles,
            bounds={bound.resource: bound.cycles for bound in self.bounds},
            busy={bound.resource: crowd * bound.cycles for bound in self.bounds if bound.local},
            sms=self.sms,
            gpu_sms=self.gpu_sms,
            stalls=self.stalls,
            warp_cycles=self.warp_cycles,
        )

    @property
    def advice(self) -> list[Advice]:
        """What to try next, most promising first."""
        return advice(self)

    @property
    def possible_occupancy(self) -> float:
        """Share of the warp slots of an SM that the kernel's CTAs can fill."""
        return self.occupancy * self.warps / self.warp_slots

    @property
    def achieved_occupancy(self) -> float:
        """Share of the warp slots that were filled, over the SMs that had CTAs and the time of the launch."""
        places = self.cycles * self.sms * self.warp_slots
        return self.warp_cycles / places if places else 0.0

    @property
    def memory_share(self) -> float:
        """Share of the time in which the load and store units are busy."""
        passes = next((b.cycles for b in self.bounds if b.resource == LOAD_STORE_UNIT), 0.0)
        return passes / self.cycles if self.cycles else 0.0

    def share(self, reason: str) -> float:
        """A stall reason's share of warp cycles."""
        return self.stalls[reason] / self.warp_cycles if self.warp_cycles else 0.0

    @property
    def longest_wait(self) -> tuple[str, float]:
        """The reason that warps waited longest for, other warps' turns apart, and its share of warp cycles."""
        return longest_wait(self.stalls, self.warp_cycles)

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``json.dump``."""
        return {
            "gpu": self.gpu,
            "gpu_settings": self.gpu_settings,
            "cycles": self.cycles,
            "microseconds": self.microseconds,
            "launch_microseconds": self.launch_microseconds,
            "issue_slots": self.issue_slots,
            "warp_cycles": self.warp_cycles,
            "stalls": self.stalls,
            "bound": {"resource": self.bound.resource, "cycles": self.bound.cycles, "share": self.share_of_bound},
            "headline": {"limit": str(self.headline.limit), "name": self.headline.name, "text": self.headline.text},
            "advice": [each.as_json() for each in self.advice],
            "bounds": {bound.resource: bound.cycles for bound in self.bounds},
            "counters": self.counters,
            "dram_bytes": self.dram_bytes,
            "occupancy": {
                "ctas_per_sm": self.occupancy,
                "limit": self.occupancy_limit,
                "sms": self.sms,
                "possible": self.possible_occupancy,
                "achieved": self.achieved_occupancy,
            },
            "sample": None if self.sample is None else self.sample.as_json(),
            "hazards": None if self.hazards is None else [hazard.as_json() for hazard in self.hazards],
            "instructions": [
                {"index": i.index, "place": i.place, "text": i.text, "issued": i.issued, "stalls": i.stalls}
                for i in self.instructions
            ],
        }


def timed_statistics(kernel: Kernel, timing: Timing) -> TimedStatistics:
    """Sum up a timed launch."""
    names = [reason.name for reason in reasons(timing.gpu.isa)]
    rows = zip(kernel.words, timing.issued.tolist(), timing.stalls.tolist(), strict=True)
    instructions = [
        InstructionStalls(
            index=index,
            place=kernel.place(index),
            text=text_of(kernel.isa, word),
            issued=issued,
            stalls={name: cycles for name, cycles in zip(names, stalls, strict=True) if cycles},
            global_bytes=lane_bytes(kernel.isa, word),
        )
        for index, (word, issued, stalls) in enumerate(rows)
    ]
    total = timing.stalls.sum(axis=0)
    return TimedStatistics(
        gpu=timing.gpu.name,
        gpu_settings=timing.gpu.settings,
        cycles=timing.cycles,
        microseconds=timing.cycles / timing.gpu.clock_mhz,
        launch_microseconds=timing.gpu.kernel_launch_cycles / timing.gpu.clock_mhz,
        issue_slots=timing.issue_slots,
        warp_cycles=timing.counters["warp_cycles"],
        stalls={name: int(count) for name, count in zip(names, total, strict=True)},
        bounds=bounds(timing),
        counters=timing.counters,
        dram_bytes=timing.dram_sectors * timing.gpu.l1.sector_bytes,
        occupancy=timing.occupancy.ctas,
        occupancy_limit=timing.occupancy.limit,
        sms=timing.sms,
        gpu_sms=timing.gpu.sm.count,
        ctas=timing.counters["ctas_done"],
        warps=timing.occupancy.warps,
        warp_slots=min(timing.gpu.sm.warps, POSITIONS * timing.gpu.sm.subcores),
        access_cycles=timing.gpu.dram.latency,
        sample=timing.sample,
        hazards=None if timing.hazards is None else hazard_reports(kernel, timing.hazards),
        instructions=instructions,
    )
