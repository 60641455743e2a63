"""Instruction counts of a run, per mnemonic."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from dstc_isa.engine.execution import Execution
from dstc_isa.overview import HtmlOverview
from dstc_isa.program import Kernel
from dstc_isa.report.mnemonic import mnemonic_of
from dstc_isa.report.timed import TimedStatistics, timed_statistics
from dstc_isa.timing.result import Timing


@frozen(repr=False)
class RunStatistics(HtmlOverview):
    """Counts of one launch.

    ``grid`` and ``block``: CTAs and threads of a CTA in x, y and z; None if no launch was made.
    ``warp_instructions``: warp instructions issued, those included whose guard held in no lane.
    ``histogram`` and ``skipped``: mnemonic (with modifiers) -> issued, and issued with no lane executing.
    ``seconds``: wall-clock time of the run alone; ``threads``: host threads. ``timing``: None for a run without time.
    ``dependence``: a sentence on how CTAs were found to depend on their order, None if they do not.
    ``heading``: lines that stand above the counts, on what the launch was part of.
    """

    kernel: str
    warp_instructions: int
    seconds: float
    threads: int
    histogram: dict[str, int]
    skipped: dict[str, int]
    timing: TimedStatistics | None = None
    dependence: str | None = None
    grid: tuple[int, ...] | None = None
    block: tuple[int, ...] | None = None
    heading: tuple[str, ...] = ()

    def overview(self) -> Mapping[str, object]:
        """Kernel, how much was executed, and cycles."""
        timed = {} if self.timing is None else self.timing.overview()
        return {"kernel": self.kernel, "warp_instructions": self.warp_instructions, **timed}

    def __str__(self) -> str:
        from dstc_isa.text.run_text import as_text

        return as_text(self)

    def to_dict(self) -> dict[str, Any]:
        """The report as ``dstc-emu run --json`` writes it."""
        from dstc_isa.report.document import document

        return document("run", [self], {"kernel": self.kernel})

    @property
    def warp_instructions_per_s(self) -> float:
        """Speed of the emulator, in warp instructions per second."""
        return self.warp_instructions / self.seconds if self.seconds > 0 else 0.0

    def executed(self, mnemonic: str) -> int:
        """Issued instructions of a mnemonic that had at least one lane executing."""
        return self.histogram.get(mnemonic, 0) - self.skipped.get(mnemonic, 0)

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``json.dump``."""
        return {
            "kernel": self.kernel,
            "grid": None if self.grid is None else [*self.grid],
            "block": None if self.block is None else [*self.block],
            "warp_instructions": self.warp_instructions,
            "seconds": self.seconds,
            "warp_instructions_per_s": self.warp_instructions_per_s,
            "threads": self.threads,
            "histogram": self.histogram,
            "skipped": self.skipped,
            "dependence": self.dependence,
            "timing": None if self.timing is None else self.timing.as_json(),
        }


def statistics(
    kernel: Kernel,
    execution: Execution,
    timing: Timing | None = None,
    grid: tuple[int, ...] | None = None,
    block: tuple[int, ...] | None = None,
) -> RunStatistics:
    """Count a run's instructions by mnemonic, most frequent first; ``timing`` is what the model found."""
    if timing is not None and timing.kernel is not None:
        kernel = timing.kernel
    issued: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    for word, count, idle in zip(kernel.words, execution.issued, execution.skipped, strict=True):
        if count:
            name = mnemonic_of(kernel.isa, word)
            issued[name] += int(count)
            skipped[name] += int(idle)
    return RunStatistics(
        kernel=kernel.name,
        warp_instructions=execution.warp_instructions,
        seconds=execution.seconds,
        threads=execution.threads,
        histogram=dict(issued.most_common()),
        skipped={name: count for name, count in skipped.most_common() if count},
        timing=None if timing is None else timed_statistics(kernel, timing),
        grid=None if grid is None else _full(grid),
        block=None if block is None else _full(block),
        dependence=None if execution.dependence is None else execution.dependence.sentence(kernel),
    )


def _full(extent: tuple[int, ...]) -> tuple[int, ...]:
    return *extent, *[1] * (3 - len(extent))
