"""``dstc-emu sweep``: kernels over densities and GPU parameters."""

import argparse
import sys
from pathlib import Path
from typing import Any

from dstc_isa.cli.arguments import InputError, assignment
from dstc_isa.cli.output import check_files, check_output, write_report
from dstc_isa.cli.pictures import NO_PLOTS, drawn_or_told
from dstc_isa.cli.run_options import HEARTBEAT, add_timeout_option
from dstc_isa.cli.status import Status
from dstc_isa.cli.terminal import console, show
from dstc_isa.errors import UsageError
from dstc_isa.program_files import DENSE_KERNELS, SPARSE_KERNELS

DEFAULT_DENSITY = "0.5"
DEFAULT_KERNELS = f"{DENSE_KERNELS[0]},{SPARSE_KERNELS[0]}"
EXAMPLE = """example:
  dstc-emu sweep spgemm --m 1024 --n 1024 --k 1024 --density-a 1,0.7,0.5,0.3 --density-b 1,0.5 -o study
"""


def add_sweep_command(commands: Any) -> None:
    """Add the command to the parser's commands."""
    command = commands.add_parser("sweep", help="run kernels over densities and GPU parameters, with plots")
    subjects = command.add_commands("subject", "subject")
    command.set_defaults(run=run_sweep)
    multiply = subjects.add_parser(
        "spgemm",
        help="multiply random matrices",
        epilog=EXAMPLE,
    )
    for size, meaning in (("m", "rows of A"), ("n", "columns of B"), ("k", "columns of A and rows of B")):
        multiply.add_argument(f"--{size}", type=int, required=True, metavar=size.upper(), help=meaning)
    for matrix in "ab":
        multiply.add_argument(
            f"--density-{matrix}",
            default=DEFAULT_DENSITY,
            metavar="D,...",
            help=f"shares of non-zeros in {matrix.upper()} (default {DEFAULT_DENSITY})",
        )
    multiply.add_argument(
        "--kernel", default=DEFAULT_KERNELS, metavar="NAME,...", help=f"kernels to run (default {DEFAULT_KERNELS})"
    )
    multiply.add_argument("--seed", type=int, default=0, metavar="S", help="of the random matrices (default 0)")
    multiply.add_argument("--gpu", metavar="GPU", help="GPU to time on: a name or FILE.toml (default v100-dstc)")
    multiply.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a parameter, such as sm.count=40"
    )
    multiply.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="KEY=VALUE,...",
        help="run all points with each value of a parameter, such as accumulation_buffer.banks=4,8,16",
    )
    multiply.add_argument(
        "--sample", type=float, metavar="SHARE", help="time this share of the CTAs, 0 to 1, and estimate the cycles"
    )
    multiply.add_argument("--jobs", type=int, default=1, metavar="N", help="points to run at once (default 1)")
    add_timeout_option(multiply, "a point")
    multiply.add_argument("--no-plots", action="store_true", help=NO_PLOTS)
    multiply.add_argument("--json", type=Path, metavar="R.json", help="write all rows as JSON; - is standard output")
    multiply.add_argument(
        "-o",
        dest="output",
        type=Path,
        required=True,
        metavar="DIR",
        help="directory of points.jsonl, points.csv and the pictures speedup and bound; the same command goes on there",
    )


def run_sweep(options: argparse.Namespace) -> int:
    """Run the command; exit status 1 if a point failed, 3 if its kernel faulted or was stopped."""
    from dstc_isa.cli.sweep_report import SweepReporter, row_table
    from dstc_isa.engine.supervision import check_timeout
    from dstc_isa.gpu import DEFAULT_GPU, load_gpu
    from dstc_isa.studies.claim import JournalError
    from dstc_isa.studies.journal import FILES, ROWS, TABLE, read_rows
    from dstc_isa.studies.plots import draw
    from dstc_isa.studies.point import BASELINE, Point
    from dstc_isa.studies.sweep import MAX_JOBS, PointError, StudyError, sweep

    if not 1 <= options.jobs <= MAX_JOBS:
        raise UsageError(f"--jobs is 1 to {MAX_JOBS}, not {options.jobs}")
    if options.json is not None:
        check_output(options.json)
    load_gpu(options.gpu or DEFAULT_GPU, options.set)
    study = [("part of the study", options.output / name) for name in FILES]
    check_files(options, study)
    check_timeout("--timeout", options.timeout)
    densities_a, densities_b = (_numbers(f"--density-{x}", getattr(options, f"density_{x}")) for x in "ab")
    place, status = options.output, Status.DONE
    message: str | None = None
    failed: tuple[Point, ...] = ()
    reporter = SweepReporter(console(sys.stderr))
    try:
        with reporter.bar:
            for _ in sweep(
                options.m,
                options.n,
                options.k,
                densities_a=densities_a,
                densities_b=densities_b,
                kernels=options.kernel.split(","),
                seed=options.seed,
                gpu=options.gpu or DEFAULT_GPU,
                settings=options.set,
                vary=_varied(options.vary),
                sample=options.sample,
                directory=place,
                jobs=options.jobs,
                watch=reporter,
                timeout=options.timeout,
                heartbeat=HEARTBEAT,
            ):
                pass
    except StudyError as error:
        raise UsageError(str(error)) from None
    except JournalError as error:
        raise InputError(str(error)) from None
    except PointError as error:
        failed = error.points
        reporter.told(f"dstc-emu: {error}; the same command tries them again")
        status, message = Status.FAULT if error.fault else Status.REFUSED, "\n".join([str(error), *error.__notes__])
    except KeyboardInterrupt:
        if reporter.points:
            kept = f"{reporter.kept} of {reporter.points} points are kept in {place}"
            reporter.told(f"{kept}; the same command goes on")
        raise
    # Those of the files: a dense point that ended late has completed earlier rows.
    rows = read_rows(place)
    drawn = [] if options.no_plots else drawn_or_told(lambda: draw(rows, place, failed))
    if rows:
        show(row_table(rows))
    show(f"wrote {', '.join(map(str, (place / ROWS, place / TABLE, *drawn)))}")
    if drawn and all(row.speedup is None for row in rows):
        show(f"no picture of speed-ups: it needs the kernel {BASELINE}")
    if options.json is not None:
        found = [row.as_json() for row in rows]
        gpu = load_gpu(options.gpu or DEFAULT_GPU, options.set)
        seeds = {"a": options.seed, "b": options.seed + 1}
        facts = {"subject": options.subject, "rows": found}
        write_report(options, [], facts, gpu=gpu, seeds=seeds, status=status, message=message)
    return status


def _numbers(option: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"{option} takes numbers with commas between, such as 1,0.7,0.5, not {text!r}") from None


def _varied(given: list[str]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for text in given:
        each = assignment("--vary", text)
        if each.name in values:
            raise UsageError(f"--vary {each.name} is given twice; write its values in one, with commas between")
        values[each.name] = each.text.split(",")
    return values
