import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.syntax.source import Source, blank_comments, read_source


@given(st.text('/*"\\\n ab', max_size=30))
def test_blanking_keeps_every_place(text):
    blanked, _ = blank_comments(Source("t", text))
    assert len(blanked) == len(text)
    assert all(b in (a, " ") for a, b in zip(text, blanked, strict=True))
    assert [i for i, c in enumerate(blanked) if c == "\n"] == [i for i, c in enumerate(text) if c == "\n"]


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ("a // b\nc", "a     \nc"),
        ("a /* b\n */ c", "a     \n    c"),
        ('"// x" b', '"// x" b'),
        ("/* // */ a", "         a"),
        ("// /* \na", "      \na"),
    ],
)
def test_comments(text, blanked):
    assert blank_comments(Source("t", text)) == (blanked, [])


@pytest.mark.parametrize("text", ["a\n /* b", "a\n /*/"])
def test_an_unclosed_comment_is_reported_where_it_begins(text):
    _, (problem,) = blank_comments(Source("t", text))
    assert (problem.line, problem.column, problem.expected) == (2, 2, "*/")


def test_many_open_comments_take_no_time():
    _, problems = blank_comments(Source("t", "/*" * 200_000))
    assert len(problems) == 1


@given(st.binary(max_size=40))
def test_any_bytes_are_text_or_one_problem(data):
    source, problems = read_source(data, "t")
    kept = data.decode("utf-8", "ignore").encode()
    assert bool(problems) == (kept != data)
    assert all(data.split(b"\n")[problem.line - 1] != b"" for problem in problems)
    assert len(source.lines) == source.text.count("\n") + 1


def test_line_ends_and_byte_order_mark():
    source, problems = read_source("\ufeffa\r\nb".encode(), "t")
    assert (source.lines, problems) == (["a", "b"], [])
