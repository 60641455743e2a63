"""Options of every command that runs a kernel."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dstc_isa.cli.output import check_output
from dstc_isa.cli.terminal import announce
from dstc_isa.errors import UsageError

if TYPE_CHECKING:
    from dstc_isa.engine.run_options import Progress, RunKeywords
    from dstc_isa.gpu import Gpu

HEARTBEAT = 30.0
"""Seconds until a run that goes on says how far it is; twice as many until it says so again."""


def add_run_options(command: argparse.ArgumentParser) -> None:
    """Add them to a command."""
    command.add_argument("--json", type=Path, metavar="R.json", help="write the report as JSON")
    command.add_argument("--threads", type=int, default=None, metavar="N", help="host threads (default: all cores)")
    command.add_argument("--gpu", metavar="GPU", help="GPU to time on: a name or FILE.toml (default v100-dstc)")
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a parameter, such as sm.count=40"
    )
    command.add_argument(
        "--sample", type=float, metavar="SHARE", help="time this share of the CTAs, 0 to 1, and estimate the cycles"
    )
    command.add_argument(
        "--check-hazards", action="store_true", help="report what control codes let warps read or overwrite too early"
    )
    command.add_argument(
        "--any-order",
        action="store_true",
        help="do not look whether CTAs depend on their order (faster; results of a race then differ from run to run)",
    )
    add_timeout_option(command, "a launch")
    command.add_argument("--functional", action="store_true", help="compute results without timing (faster)")
    command.add_argument("--reference", action="store_true", help="use the readable reference engine (slow)")
    command.add_argument(
        "--isa", action="append", default=[], type=Path, metavar="FILE.py", help="declare further instructions"
    )


def add_timeout_option(command: argparse.ArgumentParser, what: str) -> None:
    """Add the time limit to a command; ``what`` is stopped by it."""
    command.add_argument(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help=f"stop {what} that takes longer on this host, and say where it spins; exit status 3",
    )


def check_run_options(options: argparse.Namespace) -> None:
    """Refuse what cannot be used before the run."""
    from dstc_isa.engine.supervision import check_timeout

    check_timeout("--timeout", options.timeout)
    if options.json is not None:
        check_output(options.json)


def check_sample(sample: float | None) -> None:
    """Refuse a share of the CTAs that cannot be timed."""
    if sample is not None and not 0 < sample <= 1:
        raise UsageError(f"--sample is a share of the CTAs, more than 0 and at most 1, not {sample}")


def run_options(options: argparse.Namespace, progress: "Progress | None" = None) -> "RunKeywords":
    """What the options say of the run itself."""
    return {
        "threads": options.threads,
        "reference": options.reference,
        "announce": announce,
        "progress": progress,
        "sample": options.sample,
        "check_hazards": options.check_hazards,
        "any_order": options.any_order,
        "timeout": options.timeout,
        "heartbeat": HEARTBEAT,
    }


def chosen_gpu(options: argparse.Namespace) -> "Gpu | None":
    """The GPU to time on, with the units that files of the user's declare; None for a run without time."""
    from dstc_isa.cli.extensions import load_extensions
    from dstc_isa.gpu import DEFAULT_GPU, load_gpu

    load_extensions(options.isa)
    if options.functional or options.reference:
        if options.gpu is not None or options.set:
            raise UsageError("--gpu and --set go with a timed run, not with --functional or --reference")
        if options.sample is not None or options.check_hazards:
            raise UsageError("--sample and --check-hazards go with a timed run, not with --functional or --reference")
        return None
    check_sample(options.sample)
    return load_gpu(options.gpu or DEFAULT_GPU, options.set)
