"""What commands write: messages, arrays and reports."""

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstc_isa.cli.files_read import overwritten
from dstc_isa.cli.status import Status
from dstc_isa.cli.terminal import say
from dstc_isa.cli.used_files import Named, used_twice
from dstc_isa.errors import UsageError
from dstc_isa.whole_file import STANDARD_OUTPUT, check_writable, whole_file, write_whole

if TYPE_CHECKING:
    from dstc_isa.gpu import Gpu
    from dstc_isa.report.statistics import RunStatistics


@contextmanager
def said_warnings() -> Iterator[None]:
    """Print what Python code warns of about a launch's arguments as a command's message."""
    from dstc_isa.engine.array_types import ArrayTypeWarning

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        say(f"dstc-emu: warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", ArrayTypeWarning)
        warnings.showwarning = show
        yield


def check_files(
    options: argparse.Namespace,
    written: Iterable[Named],
    read: Iterable[Named] = (),
    updated: Iterable[str | Path] = (),
) -> None:
    """Refuse files that the results and the report of a command would both take, or take from what it reads.

    Files of ``--gpu`` and ``--isa`` are read as well, and all that the command has opened so far, but for those that
    may be ``updated``.
    """
    from dstc_isa.gpu import is_file

    gpu = getattr(options, "gpu", None)
    declared: list[Named] = [] if gpu is None or not is_file(gpu) else [("the GPU", gpu)]
    declared += [("further instructions", path) for path in getattr(options, "isa", ())]
    files = [*written, ("the report", options.json)]
    twice = used_twice([*read, *declared], files) or overwritten(files, updated)
    if twice:
        raise UsageError(twice)


def check_output(path: Path, suffix: str = "") -> None:
    """Refuse a file that cannot be written before the run, not after it; an array goes to no terminal."""
    if suffix and str(path) == STANDARD_OUTPUT:
        if sys.stdout.isatty():
            raise UsageError("standard output is a terminal, and an array is no text: give a file, or a pipe")
    elif path.suffix != suffix and suffix:
        raise UsageError(f"{path}: an array is written as {suffix}: expected a file name that ends in {suffix}")
    check_writable(path)


def save_array(path: Path, array: Any) -> None:
    """Write an array as .npy, under exactly this name."""
    import numpy as np

    with whole_file(path, durable=True) as file:
        np.save(file, array, allow_pickle=False)


def hazard_status(run: "RunStatistics") -> int:
    """Print the hazards that a run found; the exit status, 4 if there are any."""
    from dstc_isa.text.hazard_text import hazard_text

    if run.timing is None or not run.timing.hazards:
        return Status.DONE
    say(hazard_text(run.timing.hazards))
    return Status.FINDING


def write_report(
    options: argparse.Namespace,
    launches: "Sequence[RunStatistics]",
    result: Mapping[str, Any],
    *,
    gpu: "Gpu | None" = None,
    seeds: Mapping[str, int] | None = None,
    status: int = Status.DONE,
    message: str | None = None,
) -> None:
    """Write the report of a command, if a file is given for it; arguments as of ``report.document``."""
    if options.json is None:
        return
    from dstc_isa.report.document import document

    report = document(
        options.command,
        launches,
        result,
        command_line=options.command_line,
        gpu=gpu,
        seeds=seeds,
        status=Status(status).name.lower(),
        message=message,
    )
    write_whole(options.json, (json.dumps(report, indent=2) + "\n").encode(), durable=True)


@contextmanager
def reported_fault(
    options: argparse.Namespace,
    facts: Callable[[], Mapping[str, Any]] = dict,
    *,
    gpu: "Gpu | None" = None,
    seeds: Mapping[str, int] | None = None,
) -> Iterator[None]:
    """Write the report of a kernel that faults or is stopped in the block, if a file is given for one.

    ``facts``: what the report says of the command then.
    """
    from dstc_isa.engine.faults import KernelFault
    from dstc_isa.engine.supervision import TimedOut

    try:
        yield
    except (KernelFault, TimedOut) as error:
        message = "\n".join([str(error), *getattr(error, "__notes__", ())])
        write_report(options, [], facts(), gpu=gpu, seeds=seeds, status=Status.FAULT, message=message)
        raise
