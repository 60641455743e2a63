"""A source file: its text, its lines, and the text with the comments blanked."""

import re

from attrs import field, frozen

from dstc_isa.diagnostics import ERROR, Diagnostic
from dstc_isa.program import Frame

_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*(?:.*?\*/|.*)', re.DOTALL)
_VISIBLE = re.compile(r"[^\n]")


@frozen(eq=False, repr=False)
class Source:
    """A file that is being assembled; ``included_from`` are the ``.include`` lines that led to it."""

    name: str
    text: str = field(repr=False)
    included_from: tuple[Frame, ...] = ()
    lines: list[str] = field(init=False, repr=False)

    @lines.default
    def _split(self) -> list[str]:
        return self.text.split("\n")

    def diagnostic(
        self,
        message: str,
        line: int,
        column: int,
        end_column: int,
        *,
        severity: str = ERROR,
        expected: str = "",
        suggestion: str = "",
        expansion: tuple[Frame, ...] = (),
        kind: str = "",
    ) -> Diagnostic:
        """A diagnostic at a place in this file; line and columns count from 1."""
        return Diagnostic(
            severity=severity,
            message=message,
            file=self.name,
            line=line,
            column=column,
            end_column=max(end_column, column + 1),
            text=self.lines[line - 1] if 0 < line <= len(self.lines) else "",
            expected=expected,
            suggestion=suggestion,
            includes=self.included_from,
            expansion=expansion,
            kind=kind,
        )


def read_source(data: bytes, name: str, included_from: tuple[Frame, ...] = ()) -> tuple[Source, list[Diagnostic]]:
    """Decode a file's bytes; what is not UTF-8 text is reported and replaced."""
    try:
        return Source(name, normal_lines(data.decode("utf-8")), included_from), []
    except UnicodeDecodeError as error:
        source = Source(name, normal_lines(data.decode("utf-8", "replace")), included_from)
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8", "replace")) + 1
        message = f"the file is not UTF-8 text: byte 0x{data[error.start]:02x}"
        return source, [source.diagnostic(message, line, column, column + 1)]


def normal_lines(text: str) -> str:
    """The text with ``\\n`` as its only line end."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def blank_comments(source: Source) -> tuple[str, list[Diagnostic]]:
    """The text with each comment replaced by spaces, so that places stay; unterminated comments are reported."""
    problems = []

    def blank(match: re.Match[str]) -> str:
        text = match.group()
        if text[0] == '"':
            return text
        if text[1] == "*" and (len(text) < 4 or not text.endswith("*/")):
            line = source.text.count("\n", 0, match.start()) + 1
            column = match.start() - source.text.rfind("\n", 0, match.start())
            problems.append(source.diagnostic("this comment is never closed", line, column, column + 2, expected="*/"))
        return _VISIBLE.sub(" ", text)

    if "//" not in source.text and "/*" not in source.text:
        return source.text, problems
    return _COMMENT.sub(blank, source.text), problems
