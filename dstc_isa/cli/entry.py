"""What every command has around it: errors become a sentence and an exit status."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress

from dstc_isa.cli.files_read import note_files
from dstc_isa.cli.parser import CommandParser
from dstc_isa.cli.status import Status
from dstc_isa.cli.terminal import say, wants_colour
from dstc_isa.errors import DstcError, UsageError
from dstc_isa.printable import printable_lines


def run_command(program: str, command: Callable[[], int], parser: CommandParser) -> int:
    """Run a command; its status, or that of the error that ended it, which is told behind the program's name.

    A wrong command line is told as its ``parser`` tells one.
    """
    note_files()
    try:
        status = command()
        sys.stdout.flush()
    except KeyboardInterrupt:
        say(f"{program}: interrupted")
        return Status.INTERRUPTED
    except BrokenPipeError:
        _leave_output()
        return Status.CLOSED_PIPE
    except UsageError as error:
        say(f"{message(parser.prog, error)}\n{parser.reminder()}", painted=True)
        return Status.USAGE
    except (DstcError, OSError, MemoryError) as error:
        if isinstance(error, OSError) and error.filename is None:
            _leave_output()
        say(message(program, error), painted=True)
        return status_of(error)
    return status


def _leave_output() -> None:
    """What standard output still holds goes nowhere: Python writes it once more at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def status_of(error: BaseException) -> Status:
    """The exit status that stands for an error."""
    from dstc_isa.engine.faults import KernelFault
    from dstc_isa.engine.supervision import TimedOut

    if isinstance(error, UsageError):
        return Status.USAGE
    return Status.FAULT if isinstance(error, KernelFault | TimedOut) else Status.REFUSED


def message(program: str, error: BaseException) -> str:
    """An error as text: a source's as the assembler prints it, others behind the program's name, with their notes."""
    diagnostics = getattr(error, "diagnostics", None)
    if diagnostics is not None:
        from dstc_isa.diagnostics import render

        return render(diagnostics, wants_colour())
    text = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename or 'standard output'}: {error.strerror}"
    return printable_lines("\n  ".join([f"{program}: {text}", *getattr(error, "__notes__", ())]))
