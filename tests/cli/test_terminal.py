import io
from collections.abc import Iterator

import pytest
from rich.table import Table

from dstc_isa.cli.terminal import (
    Colour,
    Manner,
    Verbosity,
    announce,
    console,
    say,
    show,
    speak,
    tell,
    wants_colour,
    warn,
)
from dstc_isa.report.statistics import RunStatistics
from dstc_isa.text.run_text import SHOWN, histogram_table

INSTRUCTION = "SHF.R.U32.HI R236, RZ, 0x8, R188 ;"
MEANING = "waits for shared or constant memory, a shuffle, a special function or a count " * 3


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain() -> Iterator[None]:
    speak(Manner())
    yield
    speak(Manner())


def table() -> Table:
    made = Table(box=None, pad_edge=False)
    made.add_column("instruction", no_wrap=True)
    made.add_column("what it means")
    made.add_row(INSTRUCTION, MEANING)
    return made


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, *parts: str | Table, columns: int = 80) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdout", stream)
    show(*parts)
    return stream.getvalue()


def test_what_is_no_terminal_is_never_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, io.StringIO(), table(), "word " * 100, columns=20)
    assert len(text.splitlines()) == 3
    assert f"{INSTRUCTION}  {MEANING.strip()}" in text


@pytest.mark.parametrize("columns", [10, 50, 80])
def test_a_narrow_terminal_cuts_no_instruction_and_no_word(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    speak(Manner(Colour.NEVER))
    head, instruction, meanings = shown(monkeypatch, Screen(), table(), columns=columns).partition(INSTRUCTION)
    assert sorted(head.split()) == ["instruction", "it", "means", "what"]
    assert instruction
    assert meanings.split() == MEANING.split()


@pytest.mark.parametrize("columns", [20, 30, 80])
def test_a_narrow_terminal_shows_every_digit(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    many = {f"INSTRUCTION{number}.WITH.MODIFIERS": 10**9 - number for number in range(SHOWN + 3)}
    run = RunStatistics("saxpy", sum(many.values()), 1.0, 2, many, {})
    speak(Manner(Colour.NEVER))
    text = shown(monkeypatch, Screen(), histogram_table(run), columns=columns)
    assert all(f"{10**9 - number:,}" in text and f"INSTRUCTION{number}.W" in text for number in range(SHOWN))


@pytest.mark.parametrize(
    ("colour", "environment", "terminal", "painted"),
    [
        (Colour.AUTO, {}, True, True),
        (Colour.AUTO, {}, False, False),
        (Colour.AUTO, {"NO_COLOR": "1"}, True, False),
        (Colour.AUTO, {"FORCE_COLOR": "1"}, False, True),
        (Colour.ALWAYS, {"NO_COLOR": "1"}, False, True),
        (Colour.NEVER, {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour(
    monkeypatch: pytest.MonkeyPatch, colour: Colour, environment: dict[str, str], terminal: bool, painted: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = Screen() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    speak(Manner(colour))
    assert wants_colour() == painted
    console(stream).print("[red]x[/red]")
    assert ("\x1b[31m" in stream.getvalue()) == painted


def test_quiet_leaves_the_report_out_and_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    speak(Manner(verbosity=Verbosity.QUIET))
    show("report")
    announce("compiling")
    say("error")
    assert capsys.readouterr() == ("", "error\n")


@pytest.mark.parametrize(
    ("manner", "told"),
    [
        (Manner(), ""),
        (Manner(verbosity=Verbosity.VERBOSE), ""),
        (Manner(verbosity=Verbosity.QUIET), "dstc-emu: warning: lost\n"),
        (Manner(report=False), "dstc-emu: warning: lost\n"),
        (Manner(verbosity=Verbosity.QUIET, report=False), "dstc-emu: warning: lost\n"),
    ],
)
def test_a_warning_of_a_report_that_is_not_shown(manner: Manner, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    speak(manner)
    warn("lost")
    warn("")
    assert capsys.readouterr() == ("", told)


def test_no_name_reaches_the_terminal_as_a_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    for function in (say, announce, tell, show, warn):
        function("\x1b[31mred\x9b\r\nb")
    out, err = capsys.readouterr()
    assert out + err == "\\x1b[31mred\\x9b\\r\nb\n" * 4


def test_names_are_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    show("[red]: 1 warp")
    assert capsys.readouterr().out == "[red]: 1 warp\n"
