"""From text to statements and expressions, by the grammar in ``grammar.lark``."""

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import UnexpectedEOF

from dstc_isa.diagnostics import Diagnostic
from dstc_isa.syntax.expression import ExpressionBuilder, ExpressionProblem
from dstc_isa.syntax.source import Source, blank_comments
from dstc_isa.syntax.tree import MacroHead, Node, Statement

GRAMMAR = Path(__file__).with_name("grammar.lark")
MAXIMUM_OPERAND = 4000

_WORDS = {
    "OPERANDS": "operands",
    "_END": "the end of the line",
    "$END": "the end of the line",
    "MNEMONIC": "an instruction",
    "DIRECTIVE": "a directive",
    "LABEL": "a label",
    "GUARD": "a guard such as @!P0",
    "CONTROL": "a control prefix such as B01----:R-:W2:Y:S04",
    "NUMBER": "a number",
    "NAME": "a name",
    "STRING": "a string",
    "BINARY": "an operator",
    "SUFFIX": "a suffix",
    "TYPE": "a type such as .u32",
    "RIGHT": "']'",
    "CLOSE": "')'",
    "EQUAL": "'='",
    "COMMA": "','",
    "RSQB": "']'",
    "LSQB": "'['",
    "PIPE": "'|'",
}
_VALUES = frozenset({"NUMBER", "NAME", "STRING", "MINUS", "TILDE", "BANG", "DOT", "OPEN", "LEFT"})


class OperandProblem(Exception):
    """A piece of text that is no operand; ``start`` and ``end`` are columns in it, from 0."""

    def __init__(self, message: str, start: int, end: int, expected: str = "") -> None:
        super().__init__(message)
        self.start = start
        self.end = end
        self.expected = expected


class _Builder(ExpressionBuilder):
    """Makes statements of level 1 and, by its base, expressions of level 2."""

    source: Source

    def file(self, children: list[Statement | None]) -> list[Statement]:
        return [child for child in children if child is not None]

    def instruction(self, children: list[Any]) -> Statement:
        *labels, control, guard, word, operands = children
        return Statement(self.source, labels, word, operands, control, guard)

    def directive(self, children: list[Any]) -> Statement:
        *labels, word, operands = children
        return Statement(self.source, labels, word, operands, is_directive=True)

    def labels(self, children: list[Any]) -> Statement | None:
        return Statement(self.source, children) if children else None


@cache
def _machine() -> tuple[Lark, _Builder]:
    builder = _Builder()
    transformer: Transformer[Token, Any] = builder
    text = GRAMMAR.read_text(encoding="utf-8")
    return Lark(text, parser="lalr", start=["file", "argument", "macro"], transformer=transformer), builder


def parse_statements(source: Source) -> tuple[list[Statement], list[Diagnostic]]:
    """All statements of a file and every syntax error in it."""
    text, problems = blank_comments(source)
    if "\0" in text:
        for number, line in enumerate(source.lines, 1):
            if "\0" in line:
                at = line.index("\0") + 1
                problems.append(source.diagnostic("a NUL byte is no text", number, at, at + 1))
        return [], problems
    lark, builder = _machine()
    builder.source = source
    try:
        return lark.parse(text + "\n", start="file"), problems  # type: ignore[return-value]
    except UnexpectedInput:
        return _line_by_line(source, text, problems)


def _line_by_line(source: Source, text: str, problems: list[Diagnostic]) -> tuple[list[Statement], list[Diagnostic]]:
    """Parse a file that has an error somewhere one line at a time, so that each error is found."""
    lark, builder = _machine()
    builder.source = source
    statements: list[Statement] = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            found: list[Statement] = lark.parse(line + "\n", start="file")  # type: ignore[assignment]
        except UnexpectedInput as error:
            message, start, end, expected = _explain(error, line)
            problems.append(source.diagnostic(message, number, start + 1, end + 1, expected=expected))
            continue
        for statement in found:
            for token in (*statement.labels, statement.word, statement.operands, statement.control, statement.guard):
                if token is not None:
                    token.line = number
            statements.append(statement)
    return statements, problems


