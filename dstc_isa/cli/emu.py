"""The command ``dstc-emu``: run kernels and multiply sparse matrices on the emulated machine."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from dstc_isa.cli.arguments import InputError, UsageError
from dstc_isa.cli.conv import add_conv_command, run_conv
from dstc_isa.cli.examples import add_examples_command, run_examples
from dstc_isa.cli.gemm import add_gemm_command, run_gemm
from dstc_isa.cli.gpu import add_gpu_command, run_gpu
from dstc_isa.cli.matrices import add_matrix_options, two_matrices
from dstc_isa.cli.network import add_network_command, run_network
from dstc_isa.cli.output import check_output, hazard_status, said_warnings, save_array, say, write_json
from dstc_isa.cli.products import (
    check_result_output,
    counts,
    counts_text,
    save_result,
    verified,
    verified_status,
    with_file_names,
)
from dstc_isa.cli.progress import ProgressBar
from dstc_isa.cli.run_options import add_run_options, check_run_options, chosen_gpu, run_options
from dstc_isa.cli.sweep import add_sweep_command, run_sweep
from dstc_isa.cli.validate import add_validate_command, run_validate
from dstc_isa.program_files import SPARSE_KERNELS

if TYPE_CHECKING:
    from dstc_isa.diagnostics import Diagnostic
    from dstc_isa.gpu import Gpu
    from dstc_isa.program import Kernel, Program

DESCRIPTION = "Instruction-level emulator of the Dual-side Sparse Tensor Core."
RUN_EXAMPLE = """example:
  dstc-emu examples --copy examples
  dstc-emu run examples/hello.dasm --grid 8 --block 128 --arg x=random:f4:1024 \\
    --arg y=zeros:f4:1024 --arg a=2.5 --arg n=1024 --out y=y.npy
"""
SPGEMM_EXAMPLE = """examples:
  dstc-emu examples --copy examples
  dstc-emu spgemm examples/poisson.mtx examples/prolongation.mtx -o C.npy
  dstc-emu spgemm --random 1024,1024,1024 --density-a 0.5 --density-b 0.5
