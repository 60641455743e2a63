"""What limits a launch, in a sentence: a resource that is nearly used up, or what warps wait for."""

from enum import StrEnum

from attrs import frozen

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


WAITS = {
    "dependency": "results of fixed latency",
    "short_scoreboard": "shared or constant memory, shuffles or special functions",
    "long_scoreboard": "global memory",
    "tensor_scoreboard": "tiles of the accumulation buffer",
    "barrier": "barriers",
    "no_instruction": "instructions to be fetched",
    "pipe_busy": "their pipe",
    "memory_throttle": "room in the load and store unit",
    "accumulation": "the accumulation buffer",
}
"""Reasons of stalls as objects of "warps wait for"."""


@frozen
class Headline:
    """What limits a launch: the kind, a name of a few words for tables and pictures, and a sentence."""

    limit: Limit
    name: str
    text: str


def headline(resource: str, cycles: float, share: float, wait: str, wait_share: float) -> Headline:
    """The headline of a launch: its highest bound, the bound's share of the time, and the longest wait.

    ``wait``: a stall reason, with its share of warp cycles.
    """
    if share >= NEAR:
        text = f"bound by {resource}: {cycles:,.0f} cycles, {share:.0%} of the time"
        return Headline(Limit.RESOURCE, resource, text)
    waits = f"warps wait for {WAITS[wait]} {wait_share:.0%}" if wait_share else "warps hardly wait"
    name = f"latency ({wait.replace('_', ' ')})" if wait_share else "latency"
    return Headline(Limit.LATENCY, name, f"latency bound: {waits}; nearest limit: {resource}, {share:.0%} of the time")


def headline_of_few(sms: int, of: int, resource: str, share: float) -> Headline:
    """The headline of a launch that keeps a resource of the few SMs busy that have CTAs."""
    busy = f"there {resource} takes {share:.0%} of the time"
    return Headline(Limit.FEW_CTAS, "few CTAs", f"too few CTAs: {sms} of {of} SMs have work; {busy}")


def headline_of_short(cycles: int, access: int) -> Headline:
    """The headline of a launch that ends before one access to DRAM could."""
    text = f"launch and drain: {cycles:,} cycles, less than one access to DRAM takes ({access:,})"
    return Headline(Limit.LAUNCH, "launch and drain", text)
