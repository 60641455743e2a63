"""Where things lie that are expensive to make and can be made again: never trusted, never needed."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dstc_isa.whole_file import write_whole

if TYPE_CHECKING:
    from filelock import FileLock

VARIABLE = "DSTC_CACHE_DIR"
MOST = 48
"""Files of a folder that are kept: engines and programs of some dozen versions."""

OURS = (
    "engine/*.code",
    "engine/.*.new",
    "engine/.*.lock",
    "programs/*.kept",
    "programs/*.dobj",
    "programs/.*.new",
    "printers/*.kept",
    "printers/.*.new",
    "grammar.lark",
    "dstc_*_[0-9a-f]*/*.py",
    "dstc_*_[0-9a-f]*/__pycache__/*.nb[ic]",
)
"""Names of what is kept, and was by versions before."""

_SEAL = b"dstc_isa kept file 1\n"
_DIGEST_BYTES = hashlib.sha256().digest_size


def cache_directory() -> Path:
    """The user's cache directory of this project; the environment variable DSTC_CACHE_DIR overrides it."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_cache_dir("dstc_isa"))


def spare_directory() -> Path:
    """The same place for each process of this user, for when the cache directory cannot be written.

    On systems that say whose a directory is: anyone may have made it before.
    """
    import tempfile

    return Path(tempfile.gettempdir()) / f"dstc_isa-{os.geteuid()}"


def _places() -> list[Path]:
    """The directories that may take what is kept, the preferred one first."""
    return [cache_directory(), spare_directory()] if hasattr(os, "geteuid") else [cache_directory()]


def _trusted_places() -> Iterator[Path]:
    """Those of them in which nobody else can have put something."""
    yield cache_directory()
    yield from filter(_is_ours, _places()[1:])


def read_kept(name: str) -> bytes | None:
    """What was kept under a name, whole and unchanged; None if nothing was or it is damaged."""
    found = _find(name)
    if found is None:
        return None
    with suppress(OSError):
        os.utime(found[0] / name)
    return found[1]


def kept_place(name: str) -> Path | None:
    """The directory that has what was kept under a name."""
    found = _find(name)
    return None if found is None else found[0]


def _find(name: str) -> tuple[Path, bytes] | None:
    for directory in _trusted_places():
        try:
            data = (directory / name).read_bytes()
        except OSError:
            continue
        body = data[len(_SEAL) + _DIGEST_BYTES :]
        if data[: len(_SEAL) + _DIGEST_BYTES] == _SEAL + hashlib.sha256(body).digest():
            return directory, body
    return None


def keep(name: str, data: bytes) -> Path:
    """Keep data for later processes; returns the directory. Raises the OSError of the cache directory if none can."""
    sealed = _SEAL + hashlib.sha256(data).digest() + data
    first: OSError | None = None
    for directory in _places():
        path = directory / name
        try:
            if not _make(directory):
                continue
            path.parent.mkdir(exist_ok=True)
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            write_whole(path, sealed)
            make_room(path.parent)
        except OSError as error:
            first = first or error
            continue
        return directory
    assert first is not None
    raise first


@contextmanager
def made_once(name: str, wait: Callable[[], None]) -> Iterator[None]:
    """For one process at a time while it makes what others look for; ``wait`` is called if another one does.

    The system takes the lock from a process that ends in any way. Where there can be none, all make it.
    """
    lock = _locked(name, wait)
    try:
        yield
    finally:
        if lock is not None:
            # Before it is let go: who waits for it finds that it is gone, and makes another.
            with suppress(OSError):
                Path(lock.lock_file).unlink()
            lock.release()


def _locked(name: str, wait: Callable[[], None]) -> "FileLock | None":
    """The lock of a name, held; None where there can be none."""
    from filelock import FileLock, Timeout

    directory = writable_place()
    if directory is None:
        return None
    path = directory / Path(name).parent / f".{Path(name).name}.lock"
    try:
        path.parent.mkdir(exist_ok=True)
        # A lock that is a mere file would outlive a process that is killed.
        lock = FileLock(path, fallback_to_soft=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            wait()
            lock.acquire()
    except (OSError, NotImplementedError):
        return None
    return lock


def writable_place() -> Path | None:
    """The directory that takes what is kept."""
    for directory in _places():
        with suppress(OSError):
            if _make(directory) and os.access(directory, os.W_OK | os.X_OK):
                return directory
    return None


def make_room(folder: Path) -> None:
    """Remove what was used longest ago, beyond MOST files of a folder."""
    used: list[tuple[float, Path]] = []
    with suppress(OSError):
        for path in folder.iterdir():
            with suppress(OSError):
                used.append((path.stat().st_mtime, path))
    for _, path in sorted(used)[:-MOST]:
        with suppress(OSError):
            path.unlink()


def kept_files() -> list[Path]:
    """All files of this project in both places, its temporary ones and those of earlier versions included."""
    found: list[Path] = []
    for directory in _trusted_places():
        for pattern in OURS:
            found += (path for path in directory.glob(pattern) if path.is_file() and not path.is_symlink())
    return sorted(found)


def clear() -> list[Path]:
    """Remove all that is kept; the files removed. Nothing else in the directory is touched. Raises OSError."""
    removed = kept_files()
    for path in removed:
        path.unlink(missing_ok=True)
    for folder in sorted({path.parent for path in removed}, key=lambda path: len(path.parts), reverse=True):
        with suppress(OSError):
            folder.rmdir()
    return removed


def _make(directory: Path) -> bool:
    """Make a directory for what is kept, if it is not there; whether it can be trusted. Raises OSError."""
    spare = directory in _places()[1:]
    directory.mkdir(mode=0o700 if spare else 0o777, parents=True, exist_ok=True)
    return not spare or _is_ours(directory)


def _is_ours(directory: Path) -> bool:
    """Whether nobody else can have put something there."""
    try:
        there = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(there.st_mode) and there.st_uid == os.geteuid() and not there.st_mode & 0o022
