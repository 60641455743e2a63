"""Watching over a launch while it runs: how far it is, where its warps spin, and whether its time is up."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf, isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import define, field, frozen

from dstc_isa.engine.faults import instruction_text
from dstc_isa.engine.launch import Launch
from dstc_isa.errors import DstcError, UsageError
from dstc_isa.isa.lanes import lowest_bit
from dstc_isa.program import Kernel

LONGEST_PAUSE = 3600.0
"""Seconds that anyone sleeps at a stretch; system calls do not take any number."""

LAST_LOOK = 1.0
"""Seconds before the time is up at which counts are kept, at most, to tell what was executed of late."""


@frozen(eq=False)
class Survey:
    """What an engine can tell of a launch at any moment.

    ``done`` and ``total``: CTAs that have ended, and that are to be run. ``issued``: per instruction of the kernel, how
    often a warp has issued it. ``warps``: those of the open CTA with the warp that has issued most, by number; none if
    no CTA is open.
    """

    done: int
    total: int
    issued: npt.NDArray[np.int64]
    warps: Sequence[Any] = ()


@frozen
class Standing:
    """How far a launch is, and where the warp stands that has run for longest.

    ``stage``: of which run the counts are, if a launch has several. ``seconds``: since the launch began, and
    ``rate``: warp instructions a second since the stage began. ``cta``, ``warp`` and ``pc``: None if no CTA is open.
    ``of_late``: first and last instruction around ``pc`` of those that were executed since the last look. ``others``:
    in words, where the other warps of the CTA are, and how many.
    """

    kernel: Kernel
    stage: str
    seconds: float
    done: int
    total: int
    warp_instructions: int
    rate: float
    cta: tuple[int, int, int] | None = None
    warp: int | None = None
    pc: int | None = None
    issued: int = 0
    of_late: tuple[int, int] = (0, 0)
    others: tuple[tuple[str, int], ...] = ()

    @property
    def counts(self) -> str:
        """What was done, and how fast."""
        stage = f" ({self.stage})" if self.stage else ""
        return (
            f"{self.done:,} of {self.total:,} CTAs done{stage}, {self.warp_instructions:,} warp instructions, "
            f"{self.rate:,.0f} a second"
        )

    @property
    def spin(self) -> str:
        """Which warp has run for longest, and where it spins."""
        if self.cta is None or self.pc is None:
            return "no CTA is open"
        first, last = (_place(self.kernel, pc) for pc in self.of_late)
        around = "" if first == last else f", of late from {first} to {last}"
        cta = ", ".join(map(str, self.cta))
        at = _place(self.kernel, self.pc)
        return f"CTA ({cta}), warp {self.warp} has issued most, {self.issued:,} instructions: at {at}{around}"

    @property
    def line(self) -> str:
        """All of it in a line."""
        return f"kernel {self.kernel.name} has run for {self.seconds:.3g} s: {self.counts}; {self.spin}"

    @property
    def lines(self) -> list[str]:
        """All of it, with the instruction and the other warps."""
        found = [f"kernel {self.kernel.name}, {self.counts}", self.spin]
        if self.pc is not None and self.pc < len(self.kernel.words):
            found.append(instruction_text(self.kernel.isa, self.kernel.words[self.pc]))
        found += [f"{count} other warp{'' if count == 1 else 's'} of the CTA: {where}" for where, count in self.others]
        return found


class TimedOut(DstcError, RuntimeError):
    """A launch that was stopped because its time was up; ``standing`` and the message say where it was."""

    def __init__(self, timeout: float, standing: Standing) -> None:
        self.timeout = timeout
        self.standing = standing
        first = f"time limit: the launch was stopped after {timeout:g} s, and --timeout (timeout=) allows more"
        super().__init__("\n  ".join([first, *standing.lines]))

    @property
    def line(self) -> str:
        """The same in a line."""
        return f"time limit of {self.timeout:g} s: {self.standing.counts}; {self.standing.spin}"


def check_timeout(name: str, seconds: float | None) -> None:
    """UsageError for a time that is no finite number above 0; ``name``: what the user calls it."""
    if seconds is not None and not (isinstance(seconds, int | float) and isfinite(seconds) and seconds > 0):
        raise UsageError(f"{name} is a number of seconds above 0, not {seconds}")


@define
class Supervisor:
    """Says when a launch's time is up, and tells now and then how far it is; an engine asks it while it waits.

    ``timeout``: seconds that the launch may take, None for any. ``heartbeat``: seconds until ``announce`` is given the
    first line, then twice as many between lines; None for no lines. Seconds in ``paused`` do not count.
    """

    launch: Launch
    timeout: float | None = None
    heartbeat: float | None = None
    announce: Callable[[str], None] | None = None
    expired: bool = field(default=False, init=False)
    _began: float = field(default=0.0, init=False)
    _stage_began: float = field(default=0.0, init=False)
    _stage: str = field(default="", init=False)
    _survey: Callable[[], Survey] | None = field(default=None, init=False)
    _seen: npt.NDArray[np.int64] | None = field(default=None, init=False)
    _deadline: float = field(default=inf, init=False)
    _last_look: float = field(default=inf, init=False)
    _beat: float = field(default=inf, init=False)

    def __attrs_post_init__(self) -> None:
        check_timeout("timeout", self.timeout)
        check_timeout("heartbeat", self.heartbeat)
        self._began = time.monotonic()
        if self.timeout is not None:
            self._deadline = self._began + self.timeout
            self._last_look = self._deadline - min(LAST_LOOK, self.timeout / 4)
        if self.heartbeat is not None and self.announce is not None:
            self._beat = self._began + self.heartbeat

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let time stand still, for what is not the launch's own: compiling the engine."""
        stopped = time.monotonic()
        try:
            yield
        finally:
            slept = time.monotonic() - stopped
            self._began += slept
            self._deadline += slept
            self._last_look += slept
            self._beat += slept

    def watch(self, survey: Callable[[], Survey], stage: str = "") -> None:
        """Begin a stage: a run of CTAs of which ``survey`` tells, also while it goes on; ``stage`` names it."""
        self._survey, self._stage, self._seen = survey, stage, None
        self._stage_began = time.monotonic()

    def pause(self) -> float:
        """Seconds until it wants to be asked again."""
        times = (self._last_look, self._beat, inf if self.expired else self._deadline)
        return max(0.0, min(*times, time.monotonic() + LONGEST_PAUSE) - time.monotonic())

    def due(self) -> bool:
        """Whether the time is up; gives ``announce`` a line if it is time for one."""
        now = time.monotonic()
        if now >= self._last_look:
            self._last_look = inf
            self._seen = None if self._survey is None else self._survey().issued
        if now >= self._beat and self.heartbeat is not None and self.announce is not None:
            self._beat = now + 2 * self.heartbeat
            self.announce(self.standing().line)
        self.expired = now >= self._deadline
        return self.expired

    def finished(self) -> bool:
        """Whether all CTAs of the stage have ended, so that its time was enough; what comes next may still run out."""
        assert self._survey is not None
        survey = self._survey()
        if survey.done >= survey.total:
            self.expired = False
        return not self.expired

    def timed_out(self) -> TimedOut:
        """The error to raise when the time is up and the engine has stopped."""
        assert self.timeout is not None
        return TimedOut(self.timeout, self.standing())

    def standing(self) -> Standing:
        """How far the launch is now; the next one tells what was executed since this one."""
        assert self._survey is not None
        survey, now = self._survey(), time.monotonic()
        fresh = survey.issued if self._seen is None else survey.issued - self._seen
        self._seen = survey.issued
        issued = int(survey.issued.sum())
        live = [warp for warp in survey.warps if warp.live]
        of_warp: dict[str, Any] = {}
        if live:
            longest = max(live, key=lambda warp: (warp.active != 0, warp.issued))
            others = Counter(_where(self.launch.kernel, warp) for warp in survey.warps if warp is not longest)
            of_warp = {
                "cta": tuple(longest.identity[:3]),
                "warp": longest.index,
                "pc": _pc(longest),
                "issued": longest.issued,
                "of_late": _around(_pc(longest), fresh),
                "others": tuple(others.most_common()),
            }
        return Standing(
            kernel=self.launch.kernel,
            stage=self._stage,
            seconds=now - self._began,
            done=survey.done,
            total=survey.total,
            warp_instructions=issued,
            rate=issued / max(now - self._stage_began, 1e-9),
            **of_warp,
        )


def _pc(warp: Any) -> int:
    """The instruction at which a warp is: the next one, or if it waits the one that it waits at."""
    if warp.active:
        return int(warp.pc)
    return int(warp.lane_pc[lowest_bit(warp.at_barrier or warp.blocked or warp.live)]) - 1


def _where(kernel: Kernel, warp: Any) -> str:
    if not warp.live:
        return "exited"
    at = f"at {_place(kernel, _pc(warp))}"
    if warp.active:
        return at
    return f"waiting {at} for {f'barrier {warp.barrier_id}' if warp.at_barrier else 'other lanes'}"


def _place(kernel: Kernel, pc: int) -> str:
    """``file:line`` of an instruction, the innermost if it comes from a macro."""
    return kernel.place(pc).split(", from ")[0] if 0 <= pc < len(kernel.words) else "the kernel's end"


def _around(pc: int, issued: npt.NDArray[np.int64]) -> tuple[int, int]:
    """The first and last of the instructions without a gap around one that were issued."""
    first = last = pc
    while 0 < first <= len(issued) and issued[first - 1]:
        first -= 1
    while last + 1 < len(issued) and issued[last + 1]:
        last += 1
    return first, last
