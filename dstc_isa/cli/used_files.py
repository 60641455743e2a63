"""Files that one command line would write twice, or write over what it reads, whatever their names and links."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from dstc_isa.whole_file import STANDARD_OUTPUT

Named = tuple[str, str | Path | None]
"""What a file is for, as "the listing", and its path; None if there is none."""


def used_twice(read: Iterable[Named], written: Iterable[Named]) -> str:
    """Which file would be written twice or over one that is read, and for what, as a sentence; empty if none would."""
    places = {identity(str(path)): what for what, path in read if path is not None and str(path) != STANDARD_OUTPUT}
    for what, path in written:
        if path is None:
            continue
        first = places.setdefault(identity(str(path)), what)
        if first != what:
            name = "standard output" if str(path) == STANDARD_OUTPUT else path
            return f"{name} is {first} and would be {what} too: name another file"
    return ""


def identity(path: str) -> tuple[int, int] | str:
    """What tells a file from others: device and number if it exists, else its path without links."""
    if path == STANDARD_OUTPUT:
        return path
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return os.path.realpath(path)
    return path if stat.S_ISCHR(status.st_mode) else (status.st_dev, status.st_ino)
