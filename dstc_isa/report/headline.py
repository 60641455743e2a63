"""What limits a launch, in a sentence: a resource that is nearly used up, or what warps wait for."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from attrs import frozen

from dstc_isa.timing.reasons import every_reason

NEAR = 0.6
"""Share of the time from which a resource counts as the limit.

Below it the work could take place in well under twice the speed that the resource allows, so that more of the resource
would change little and shorter or better hidden waits much. Nsight Compute draws the line at the same 60 % of peak.
"""


class Limit(StrEnum):
    """Kinds of headline."""

    RESOURCE = "resource"
    LATENCY = "latency"
    FEW_CTAS = "few_ctas"
    LAUNCH = "launch"


def awaited(reason: str) -> str:
    """What warps wait for that do not issue for a reason."""
    return every_reason()[reason].awaited


@frozen
class Headline:
    """What limits a launch: the kind, a name of a few words for tables and pictures, and a sentence."""

    limit: Limit
    name: str
    text: str

    @property
    def kind(self) -> str:
        """The name without the wait."""
        return self.name.partition(" (")[0]

    def as_columns(self, before: str = "") -> dict[str, str]:
        """Cells of a row; ``before`` stands before the names of the columns."""
        return {f"{before}limit": str(self.limit), f"{before}headline": self.name, f"{before}headline_text": self.text}

    @classmethod
    def of_columns(cls, cells: Mapping[str, Any], before: str = "") -> "Headline":
        """The headline that ``as_columns`` gave. Raises KeyError, TypeError or ValueError for other cells."""
        name, text = (cells[f"{before}{column}"] for column in ("headline", "headline_text"))
        if not isinstance(name, str) or not isinstance(text, str):
            raise TypeError("a headline is text")
        return cls(Limit(cells[f"{before}limit"]), name, text)


@frozen(kw_only=True)
class Load:
    """What the headline of a launch is judged by.

    ``access_cycles``: of one access to DRAM. ``bounds``: cycles that each resource needs at least. ``busy``: the same
    of resources of the SMs, on those that have CTAs alone. ``sms`` had CTAs, of ``gpu_sms``. ``stalls``: warp cycles
    by reason, of ``warp_cycles``.
    """

    cycles: int
    access_cycles: int
    bounds: Mapping[str, float]
    busy: Mapping[str, float]
    sms: int
    gpu_sms: int
    stalls: Mapping[str, int]
    warp_cycles: int


def headline(launches: Sequence[Load]) -> Headline:
    """The headline of a launch, or of launches one after the other on one GPU, judged by their sums."""
    cycles = sum(each.cycles for each in launches)
    access = sum(each.access_cycles for each in launches)
    if cycles < access or not cycles:
        return _short(cycles, access, len(launches))
    resource, bound = highest([each.bounds for each in launches])
    share = bound / cycles
    if share >= NEAR:
        text = f"bound by {resource}: {bound:,.0f} cycles, {share:.0%} of the time"
        return Headline(Limit.RESOURCE, resource, text)
    # Resources of SMs are judged on those that have CTAs, if they were idle only because the others have none.
    crowded, busy = highest([each.busy for each in launches])
    if busy / cycles >= NEAR:
        sms = sum(each.sms * each.cycles for each in launches) // cycles
        return _few(sms, launches[0].gpu_sms, crowded, busy / cycles)
    stalls = _total([each.stalls for each in launches])
    wait, wait_share = longest_wait(stalls, sum(each.warp_cycles for each in launches))
    waits = f"warps wait for {awaited(wait)} {wait_share:.0%}" if wait_share else "warps hardly wait"
    name = f"latency ({wait.replace('_', ' ')})" if wait_share else "latency"
    return Headline(Limit.LATENCY, name, f"latency bound: {waits}; nearest limit: {resource}, {share:.0%} of the time")


def highest(parts: Sequence[Mapping[str, float]]) -> tuple[str, float]:
    """The resource that needs most cycles for launches one after the other, and how many; 0 of none without any."""
    whole = _total(parts)
    return max(whole.items(), key=lambda item: item[1], default=("", 0.0))


def longest_wait(stalls: Mapping[str, float], warp_cycles: int) -> tuple[str, float]:
    """The reason that warps waited longest for, other warps' turns apart, and its share of warp cycles."""
    waits = {name: count for name, count in stalls.items() if name != "not_selected"}
    most = max(waits, key=lambda name: waits[name])
    return most, waits[most] / warp_cycles if warp_cycles else 0.0


def _few(sms: int, of: int, resource: str, share: float) -> Headline:
    """Headline of launches that keep a resource busy on the few SMs that have CTAs, ``sms`` of them over the time."""
    busy = f"there {resource} takes {share:.0%} of the time"
    return Headline(Limit.FEW_CTAS, "few CTAs", f"too few CTAs: {sms} of {of} SMs have work; {busy}")


def _short(cycles: int, access: int, launches: int) -> Headline:
    """Headline of launches that end before as many accesses to DRAM could."""
    accesses = "one access to DRAM takes" if launches == 1 else f"{launches} accesses to DRAM take"
    text = f"launch and drain: {cycles:,} cycles, less than {accesses} ({access:,})"
    return Headline(Limit.LAUNCH, "launch and drain", text)


def _total(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: sum(part.get(name, 0) for part in parts) for name in names}
