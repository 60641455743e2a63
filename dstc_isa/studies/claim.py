"""A directory for the results of one study: for one process at a time, refused to another study, read after a kill.

``study.json`` has what all results in it have in common. Results are lines of JSON, of which a kill cuts off the last.
"""

import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from attrs import frozen
from filelock import FileLock, Timeout

from dstc_isa.errors import DstcError

SETTINGS = "study.json"
LOCK = ".lock"
DIFFERENCES_SHOWN = 5

_T = TypeVar("_T")


class JournalError(DstcError):
    """A directory that cannot take the results of this study; the message says why."""


@frozen
class Wording:
    """What errors call a study and its results, and how one makes room for another; ``files``: of its results."""

    study: str
    results: str
    mend: str
    files: Sequence[str]


@contextmanager
def claimed(directory: Path, wording: Wording) -> Iterator[None]:
    """A directory, made if it is not there, for this process alone until the block ends.

    Raises JournalError if another process has it or the name is a file's, OSError if it cannot be written.
    """
    if directory.exists() and not directory.is_dir():
        raise JournalError(f"{directory}: is a file; expected a directory, or a name that is free for one")
    directory.mkdir(exist_ok=True)
    # A lock that is a mere file would outlive a process that is killed.
    lock = FileLock(directory / LOCK, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise JournalError(
            f"{directory}: another {wording.study} is writing to it; wait for it or choose another"
        ) from None
    try:
        yield
    finally:
        lock.release()


def has_study(directory: Path, settings: Mapping[str, Any], wording: Wording) -> bool:
    """Whether a directory has the study of these settings, or none; JournalError if it has another one."""
    path = directory / SETTINGS
    if not path.exists():
        foreign = [name for name in wording.files if (directory / name).exists()]
        if foreign:
            reason = f"has {foreign[0]} but no {SETTINGS}, so no {wording.study} can go on there"
            raise JournalError(f"{directory}: {reason}; {wording.mend}")
        return False
    try:
        there = json.loads(path.read_bytes())
    except ValueError as error:
        raise JournalError(f"{path}: damaged: {error}; remove the directory or choose another") from None
    if not isinstance(there, dict):
        raise JournalError(f"{path}: not the settings of a {wording.study}; remove the directory or choose another")
    # Tuples, for one, come back from JSON as lists.
    here = json.loads(settings_text(settings))
    different = [
        f"{name} is {there.get(name, 'not set')} there and {here.get(name, 'not set')} here"
        for name in {**here, **there}
        if there.get(name) != here.get(name)
    ]
    if different:
        more = len(different) - DIFFERENCES_SHOWN
        shown = ", ".join(different[:DIFFERENCES_SHOWN]) + (f", and {more} more" if more > 0 else "")
        raise JournalError(f"{directory}: holds {wording.results} of another study: {shown}; {wording.mend}")
    return True


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings as the text of their file."""
    return json.dumps(settings, indent=2) + "\n"


def parsed_lines(
    path: Path, data: bytes, of_line: Callable[[bytes], _T], key: Callable[[_T], Hashable], result: str
) -> list[_T]:
    """The results in ``data``, the content of ``path``; a last line that was cut off is left out.

    ``of_line`` raises ValueError for what is none. ``result``: what errors call one, as "point". Raises JournalError
    for other damage and for two results with one ``key``.
    """
    # The last line counts if only its end is missing.
    *lines, last = data.split(b"\n")
    found: list[_T] = []
    for number, text in enumerate(lines, 1):
        try:
            found.append(of_line(text))
        except ValueError as error:
            raise JournalError(f"{path}:{number}: {error}; remove the line, and its {result} is run again") from None
    with suppress(ValueError):
        found += [of_line(last)] if last else []
    places: dict[Hashable, int] = {}
    for number, each in enumerate(found, 1):
        if key(each) in places:
            raise JournalError(f"{path}:{number}: the same {result} as line {places[key(each)]}; remove one of them")
        places[key(each)] = number
    return found


def lines_in(data: bytes) -> int:
    """How many lines there are, a last one that was cut off included."""
    return sum(map(bool, data.split(b"\n")))
