"""From text to statements and expressions, by the grammar in ``grammar.lark``."""

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import UnexpectedEOF

from dstc_isa.cache_directory import cache_directory
from dstc_isa.diagnostics import Diagnostic
from dstc_isa.syntax.expression import ExpressionBuilder, ExpressionProblem
from dstc_isa.syntax.source import Source, blank_comments
from dstc_isa.syntax.tree import MacroHead, Node, Piece, Statement

GRAMMAR = Path(__file__).with_name("grammar.lark")
MAXIMUM_OPERAND = 4000
_LONGEST_SHOWN = 40
_WORD = re.compile(r"[\w$.]+|\S")

_WORDS = {
    "OPERANDS": "operands",
    "$END": "the end of the line",
    "MNEMONIC": "an instruction",
    "DIRECTIVE": "a directive",
    "LABEL": "a label",
    "GUARD": "a guard such as @!P0",
    "CONTROL": "a control prefix such as B01----:R-:W2:Y:S04",
    "NUMBER": "a number",
    "NAME": "a name",
    "LABEL_NAME": "a label such as `(.L_1)",
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
    "LEFT": "'['",
    "OPEN": "'('",
    "SEMICOLON": "';'",
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

    def line(self, children: list[Statement | None]) -> Statement | None:
        """One line of level 1."""
        return children[0]

    def instruction(self, children: list[Any]) -> Statement:
        """An instruction or a macro use."""
        *labels, control, guard, word, operands = children
        return Statement(
            self.source, 0, _pieces(labels), _piece(word), _piece(operands), _piece(control), _piece(guard)
        )

    def directive(self, children: list[Any]) -> Statement:
        """A directive."""
        *labels, word, operands = children
        return Statement(self.source, 0, _pieces(labels), _piece(word), _piece(operands), is_directive=True)

    def labels(self, children: list[Any]) -> Statement | None:
        """Labels alone, or nothing."""
        return Statement(self.source, 0, _pieces(children)) if children else None


def _pieces(tokens: list[Token]) -> tuple[Piece, ...]:
    return tuple(Piece(token, token.start_pos or 0) for token in tokens)


def _piece(token: Token | None) -> Piece | None:
    return None if token is None else Piece(token, token.start_pos or 0)


@cache
def _machine() -> tuple[Lark, _Builder]:
    builder = _Builder()
    transformer: Transformer[Token, Any] = builder
    text = GRAMMAR.read_text(encoding="utf-8")
    starts = ["line", "argument", "macro"]
    return Lark(text, parser="lalr", start=starts, transformer=transformer, cache=_table_file()), builder


def _table_file() -> str | bool:
    """Where Lark keeps the parse tables, a tenth of the time it takes to make them; False if it cannot."""
    directory = cache_directory()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return str(directory / "grammar.lark")


def parse_statements(source: Source) -> tuple[list[Statement], list[Diagnostic]]:
    """All statements of a file and every syntax error in it."""
    text, problems = blank_comments(source)
    if "\0" in text:
        for number, line in enumerate(source.lines, 1):
            if "\0" in line:
                at = line.index("\0") + 1
                problems.append(source.diagnostic("a NUL byte is no text", number, at, at + 1))
        return [], problems
    statements: list[Statement] = []
    plain = _plain_instruction().fullmatch
    for number, line in enumerate(text.split("\n"), 1):
        match = plain(line)
        if match is not None:
            statements.append(_build_plain(source, number, match))
        elif line and not line.isspace():
            try:
                statement = parse_any_line(line, source)
            except UnexpectedInput as error:
                message, start, end, expected = _explain(error, line)
                problems.append(source.diagnostic(message, number, start + 1, end + 1, expected=expected))
                continue
            if statement is not None:
                statement.line = number
                statements.append(statement)
    return statements, problems


def parse_any_line(line: str, source: Source) -> Statement | None:
    """The statement of one line, always by the grammar, with line number 0; None for a blank line."""
    lark, builder = _machine()
    builder.source = source
    return lark.parse(line, start="line")  # type: ignore[return-value]


@cache
def _plain_instruction() -> re.Pattern[str]:
    """A line with an instruction and no label, put together from the grammar's own terminals.

    Nearly every line of a large file is one; the table-driven parser takes four times as long.
    """
    lark, _ = _machine()
    control, guard, label, word, operands = (
        lark.get_terminal(name).pattern.to_regexp() for name in ("CONTROL", "GUARD", "LABEL", "MNEMONIC", "OPERANDS")
    )
    return re.compile(
        rf"[ \t]*(?:(?P<control>{control})[ \t]+)?(?:(?P<guard>{guard})[ \t]+)?(?!{label})(?P<word>{word})"
        rf"(?:[ \t]+(?P<operands>{operands}))?[ \t]*(?:;[ \t]*)?"
    )


def _build_plain(source: Source, line: int, match: re.Match[str]) -> Statement:
    control, guard, word, operands = match.group("control", "guard", "word", "operands")
    return Statement(
        source,
        line,
        (),
        Piece(word, match.start("word")),
        None if operands is None else Piece(operands, match.start("operands")),
        None if control is None else Piece(control, match.start("control")),
        None if guard is None else Piece(guard, match.start("guard")),
    )


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

    def piece(group: str) -> Piece:
        return Piece(match[group], match.start(group))

    if match["number"] is not None:
        return builder.number([piece("number")])
    if match["name"] is not None:
        return builder.reference([piece("name"), None])
    inner = builder.reference([piece("base"), None])
    if match["sign"] is not None:
        inner = builder.expression([inner, match["sign"], builder.number([piece("offset")])])
    return builder.memory([piece("left"), inner, piece("right")])


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
    if not text[start : start + 1].isascii():
        return _explain_foreign(text, start)
    if isinstance(error, UnexpectedToken):
        word = _WORD.match(text, start)
        shown = word[0][:_LONGEST_SHOWN] if word else ""
        if not shown:
            return "something is missing here", start, start + 1, expected
        return f"unexpected {shown!r}", start, start + len(shown), expected
    assert isinstance(error, UnexpectedCharacters)
    character = text[start : start + 1]
    if character == '"':
        return "this string is never closed", start, len(text.rstrip()), ""
    return f"unexpected {character!r}", start, start + 1, expected


def _explain_foreign(text: str, start: int) -> tuple[str, int, int, str]:
    """What ``_explain`` says of a character beyond ASCII; expected is what ASCII has for it, such as a comma."""
    word = _WORD.match(text, start)
    shown = word[0][:_LONGEST_SHOWN] if word else text[start]
    plain = unicodedata.normalize("NFKC", shown)
    message = f"unexpected {shown!r}: names are ASCII, and other characters stand in strings and comments only"
    return message, start, start + len(shown), repr(plain) if plain.isascii() and plain.strip() else ""


def _expected(error: UnexpectedInput) -> str:
    names: set[str] = set()
    for attribute in ("accepts", "expected", "allowed"):
        names = names or set(getattr(error, attribute, None) or ())
    words = []
    if len(names & _VALUES) > 4:
        words.append("a register, number, name, address or expression")
        names -= _VALUES | {"PIPE", "TYPE"}
    if "BINARY" in names:
        names -= {"MINUS", "PIPE", "BANG_EQUAL"}
    words += sorted({_WORDS.get(name, repr(name.lower())) for name in names})
    return " or ".join(words)
