import io
import json

from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.diagnostics import ERROR, Diagnostic, render, wants_colour
from dstc_isa.program import Frame

EXAMPLE = Diagnostic(
    ERROR,
    "unknown name vlaue",
    "lib.dasm",
    line=3,
    column=7,
    end_column=12,
    text="\tMOV R, vlaue",
    expected="a register",
    suggestion="value",
    includes=(Frame("main.dasm", 1),),
    expansion=(Frame("main.dasm", 9, "OUT"),),
)


def test_text():
    assert EXAMPLE.render().split("\n") == [
        "lib.dasm:3:7: error: unknown name vlaue",
        "     MOV R, vlaue",
        "          ^~~~~",
        "  expected: a register",
        "  did you mean value?",
        "  expanded at main.dasm:9 (in macro OUT)",
        "  included from main.dasm:1",
    ]


def test_data():
    data = json.loads(json.dumps(EXAMPLE.as_dict()))
    assert data["includes"] == [{"file": "main.dasm", "line": 1, "macro": ""}]
    assert {name: data[name] for name in ("severity", "line", "column", "end_column", "suggestion")} == {
        "severity": "error",
        "line": 3,
        "column": 7,
        "end_column": 12,
        "suggestion": "value",
    }


def test_colour_only_adds_escapes():
    coloured = render([EXAMPLE], colour=True)
    assert "\x1b[1;31merror:" in coloured
    assert not wants_colour(io.StringIO())


@given(st.text(max_size=600), st.integers(1, 700), st.integers(0, 700))
def test_any_place_renders_on_lines_of_bounded_width(text, column, more):
    text = text.replace("\n", "")
    lines = Diagnostic(ERROR, "m", "f", 1, column, column + 1 + more, text).render().split("\n")
    assert len(lines) == (3 if text else 1)
    assert all(len(line) < 800 and line.replace("\x1b", "").isprintable() for line in lines)
