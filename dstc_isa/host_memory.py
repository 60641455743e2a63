"""The host's memory: what this process may still take, asked before large arrays are made."""

from collections.abc import Iterator
from pathlib import Path

import psutil

from dstc_isa.errors import DstcError

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")
SMALL = 1 << 26
"""Bytes that are taken without asking."""

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


class OutOfMemory(DstcError, MemoryError):
    """Work that would take more memory than there is; the message says for what, how much, and how much there is."""


def require(size: int, what: str) -> None:
    """Raise OutOfMemory if ``size`` bytes are more than there are; ``what`` names them: "the result, 8x8 floats"."""
    if size < SMALL:
        return
    room = available()
    if size > room:
        raise OutOfMemory(f"{what}: needs {in_words(size)} of memory, and there are {in_words(room)}")


def available() -> int:
    """Bytes that the process can take without swapping, within its address space limit and those of its cgroups."""
    limits = [psutil.virtual_memory().available, *cgroup_rooms()]
    limits += address_space_room()
    return max(0, min(limits))


def address_space_room() -> list[int]:
    """What the limit of the process's address space leaves; empty if it has none, or a system without such limits."""
    try:
        import resource
    except ImportError:
        return []
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return [] if soft == resource.RLIM_INFINITY else [soft - psutil.Process().memory_info().vms]


def in_words(size: int) -> str:
    """A number of bytes in the largest unit of which it has one: "3.64 TiB"."""
    unit, value = 0, float(size)
    while value >= 1024 and unit + 1 < len(UNITS):
        value /= 1024
        unit += 1
    return f"{value:.4g} {UNITS[unit]}"


def cgroup_rooms() -> Iterator[int]:
    """What each memory limit of the process's cgroups leaves, of either version of their files."""
    try:
        lines = OWN_CGROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        base = CGROUPS / "memory" if controllers else CGROUPS
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if controllers else ("memory.max", "memory.current")
        place = base / path.lstrip("/")
        for directory in (place, *place.parents):
            if directory.is_relative_to(base):
                limit, used = (_number(directory / name) for name in names)
                if limit is not None and used is not None:
                    yield limit - used + _reclaimable(directory)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # "max" is no number
        return None


def _reclaimable(directory: Path) -> int:
    """Bytes of a cgroup's usage that are file contents which the kernel drops when memory is wanted."""
    try:
        text = (directory / "memory.stat").read_text(encoding="ascii")
    except OSError:
        return 0
    counts = dict(line.split() for line in text.splitlines())
    return int(counts.get("total_inactive_file", counts.get("inactive_file", 0)))
