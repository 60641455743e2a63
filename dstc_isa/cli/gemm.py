"""``dstc-emu gemm``: multiply two matrices with a dense kernel, or one for 2:4 structured sparsity."""

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
from dstc_isa.program_files import DENSE_KERNELS

EXAMPLE = """examples:
  dstc-emu gemm A.npy B.npy -o C.npy
  dstc-emu gemm --random 1024,1024,1024 --kernel gemm_sparse24 --prune24
"""
DENSE, SPARSE24 = DENSE_KERNELS


def add_gemm_command(commands: Any) -> None:
    """Add the command to the parser's commands."""
    gemm = commands.add_parser(
        "gemm",
        help="multiply two matrices with a dense kernel",
        epilog=EXAMPLE,
    )
    add_matrix_options(gemm)
    gemm.add_argument("--kernel", choices=(DENSE, SPARSE24), default=DENSE, help=f"what multiplies (default {DENSE})")
    gemm.add_argument("--prune24", action="store_true", help="first prune A to two of each four values of a row")
    add_run_options(gemm)
    gemm.set_defaults(run=run_gemm)


def run_gemm(options: argparse.Namespace) -> int:
    """Run the command."""
    check_threads("--threads", options.threads)
    from dstc_isa.dense.gemm import gemm_dense
    from dstc_isa.dense.structured import gemm_sparse24, prune
    from dstc_isa.exact import exact_product
    from dstc_isa.text.run_text import run_report

    gpu = chosen_gpu(options)
    check_run_options(options)
    if options.output:
        check_result_output(options.output)
    check_files(options, [("the result", options.output)], matrix_files(options))
    try:
        a, b = (_dense(matrix) for matrix in two_matrices(options, {}))
        if options.prune24:
            a = prune(a)
        multiply = gemm_sparse24 if options.kernel == SPARSE24 else gemm_dense
        with reported_fault(options, gpu=gpu, seeds=seeds_of(options)), ProgressBar() as bar:
            result = multiply(
                a,
                b,
                gpu=gpu,
                **run_options(options, bar),
            )
    except UsageError:
        raise
    except ValueError as error:
        raise InputError(with_file_names(str(error), {"a": options.a, "b": options.b})) from None
    if options.output:
        save_result(options.output, result.c)
    verdict = verified(result.c, exact_product(a, b)) if options.verify else None
    show(*run_report(result.report, full=verbose()))
    warn(result.warning)
    status = verified_status(verdict, hazard_status(result.run))
    found = {**result.as_json(), **verification(verdict)}
    write_report(options, [result.run], found, seeds=seeds_of(options), status=status)
    return status


def _dense(matrix: Any) -> Any:
    """The matrix as an array; files may hold SciPy's sparse matrices."""
    return matrix.toarray() if hasattr(matrix, "toarray") else matrix
