import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark import UnexpectedInput

from dstc_isa.syntax.parser import (
    OperandProblem,
    parse_any_argument,
    parse_any_line,
    parse_argument,
    parse_macro_head,
    parse_statements,
)
from dstc_isa.syntax.source import Source
from dstc_isa.syntax.tree import Binary, Bits, Node, Number, Prefix, Statement

FRAGMENTS = st.sampled_from(
    ["R1", "RZ", "x", "x.lo", "SR_TID.X", "P0", "c", "1", "0x1f", "1.5", "2e3", "0f3f800000", "5x", ".5", "."]
    + ["[", "]", "(", ")", "+", "-", "*", "|", "!", "~", "<<", "&&", "==", ".64", " ", '"a"', "=", ".u32"]
)
OPERANDS = st.one_of(st.lists(FRAGMENTS, max_size=7).map("".join), st.text("R1x[]+-.| 0cf", max_size=8))
LINES = st.lists(
    st.sampled_from(
        ["B------:R-:W-:-:S01", "B012345:R0:W1:Y:S15", "@P0", "@!p", "@", "MOV", "IADD3.X", "x:", "x :", "R1", ","]
        + [";", ".reg", ".", " ", "\t", '"a;b"', '"', "0x1", "[R2+4]", "$", "é"]
    ),
    max_size=8,
).map(" ".join)


def tree(node: Node) -> object:
    """A tree as nested tuples, to compare."""
    values = [getattr(node, name) for cls in type(node).__mro__ for name in getattr(cls, "__slots__", ())]
    return (type(node).__name__, *map(plain, values))


def plain(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return tree(value) if isinstance(value, Node) else repr(value)


def result(parse, text):
    try:
        return tree(parse(text))
    except OperandProblem as problem:
        return str(problem), problem.start, problem.end


def parts(statement: Statement | None) -> object:
    if statement is None:
        return None
    pieces = (statement.word, statement.operands, statement.control, statement.guard)
    columns = [None if p is None else (p.strip(), p.start_pos + len(p) - len(p.lstrip())) for p in pieces]
    return [str(label) for label in statement.labels], columns, statement.is_directive


@given(OPERANDS)
def test_common_operands_are_what_the_grammar_makes_of_them(text):
    assert result(parse_argument, text) == result(parse_any_argument, text)


@given(LINES)
def test_plain_lines_are_what_the_grammar_makes_of_them(line):
    source = Source("t", line)
    statements, problems = parse_statements(source)
    try:
        expected = parts(parse_any_line(line, source)) if line.strip() else None
    except UnexpectedInput:
        assert problems
        assert not statements
    else:
        assert not problems
        assert (parts(statements[0]) if statements else None) == expected


@given(st.text(max_size=60))
def test_any_text_gives_statements_or_problems(text):
    statements, problems = parse_statements(Source("t", text))
    assert len(statements) + len(problems) <= text.count("\n") + 2


def value(node: Node) -> int:
    match node:
        case Number():
            return node.value
        case Prefix():
            return {"-": int.__neg__, "~": int.__invert__, "!": lambda v: int(not v)}[node.operator](
                value(node.operand)
            )
        case Binary():
            left, right = value(node.left), value(node.right)
            return int(eval(f"({left}) {node.operator} ({right})"))
    raise AssertionError(node)


PYTHON_LIKE = ["*", "+", "-", "<<", "&", "^", "|"]


@given(st.integers(0, 9), st.lists(st.tuples(st.sampled_from(PYTHON_LIKE), st.integers(0, 9)), max_size=6))
def test_precedence_is_that_of_c(first, rest):
    text = str(first) + "".join(f" {operator} {number}" for operator, number in rest)
    try:
        expected = eval(text)
    except ValueError:  # a negative shift
        return
    assert value(parse_argument(text)) == expected


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("1 | 2 == 2", "1 | (2 == 2)"),
        ("1 & 2 < 3", "1 & (2 < 3)"),
        ("1 << 2 < 3", "(1 << 2) < 3"),
        ("7 - 2 - 1", "(7 - 2) - 1"),
        ("-2 + 3", "(-2) + 3"),
    ],
)
def test_comparisons_bind_as_in_c(text, same):
    assert value(parse_argument(text)) == value(parse_argument(same))


@pytest.mark.parametrize(
    ("text", "number"),
    [("0x1F", 31), ("0b101", 5), ("1_000", 1000), ("1.5e-3", 0.0015), ("2.", 2.0), ("0f3f800000", Bits(0x3F800000))],
)
def test_numbers(text, number):
    parsed = parse_argument(text)
    assert isinstance(parsed, Number)
    assert parsed.value == number


@pytest.mark.parametrize(
    ("text", "message", "start", "end"),
    [
        ("", "an operand is missing", 0, 1),
        ("[R2", "the text ends too early", 2, 3),
        ("R1 R2", "unexpected 'R2'", 3, 5),
        ("5x", "malformed number 5x", 0, 2),
        ("1 + 0f12", "the bits of a float are 0f and eight hexadecimal digits", 4, 8),
        ('"abc', "this string is never closed", 0, 4),
        ("R2[3]", "R2 has no elements; declare an array: .reg name[4]", 0, 5),
        ("c[0]", "a constant is written c[bank][offset]", 0, 4),
    ],
)
def test_problems_say_where(text, message, start, end):
    with pytest.raises(OperandProblem) as caught:
        parse_argument(text)
    assert (str(caught.value), caught.value.start, caught.value.end) == (message, start, end)


@pytest.mark.parametrize("text", ["-" * 3000 + "1", "+".join(["1"] * 500), "(" * 1900 + "1" + ")" * 1900, "1" * 5000])
def test_excess_is_a_problem_or_fine(text):
    outcome = result(parse_argument, text)
    assert outcome[0] == "Number" or "deep" in outcome[0] or "longer" in outcome[0]


def test_every_syntax_error_is_found_with_its_columns():
    source = Source("t", 'NOP ; x\nNOP\n@ EXIT\nMOV R0, "a\nNOP ;;')
    statements, problems = parse_statements(source)
    assert [statement.line for statement in statements] == [2]
    assert [(p.line, p.column) for p in problems] == [(1, 7), (3, 6), (4, 9), (5, 6)]
    assert all(p.expected or "string" in p.message for p in problems)


def test_a_nul_byte_is_reported():
    _, problems = parse_statements(Source("t", "NOP\nMOV\0"))
    assert [(p.line, p.column) for p in problems] == [(2, 4)]


def test_macro_heads():
    head = parse_macro_head("M a, b=2*3")
    assert head.name == "M"
    assert [(f.name, f.default is not None) for f in head.formals] == [("a", False), ("b", True)]
    with pytest.raises(OperandProblem):
        parse_macro_head("M a b")
