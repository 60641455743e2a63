"""Runs compiled functions on host threads, so that an interrupt ends them all."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from dstc_isa.engine.layout import LAUNCH_OFFSETS, Record, put

Argument = TypeVar("Argument")


def run_threads(function: Callable[[Argument], None], arguments: Sequence[Argument], launch: Record) -> None:
    """Call a function for each argument, each on a thread; an interrupt stops the launch."""
    # Not Thread.join: when it is interrupted, Python 3.11 takes a running thread for one that has ended.
    with ThreadPoolExecutor(len(arguments)) as pool:
        try:
            for done in wait([pool.submit(function, argument) for argument in arguments]).done:
                done.result()
        except BaseException:
            put(launch, LAUNCH_OFFSETS, cancelled=1)
            raise
