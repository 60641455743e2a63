"""Options that show what a kernel does on its way: ``--log``, the file it goes to, and how many PRINTs are shown."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dstc_isa.cli.arguments import sizes
from dstc_isa.cli.output import check_output
from dstc_isa.cli.terminal import tell
from dstc_isa.errors import UsageError
from dstc_isa.whole_file import whole_file

if TYPE_CHECKING:
    from dstc_isa.trace.place import Cta

HELD_BACK = 1 << 16
"""Bytes of a log that are written together."""


def add_trace_options(command: argparse.ArgumentParser) -> None:
    """Add them to a command."""
    command.add_argument(
        "--log",
        action="append",
        default=[],
        metavar="CTA.WARP",
        help="show every instruction of a warp and what it wrote, such as 0.1, or 2,0,1.3 for CTA (2, 0, 1)",
    )
    command.add_argument(
        "--print-limit",
        type=int,
        default=None,
        metavar="N",
        help="show what PRINTs ask for at most N times (default 200)",
    )
    command.add_argument("--log-file", type=Path, metavar="FILE", help="write what --log shows to a file")


def logged_warps(options: argparse.Namespace) -> "list[tuple[Cta, int]]":
    """CTA and warp of each ``--log``; UsageError for one that is malformed, or a file that cannot be written."""
    if options.log_file is not None:
        if not options.log:
            raise UsageError("--log-file goes with --log CTA.WARP, which says what is logged")
        check_output(options.log_file)
    warps: list[tuple[Cta, int]] = []
    for text in options.log:
        cta, dot, warp = text.rpartition(".")
        if not dot or not warp.isascii() or not warp.isdigit():
            raise UsageError(f"--log takes CTA.WARP, such as 0.1 or 2,0,1.3, not {text!r}")
        place = sizes("--log", cta, 1, 3)
        warps.append((place[0] if len(place) == 1 else place, int(warp)))
    return warps


@contextmanager
def log_writer(path: Path | None) -> Iterator[Callable[[str], None]]:
    """What takes the lines of a log: a file, which has its name when the block ends, or else the terminal.

    An interrupt or TimedOut leaves what was written until then in the file; if that is nothing, the old one stays.
    """
    from dstc_isa.engine.supervision import TimedOut

    if path is None:
        yield tell
        return
    stopped: BaseException | None = None
    with whole_file(path) as file:
        held = bytearray()
        begun = False

        def write(line: str) -> None:
            nonlocal begun
            begun = True
            held.extend(line.encode("utf-8", "backslashreplace") + b"\n")
            if len(held) >= HELD_BACK:
                file.write(held)
                held.clear()

        try:
            yield write
        except (KeyboardInterrupt, TimedOut) as error:
            if not begun:
                raise
            stopped = error
        file.write(held)
    if stopped is not None:
        raise stopped
