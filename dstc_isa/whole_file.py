"""Files that are written whole or not at all: beside the old one, which is replaced by renaming when all is there."""

import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

STANDARD_OUTPUT = "-"
"""The name that stands for it on a command line."""

_NEW_FILE = 0o666
_NAME_MAX = 255
"""Bytes of the longest name that a file has, on systems that do not say."""

_OPEN = os.O_WRONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_DESCRIPTOR = re.compile(r"/dev/(?:(stdin|stdout|stderr)|fd/(\d+))|/proc/(?:self|thread-self|\d+)/fd/(\d+)")
_STANDARD = {"stdin": 0, "stdout": 1, "stderr": 2}


class WholeFile:
    """What a block writes to: takes bytes, all of them or with an OSError that names the file."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def write(self, data: Any) -> int:
        """Write bytes, or any contiguous buffer; returns how many."""
        left = memoryview(data).cast("B")
        size = len(left)
        with _named(self.path):
            while left:
                left = left[os.write(self._descriptor, left) :]
        return size

    def flush(self) -> None:
        """Nothing is held back."""


@contextmanager
def whole_file(path: str | os.PathLike[str], *, durable: bool = False) -> Iterator[WholeFile]:
    """A file to write in a block; it takes its name when the block ends, and on any exception the old one stays.

    An existing file keeps its mode, and its owner where that may be set; a symbolic link stays, and what it points to
    is replaced. Devices, pipes, ``-`` and other names of open descriptors have nothing to replace: they take the
    bytes as they come. ``durable``: the file and its name are on the disk when the block ends. Raises OSError with the
    path and what prevents it.
    """
    place = Path(path)
    with _named(place):
        target = check_writable(place)
    if target is None:
        with _stream(place) as descriptor:
            yield WholeFile(place, descriptor)
        return
    with _named(place):
        temporary, descriptor = _beside(target)
    lock = None
    try:
        try:
            with _named(place):
                lock = os.dup(descriptor) if fcntl else None
                _like(target, temporary, descriptor)
            yield WholeFile(place, descriptor)
            with _named(place):
                if durable:
                    os.fsync(descriptor)
        except BaseException:
            with suppress(OSError):
                os.close(descriptor)
            raise
        with _named(place):
            # Some file systems say at a close that there was no room, and Windows renames no open file.
            os.close(descriptor)
            os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    finally:
        if lock is not None:
            os.close(lock)
    if durable:
        with _named(place):
            sync_directory(target.parent)


def write_whole(path: str | os.PathLike[str], data: bytes, *, durable: bool = False) -> None:
    """Write a file of these bytes, as ``whole_file`` does."""
    with whole_file(path, durable=durable) as file:
        file.write(data)


def append_line(path: Path, text: str) -> None:
    """Append a line with one write; it is on the disk when this returns, or the file is as it was.

    Raises OSError with the path and what prevents it.
    """
    with _named(path):
        fresh = not path.exists()
        data = text.encode()
        descriptor = os.open(path, _OPEN | os.O_APPEND | os.O_CREAT, _NEW_FILE)
        try:
            size = os.fstat(descriptor).st_size
            try:
                if os.write(descriptor, data) != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            except BaseException:
                with suppress(OSError):
                    os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
        if fresh:
            sync_directory(path.parent)


def check_writable(path: Path) -> Path | None:
    """The file that a path names, links followed; None for one without a content to keep, such as a pipe.

    Raises OSError for one that cannot be written, with the path and what prevents it.
    """
    descriptor = _descriptor_of(path)
    with _named(path):
        if descriptor is not None:
            os.fstat(descriptor)
            if fcntl and fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
                raise OSError(errno.EBADF, "it is closed, or open for reading alone")
            return None
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            target = Path(os.path.realpath(path))
            if not target.parent.is_dir():
                raise OSError(errno.ENOENT, f"there is no directory {target.parent}") from None
        else:
            if stat.S_ISDIR(mode):
                raise OSError(errno.EISDIR, "it is a directory")
            if not os.access(path, os.W_OK):
                raise OSError(errno.EACCES, "permission denied")
            if not stat.S_ISREG(mode):
                return None
            target = Path(os.path.realpath(path))
        if not os.access(target.parent, os.W_OK | os.X_OK):
            reason = "read-only file system" if _read_only(target.parent) else "permission denied"
            raise OSError(errno.EACCES, f"its directory {target.parent} takes no new file: {reason}")
    return target


def sync_directory(directory: Path) -> None:
    """Bring the names in a directory to the disk, on systems that open directories."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors of the system within name the file and say that it is about writing it."""
    name = "standard output" if str(path) == STANDARD_OUTPUT else str(path)
    try:
        yield
    except OSError as error:
        if error.filename is not None and str(error.filename) == name and _PREVENTED in str(error.strerror):
            raise
        reason = error.strerror or str(error)
        raise OSError(error.errno or errno.EIO, f"{_PREVENTED}: {reason}", name) from error


