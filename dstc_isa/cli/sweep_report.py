"""What ``dstc-emu sweep`` shows: progress while points are run, and their rows in the end."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from dstc_isa.cli.terminal import quiet
from dstc_isa.printable import printable
from dstc_isa.studies.point import Point, PointRow, varied_parameters
from dstc_isa.studies.sweep import Failure, SweepProgress

SPEED_PERIOD_SECONDS = 3600.0
"""The time left is judged by what was done in this last period."""


class SweepReporter(SweepProgress):
    """Shows a sweep's progress on a console: a line for each point, and on a terminal a bar."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[points]}", markup=False),
            TimeRemainingColumn(),
        )
        self.console = console
        self.bar = Progress(
            *columns,
            console=console,
            transient=True,
            disable=quiet() or not console.is_terminal,
            speed_estimate_period=SPEED_PERIOD_SECONDS,
        )
        self.task: TaskID | None = None
        self.points = self.kept = self.done = 0
        self.running: list[str] = []

    def planned(self, points: int, kept: int) -> None:
        """Say how much there is to do."""
        self.points, self.kept, self.done = points, kept, kept
        self.task = self.bar.add_task("", total=points, completed=kept, points="")
        if kept:
            self.told(f"{kept} of {points} points are there already")
        self._show(kept)

    def begun(self, point: Point) -> None:
        """Show which points are being run."""
        self.running.append(point.label)
        self._show(self.done)

    def advanced(self, done: int, of: int) -> None:
        """Move the bar within a point."""
        self._show(self.done + done / of)

    def ended(self, point: Point, outcome: PointRow | Failure) -> None:
        """Print the point's line."""
        self.running.remove(point.label)
        self.done += 1
        if isinstance(outcome, PointRow):
            self.kept += 1
            found = f"{outcome.cycles:,} cycles, {outcome.headline.text}, {outcome.host_seconds:.1f} s"
        else:
            found = f"failed: {outcome.reason}"
        self.told(f"{self.done}/{self.points} {point.label}: {found}")
        self._show(self.done)

    def told(self, text: str) -> None:
        """Print a line."""
        if not quiet():
            self.console.print(printable(text), highlight=False, markup=False, soft_wrap=True)

    def _show(self, completed: float) -> None:
        if self.task is not None:
            others = f" and {len(self.running) - 1} more" if len(self.running) > 1 else ""
            self.bar.update(
                self.task,
                completed=completed,
                description=f"{self.running[0]}{others}" if self.running else "",
                points=f"{self.done}/{self.points}",
            )


def row_table(rows: list[PointRow]) -> Table:
    """Rows as a table: what each took, against dense and against its bound."""
    varied = varied_parameters(rows)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("kernel", no_wrap=True)
    for heading in ("A", "B", *varied, "cycles", "speed-up"):
        table.add_column(heading, justify="right")
    table.add_column("limited by", overflow="fold")
    table.add_column("of bound", justify="right")
    for row in rows:
        table.add_row(
            row.kernel,
            *("" if density is None else f"{density:g}" for density in (row.density_a, row.density_b)),
            *(str(row.overrides.get(name, "")) for name in varied),
            f"{row.cycles:,}",
            "" if row.speedup is None else f"{row.speedup:.2f}",
            row.headline.name,
            f"{row.share_of_bound:.0%}",
        )
    return table
