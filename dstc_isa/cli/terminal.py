"""The two streams of a command: how much it tells, in which colours and how wide."""

import sys
from enum import IntEnum, StrEnum
from typing import IO, TYPE_CHECKING, NamedTuple

from dstc_isa.printable import printable_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

ENDLESS = 1 << 16
"""Columns of what is no terminal: its lines are never wrapped."""


class Colour(StrEnum):
    """Values of ``--color``; AUTO asks the stream and heeds ``NO_COLOR`` and ``FORCE_COLOR``."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Verbosity(IntEnum):
    """``-q``: errors and warnings alone. ``-v``: tables in full."""

    QUIET = -1
    NORMAL = 0
    VERBOSE = 1


class Manner(NamedTuple):
    """How a command speaks; ``report``: whether standard output is free for its report."""

    colour: Colour = Colour.AUTO
    verbosity: Verbosity = Verbosity.NORMAL
    report: bool = True


_manners = [Manner()]


def speak(manner: Manner) -> None:
    """Set the manner for this command."""
    _manners[0] = manner


def manner() -> Manner:
    """How this command speaks."""
    return _manners[0]


def verbose() -> bool:
    """Whether tables are shown in full."""
    return _manners[0].verbosity is Verbosity.VERBOSE


def quiet() -> bool:
    """Whether only errors and warnings are shown."""
    return _manners[0].verbosity is Verbosity.QUIET


def say(text: str, *, painted: bool = False) -> None:
    """Print an error, a warning or a finding beside the results; ``painted``: it has its own colours.

    Control characters of names that files hold are escaped, here as in all that is printed.
    """
    print(text if painted else printable_lines(text), file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Print a warning that is part of a report where no report is shown; nothing for an empty text."""
    if text and (quiet() or not _manners[0].report):
        say(f"dstc-emu: warning: {text}")


def announce(text: str) -> None:
    """Print what goes on, beside the results; ``-q`` leaves it out."""
    if not quiet():
        say(text)


def tell(text: str) -> None:
    """Print what was asked for by name: on standard output, or beside it if a file goes there."""
    print(printable_lines(text), file=sys.stdout if _manners[0].report else sys.stderr, flush=True)


def show(*parts: "str | Table") -> None:
    """Print parts of a report on standard output, tables and lines; ``-q`` leaves them out.

    A terminal too narrow for a table's longest words gets it as wide as those need.
    """
    if quiet() or not _manners[0].report:
        return
    output = console()
    for part in parts:
        if isinstance(part, str):
            output.print(printable_lines(part), highlight=False, markup=False, soft_wrap=True)
        else:
            output.width = max(output.width, _least_width(output, part))
            with output.capture() as drawn:
                output.print(part, highlight=False, markup=False)
            # Cells are filled up with blanks, of which a file or a narrow terminal needs none behind the last.
            output.file.write("".join(f"{line.rstrip()}\n" for line in drawn.get().splitlines()))


def _least_width(output: "Console", table: "Table") -> int:
    """Columns that a table needs with each word whole, and each text in a column that is not wrapped."""
    from rich.measure import Measurement

    options = output.options.update(width=ENDLESS)
    for column in table.columns:
        if column.no_wrap:
            cells = [column.header, *column.cells]
            column.min_width = max(Measurement.get(output, options, cell).maximum for cell in cells)
    return Measurement.get(output, options, table).minimum


def console(stream: IO[str] | None = None) -> "Console":
    """A console on standard output or another stream."""
    from rich import console as rich_console

    class Console(rich_console.Console):
        """Leaves a reader that has gone to the command, in any version of the library."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    file = stream or sys.stdout
    width = None if file.isatty() else ENDLESS
    match _manners[0].colour:
        case Colour.NEVER:
            return Console(file=file, width=width, color_system=None)
        case Colour.ALWAYS:
            return Console(file=file, width=width, force_terminal=True, color_system="standard", no_color=False)
        case _:
            return Console(file=file, width=width)


def wants_colour() -> bool:
    """Whether messages on standard error are coloured."""
    errors = console(sys.stderr)
    return errors.color_system is not None and not errors.no_color