@lru_cache(maxsize=1 << 16)
def parse_argument(text: str) -> Node:
    """The expression of one operand or directive argument; OperandProblem if it is none."""
    if len(text) <= MAXIMUM_OPERAND and (match := _common_shapes().fullmatch(text)):
        try:
            return _build_common(match)
        except ExpressionProblem as error:
            raise OperandProblem(str(error), error.start, error.end) from None
    return parse_any_argument(text)


def parse_any_argument(text: str) -> Node:
    """What ``parse_argument`` does for any shape of text, always by the grammar."""
    parsed = _parse(text, "argument", "an operand is missing")
    assert isinstance(parsed, Node)
    return parsed


@cache
def _common_shapes() -> re.Pattern[str]:
    """A number, a name, or ``[name+number]`` from the grammar's own terminals.

    Most operands of a large file are one of these and distinct; the table-driven parser takes four times as long.
    """
    terminals = {name: _machine()[0].get_terminal(name).pattern.to_regexp() for name in ("NAME", "NUMBER")}
    name, number = terminals["NAME"], terminals["NUMBER"]
    return re.compile(
        rf"(?P<number>{number})|(?P<name>{name})|"
        rf"(?P<left>\[)(?P<base>{name})(?:(?P<sign>[-+])(?P<offset>{number}))?(?P<right>\])"
    )


def _build_common(match: re.Match[str]) -> Node:
    """The tree of a text of a common shape, by the grammar's callbacks."""
    builder = _machine()[1]

    def token(group: str) -> Token:
        return Token(group, match[group], start_pos=match.start(group), end_pos=match.end(group))

    if match["number"] is not None:
        return builder.number([token("number")])
    if match["name"] is not None:
        return builder.reference([token("name"), None])
    inner = builder.reference([token("base"), None])
    if match["sign"] is not None:
        inner = builder.expression([inner, match["sign"], builder.number([token("offset")])])
    return builder.memory([token("left"), inner, token("right")])


def parse_macro_head(text: str) -> MacroHead:
    """Name and parameters behind ``.macro``; OperandProblem if they are malformed."""
    parsed = _parse(text, "macro", "the macro has no name")
    assert isinstance(parsed, MacroHead)
    return parsed


def _parse(text: str, start: str, missing: str) -> Any:
    if not text.strip():
        raise OperandProblem(missing, 0, max(1, len(text)))
    if len(text) > MAXIMUM_OPERAND:
        raise OperandProblem(f"this operand is longer than {MAXIMUM_OPERAND} characters", 0, len(text))
    try:
        return _machine()[0].parse(text, start=start)
    except UnexpectedInput as error:
        raise OperandProblem(*_explain(error, text)) from None
    except ExpressionProblem as error:
        raise OperandProblem(str(error), error.start, error.end) from None


def _explain(error: UnexpectedInput, text: str) -> tuple[str, int, int, str]:
    """Message, columns from 0, and what was expected."""
    expected = _expected(error)
    if isinstance(error, UnexpectedEOF) or (isinstance(error, UnexpectedToken) and error.token.type == "$END"):
        length = len(text.rstrip())
        return "the text ends too early", max(0, length - 1), max(1, length), expected
    start = error.pos_in_stream or 0
    if isinstance(error, UnexpectedToken):
        token = str(error.token)
        if not token.strip() or token[0] == ";":
            return "something is missing here", start, start + 1, expected
        return f"unexpected {token.strip()!r}", start, start + len(token.rstrip()), expected
    assert isinstance(error, UnexpectedCharacters)
    character = text[start : start + 1]
    if character == '"':
        return "this string is never closed", start, len(text.rstrip()), ""
    return f"unexpected {character!r}", start, start + 1, expected


def _expected(error: UnexpectedInput) -> str:
    names = set(getattr(error, "accepts", None) or getattr(error, "expected", None) or getattr(error, "allowed", ()))
    words = []
    if len(names & _VALUES) > 4:
        words.append("a register, number, name, address or expression")
        names -= _VALUES | {"PIPE", "TYPE"}
    if "BINARY" in names:
        names -= {"MINUS", "PIPE", "BANG_EQUAL"}
    words += sorted({_WORDS.get(name, repr(name.lower())) for name in names})
    return " or ".join(words)
