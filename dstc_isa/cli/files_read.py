"""The files that a command has read, whoever read them: includes, what a GPU file extends, weights beside a model.

The interpreter tells of each that Python code opens.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dstc_isa.cli.used_files import Named, identity
from dstc_isa.whole_file import STANDARD_OUTPUT

_opened: list[str] = []
_hooked: list[bool] = []


def note_files() -> None:
    """Forget what was read before, and note what is read from now on."""
    _opened.clear()
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_note)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, str) and flags & (os.O_WRONLY | os.O_RDWR) == os.O_RDONLY:
            _opened.append(path)


def overwritten(written: Iterable[Named], updated: Iterable[str | Path] = ()) -> str:
    """Which file that was read would be written, as a sentence; empty if none would. ``updated`` ones may be."""
    allowed = {identity(str(path)) for path in updated}
    for what, path in written:
        if path is None or str(path) == STANDARD_OUTPUT or not Path(path).is_file():
            continue
        place = identity(str(path))
        if place not in allowed and any(identity(each) == place for each in dict.fromkeys(_opened)):
            return f"{path} has been read and would be {what} too: name another file"
    return ""
