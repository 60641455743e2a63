"""Errors and warnings with their place in the source, and how they print."""

from collections.abc import Iterable
from typing import Any

from attrs import frozen
from rich.cells import cell_len

from dstc_isa.printable import printable, printable_lines
from dstc_isa.program import Frame

ERROR = "error"
WARNING = "warning"
HAZARD = "hazard"
"""Kind of what written control codes leave; other diagnostics have none."""

_STYLES = {ERROR: "bold red", WARNING: "bold magenta", "note": "cyan", "bold": "bold", "caret": "bold green"}
_WIDEST = 200
_CUT = " ... "


@frozen
class Diagnostic:
    """One finding of the assembler.

    ``line``, ``column`` and ``end_column`` count from 1, the end is exclusive; ``line`` 0 means the whole file.
    ``text`` is the source line. ``expected`` says what would be right, ``suggestion`` is a spelling that exists.
    ``includes``: the ``.include`` lines that led to the file, ``expansion``: the macro uses that led to the
    line, innermost first. ``kind``: HAZARD, or empty.
    """

    severity: str
    message: str
    file: str
    line: int = 0
    column: int = 0
    end_column: int = 0
    text: str = ""
    expected: str = ""
    suggestion: str = ""
    includes: tuple[Frame, ...] = ()
    expansion: tuple[Frame, ...] = ()
    kind: str = ""

    @property
    def where(self) -> str:
        """``file:line:column``."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain data for JSON."""
        return {
            "severity": self.severity,
            "kind": self.kind,
            "message": self.message,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "end_column": self.end_column,
            "text": self.text,
            "expected": self.expected,
            "suggestion": self.suggestion,
            "includes": [_frame(frame) for frame in self.includes],
            "expansion": [_frame(frame) for frame in self.expansion],
        }

    def _excerpt(self) -> tuple[str, str, str]:
        """The source line before, at and behind the place, without control characters; a long line's surroundings."""
        first = max(0, self.column - 1 - _WIDEST // 2) if len(self.text) > _WIDEST else 0
        window = self.text[first : first + _WIDEST]
        shown = "".join(c if c.isprintable() else " " for c in window)
        start, end = self.column - 1 - first, max(self.column, self.end_column - 1) - first
        cut = _CUT if first + _WIDEST < len(self.text) else ""
        return (_CUT if first else "") + shown[:start].ljust(start), shown[start:end], shown[end:] + cut

    def render(self, colour: bool = False) -> str:
        """Several lines: place and message, source line with carets, what was expected, how control came here."""
        paint = _painted if colour else _unpainted
        lines = [
            f"{paint('bold', printable(self.where))}: {paint(self.severity, self.severity + ':')} "
            + printable_lines(self.message)
        ]
        if self.text:
            before, marked, after = self._excerpt()
            caret = " " * cell_len(before) + "^" + "~" * (cell_len(marked) - 1)
            lines += [f"    {before}{marked}{after}".rstrip(), f"    {paint('caret', caret)}"]
        if self.expected:
            lines.append(f"  {paint('note', 'expected:')} {printable(self.expected)}")
        if self.suggestion:
            lines.append(f"  {paint('note', 'did you mean')} {printable(self.suggestion)}?")
        lines += [f"  {paint('note', 'expanded at')} {printable(str(frame))}" for frame in self.expansion]
        lines += [f"  {paint('note', 'included from')} {printable(str(frame))}" for frame in self.includes]
        return "\n".join(lines)


def render(diagnostics: Iterable[Diagnostic], colour: bool = False) -> str:
    """All diagnostics as text, one after the other."""
    return "\n".join(diagnostic.render(colour) for diagnostic in diagnostics)


def _frame(frame: Frame) -> dict[str, Any]:
    return {"file": frame.file, "line": frame.line, "macro": frame.macro}


def _painted(kind: str, text: str) -> str:
    from rich.color import ColorSystem
    from rich.style import Style

    return Style.parse(_STYLES[kind]).render(text, color_system=ColorSystem.STANDARD)


def _unpainted(kind: str, text: str) -> str:
    return text
