import io

import pytest
from rich.console import Console

from dstc_isa.report.statistics import RunStatistics
from dstc_isa.text.run_text import SHOWN, rate, run_report, summary

MANY = {f"INSTRUCTION{number}.WITH.MODIFIERS": 10**9 - number for number in range(SHOWN + 3)}
RUN = RunStatistics("saxpy", sum(MANY.values()), 123.456, 2, MANY, {next(iter(MANY)): 7})


def printed(run: RunStatistics, width: int = 80) -> list[str]:
    stream = io.StringIO()
    for part in run_report(run):
        Console(file=stream, width=width).print(part, highlight=False, markup=False)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(
    ("per_second", "text"),
    [
        (0, "0 warp instructions/s"),
        (999_999.4, "999,999 warp instructions/s"),
        (1e6, "1.0 million warp instructions/s"),
        (61.25e6, "61.2 million warp instructions/s"),
    ],
)
def test_rate(per_second: float, text: str) -> None:
    assert rate(per_second) == text


def test_summary() -> None:
    assert summary(RunStatistics("k", 12_345, 0.5, 1, {}, {})) == (
        "k: 12,345 warp instructions in 0.500 s on 1 thread\n   24,690 warp instructions/s"
    )
    assert "on 2 threads" in summary(RUN)


def test_large_run_fits_a_terminal() -> None:
    lines = printed(RUN)
    assert max(map(len, lines)) <= 80
    assert lines[2].split() == ["instruction", "issued", "share", "guard", "false"]
    assert lines[3].split() == ["INSTRUCTION0.WITH.MODIFIERS", "1,000,000,000", "6.7%", "7"]
    assert lines[-1].split() == ["3", "others", "2,999,999,961", "20.0%", "0"]
    assert len(lines) == 3 + SHOWN + 1


def test_short_histogram_is_shown_whole() -> None:
    lines = printed(RunStatistics("k", 3, 0.1, 1, {"MOV": 2, "EXIT": 1}, {}))
    assert [line.split()[0] for line in lines[3:]] == ["MOV", "EXIT"]


def test_run_of_nothing_has_no_table() -> None:
    assert len(printed(RunStatistics("k", 0, 0.0, 1, {}, {}))) == 2


def test_names_are_not_markup() -> None:
    run = RunStatistics("[red]", 1, 0.1, 1, {"MOV": 1}, {})
    assert printed(run)[0].startswith("[red]: 1 warp")
