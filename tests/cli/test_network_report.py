import io

import pytest
from rich.console import Console

from dstc_isa.cli.network_report import NetworkReporter, density_text, layer_table, summary, warnings_of
from dstc_isa.network.accuracy import UNKNOWN, Accuracy
from dstc_isa.network.outcome import Outcome
from dstc_isa.network.row import VARIANTS
from tests.network.rows import cost, row


def shown(width: int, *rows: object) -> list[str]:
    text = io.StringIO()
    Console(file=text, width=width).print(*rows, highlight=False, markup=False)
    return text.getvalue().splitlines()


def test_progress() -> None:
    text = io.StringIO()
    reporter = NetworkReporter(Console(file=text, width=100))
    with reporter.bar:
        reporter.planned(2)
        reporter.begun("conv1")
        reporter.advanced(0.5)
        reporter.ended(row(dense=4000, weights=2000, dual=1000))
        reporter.begun("[fc]")
        reporter.ended(row(layer="[fc]"))
    assert text.getvalue().splitlines() == [
        "1/2 conv1: dense 4,000, weights 2,000, dual 1,000 cycles, speed-up 4.00, 0.1 s",
        "2/2 [fc]: dense 40, weights 20, dual 10 cycles, speed-up 4.00, 0.1 s",
    ]


def test_names_are_printable() -> None:
    name = "\x1b[31mred\nblue\r"
    text = io.StringIO()
    reporter = NetworkReporter(Console(file=text, width=100))
    with reporter.bar:
        reporter.planned(1)
        reporter.begun(name)
        assert reporter.bar.tasks[0].description == "1/1 \\x1b[31mred\\nblue\\r"
        reporter.ended(row(layer=name))
    assert text.getvalue().startswith("1/1 \\x1b[31mred\\nblue\\r: dense 40")
    assert any("\\x1b[31mred\\nblue\\r" in line for line in shown(120, layer_table([row(layer=name)])))
    rows = (row(layer=name, underflowed_x=2, note="in parts"),)
    accuracy = {name: Accuracy(error_relative=0.1, error_of_rounding=0.1, error_max=1.0)}
    outcome = Outcome(rows=rows, accuracy=accuracy, on_host={name: 1}, fused={name: 1}, beside=(name,))
    lines = [*summary(outcome), *warnings_of(outcome)]
    assert all(line.isprintable() for line in lines)
    assert sum("red" in line for line in lines) == 7


def test_progress_on_a_terminal() -> None:
    text = io.StringIO()
    reporter = NetworkReporter(Console(file=text, width=100, force_terminal=True))
    with reporter.bar:
        reporter.planned(2)
        reporter.begun("conv1")
        reporter.bar.refresh()
    assert "1/2 conv1" in text.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits(width: int) -> None:
    rows = [row(dense=4_000_000, weights=2_000_000, dual=1_000_000), row(layer="a_rather_long_name/fc", density_w=None)]
    lines = shown(width, layer_table(rows))
    assert all(len(line) <= width for line in lines)
    assert any(
        line.split()[:8] == ["conv1", "0.50", "0.25", "4,000.0", "2,000.0", "1,000.0", "2.00", "4.00"] for line in lines
    )
    assert any("all layers" in line and "4,000.0" in line for line in lines)
    assert not any("count" in line for line in lines)
    counted = shown(width, layer_table([row(count=3, dense=4000)]))
    assert any(line.split()[:2] == ["conv1", "3"] for line in counted)
    assert any(line.split()[:3] == ["all", "layers", "3"] and "12.0" in line for line in counted)


def test_where_the_input_comes_from() -> None:
    rows = [row(), row(layer="a_rather_long_name/conv2", input="encoded by conv1"), row(layer="c", input="stored by b")]
    assert not any("input" in line for line in shown(80, layer_table(rows[:1])))
    lines = shown(80, layer_table(rows))
    assert all(len(line) <= 80 for line in lines)
    assert any(line.split()[:2] == ["conv1", "host"] for line in lines)
    assert any(line.split()[1:3] == ["encoded", "0.50"] for line in lines)
    assert any(line.split()[:2] == ["c", "stored"] for line in lines)


def test_where_operators_ran() -> None:
    outcome = Outcome(rows=(row(),), on_host={"Softmax": 1, "Add": 2}, fused={"Relu": 3})
    assert list(summary(outcome)) == ["fused into convolutions: 3 Relu", "on the host, not timed: 2 Add, 1 Softmax"]
    assert list(summary(Outcome(rows=(row(),)))) == []
    (line,) = summary(Outcome(rows=(row(),)), 0.25)
    assert line == "times are estimates: 0.25 of the CTAs of each launch were timed"


@pytest.mark.parametrize(
    ("density", "text"),
    [
        (0, "0.00"),
        (1e-7, "1e-07"),
        (0.004, "0.004"),
        (0.006, "0.01"),
        (0.25, "0.25"),
        (0.99, "0.99"),
        (0.9999, "<1.00"),
        (1, "1.00"),
    ],
)
def test_a_density_reads_as_0_or_1_only_if_it_is(density: float, text: str) -> None:
    assert density_text(density) == text


def test_the_summary_says_which_kernel_ran_instead() -> None:
    outcome = Outcome(rows=(row(note="dual by conv_dense, not spconv: too large"),))
    assert list(summary(outcome)) == ["conv1: dual by conv_dense, not spconv: too large"]


def test_errors_against_a_network_without_fp16() -> None:
    text = io.StringIO()
    reporter = NetworkReporter(Console(file=text, width=100))
    rows = [row(accuracy=Accuracy(0.5, 1e-3, 2e-4)), row(layer="fc", accuracy=Accuracy(0.25, 2.34e-3, 2.3e-3))]
    with reporter.bar:
        reporter.planned(1)
        reporter.ended(rows[0])
    assert text.getvalue().endswith(" speed-up 4.00, error 1.0e-03, 0.1 s\n")
    outcome = Outcome(rows=tuple(rows), accuracy={"y": Accuracy(1.5, 1e-2), "z": Accuracy(0.5, None), "n": UNKNOWN})
    assert list(summary(outcome)) == [
        "largest error of a layer: 2.3e-03 of its norm, 2.3e-03 by rounding inputs to FP16 alone, at most 0.25, fc",
        "output y is off the network without FP16 by 1.0e-02 of its norm, at most 1.5",
        "output z is off the network without FP16 by at most 0.5",
    ]


def test_the_table_says_what_limits_a_layer() -> None:
    costs = dict.fromkeys(VARIANTS, cost(40))
    assert any("latency (barrier); issue slots (50%)" in line for line in shown(200, layer_table([row(costs=costs)])))
    lines = shown(200, layer_table([row(costs=costs | {"dual": cost(40, 0.75)})]))
    assert any(line.endswith(" issue slots (75%)") for line in map(str.rstrip, lines))
    assert not any("latency" in line for line in lines)
