"""The command ``dstc-emu``: run kernels and multiply sparse matrices on the emulated machine."""

import argparse
import errno
import json
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstc_isa.cli.arguments import InputError, UsageError
from dstc_isa.cli.gpu import add_gpu_command, run_gpu
from dstc_isa.cli.progress import ProgressBar
from dstc_isa.cli.validate import add_validate_command, run_validate

if TYPE_CHECKING:
    from dstc_isa.diagnostics import Diagnostic
    from dstc_isa.gpu import Gpu
    from dstc_isa.program import Kernel, Program
    from dstc_isa.report.statistics import RunStatistics

DESCRIPTION = "Instruction-level emulator of the Dual-side Sparse Tensor Core."
RUN_EXAMPLE = """example:
  dstc-emu run programs/hello.dasm --grid 8 --block 128 --arg x=@x.npy \\
    --arg y=zeros:f4:1024 --arg a=2.5 --arg n=1024 --out y=y.npy
"""
SPGEMM_EXAMPLE = """examples:
  dstc-emu spgemm A.mtx B.npz -o C.npy
  dstc-emu spgemm --random 1024,1024,1024 --density-a 0.5 --density-b 0.5
"""
REFUSED, USAGE, INTERRUPTED = 1, 2, 130
EXIT_STATUS = "Exit status: 0 done, 1 refused input, a fault or a hazard, 2 wrong command line."
MAX_THREADS = 256
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
        help="parameter: a number, @FILE.npy or zeros:DTYPE:SHAPE, such as zeros:f4:64x32",
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
    _common(run)
    multiply = commands.add_parser(
        "spgemm", help="multiply two sparse matrices", epilog=SPGEMM_EXAMPLE, formatter_class=raw
    )
    multiply.add_argument("a", nargs="?", type=Path, metavar="A", help="matrix: .npy, .npz (SciPy sparse) or .mtx")
    multiply.add_argument("b", nargs="?", type=Path, metavar="B", help="matrix: .npy, .npz (SciPy sparse) or .mtx")
    multiply.add_argument("-o", dest="output", type=Path, metavar="C.npy", help="save the float32 product")
    multiply.add_argument("--random", metavar="M,N,K", help="multiply random matrices, MxK times KxN")
    multiply.add_argument("--density-a", type=float, metavar="DA", help="share of non-zeros in A (default 0.5)")
    multiply.add_argument("--density-b", type=float, metavar="DB", help="share of non-zeros in B (default 0.5)")
    multiply.add_argument("--seed", type=int, metavar="S", help="of the random matrices (default 0)")
    _common(multiply)
    add_gpu_command(commands)
    add_validate_command(commands)
    return top


