import io
import re

from rich.console import Console

from dstc_isa.cli.sweep_report import SweepReporter, row_table
from dstc_isa.gpu import load_gpu
from dstc_isa.studies.point import Point
from dstc_isa.studies.sweep import Failure
from tests.studies.rows import row


def point(density_a: float) -> Point:
    return Point(
        m=64, n=32, k=16, seed=0, kernel="spgemm", density_a=density_a, density_b=1.0, overrides={}, gpu=load_gpu()
    )


def shown(terminal: bool) -> str:
    """What a study of four points with one kept and one failed prints."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    reporter = SweepReporter(console)
    with reporter.bar:
        reporter.planned(4, 1)
        reporter.begun(point(0.5))
        reporter.begun(point(0.25))
        reporter.advanced(1, 2)
        reporter.bar.refresh()
        reporter.ended(point(0.5), row())
        reporter.ended(point(0.25), Failure("no room [really]"))
    assert (reporter.points, reporter.kept, reporter.done) == (4, 2, 3)
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", console.file.getvalue()).replace("\r", "\n")


def test_lines() -> None:
    assert shown(terminal=False).splitlines() == [
        "1 of 4 points are there already",
        "2/4 spgemm, A 0.5, B 1: 1,000 cycles, latency bound: warps wait for barriers 25%; "
        "nearest limit: issue slots, 50% of the time, 0.1 s",
        "3/4 spgemm, A 0.25, B 1: failed: no room [really]",
    ]


def test_bar_on_a_terminal() -> None:
    (line,) = {line for line in shown(terminal=True).splitlines() if line.startswith("spgemm, A 0.5, B 1 and 1 more")}
    assert " 1/4 " in line


def test_table_has_a_column_for_what_is_varied() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(row_table([row(overrides={"sm.count": n, "l2.ways": 8}, speedup=n / 8) for n in (2, 4)]))
    assert isinstance(console.file, io.StringIO)
    heading, *lines = (line.split() for line in console.file.getvalue().splitlines())
    assert heading == ["kernel", "A", "B", "sm.count", "cycles", "speed-up", "limited", "by", "of", "bound"]
    assert lines[0] == ["spgemm", "0.5", "1", "2", "1,000", "0.25", "latency", "(barrier)", "50%"]
    assert lines[1][3:6] == ["4", "1,000", "0.50"]