"""
REFUSED, USAGE, FINDING, INTERRUPTED = 1, 2, 4, 130
EXIT_STATUS = (
    "Exit status: 0 done, 1 refused input, a fault or a hazard, 2 wrong command line, 4 another result than expected."
)
DEFAULT_BLOCK = 32
OBJECT_SUFFIX = ".dobj"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="dstc-emu", description=DESCRIPTION, epilog=EXIT_STATUS)
    top.add_argument("--version", action="version", version=f"dstc-isa {version('dstc-isa')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    raw = argparse.RawDescriptionHelpFormatter
    run = commands.add_parser(
        "run", help="run a kernel of a .dasm or .dobj file", epilog=RUN_EXAMPLE, formatter_class=raw
    )
    run.add_argument("program", type=Path, metavar="PROG", help="assembly source (.dasm) or object file (.dobj)")
    run.add_argument("--kernel", metavar="K", help="kernel to run, if the file has several")
    run.add_argument("--grid", default="1", metavar="X,Y,Z", help="CTAs of the grid, in 1 to 3 dimensions (default 1)")
    run.add_argument("--block", default=None, metavar="X,Y,Z", help="threads of a CTA (default: the kernel's, or 32)")
    run.add_argument(
        "--arg",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="parameter: a number, @FILE.npy, zeros:f4:64x32, full:f4:64x32:1.5, arange:u4:1024[:START[:STEP]] or "
        "random:f4:1024[:SEED] (floats from 0 to 1, integers of the whole range; seed 0 unless given)",
    )
    run.add_argument(
        "--expect",
        action="append",
        default=[],
        metavar="NAME=@FILE.npy[,rtol=R][,atol=A]",
        help="compare an array argument after the run; exit status 4 if it differs by more than A + R * |reference|",
    )
    run.add_argument(
        "--print", action="append", default=[], metavar="NAME[SLICES]", help="print part of an array after the run"
    )
    run.add_argument(
        "--out", action="append", default=[], metavar="NAME=FILE.npy", help="save an array argument after the run"
    )
    run.add_argument(
        "-I", dest="include", action="append", default=[], type=Path, metavar="DIR", help="look for .include here"
    )
    run.add_argument(
        "--max-instructions", type=int, default=None, metavar="N", help="stop a warp that has issued so many"
    )
    add_run_options(run)
    multiply = commands.add_parser(
        "spgemm", help="multiply two sparse matrices", epilog=SPGEMM_EXAMPLE, formatter_class=raw
    )
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
    add_gemm_command(commands)
    add_conv_command(commands)
    add_gpu_command(commands)
    add_validate_command(commands)
    add_sweep_command(commands)
    add_network_command(commands)
    add_examples_command(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; exit status 0, 1 for a refused or faulted run, 2 for a wrong command line."""
    options = parser().parse_args(arguments)
    try:
        return COMMANDS[options.command](options)
    except UsageError as error:
        _complain(error)
        return USAGE
    except KeyboardInterrupt:
        say("dstc-emu: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return REFUSED
    except Exception as error:
        if not _expected(error):
            raise
        _complain(error)
        return REFUSED


def _complain(error: Exception) -> None:
    """Print an error: a source's as the assembler does, the others behind the command's name."""
    from dstc_isa.assembler import AssemblyError
    from dstc_isa.diagnostics import render, wants_colour

    if isinstance(error, AssemblyError):
        say(render(error.diagnostics, wants_colour(sys.stderr)))
        return
    text = str(error)
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        text = f"{error.filename}: {error.strerror}"
    say("\n  ".join([f"dstc-emu: {text}", *getattr(error, "__notes__", ())]))


def _expected(error: Exception) -> bool:
    from dstc_isa.assembler import AssemblyError
    from dstc_isa.engine.execution import SemanticsError
    from dstc_isa.engine.faults import KernelFault
    from dstc_isa.engine.launch import LaunchError
    from dstc_isa.gpu import GpuError
    from dstc_isa.halves import ValueRangeError
    from dstc_isa.isa.extension import ExtensionError
    from dstc_isa.object import ObjectError
    from dstc_isa.sparse.matrix_files import MatrixFileError

    of_input = (AssemblyError, GpuError, LaunchError, ExtensionError, ObjectError, ValueRangeError, MatrixFileError)
    return isinstance(error, (*of_input, InputError, KernelFault, SemanticsError, OSError, MemoryError))


def _run(options: argparse.Namespace) -> int:
    import numpy as np
    from rich.console import Console

    from dstc_isa.cli.arguments import assignment, kernel_arguments, sizes
    from dstc_isa.cli.results import expectation, shown
    from dstc_isa.engine.execution import DEFAULT_MAX_INSTRUCTIONS, INSTRUCTION_LIMIT
    from dstc_isa.engine.launch import LaunchError
    from dstc_isa.report.statistics import statistics
    from dstc_isa.report.text import print_run
    from dstc_isa.timing.run import execute

    gpu = chosen_gpu(options)
    check_run_options(options)
    limit = DEFAULT_MAX_INSTRUCTIONS if options.max_instructions is None else options.max_instructions
    if not 1 <= limit <= INSTRUCTION_LIMIT:
        raise UsageError(f"--max-instructions is 1 to {INSTRUCTION_LIMIT}, not {limit}")
    grid = sizes("--grid", options.grid, 1, 3)
    block = None if options.block is None else sizes("--block", options.block, 1, 3)
    given = [assignment("--arg", text) for text in options.arg]
    outputs = [assignment("--out", text) for text in options.out]
    for output in outputs:
        check_output(Path(output.text), ".npy")
    parts = [shown(text) for text in options.print]
    expected = [expectation(text) for text in options.expect]
    program = _load(options, gpu)
    kernel = _kernel(program, options)
    arguments = kernel_arguments(given)
    arrays = {name: value for name, value in arguments.items() if isinstance(value, np.ndarray)}
    named = [*(("--out", o.name) for o in outputs), *(("--print", p.name) for p in parts)]
    for option, name in [*named, *(("--expect", e.name) for e in expected)]:
        if name not in arrays:
            raise UsageError(f"{option} {name}: there is no array argument of that name")
    for part in parts:
        part.of(arrays[part.name])
    for each in expected:
        each.check_shape(arrays[each.name])
    try:
        with said_warnings(), ProgressBar() as bar:
            execution, timing = execute(
                program,
                kernel,
                grid,
                block or kernel.block or (DEFAULT_BLOCK,),
                arguments,
                gpu,
                max_instructions=limit,
                **run_options(options, bar),
            )
    except LaunchError as error:
        error.add_note(_launch_of(kernel))
        raise
    for output in outputs:
        save_array(Path(output.text), arguments[output.name])
    run = statistics(kernel, execution, timing)
    write_json(options.json, run.as_json())
    print_run(run, Console())
    for part in parts:
        print(part.lines(arrays[part.name]))
    found = False
    for each in expected:
        right, text = each.compare(arrays[each.name])
        found = found or not right
        if right:
            print(text)
        else:
            say(f"dstc-emu: {text}")
    status = hazard_status(run)
    return FINDING if found else status


def _load(options: argparse.Namespace, gpu: "Gpu | None") -> "Program":
    """The program, its source's warnings printed."""
    from dstc_isa.object import ObjectError
    from dstc_isa.object.load import SOURCE_SUFFIX, load_file

    try:
        return load_file(options.program, options.include, _show_warnings, gpu)
    except ObjectError as error:
        named = ObjectError(f"{options.program}: {error}")
        if options.program.suffix != OBJECT_SUFFIX:
            named.add_note(f"a source has a name that ends in {SOURCE_SUFFIX}")
        raise named from None


def _show_warnings(found: "list[Diagnostic]") -> None:
    from dstc_isa.diagnostics import render, wants_colour

    say(render(found, wants_colour(sys.stderr)))


def _kernel(program: "Program", options: argparse.Namespace) -> "Kernel":
    try:
        return program.kernel(options.kernel)
    except KeyError as error:
        names = error.args[0]
        if not names:
            raise InputError(f"{options.program} has no kernel") from None
        wanted = f"no kernel {options.kernel}" if options.kernel else "several kernels: choose with --kernel"
        raise UsageError(f"{options.program} has {wanted}; there is {names}") from None


def _launch_of(kernel: "Kernel") -> str:
    """The options that a launch of the kernel takes."""
    block = [f"--block {','.join(map(str, kernel.block))}"] if kernel.block else []
    values = [f"--arg {p.name}={'@FILE.npy' if p.type == 'ptr' else p.type.upper()}" for p in kernel.parameters]
    return f"kernel {kernel.name} takes {' '.join([*block, *values]) or 'no arguments'}"


def _spgemm(options: argparse.Namespace) -> int:
    from rich.console import Console

    from dstc_isa.exact import exact_product
    from dstc_isa.report.text import print_run
    from dstc_isa.sparse.spgemm import spgemm

    gpu = chosen_gpu(options)
    check_run_options(options)
    if options.output:
        check_result_output(options.output)
    densities = {"--density-a": options.density_a, "--density-b": options.density_b}
    try:
        a, b = two_matrices(options, densities)
        with ProgressBar() as bar:
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
    found = {"result": counts(result.c)} | ({} if verdict is None else {"verification": verdict.as_json()})
    write_json(options.json, {**report.as_json(), **found})
    total = report.ohmma_issued + report.ohmma_skipped
    share = report.ohmma_issued / total if total else 0.0
    lines = [
        f"C ({report.m}x{report.n}) = A ({report.m}x{report.k}, density {report.density_a:.4g}) "
        f"* B ({report.k}x{report.n}, density {report.density_b:.4g})",
        f"OHMMA executed {report.ohmma_issued:,} of {total:,} dense ({share:.2%}), skipped {report.ohmma_skipped:,}",
        counts_text("C", result.c),
        f"{report.total_seconds:.3f} s in all, with encoding and the engine's start",
    ]
    if report.underflowed:
        lines.append(f"{report.underflowed:,} non-zero inputs are too small for FP16 and count as zero")
    console = Console()
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    print_run(report.run, console)
    return verified_status(verdict, hazard_status(report.run))


COMMANDS = {
    "run": _run,
    "spgemm": _spgemm,
    "gemm": run_gemm,
    "conv": run_conv,
    "gpu": run_gpu,
    "sweep": run_sweep,
    "network": run_network,
    "validate": run_validate,
    "examples": run_examples,
}


if __name__ == "__main__":
    sys.exit(main())
