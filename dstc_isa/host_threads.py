"""How many threads the host has, and how many of them a run may take, from the command line and from Python."""

import os
from numbers import Integral

from dstc_isa.errors import UsageError
from dstc_isa.options import check_kind

MAX_HOST_THREADS = 256


def host_threads() -> int:
    """Threads that this process may run on at once, at least 1."""
    # Only some systems say which of the cores a process may use.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_threads(name: str, threads: int | None) -> None:
    """Raise UsageError for a number of host threads that there cannot be; None stands for all cores.

    ``name``: what errors call it. Raises ArgumentTypeError for what is no whole number.
    """
    if threads is None:
        return
    check_kind(name, threads, Integral, "a whole number or None")
    if not 1 <= threads <= MAX_HOST_THREADS:
        raise UsageError(f"{name} is 1 to {MAX_HOST_THREADS}, not {threads}")
