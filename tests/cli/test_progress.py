import io
import sys

import pytest

from dstc_isa.cli import progress
from dstc_isa.cli.progress import ProgressBar


class Terminal(io.StringIO):
    """A standard error that is a terminal or not."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def shown(monkeypatch: pytest.MonkeyPatch, terminal: bool, patience: float) -> str:
    stream = Terminal(terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "PATIENCE", patience)
    monkeypatch.setenv("TERM", "xterm")
    with ProgressBar() as bar:
        for done in (0, 40, 80):
            bar(done, 80)
    return stream.getvalue()


def test_a_terminal_sees_ctas_done(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, True, 0)
    assert "80/80" in text
    assert "CTAs" in text


def test_nothing_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, False, 0) == ""
    assert shown(monkeypatch, True, 60) == ""


def test_an_early_end_gives_the_terminal_back(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal(True)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "PATIENCE", 0)
    bar = ProgressBar()
    bar(1, 2)
    bar.__exit__(None, None, None)
    assert "\x1b[?25h" in stream.getvalue(), "the cursor is shown again"
