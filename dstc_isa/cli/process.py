"""The commands as processes of their own: standard streams that are closed, full or narrow, and Ctrl-C at any moment.

Nothing heavy is imported here before Ctrl-C is provided for.
"""

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, TextIO

from dstc_isa.cli.status import Status


def emu() -> int:
    """``dstc-emu``: returns the exit status."""

    def command() -> int:
        from dstc_isa.cli.emu import main

        return main()

    return run_process("dstc-emu", command)


def asm() -> int:
    """``dstc-asm``: returns the exit status."""

    def command() -> int:
        from dstc_isa.cli.asm import main

        return main()

    return run_process("dstc-asm", command)


def run_process(program: str, command: Callable[[], int]) -> int:
    """Run a command's ``main`` with streams that can be written to; returns its exit status."""
    mend_streams()
    try:
        try:
            status = command()
        except SystemExit as end:
            # As Python does: a text is a complaint, nothing is success.
            status = end.code if isinstance(end.code, int) else 0 if end.code is None else Status.REFUSED
            if isinstance(end.code, str):
                sys.stderr.write(f"{end.code}\n")
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
        sys.stderr.write(f"{program}: interrupted\n")
    except BrokenPipeError:
        status = Status.CLOSED_PIPE
    except OSError as error:
        if error.filename != Output.NAME:
            raise
        status = Status.REFUSED
        sys.stderr.write(f"{program}: {error.filename}: {error.strerror}\n")
    # From here on there is nothing to tidy up.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return status


REFUSING = ("strict", "surrogateescape", "surrogatepass")
"""Handlers that raise for a character that the encoding lacks; Python has the second one where the locale is C."""


def mend_streams() -> None:
    """Make the standard streams of this process ones that a command can rely on.

    Closed ones lead nowhere, so that no file that is opened later takes their place: a report may be lost there, and a
    file that is asked for at ``-`` finds standard output open for reading alone. What the encoding lacks is written as
    an escape. An error of standard output has a name, and comes once; one of standard error is nobody's.
    """
    closed = []
    for descriptor, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            closed.append(descriptor)
            opened = os.open(os.devnull, mode)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it stays open
    if sys.stdout is None or sys.stdout is sys.__stdout__:
        sys.stdout = _mended(sys.stdout, Output(1, told=1 not in closed))
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        sys.stderr = _mended(sys.stderr, Output(2, told=False))


def _mended(stream: TextIO | None, output: "Output") -> TextIO:
    encoding, errors, by_line = "utf-8", "strict", True
    if isinstance(stream, io.TextIOWrapper):
        stream.flush()
        encoding, errors, by_line = stream.encoding, stream.errors or errors, stream.line_buffering
    return io.TextIOWrapper(
        io.BufferedWriter(output),
        encoding=encoding,
        errors="backslashreplace" if errors in REFUSING else errors,
        line_buffering=by_line,
        write_through=not by_line and not output.told,
    )


class Output(io.RawIOBase):
    """A descriptor to write to. After an error, told or not, everything that follows is left out."""

    NAME = "standard output"

    def __init__(self, descriptor: int, told: bool) -> None:
        super().__init__()
        self.told = told
        self._descriptor = descriptor
        self._failed = False

    def write(self, data: Any) -> int:
        """Write what can be written at once; raises OSError at the first failure if that is to be told."""
        if self._failed:
            return len(data)
        try:
            return os.write(self._descriptor, data)
        except OSError as error:
            self._failed = True
            if self.told:
                reason = f"cannot be written: {error.strerror}"
                raise OSError(error.errno or errno.EIO, reason, self.NAME) from None
            return len(data)

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """Whether it can be written to: always."""
        return True