_PREVENTED = "cannot be written"


def _read_only(directory: Path) -> bool:
    return hasattr(os, "statvfs") and bool(os.statvfs(directory).f_flag & os.ST_RDONLY)


@contextmanager
def _stream(path: Path) -> Iterator[int]:
    """A descriptor that writes to a device or a pipe, or a copy of the open one that a path stands for."""
    opened = _descriptor_of(path)
    with _named(path):
        if opened is None:
            descriptor = os.open(path, _OPEN)
        else:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            # Opened by its name, a redirected output would start again at its beginning.
            descriptor = os.dup(opened)
    try:
        yield descriptor
    finally:
        with _named(path):
            os.close(descriptor)


def _descriptor_of(path: Path) -> int | None:
    """The open descriptor that a path stands for, None for another path."""
    match = _DESCRIPTOR.fullmatch("/dev/stdout" if str(path) == STANDARD_OUTPUT else str(path))
    if match is None:
        return None
    return _STANDARD[match[1]] if match[1] else int(match[2] or match[3])


def _beside(target: Path) -> tuple[Path, int]:
    """A new file in the directory of another, open, and locked where the system has such locks.

    Its name is the same each time, so that what a killed process left is used up by the next one; another one while a
    second process writes the same target, or without locks.
    """
    limit = os.pathconf(target.parent, "PC_NAME_MAX") if hasattr(os, "pathconf") else _NAME_MAX
    if len(os.fsencode(target.name)) > limit:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    name = f".{target.name}.new"
    if fcntl and len(os.fsencode(name)) <= limit:
        temporary = target.with_name(name)
        with suppress(OSError):
            descriptor = os.open(temporary, _OPEN | os.O_CREAT | os.O_NOFOLLOW, _NEW_FILE)
            if _taken(temporary, descriptor):
                return temporary, descriptor
            os.close(descriptor)
    temporary = target.with_name(f".{os.urandom(8).hex()}.new")
    return temporary, os.open(temporary, _OPEN | os.O_CREAT | os.O_EXCL, _NEW_FILE)


def _taken(temporary: Path, descriptor: int) -> bool:
    """Whether an open file is ours alone, still has this name, and could be emptied."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        there, opened = os.lstat(temporary), os.fstat(descriptor)
        ours = os.path.samestat(there, opened) and opened.st_uid == os.geteuid() and opened.st_nlink == 1
        if ours and stat.S_ISREG(opened.st_mode):
            os.ftruncate(descriptor, 0)
            return True
    except OSError:
        pass
    return False


def _like(target: Path, temporary: Path, descriptor: int) -> None:
    """Give a new, open file the mode of another if that exists, and its owner where that may be set."""
    ours = os.fstat(descriptor)
    try:
        there = target.stat()
    except FileNotFoundError:
        return
    if (there.st_uid, there.st_gid) != (ours.st_uid, ours.st_gid):
        with suppress(OSError):
            os.chown(descriptor, there.st_uid, there.st_gid)
    os.chmod(descriptor if os.chmod in os.supports_fd else temporary, stat.S_IMODE(there.st_mode) & 0o777)
