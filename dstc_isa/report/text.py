"""Reports as text for a terminal."""

from rich.console import Console
from rich.table import Table

from dstc_isa.report.statistics import RunStatistics

SHOWN = 12


def rate(per_second: float) -> str:
    """A rate of warp instructions with a unit prefix."""
    if per_second >= 1e6:
        return f"{per_second / 1e6:.1f} million warp instructions/s"
    return f"{per_second:.0f} warp instructions/s"


def summary(run: RunStatistics) -> str:
    """One line: how much was executed and how fast."""
    threads = f"{run.threads} thread{'s' if run.threads != 1 else ''}"
    return (
        f"{run.kernel}: {run.warp_instructions:,} warp instructions in {run.seconds:.3f} s "
        f"({rate(run.warp_instructions_per_s)}, {threads})"
    )


def histogram_table(run: RunStatistics) -> Table:
    """The most frequent instructions: issued, and issued with no lane executing."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("instruction")
    table.add_column("issued", justify="right")
    table.add_column("guard false", justify="right")
    for name, count in list(run.histogram.items())[:SHOWN]:
        table.add_row(name, f"{count:,}", f"{run.skipped.get(name, 0):,}")
    rest = list(run.histogram.items())[SHOWN:]
    if rest:
        count = sum(count for _, count in rest)
        idle = sum(run.skipped.get(name, 0) for name, _ in rest)
        table.add_row(f"{len(rest)} others", f"{count:,}", f"{idle:,}")
    return table


def print_run(run: RunStatistics, console: Console) -> None:
    """Summary and histogram."""
    console.print(summary(run), highlight=False, soft_wrap=True)
    console.print(histogram_table(run))
