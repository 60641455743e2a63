"""How a launch is run: options that a caller gives as keywords, checked once and then passed whole."""

from collections.abc import Callable
from decimal import Decimal
from numbers import Real
from typing import TypedDict

import numpy as np
from attrs import frozen

from dstc_isa.engine.execution import DEFAULT_MAX_INSTRUCTIONS, INSTRUCTION_LIMIT
from dstc_isa.engine.launch import LaunchArgumentError
from dstc_isa.engine.supervision import check_timeout
from dstc_isa.errors import UsageError
from dstc_isa.host_threads import check_threads
from dstc_isa.options import check_call, check_kind

Announce = Callable[[str], None]
Progress = Callable[[int, int], None]


class LaunchKeywords(TypedDict, total=False):
    """What any launch takes; ``RunOptions`` has defaults and meanings."""

    threads: int | None
    max_instructions: int
    announce: Announce | None
    any_order: bool
    timeout: float | None
    heartbeat: float | None


class TimedKeywords(LaunchKeywords, total=False):
    """What a timed launch takes."""

    progress: Progress | None
    sample: float | None
    check_hazards: bool


class RunKeywords(TimedKeywords, total=False):
    """What a function takes whose launch may be timed or not."""

    reference: bool


@frozen(kw_only=True)
class RunOptions:
    """How a launch is run. Results do not depend on it, but for a kernel whose CTAs depend on their order.

    ``threads``: host threads, 1 to 256; all cores if None. ``max_instructions``: of a warp, then the watchdog stops it.
    ``reference``: the readable engine, without time. ``announce`` is given messages, such as of the engine's start.
    ``progress`` is told CTAs done and in all, of those that are timed. ``sample``: share of the CTAs to time, more than
    0 to 1; cycles are then an estimate and results complete. ``check_hazards``: look for hazards among those that are
    timed. ``any_order``: do not find out whether CTAs depend on their order; results and cycles of a kernel where they
    do may then differ from run to run. ``timeout``: seconds of the host that the launch may take, compiling the engine
    left out; arrays are then as they were. ``heartbeat``: seconds until ``announce`` is told how far the launch is,
    then twice as many until it is told again.

    Raises ArgumentTypeError and UsageError, which name the option; LaunchArgumentError for ``max_instructions``.
    """

    threads: int | None = None
    max_instructions: int = DEFAULT_MAX_INSTRUCTIONS
    reference: bool = False
    announce: Announce | None = None
    progress: Progress | None = None
    sample: float | None = None
    check_hazards: bool = False
    any_order: bool = False
    timeout: float | None = None
    heartbeat: float | None = None

    def __attrs_post_init__(self) -> None:
        check_kind("max_instructions", self.max_instructions, (int, np.integer), "a whole number")
        if not 1 <= self.max_instructions <= INSTRUCTION_LIMIT:
            raise LaunchArgumentError(f"max_instructions is 1 to {INSTRUCTION_LIMIT}, not {self.max_instructions}")
        check_threads("threads", self.threads)
        check_call("announce", self.announce)
        check_call("progress", self.progress)
        if self.sample is not None:
            check_kind("sample", self.sample, (Real, Decimal), "a number or None")
            if not 0 < self.sample <= 1:
                raise UsageError(f"sample is a share of the CTAs, more than 0 and at most 1, not {self.sample}")
        check_timeout("timeout", self.timeout)
        check_timeout("heartbeat", self.heartbeat)

    def check_untimed(self) -> None:
        """Raise UsageError for what only a timed run takes."""
        if self.sample is not None or self.check_hazards:
            raise UsageError(
                "sample and check_hazards go with a timed run: they need a GPU, and not the reference engine"
            )


DEFAULTS = RunOptions()
