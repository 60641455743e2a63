"""The command ``dstc-emu``: run kernels and multiply sparse matrices on the emulated machine."""

import argparse
import json
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dstc_isa.cli.arguments import UsageError

DESCRIPTION = "Instruction-level emulator of the Dual-side Sparse Tensor Core."
RUN_EXAMPLE = """example:
  dstc-emu run axpy.dasm --grid 8 --block 128 --arg x=@x.npy --arg y=zeros:f4:1024 --arg a=2.5 --arg n=1024 --out y=y.npy
"""
SPGEMM_EXAMPLE = """examples:
  dstc-emu spgemm A.mtx B.npz -o C.npy
  dstc-emu spgemm --random 1024,1024,1024 --density-a 0.5 --density-b 0.5
"""
INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="dstc-emu", description=DESCRIPTION)
    top.add_argument("--version", action="version", version=f"dstc-isa {version('dstc-isa')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    raw = argparse.RawDescriptionHelpFormatter
    run = commands.add_parser("run", help="run a kernel of a .dasm or .dobj file", epilog=RUN_EXAMPLE, formatter_class=raw)
    run.add_argument("program", type=Path, metavar="PROG", help="assembly source (.dasm) or object file")
    run.add_argument("--kernel", metavar="K", help="kernel to run, if the file has several")
    run.add_argument("--grid", default="1", metavar="X,Y,Z", help="CTAs of the grid (default 1)")
    run.add_argument("--block", default="32", metavar="X,Y,Z", help="threads of a CTA (default 32)")
    run.add_argument("--arg", action="append", default=[], metavar="NAME=VALUE", help="number, @FILE.npy or zeros:DTYPE:SHAPE")
    run.add_argument("--out", action="append", default=[], metavar="NAME=FILE.npy", help="save an array argument afterwards")
    run.add_argument("-I", dest="include", action="append", default=[], type=Path, metavar="DIR", help="include path")
    run.add_argument("--max-instructions", type=int, default=None, metavar="N", help="per warp, then it is stopped")
    _common(run)
    multiply = commands.add_parser(
        "spgemm", help="multiply two sparse matrices", epilog=SPGEMM_EXAMPLE, formatter_class=raw
    )
    multiply.add_argument("a", nargs="?", type=Path, metavar="A", help="matrix: .npy, .npz (SciPy sparse) or .mtx")
    multiply.add_argument("b", nargs="?", type=Path, metavar="B", help="matrix: .npy, .npz (SciPy sparse) or .mtx")
    multiply.add_argument("-o", dest="output", type=Path, metavar="C.npy", help="save the float32 product")
    multiply.add_argument("--random", metavar="M,N,K", help="multiply random matrices, MxK times KxN")
    multiply.add_argument("--density-a", type=float, default=None, metavar="DA", help="share of non-zeros in A (default 0.5)")
    multiply.add_argument("--density-b", type=float, default=None, metavar="DB", help="share of non-zeros in B (default 0.5)")
    multiply.add_argument("--seed", type=int, default=None, metavar="S", help="of the random matrices (default 0)")
    _common(multiply)
    return top


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", type=Path, metavar="R.json", help="write the report as JSON")
    command.add_argument("--threads", type=int, default=None, metavar="N", help="host threads (default: all cores)")
    command.add_argument("--reference", action="store_true", help="use the readable reference engine (slow)")
    command.add_argument("--isa", action="append", default=[], type=Path, metavar="FILE.py", help="declare further instructions")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; exit status 0, 1 for a refused or faulted run, 2 for a wrong command line."""
    options = parser().parse_args(arguments)
    try:
        return _run(options) if options.command == "run" else _spgemm(options)
    except UsageError as error:
        print(f"dstc-emu: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dstc-emu: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        return 1
    except Exception as error:
        if not _expected(error):
            raise
        print(f"dstc-emu: {error}", file=sys.stderr)
        return 1


def _expected(error: Exception) -> bool:
    from dstc_isa.assembler import AssemblyError
    from dstc_isa.engine.execution import SemanticsError
    from dstc_isa.engine.faults import KernelFault
    from dstc_isa.engine.launch import LaunchError
    from dstc_isa.isa.extension import ExtensionError
    from dstc_isa.object import ObjectError
    from dstc_isa.sparse.bitmap import ValueRangeError
    from dstc_isa.sparse.matrix_files import MatrixFileError

    of_input = (AssemblyError, LaunchError, ExtensionError, ObjectError, ValueRangeError, MatrixFileError)
    return isinstance(error, (*of_input, KernelFault, SemanticsError, OSError, MemoryError))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _check(options: argparse.Namespace) -> None:
    from dstc_isa.isa.extension import load_extension

    if options.threads is not None and options.threads < 1:
        raise UsageError("--threads is at least 1")
    for path in options.isa:
        load_extension(path)


def _run(options: argparse.Namespace) -> int:
    from rich.console import Console

    from dstc_isa.cli.arguments import assignment, kernel_argument, sizes
    from dstc_isa.engine.execution import DEFAULT_MAX_INSTRUCTIONS
    from dstc_isa.engine.run import run_kernel
    from dstc_isa.object.load import load_file
    from dstc_isa.report.statistics import statistics
    from dstc_isa.report.text import print_run

    _check(options)
    limit = DEFAULT_MAX_INSTRUCTIONS if options.max_instructions is None else options.max_instructions
    if limit < 1:
        raise UsageError("--max-instructions is at least 1")
    grid, block = sizes("--grid", options.grid), sizes("--block", options.block)
    outputs = [assignment("--out", text) for text in options.out]
    program = load_file(options.program, options.include)
    try:
        kernel = program.kernel(options.kernel)
    except KeyError as error:
        wanted = f"no kernel {options.kernel}" if options.kernel else "several kernels; name one with --kernel"
        raise UsageError(f"{options.program} has {wanted}; it has {error.args[0] or 'none'}") from None
    arguments = {}
    for text in options.arg:
        given = assignment("--arg", text)
        if given.name in arguments:
            raise UsageError(f"--arg {given.name} is given twice")
        arguments[given.name] = kernel_argument(given)
    for output in outputs:
        if not hasattr(arguments.get(output.name), "shape"):
            raise UsageError(f"--out {output.name}: there is no array argument of that name")
    _, execution = run_kernel(
        program,
        kernel,
        grid,
        block,
        arguments,
        threads=options.threads,
        max_instructions=limit,
        reference=options.reference,
        announce=_say,
    )
    for output in outputs:
        _save_argument(Path(output.text), arguments[output.name])
    run = statistics(kernel, execution)
    print_run(run, Console())
    _write_json(options.json, run.as_json())
    return 0


def _spgemm(options: argparse.Namespace) -> int:
    from rich.console import Console

    from dstc_isa.report.text import histogram_table, summary
    from dstc_isa.sparse.spgemm import spgemm

    _check(options)
    a, b = _matrices(options)
    try:
        result = spgemm(a, b, threads=options.threads, reference=options.reference, announce=_say)
    except ValueError as error:
        raise UsageError(str(error)) from None
    report = result.report
    if options.output:
        _save(options.output, result.c)
    console = Console()
    console.print(
        f"C ({report.m}x{report.n}) = A ({report.m}x{report.k}, density {report.density_a:.4g}) "
        f"* B ({report.k}x{report.n}, density {report.density_b:.4g})",
        highlight=False,
        soft_wrap=True,
    )
    total = report.ohmma_issued + report.ohmma_skipped
    share = report.ohmma_issued / total if total else 0.0
    console.print(
        f"OHMMA issued {report.ohmma_issued:,} of {total:,} dense ({share:.2%}), skipped {report.ohmma_skipped:,}",
        highlight=False,
        soft_wrap=True,
    )
    console.print(summary(report.run), highlight=False, soft_wrap=True)
    console.print(histogram_table(report.run))
    _write_json(options.json, report.as_json())
    return 0


def _matrices(options: argparse.Namespace) -> tuple[Any, Any]:
    from dstc_isa.cli.arguments import sizes
    from dstc_isa.sparse.matrix_files import load_matrix
    from dstc_isa.sparse.random_matrix import random_matrix

    if options.random is not None:
        if options.a is not None:
            raise UsageError("give either two matrices or --random, not both")
        m, n, k = sizes("--random", options.random, 3)
        seed = options.seed or 0
        densities = [0.5 if d is None else d for d in (options.density_a, options.density_b)]
        try:
            return random_matrix(m, k, densities[0], seed), random_matrix(k, n, densities[1], seed + 1)
        except ValueError as error:
            raise UsageError(str(error)) from None
    if options.a is None or options.b is None:
        raise UsageError("spgemm takes two matrices, A and B, or --random M,N,K")
    if options.seed is not None or options.density_a is not None or options.density_b is not None:
        raise UsageError("--seed, --density-a and --density-b go with --random")
    return load_matrix(options.a), load_matrix(options.b)


def _save_argument(path: Path, array: Any) -> None:
    import numpy as np

    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def _save(path: Path, array: Any) -> None:
    from dstc_isa.sparse.matrix_files import save_matrix

    save_matrix(path, array)


def _write_json(path: Path | None, report: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
