"""Reports as text for a terminal."""

from rich.console import Console
from rich.table import Table

from dstc_isa.report.statistics import RunStatistics

SHOWN = 12


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


def histogram_table(run: RunStatistics) -> Table:
    """The most frequent instructions: issued, their share of all, and issued with no lane executing."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("instruction", overflow="fold")
    for heading in ("issued", "share", "guard false"):
        table.add_column(heading, justify="right", overflow="fold")
    rows = [(name, count, run.skipped.get(name, 0)) for name, count in run.histogram.items()]
    rest = rows[SHOWN:]
    if rest:
        rows[SHOWN:] = [(f"{len(rest)} others", sum(row[1] for row in rest), sum(row[2] for row in rest))]
    for name, count, idle in rows:
        table.add_row(name, f"{count:,}", f"{count / run.warp_instructions:.1%}", f"{idle:,}")
    return table


def print_run(run: RunStatistics, console: Console) -> None:
    """Summary and histogram."""
    console.print(summary(run), highlight=False, markup=False, soft_wrap=True)
    if run.histogram:
        console.print(histogram_table(run))
