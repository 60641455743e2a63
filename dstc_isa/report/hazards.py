"""Hazards that a checked run found, with the source places of their instructions."""

from typing import Any

from attrs import frozen

from dstc_isa.program import Kernel
from dstc_isa.report.mnemonic import mnemonic_of
from dstc_isa.timing.hazard_watch import Found


@frozen
class HazardReport:
    """A hazard with the source places of its two instructions.

    ``mend``: what is missing; ``missing``: the same in cycles, 0 for a wait. ``cta`` (linear number), ``warp`` and
    ``cycle``: where it happened first, at the issue of the consumer.
    """

    consumer: str
    producer: str
    kind: str
    name: str
    message: str
    mend: str
    missing: int
    cta: int
    warp: int
    cycle: int

    def __str__(self) -> str:
        where = f"CTA {self.cta}, warp {self.warp}, cycle {self.cycle}"
        return f"{self.consumer}: {self.message}\n  {where}: expected {self.mend}"

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``json.dump``."""
        return {
            "kind": self.kind,
            "place": self.name,
            "producer": self.producer,
            "consumer": self.consumer,
            "message": self.message,
            "expected": self.mend,
            "missing_cycles": self.missing,
            "cta": self.cta,
            "warp": self.warp,
            "cycle": self.cycle,
        }


def hazard_reports(kernel: Kernel, found: list[Found]) -> list[HazardReport]:
    """Name the instructions of the hazards found in a kernel."""
    return [_report(kernel, each) for each in found]


def _report(kernel: Kernel, found: Found) -> HazardReport:
    hazard = found.hazard
    place = kernel.place(hazard.producer)
    consumer, producer = (mnemonic_of(kernel.isa, kernel.words[i]) for i in (hazard.consumer, hazard.producer))
    return HazardReport(
        consumer=kernel.place(hazard.consumer),
        producer=place,
        kind=hazard.kind,
        name=hazard.name,
        message=hazard.message(consumer, f"{producer} at {place}"),
        mend=hazard.mend,
        missing=hazard.missing,
        cta=found.cta,
        warp=found.warp,
        cycle=found.cycle,
    )
