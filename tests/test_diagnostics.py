import json

from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.diagnostics import ERROR, Diagnostic, render
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


@given(st.text("ab \t字核\u0301é中\x07", max_size=190), st.text("a字", min_size=1, max_size=9))
def test_carets_stand_under_the_place_in_cells(before, marked):
    """Wide characters take two cells of a terminal, combining ones none, control characters are shown as a space."""
    text = f"{before}|{marked}|"
    column = len(before) + 2
    lines = Diagnostic(ERROR, "m", "f", 1, column, column + len(marked), text).render().split("\n")
    wide = [c in "字核中" for c in before]
    cells = sum(2 if w else 0 if c == "\u0301" else 1 for c, w in zip(before, wide, strict=True))
    under = sum(2 if c == "字" else 1 for c in marked)
    assert lines[2] == "    " + " " * (cells + 1) + "^" + "~" * (under - 1)


def test_a_long_line_is_cut_around_the_place():
    text = "x" * 400_000 + "here" + "y" * 400_000
    lines = Diagnostic(ERROR, "m", "f", 1, 400_001, 400_005, text).render().split("\n")
    at = lines[2].index("^")
    assert lines[1][at : at + 4] == "here"
    assert lines[1].startswith("     ... x")
    assert lines[1].endswith("y ...")
    assert len(lines[1]) < 230


def test_data():
    data = json.loads(json.dumps(EXAMPLE.as_dict()))
    assert data["includes"] == [{"file": "main.dasm", "line": 1, "macro": ""}]
    assert {name: data[name] for name in ("severity", "kind", "line", "column", "end_column", "suggestion")} == {
        "severity": "error",
        "kind": "",
        "line": 3,
        "column": 7,
        "end_column": 12,
        "suggestion": "value",
    }


def test_colour_only_adds_escapes():
    coloured = render([EXAMPLE], colour=True)
    assert "\x1b[1;31merror:" in coloured


@given(st.text(max_size=600), st.integers(1, 700), st.integers(0, 700))
def test_any_place_renders_on_lines_of_bounded_width(text, column, more):
    text = text.replace("\n", "")
    lines = Diagnostic(ERROR, "m", "f", 1, column, column + 1 + more, text).render().split("\n")
    assert len(lines) == (3 if text else 1)
    assert all(len(line) < 800 and line.replace("\x1b", "").isprintable() for line in lines)
