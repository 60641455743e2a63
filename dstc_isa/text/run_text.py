"""Reports as text for a terminal."""

from collections.abc import Iterator
from io import StringIO
from pathlib import PurePath

from rich.console import Console
from rich.table import Table

from dstc_isa.report.headline import Limit
from dstc_isa.report.statistics import RunStatistics
from dstc_isa.report.timed import TimedStatistics
from dstc_isa.timing.reasons import every_reason
from dstc_isa.timing.sample import Sample

SHOWN = 12
BOUNDS_SHOWN = 6
HOT_SHOWN = 8
UNWRAPPED = 1 << 16
"""Columns of a report that is no terminal's."""


def rate(per_second: float) -> str:
    """A rate of warp instructions with a unit prefix."""
    if per_second >= 1e6:
        return f"{per_second / 1e6:.1f} million warp instructions/s"
    return f"{per_second:,.0f} warp instructions/s"


def summary(run: RunStatistics) -> str:
    """Two lines: how much was executed and how fast."""
    threads = f"{run.threads} thread{'s' if run.threads != 1 else ''}"
    executed = f"{run.kernel}: {run.warp_instructions:,} warp instructions in {run.seconds:.3f} s on {threads}"
    return f"{executed}\n{' ' * len(run.kernel)}  {rate(run.warp_instructions_per_s)}"


def histogram_table(run: RunStatistics, shown: int | None = SHOWN) -> Table:
    """The ``shown`` most frequent instructions: issued, their share of all, and issued with no lane executing."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("instruction", no_wrap=True)
    for heading in ("issued", "share", "guard false"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = [(name, count, run.skipped.get(name, 0)) for name, count in run.histogram.items()]
    rest = rows[shown:] if shown else []
    if rest:
        rows[shown:] = [(f"{len(rest)} others", sum(row[1] for row in rest), sum(row[2] for row in rest))]
    for name, count, idle in rows:
        table.add_row(name, f"{count:,}", f"{count / run.warp_instructions:.1%}", f"{idle:,}")
    return table


def timed_summary(run: RunStatistics, timing: TimedStatistics) -> str:
    """Cycles, and what bounds them."""
    sms = f"{timing.sms} SM{'s' if timing.sms != 1 else ''}"
    fit = "CTAs fit" if timing.occupancy != 1 else "CTA fits"
    ctas = f"{timing.occupancy} {fit} an SM ({timing.occupancy_limit})"
    reason, share = timing.longest_wait
    lines = [
        f"{timing.cycles:,} cycles, {timing.microseconds:,.1f} us on {timing.gpu}; {sms}, {ctas}",
        *([] if timing.sample is None else [sample_line(timing.sample)]),
        timing.headline.text,
    ]
    if share and timing.headline.limit in (Limit.RESOURCE, Limit.FEW_CTAS):
        lines.append(f"warps wait most for: {reason.replace('_', ' ')} ({share:.0%})")
    lines += [f"try: {each}" for each in timing.advice[:1]]
    return "\n".join(f"{' ' * len(run.kernel)}  {line}" for line in lines)


def sample_line(sample: Sample) -> str:
    """How sure the cycles are."""
    if sample.complete:
        return f"all CTAs were timed ({sample.ctas:,})" + ("" if sample.share == 1 else ": too few for a sample")
    share = sample.timed / sample.ctas
    counted = f"estimated from {sample.timed:,} of {sample.ctas:,} CTAs ({share:.0%})"
    if sample.uneven:
        timed, other = sample.longest
        return (
            f"{counted}, a guess between {sample.low:,} and {sample.high:,}: a warp that was not timed issues "
            f"{other:,} instructions, the longest timed one {timed:,}; time all CTAs"
        )
    return f"{counted}, 95 % interval {sample.low:,} to {sample.high:,}"


def bounds_table(timing: TimedStatistics, shown: int | None = BOUNDS_SHOWN) -> Table:
    """Cycles that each resource needs at least, as a share of the kernel's."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("resource")
    table.add_column("cycles needed", justify="right", no_wrap=True)
    table.add_column("busy", justify="right", no_wrap=True)
    for bound in timing.bounds[:shown]:
        table.add_row(bound.resource, f"{bound.cycles:,.0f}", f"{bound.cycles / timing.cycles:.1%}")
    return table


def stall_table(timing: TimedStatistics) -> Table:
    """Where the cycles of resident warps went."""
    meanings = {reason.name: reason.meaning for reason in every_reason().values()}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("warp cycles", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("what it means")
    shares = {"issued": timing.issue_slots, **timing.stalls}
    for name, count in sorted(shares.items(), key=lambda item: -item[1]):
        if count:
            meaning = "an instruction was issued" if name == "issued" else meanings[name]
            table.add_row(name.replace("_", " "), f"{count / timing.warp_cycles:.1%}", meaning)
    return table


def hot_table(timing: TimedStatistics, shown: int | None = HOT_SHOWN) -> Table:
    """The instructions before which warps stood longest, in the order of the program."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("waiting at", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("mostly", no_wrap=True)
    table.add_column("source")
    hottest = sorted(timing.instructions, key=lambda i: -i.stalled)[:shown]
    for i in sorted(hottest, key=lambda i: i.index):
        if i.stalled:
            reason = max(i.stalls, key=lambda name: i.stalls[name])
            place = PurePath(i.place.split(", from ")[0].split(" (in")[0]).name
            table.add_row(i.text, f"{i.stalled / timing.warp_cycles:.1%}", reason.replace("_", " "), place)
    return table


def as_text(run: RunStatistics) -> str:
    """The whole report without colours, its lines never wrapped."""
    stream = StringIO()
    output = Console(file=stream, width=UNWRAPPED, color_system=None, force_terminal=False)
    for part in run_report(run):
        output.print(part, highlight=False, markup=False, soft_wrap=isinstance(part, str))
    return "\n".join(line.rstrip() for line in stream.getvalue().rstrip().splitlines())


def run_report(run: RunStatistics, *, full: bool = False) -> Iterator[str | Table]:
    """Heading, summary, histogram, and for a timed run what bounds it and why warps waited; ``full``: with all rows."""
    yield from run.heading
    yield summary(run)
    if run.timing is not None:
        yield timed_summary(run, run.timing)
    if run.dependence is not None:
        yield run.dependence
    if run.histogram:
        yield histogram_table(run, None if full else SHOWN)
    if run.timing is not None and run.timing.warp_cycles:
        yield ""
        yield bounds_table(run.timing, None if full else BOUNDS_SHOWN)
        yield ""
        yield stall_table(run.timing)
        yield ""
        yield hot_table(run.timing, None if full else HOT_SHOWN)
