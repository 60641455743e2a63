"""Turns what went wrong while assembling into diagnostics with places, each place once."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

from attrs import Factory, define

from dstc_isa.assembler.errors import EvaluationError, KnownProblem
from dstc_isa.diagnostics import ERROR, Diagnostic
from dstc_isa.program import Frame
from dstc_isa.syntax.parser import OperandProblem
from dstc_isa.syntax.tree import Piece, Statement

MAXIMUM_ERRORS = 500
_LONGEST_NAME = 64
_MOST_CHOICES = 2000


class TooManyErrors(Exception):
    """So many errors that going on helps nobody."""


def closest(word: str, choices: Iterable[str], cutoff: float = 0.6) -> str:
    """The choice most like a word, for "did you mean", or empty; long words and long lists are not searched."""
    if len(word) > _LONGEST_NAME:
        return ""
    near = get_close_matches(word, list(islice(choices, _MOST_CHOICES)), 1, cutoff)
    return near[0] if near else ""


def split_operands(text: str) -> list[tuple[str, int]]:
    """The comma-separated parts of an operand text, stripped, each with its offset in the text."""
    parts: list[tuple[str, int]] = []
    start, inside = 0, False
    escaped = False
    for at, character in enumerate(text):
        if inside:
            inside = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            inside, escaped = True, False
        elif character == ",":
            parts.append(_part(text, start, at))
            start = at + 1
    parts.append(_part(text, start, len(text)))
    return parts


def _part(text: str, start: int, end: int) -> tuple[str, int]:
    piece = text[start:end]
    stripped = piece.strip()
    return stripped, start + (len(piece) - len(piece.lstrip()) if stripped else 0)


@define(eq=False, repr=False)
class Reporter:
    """Collects diagnostics; the same message at the same place counts once."""

    diagnostics: list[Diagnostic] = Factory(list)
    seen: set[tuple[str, int, int, str]] = Factory(set)
    errors: int = 0

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return self.errors > 0

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic unless it was there before; TooManyErrors when there are far too many."""
        key = (diagnostic.file, diagnostic.line, diagnostic.column, diagnostic.message)
        if key not in self.seen:
            self.seen.add(key)
            self.diagnostics.append(diagnostic)
            self.errors += diagnostic.severity == ERROR
            if self.errors >= MAXIMUM_ERRORS:
                raise TooManyErrors

    def at_word(
        self,
        statement: Statement,
        message: str,
        expansion: tuple[Frame, ...] = (),
        *,
        severity: str = ERROR,
        expected: str = "",
        suggestion: str = "",
        kind: str = "",
    ) -> None:
        """Report at a statement's mnemonic, directive or label."""
        self.at_piece(
            statement,
            statement.first,
            message,
            expansion,
            severity=severity,
            expected=expected,
            suggestion=suggestion,
            kind=kind,
        )

    def at_piece(
        self,
        statement: Statement,
        piece: Piece,
        message: str,
        expansion: tuple[Frame, ...] = (),
        *,
        severity: str = ERROR,
        expected: str = "",
        suggestion: str = "",
        kind: str = "",
    ) -> None:
        """Report at one piece of a statement."""
        column = piece.start_pos + 1
        self.add(
            statement.source.diagnostic(
                message,
                statement.line,
                column,
                column + len(piece.rstrip(": \t")),
                severity=severity,
                expected=expected,
                suggestion=suggestion,
                expansion=expansion,
                kind=kind,
            )
        )

    def at_operand(
        self,
        statement: Statement,
        index: int,
        error: Exception,
        expansion: tuple[Frame, ...] = (),
        *,
        severity: str = ERROR,
    ) -> None:
        """Report at one operand, or at the part of it that the error names; index -1 is the guard.

        A KnownProblem has been reported before.
        """
        if isinstance(error, KnownProblem):
            return
        expected, suggestion = getattr(error, "expected", ""), getattr(error, "suggestion", "")
        if index < 0 and statement.guard is not None:
            self.at_piece(statement, statement.guard, str(error), expansion, expected=expected, suggestion=suggestion)
            return
        text = statement.operands
        parts = split_operands(text) if text is not None else []
        if text is None or index >= len(parts):
            self.at_word(statement, str(error), expansion, severity=severity, expected=expected, suggestion=suggestion)
            return
        part, offset = parts[index]
        start, end = 0, len(part)
        if isinstance(error, OperandProblem):
            start, end = error.start, error.end
        elif isinstance(error, EvaluationError):
            start, end = error.node.start, error.node.end
        column = text.start_pos + 1 + offset
        self.add(
            statement.source.diagnostic(
                str(error),
                statement.line,
                column + start,
                column + end,
                severity=severity,
                expected=expected,
                suggestion=suggestion,
                expansion=expansion,
            )
        )
