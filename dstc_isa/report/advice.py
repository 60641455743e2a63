"""What to try next: rules over a timed launch's counters, each with the counter that it judges by."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import frozen

from dstc_isa.report.headline import Limit
from dstc_isa.timing.reasons import every_reason

if TYPE_CHECKING:
    from dstc_isa.report.timed import TimedStatistics

LONG = 0.3
"""Share of warp cycles from which a wait is worth a change of the program."""

CROWDED = 0.2
"""Share of passes or warp cycles from which conflicts and waits that a program causes itself are worth one."""

HALF = 0.5
SPREAD = 2
"""How many times the sectors that packed accesses would need."""

FEW_WAVES = 4
"""Waves up to which a last one that is half empty costs more than a tenth of the time."""

SECTOR_BYTES, LANES = 32, 32


@frozen
class Advice:
    """A change to try: ``counter`` and its ``value`` led to it; ``gain``: share of the time at stake."""

    rule: str
    text: str
    counter: str
    value: float
    gain: float

    def __str__(self) -> str:
        return f"{self.text} ({self.counter.replace('_', ' ')}: {self.value:.4g})"

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``json.dump``."""
        return {"rule": self.rule, "text": self.text, "counter": self.counter, "value": self.value}


Rule = Callable[["TimedStatistics"], Advice | None]


def advice(timing: "TimedStatistics") -> list[Advice]:
    """What to try, most promising first; for a launch that is too short nothing but more work."""
    if timing.headline.limit is Limit.LAUNCH:
        return [Advice("short", "give it more work, to see anything but its start and end", "cycles", timing.cycles, 1)]
    found = [each for rule in RULES if (each := rule(timing)) is not None]
    return sorted(found, key=lambda each: -each.gain)


def few_ctas(timing: "TimedStatistics") -> Advice | None:
    """SMs without work."""
    idle = 1 - timing.sms / timing.gpu_sms
    if idle <= 0:
        return None
    text = f"launch at least {timing.gpu_sms} CTAs, smaller ones if need be: {timing.sms} of {timing.gpu_sms} SMs work"
    return Advice("few_ctas", text, "sms", timing.sms, idle)


def last_wave(timing: "TimedStatistics") -> Advice | None:
    """A last wave of CTAs that leaves more than half of the places empty."""
    places = timing.occupancy * timing.gpu_sms
    whole, rest = divmod(timing.ctas, places)
    if not whole or not rest or whole >= FEW_WAVES or rest > HALF * places:
        return None
    text = f"the last wave has {rest} CTAs for {places} places: choose a grid near a multiple of {places}"
    return Advice("last_wave", text, "waves", timing.ctas / places, (1 - rest / places) / (whole + 1))


def scattered_accesses(timing: "TimedStatistics") -> Advice | None:
    """Global accesses of a warp that touch many more sectors than packed ones would."""
    requests, packed = 0, 0.0
    for each in timing.instructions:
        if each.global_bytes:
            requests += each.issued
            packed += each.issued * max(1.0, each.global_bytes * LANES / SECTOR_BYTES)
    counters = timing.counters
    sectors = counters["l1_hits"] + counters["l1_misses"] + counters["stored"]
    if not requests or sectors < SPREAD * packed:
        return None
    text = "let neighbouring lanes access neighbouring words of global memory: packed accesses need "
    text += f"{packed / requests:.3g} sectors for a request"
    return Advice("scattered", text, "sectors_per_request", sectors / requests, 1 - packed / sectors)


def bank_conflicts(timing: "TimedStatistics") -> Advice | None:
    """Passes that conflicts in shared memory add."""
    conflicts, passes = timing.counters["bank_conflicts"], timing.counters["wavefronts"]
    share = conflicts / passes if passes else 0.0
    if share < CROWDED:
        return None
    text = "pad or swizzle arrays in shared memory, so that the lanes of a warp meet different banks"
    return Advice("bank_conflicts", text, "bank_conflict_share_of_wavefronts", share, share * timing.memory_share)


def global_memory(timing: "TimedStatistics") -> Advice | None:
    """Long waits for loads of global memory."""
    text = "load earlier, several loads before the first use, or keep more warps resident"
    return _waits(timing, "global_memory", "long_scoreboard", LONG, text)


def occupancy(timing: "TimedStatistics") -> Advice | None:
    """Waits that more warps could hide, which registers or shared memory keep out."""
    waiting = timing.share("long_scoreboard") + timing.share("short_scoreboard") + timing.share("dependency")
    if timing.occupancy_limit not in ("registers", "shared memory"):
        return None
    if timing.possible_occupancy > HALF or waiting < LONG or timing.ctas <= timing.occupancy * timing.gpu_sms:
        return None
    text = f"use fewer {timing.occupancy_limit}: they allow {timing.occupancy} CTAs an SM"
    gain = waiting * (1 - timing.possible_occupancy)
    return Advice("occupancy", text, "possible_occupancy", timing.possible_occupancy, gain)


def barriers(timing: "TimedStatistics") -> Advice | None:
    """Long waits at barriers."""
    text = "give the warps of a CTA equal work between barriers, or make CTAs smaller and let more share an SM"
    return _waits(timing, "barriers", "barrier", CROWDED, text)


def dependencies(timing: "TimedStatistics") -> Advice | None:
    """Long chains of fixed latency."""
    text = "put independent instructions between dependent ones (unroll), or keep more warps resident"
    return _waits(timing, "dependencies", "dependency", LONG, text)


def fetches(timing: "TimedStatistics") -> Advice | None:
    """Many taken branches."""
    text = "take fewer branches: unroll loops, or predicate short alternatives"
    return _waits(timing, "fetches", "no_instruction", LONG, text)


def memory_throttle(timing: "TimedStatistics") -> Advice | None:
    """A load and store unit that is full."""
    text = "move more bytes with each request (.64, .128), or keep values in registers"
    return _waits(timing, "memory_throttle", "memory_throttle", CROWDED, text)


def blocks(timing: "TimedStatistics") -> Advice | None:
    """A block of a unit that is behind, such as an accumulation buffer; the one that most is waited for."""
    advised = [reason for reason in every_reason().values() if reason.advice and reason.name in timing.stalls]
    found = [_waits(timing, reason.name, reason.name, CROWDED, reason.advice) for reason in advised]
    return max((each for each in found if each is not None), key=lambda each: each.gain, default=None)


def _waits(timing: "TimedStatistics", rule: str, reason: str, least: float, text: str) -> Advice | None:
    share = timing.share(reason)
    return Advice(rule, text, f"{reason}_share_of_warp_cycles", share, share) if share >= least else None


RULES: tuple[Rule, ...] = (
    few_ctas,
    last_wave,
    scattered_accesses,
    bank_conflicts,
    global_memory,
    occupancy,
    barriers,
    dependencies,
    fetches,
    memory_throttle,
    blocks,
)
