import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.cli.entry import message
from dstc_isa.diagnostics import Diagnostic
from dstc_isa.errors import UsageError
from dstc_isa.network.errors import NetworkError
from dstc_isa.printable import printable, printable_lines

TEXTS = st.text(st.characters(exclude_categories=[]) | st.sampled_from("\x1b\n\r\t\x9b\u202e\ud800"))


def test_control_characters_are_escaped() -> None:
    assert printable("a\tb\nc\x1b\udc80é") == "a b\\nc\\x1b\\udc80é"
    assert printable_lines("a\n\x1b[31mb") == "a\n\\x1b[31mb"


@given(TEXTS)
def test_what_is_printed_is_printable(text: str) -> None:
    line = printable(text)
    assert line.isprintable()
    assert printable(line) == line
    lines = printable_lines(text).split("\n")
    assert lines == [printable(each) for each in text.split("\n")]


@given(TEXTS)
def test_errors_are_printable(text: str) -> None:
    assert str(NetworkError(text)) == printable(text)
    error = UsageError(text or "x")
    error.add_note(text)
    for line in message("dstc-emu", error).split("\n"):
        assert line.isprintable()


@given(TEXTS)
@pytest.mark.parametrize("colour", [False, True])
def test_diagnostics_are_printable(colour: bool, text: str) -> None:
    made = Diagnostic("error", text, text, 1, 1, 2, text.replace("\n", ""), text, text)
    own = ("\x1b[1;31m", "\x1b[1m", "\x1b[36m", "\x1b[1;32m", "\x1b[0m") if colour else ()
    found = made.render(colour)
    for sequence in own:
        found = found.replace(sequence, "")
    assert all(line.isprintable() for line in found.split("\n"))
