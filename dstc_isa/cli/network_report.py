"""What ``dstc-emu network`` shows: progress while layers are run, and their rows in the end."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from dstc_isa.cli.terminal import quiet
from dstc_isa.conv.sparse.link import HOST
from dstc_isa.network.accuracy import Accuracy
from dstc_isa.network.outcome import NetworkProgress, Outcome
from dstc_isa.network.row import SPARSE_VARIANTS, VARIANTS, Cost, LayerRow, totals
from dstc_isa.printable import printable
from dstc_isa.report.headline import Limit


class NetworkReporter(NetworkProgress):
    """Shows a run's progress on a console: a line for each layer, and on a terminal a bar."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
        self.console = console
        self.bar = Progress(*columns, console=console, transient=True, disable=quiet() or not console.is_terminal)
        self.task: TaskID | None = None
        self.layers = self.done = 0

    def planned(self, layers: int, kept: int = 0) -> None:
        """Say how much there is to do."""
        self.layers = layers
        if kept:
            self.told(f"{kept} of {layers} layers are there already")
        self.task = self.bar.add_task("", total=layers)

    def begun(self, layer: str) -> None:
        """Show which layer is being run."""
        if self.task is not None:
            description = f"{self.done + 1}/{self.layers} {printable(layer)}"
            self.bar.update(self.task, description=description, completed=self.done)

    def found(self, row: LayerRow) -> None:
        """Count a layer that is there already."""
        self.done += 1

    def advanced(self, share: float) -> None:
        """Move the bar within a layer."""
        if self.task is not None:
            self.bar.update(self.task, completed=self.done + share)

    def ended(self, row: LayerRow) -> None:
        """Print the layer's line."""
        self.done += 1
        cycles = ", ".join(f"{variant} {row.costs[variant].cycles:,}" for variant in VARIANTS)
        speedup = f"speed-up {row.speedup('dual'):.2f}"
        known = row.accuracy.error_relative is not None
        error = f", error {row.accuracy.error_relative:.1e}" if known else ""
        self.told(f"{self.done}/{self.layers} {row.layer}: {cycles} cycles, {speedup}{error}, {row.host_seconds:.1f} s")

    def told(self, text: str) -> None:
        """Print a line."""
        if not quiet():
            self.console.print(printable(text), highlight=False, markup=False, soft_wrap=True)


def layer_table(rows: Sequence[LayerRow]) -> Table:
    """Rows as a table: densities, time of each variant, and what limits the sparse one.

    A column says of networks whose layers feed each other how the device has the input: encoded, stored as FP32, or
    from the host.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold", show_footer=True)
    whole = totals(rows)
    counted = any(row.count > 1 for row in rows)
    linked = any(row.input != HOST for row in rows)
    table.add_column("layer", "all layers", overflow="fold", min_width=10)
    if counted:
        table.add_column("count", f"{whole.layers}", justify="right", no_wrap=True)
    if linked:
        table.add_column("input", no_wrap=True)
    for heading in ("x", "w"):
        table.add_column(heading, justify="right", no_wrap=True)
    for variant in VARIANTS:
        table.add_column(f"{variant}\nus", f"{whole.microseconds[variant]:,.1f}", justify="right", no_wrap=True)
    for variant in SPARSE_VARIANTS:
        table.add_column(f"{variant}\nx", f"{whole.speedup(variant):.2f}", justify="right", no_wrap=True)
    table.add_column("dual limited by\n(of bound)", overflow="fold", min_width=12)
    for row in rows:
        dual = row.costs["dual"]
        table.add_row(
            printable(row.layer),
            *([str(row.count)] if counted else []),
            *([row.input.partition(" ")[0]] if linked else []),
            density_text(row.density_x),
            "" if row.density_w is None else density_text(row.density_w),
            *(f"{row.costs[variant].microseconds:,.1f}" for variant in VARIANTS),
            *(f"{row.speedup(variant):.2f}" for variant in SPARSE_VARIANTS),
            f"{_limit(dual)} ({dual.share_of_bound:.0%})",
        )
    return table


def _limit(cost: Cost) -> str:
    """What limits a variant; if it is no resource, the one that comes next as well."""
    name = cost.headline.name
    return name if cost.headline.limit is Limit.RESOURCE else f"{name}; {cost.bound}"


def density_text(density: float) -> str:
    """A density in two places; more for one so small, and a sign for one so large, that it would read as 0 or 1."""
    text = f"{density:.2f}"
    if text == "0.00" and density > 0:
        return f"{density:.1g}"
    return "<1.00" if text == "1.00" and density < 1 else text


def error_text(accuracy: Accuracy) -> str:
    """An error relative to the results, what rounding the operands alone gives, and the largest difference."""
    parts = [] if accuracy.error_relative is None else [f"{accuracy.error_relative:.1e} of its norm"]
    if accuracy.error_of_rounding:
        parts.append(f"{accuracy.error_of_rounding:.1e} by rounding inputs to FP16 alone")
    return ", ".join([*parts, f"at most {accuracy.error_max:.2g}"])


def summary(outcome: Outcome, sample: float | None = None) -> Iterator[str]:
    """Which operators ran where, and whether times are estimates; that no layer ran if so."""
    return map(printable, _facts(outcome, sample))


def warnings_of(outcome: Outcome) -> Iterator[str]:
    """Layers whose values became 0 in FP16."""
    return (printable(f"{row.layer}: {row.underflow}") for row in outcome.rows if row.underflow)


def _facts(outcome: Outcome, sample: float | None) -> Iterator[str]:
    if not outcome.rows:
        yield "no layer ran on the machine: the operands of those chosen are not of floats, or empty"
    for what, operators in (("fused into convolutions", outcome.fused), ("on the host, not timed", outcome.on_host)):
        if operators:
            yield f"{what}: {', '.join(f'{count} {name}' for name, count in sorted(operators.items()))}"
    for row in outcome.rows:
        for text in filter(None, (row.underflow, row.note)):
            yield f"{row.layer}: {text}"
    if outcome.beside:
        yield f"not for the machine: {'; '.join(outcome.beside)}"
    worst = max(outcome.rows, key=lambda row: row.accuracy.error_relative or 0.0, default=None)
    if worst is not None and worst.accuracy.error_relative:
        yield f"largest error of a layer: {error_text(worst.accuracy)}, {worst.layer}"
    for name, accuracy in outcome.accuracy.items():
        if accuracy.error_max is not None:
            yield f"output {name} is off the network without FP16 by {error_text(accuracy)}"
    if sample is not None and outcome.rows:
        yield f"times are estimates: {sample:.4g} of the CTAs of each launch were timed"
