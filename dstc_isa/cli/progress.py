"""A progress bar on a terminal, for timed runs that take a while."""

import sys
import time
from types import TracebackType
from typing import Any

from dstc_isa.cli.terminal import console, quiet

PATIENCE = 1.0
"""Seconds that a run may take before a bar appears."""


class ProgressBar:
    """Shows CTAs done and the time left on standard error, if that is a terminal; a context around a run."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._wanted = sys.stderr.isatty() and not quiet()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> "ProgressBar":
        return self

    def __call__(self, done: int, total: int) -> None:
        """Tell how far the run is."""
        if self._bar is None:
            if not self._wanted or done >= total or time.monotonic() - self._started < PATIENCE:
                return
            self._bar = _new_bar()
            self._task = self._bar.add_task("timing", total=total)
            self._bar.start()
        self._bar.update(self._task, completed=done)
        if done >= total:
            self._close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar, self._wanted = None, False


def _new_bar() -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("CTAs,"))
    left = (TimeRemainingColumn(), TextColumn("left"))
    return Progress(*columns, *left, console=console(sys.stderr), transient=True)