def _common(command: argparse.ArgumentParser) -> None:
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
    command.add_argument("--functional", action="store_true", help="compute results without timing (faster)")
    command.add_argument("--reference", action="store_true", help="use the readable reference engine (slow)")
    command.add_argument(
        "--isa", action="append", default=[], type=Path, metavar="FILE.py", help="declare further instructions"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; exit status 0, 1 for a refused or faulted run, 2 for a wrong command line."""
    options = parser().parse_args(arguments)
    try:
        return COMMANDS[options.command](options)
    except UsageError as error:
        _complain(error)
        return USAGE
    except KeyboardInterrupt:
        _say("dstc-emu: interrupted")
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
        _say(render(error.diagnostics, wants_colour(sys.stderr)))
        return
    text = str(error)
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        text = f"{error.filename}: {error.strerror}"
    _say("\n  ".join([f"dstc-emu: {text}", *getattr(error, "__notes__", ())]))


def _expected(error: Exception) -> bool:
    from dstc_isa.assembler import AssemblyError
    from dstc_isa.engine.execution import SemanticsError
    from dstc_isa.engine.faults import KernelFault
    from dstc_isa.engine.launch import LaunchError
    from dstc_isa.gpu import GpuError
    from dstc_isa.isa.extension import ExtensionError
    from dstc_isa.object import ObjectError
    from dstc_isa.sparse.bitmap import ValueRangeError
    from dstc_isa.sparse.matrix_files import MatrixFileError

    of_input = (AssemblyError, GpuError, LaunchError, ExtensionError, ObjectError, ValueRangeError, MatrixFileError)
    return isinstance(error, (*of_input, InputError, KernelFault, SemanticsError, OSError, MemoryError))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _check(options: argparse.Namespace) -> None:
    from dstc_isa.isa.extension import load_extension

    if options.threads is not None and not 1 <= options.threads <= MAX_THREADS:
        raise UsageError(f"--threads is 1 to {MAX_THREADS}, not {options.threads}")
    if options.json is not None:
        _check_output(options.json)
    for path in options.isa:
        load_extension(path)


def _check_output(path: Path, suffix: str = "") -> None:
    """Refuse a file that cannot be written before the run, not after it."""
    if path.suffix != suffix and suffix:
        raise UsageError(f"{path}: an array is written as {suffix}: expected a file name that ends in {suffix}")
    if path.is_dir():
        raise OSError(errno.EISDIR, "cannot be written: it is a directory", str(path))
    if not path.parent.is_dir():
        raise OSError(errno.ENOENT, f"cannot be written: there is no directory {path.parent}", str(path))
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise OSError(errno.EACCES, "cannot be written: permission denied", str(path))


def _run(options: argparse.Namespace) -> int:
    from rich.console import Console

    from dstc_isa.cli.arguments import assignment, kernel_arguments, sizes
    from dstc_isa.engine.execution import DEFAULT_MAX_INSTRUCTIONS, INSTRUCTION_LIMIT
    from dstc_isa.engine.launch import LaunchError
    from dstc_isa.report.statistics import statistics
    from dstc_isa.report.text import print_run
    from dstc_isa.timing.run import execute

    gpu = _gpu(options)
    _check(options)
    limit = DEFAULT_MAX_INSTRUCTIONS if options.max_instructions is None else options.max_instructions
    if not 1 <= limit <= INSTRUCTION_LIMIT:
        raise UsageError(f"--max-instructions is 1 to {INSTRUCTION_LIMIT}, not {limit}")
    grid = sizes("--grid", options.grid, 1, 3)
    block = None if options.block is None else sizes("--block", options.block, 1, 3)
    given = [assignment("--arg", text) for text in options.arg]
    outputs = [assignment("--out", text) for text in options.out]
    for output in outputs:
        _check_output(Path(output.text), ".npy")
    program = _load(options, gpu)
    kernel = _kernel(program, options)
    arguments = kernel_arguments(given)
    for output in outputs:
        if not hasattr(arguments.get(output.name), "shape"):
            raise UsageError(f"--out {output.name}: there is no array argument of that name")
    try:
        with ProgressBar() as bar:
            execution, timing = execute(
                program,
                kernel,
                grid,
                block or kernel.block or (DEFAULT_BLOCK,),
                arguments,
                gpu,
                threads=options.threads,
                max_instructions=limit,
                reference=options.reference,
                announce=_say,
                progress=bar,
                sample=options.sample,
                check_hazards=options.check_hazards,
            )
    except LaunchError as error:
        error.add_note(_launch_of(kernel))
        raise
    for output in outputs:
        _save(Path(output.text), arguments[output.name])
    run = statistics(kernel, execution, timing)
    _write_json(options.json, run.as_json())
    print_run(run, Console())
    return _hazards(run)


def _hazards(run: "RunStatistics") -> int:
    """Print the hazards that were found; the exit status."""
    from dstc_isa.report.hazards import hazard_text

    if run.timing is None or not run.timing.hazards:
        return 0
    _say(hazard_text(run.timing.hazards))
    return REFUSED


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

    _say(render(found, wants_colour(sys.stderr)))


def _gpu(options: argparse.Namespace) -> "Gpu | None":
    """The GPU to time on, None for a run without time."""
    from dstc_isa.gpu import DEFAULT_GPU, load_gpu

    if options.functional or options.reference:
        if options.gpu is not None or options.set:
            raise UsageError("--gpu and --set go with a timed run, not with --functional or --reference")
        if options.sample is not None or options.check_hazards:
            raise UsageError("--sample and --check-hazards go with a timed run, not with --functional or --reference")
        return None
    if options.sample is not None and not 0 < options.sample <= 1:
        raise UsageError(f"--sample is a share of the CTAs, more than 0 and at most 1, not {options.sample}")
    return load_gpu(options.gpu or DEFAULT_GPU, options.set)


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

    from dstc_isa.report.text import print_run
    from dstc_isa.sparse.spgemm import spgemm

    gpu = _gpu(options)
    _check(options)
    if options.output:
        _check_output(options.output, ".npy")
    try:
        a, b = _matrices(options)
        with ProgressBar() as bar:
            result = spgemm(
                a,
                b,
                gpu=gpu,
                threads=options.threads,
                reference=options.reference,
                announce=_say,
                progress=bar,
                sample=options.sample,
                check_hazards=options.check_hazards,
            )
    except UsageError:
        raise
    except ValueError as error:
        raise InputError(str(error)) from None
    report = result.report
    if options.output:
        _save(options.output, result.c)
    _write_json(options.json, report.as_json())
    total = report.ohmma_issued + report.ohmma_skipped
    share = report.ohmma_issued / total if total else 0.0
    lines = [
        f"C ({report.m}x{report.n}) = A ({report.m}x{report.k}, density {report.density_a:.4g}) "
        f"* B ({report.k}x{report.n}, density {report.density_b:.4g})",
        f"OHMMA executed {report.ohmma_issued:,} of {total:,} dense ({share:.2%}), skipped {report.ohmma_skipped:,}",
        f"{report.total_seconds:.3f} s in all, with encoding and the engine's start",
    ]
    if report.underflowed:
        lines.append(f"{report.underflowed:,} non-zero inputs are too small for FP16 and count as zero")
    console = Console()
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    print_run(report.run, console)
    return _hazards(report.run)


def _matrices(options: argparse.Namespace) -> tuple[Any, Any]:
    from dstc_isa.sparse.matrix_files import load_matrix

    if options.random is not None:
        if options.a is not None:
            raise UsageError("give either two matrices or --random, not both")
        return _random_matrices(options)
    if options.a is None or options.b is None:
        raise UsageError("spgemm takes two matrices, A and B, or --random M,N,K")
    if options.seed is not None or options.density_a is not None or options.density_b is not None:
        raise UsageError("--seed, --density-a and --density-b go with --random")
    return load_matrix(options.a), load_matrix(options.b)


def _random_matrices(options: argparse.Namespace) -> tuple[Any, Any]:
    from dstc_isa.cli.arguments import sizes
    from dstc_isa.sparse.bitmap import DIMENSION_LIMIT
    from dstc_isa.sparse.random_matrix import random_matrix
    from dstc_isa.sparse.spgemm import result_array

    m, n, k = sizes("--random", options.random, 3, 3)
    if not 0 <= min(m, n, k) <= max(m, n, k) <= DIMENSION_LIMIT:
        raise UsageError(f"--random {options.random}: sizes are 0 to {DIMENSION_LIMIT}")
    density_a, density_b = (0.5 if d is None else d for d in (options.density_a, options.density_b))
    for name, density in (("--density-a", density_a), ("--density-b", density_b)):
        if not 0 <= density <= 1:
            raise UsageError(f"{name} is a fraction from 0 to 1, not {density}")
    seed = options.seed or 0
    if seed < 0:
        raise UsageError(f"--seed is 0 or more, not {seed}")
    result_array(m, n)  # a result without room is refused before the operands are made
    return random_matrix(m, k, density_a, seed), random_matrix(k, n, density_b, seed + 1)


def _save(path: Path, array: Any) -> None:
    import numpy as np

    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def _write_json(path: Path | None, report: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


COMMANDS = {"run": _run, "spgemm": _spgemm, "gpu": run_gpu, "validate": run_validate}


if __name__ == "__main__":
    sys.exit(main())
