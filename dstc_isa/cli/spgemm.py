"""``dstc-emu spgemm``: multiply two sparse matrices."""

import argparse
from typing import Any

from dstc_isa.cli.arguments import InputError
from dstc_isa.cli.matrices import add_matrix_options, matrix_files, seeds_of, two_matrices
from dstc_isa.cli.output import check_files, hazard_status, reported_fault, write_report
from dstc_isa.cli.products import (
    check_result_output,
    save_result,
    verification,
    verified,
    verified_status,
    with_file_names,
)
from dstc_isa.cli.progress import ProgressBar
from dstc_isa.cli.run_options import add_run_options, check_run_options, chosen_gpu, run_options
from dstc_isa.cli.terminal import show, verbose, warn
from dstc_isa.errors import UsageError
from dstc_isa.host_threads import check_threads
from dstc_isa.program_files import SPARSE_KERNELS

EXAMPLE = """examples:
  dstc-emu examples --copy examples
  dstc-emu spgemm examples/poisson.mtx examples/prolongation.mtx -o C.npy
  dstc-emu spgemm --random 1024,1024,1024 --density-a 0.5 --density-b 0.5
"""


def add_spgemm_command(commands: Any) -> None:
    """Add the command to the parser's commands."""
    multiply = commands.add_parser("spgemm", help="multiply two sparse matrices", epilog=EXAMPLE)
    add_matrix_options(multiply)
    multiply.add_argument("--density-a", type=float, metavar="DA", help="share of non-zeros in A (default 0.5)")
    multiply.add_argument("--density-b", type=float, metavar="DB", help="share of non-zeros in B (default 0.5)")
    multiply.add_argument(
        "--kernel",
        choices=SPARSE_KERNELS,
        default=SPARSE_KERNELS[0],
        help="with the paper's instructions, or a sequenced one",
    )
    add_run_options(multiply)
    multiply.set_defaults(run=run_spgemm)


def run_spgemm(options: argparse.Namespace) -> int:
    """Run the command."""
    check_threads("--threads", options.threads)
    from dstc_isa.exact import exact_product
    from dstc_isa.sparse.spgemm import spgemm
    from dstc_isa.text.run_text import run_report

    gpu = chosen_gpu(options)
    check_run_options(options)
    if options.output:
        check_result_output(options.output)
    check_files(options, [("the result", options.output)], matrix_files(options))
    densities = {"--density-a": options.density_a, "--density-b": options.density_b}
    try:
        a, b = two_matrices(options, densities)
        with reported_fault(options, gpu=gpu, seeds=seeds_of(options)), ProgressBar() as bar:
            result = spgemm(
                a,
                b,
                gpu=gpu,
                kernel=options.kernel,
                **run_options(options, bar),
            )
    except UsageError:
        raise
    except ValueError as error:
        raise InputError(with_file_names(str(error), {"a": options.a, "b": options.b})) from None
    report = result.report
    if options.output:
        save_result(options.output, result.c)
    verdict = verified(result.c, exact_product(a, b)) if options.verify else None
    show(*run_report(report.headed_run, full=verbose()))
    warn(report.warning)
    status = verified_status(verdict, hazard_status(report.run))
    found = {**report.as_json(), **verification(verdict)}
    write_report(options, [report.run], found, seeds=seeds_of(options), status=status)
    return status
