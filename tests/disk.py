"""What a directory holds after a loss of power, and a process that ends in the middle of a write."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest


class Disk:
    """What has reached the disk: bytes of files, names in directories. No more than fsync was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bytes: dict[int, bytes] = {}
        self.names: dict[int, dict[str, int]] = {}
        self._sync = os.fsync
        monkeypatch.setattr(os, "fsync", self._synced)

    def _synced(self, descriptor: int) -> None:
        self._sync(descriptor)
        found = os.fstat(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}")
        if stat.S_ISDIR(found.st_mode):
            self.names[found.st_ino] = {each.name: each.stat().st_ino for each in path.iterdir()}
        else:
            self.bytes[found.st_ino] = path.read_bytes()

    def left(self, directory: Path) -> dict[str, bytes]:
        """The files of a directory after a loss of power now."""
        names = self.names.get(directory.stat().st_ino, {})
        return {name: self.bytes.get(inode, b"") for name, inode in names.items()}


def killed_in_a_write(before: str, statement: str, size: int) -> bool:
    """Run Python code, and whether a signal ended it in the ``statement``, which may write no file beyond ``size``.

    The bytes up to there are written; the signal comes with the next one. ``before`` are lines that end with the head
    of the block in which the statement stands.
    """
    program = f"""import resource, signal
{before}
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
    {statement}
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode in (0, -signal.SIGXFSZ), ended.stderr
    return ended.returncode != 0
