"""``dstc-emu run``: run a kernel of a source or an object."""

import argparse
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstc_isa.cli.arguments import InputError
from dstc_isa.cli.output import (
    check_files,
    check_output,
    hazard_status,
    reported_fault,
    said_warnings,
    save_array,
    write_report,
)
from dstc_isa.cli.progress import ProgressBar
from dstc_isa.cli.run_options import add_run_options, check_run_options, chosen_gpu, run_options
from dstc_isa.cli.status import Status
from dstc_isa.cli.terminal import say, show, tell, verbose, wants_colour
from dstc_isa.cli.trace_options import add_trace_options, log_writer, logged_warps
from dstc_isa.cli.used_files import Named, used_twice
from dstc_isa.errors import UsageError
from dstc_isa.host_threads import check_threads
from dstc_isa.whole_file import STANDARD_OUTPUT

if TYPE_CHECKING:
    from dstc_isa.cli.arguments import Assignment
    from dstc_isa.diagnostics import Diagnostic
    from dstc_isa.gpu import Gpu
    from dstc_isa.program import Kernel, Program

EXAMPLE = """example:
  dstc-emu examples --copy examples
  dstc-emu run examples/hello.dasm --grid 8 --block 128 --arg x=random:f4:1024 \\
    --arg y=zeros:f4:1024 --arg a=2.5 --arg n=1024 --out y=y.npy
"""
OBJECT_SUFFIX = ".dobj"


def add_run_command(commands: Any) -> None:
    """Add the command to the parser's commands."""
    run = commands.add_parser("run", help="run a kernel of a .dasm or .dobj file", epilog=EXAMPLE)
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
    add_trace_options(run)
    add_run_options(run)
    run.set_defaults(run=run_run)


def run_run(options: argparse.Namespace) -> int:
    """Run the command."""
    check_threads("--threads", options.threads)
    import numpy as np
    from attrs import evolve

    from dstc_isa.cli.arguments import assignment, kernel_arguments, sizes
    from dstc_isa.cli.results import expectation, shown
    from dstc_isa.engine.execution import DEFAULT_MAX_INSTRUCTIONS, INSTRUCTION_LIMIT
    from dstc_isa.engine.launch import DEFAULT_BLOCK, LaunchError
    from dstc_isa.engine.run_options import RunOptions
    from dstc_isa.report.statistics import statistics
    from dstc_isa.text.run_text import run_report
    from dstc_isa.timing.run import execute
    from dstc_isa.trace.prints import DEFAULT_LIMIT, further_text
    from dstc_isa.trace.run import trace

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
    results = [(f"{output.name} of --out", output.text) for output in outputs]
    logged = logged_warps(options)
    parts = [shown(text) for text in options.print]
    expected = [expectation(text) for text in options.expect]
    references = [(f"{each.name} of --expect", each.file) for each in expected]
    read = [("the program", options.program), *_read_by(given, outputs), *references]
    written: list[Named] = [*results, ("the log", options.log_file)]
    check_files(options, written, read)
    program = _load(options, gpu)
    check_files(options, written, read)
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
    threads = block or kernel.block or DEFAULT_BLOCK
    how = evolve(RunOptions(**run_options(options)), max_instructions=limit)

    def faulted() -> dict[str, Any]:
        kept = _keep_faulted(outputs, arrays, [*read, *_updated(given), *written, ("the report", options.json)])
        return {"program": str(options.program), "kernel": kernel.name, "outputs": kept}

    try:
        with reported_fault(options, faulted, gpu=gpu):
            with log_writer(options.log_file) as write:
                prints = trace(
                    program,
                    kernel,
                    grid,
                    threads,
                    arguments,
                    gpu,
                    how,
                    log=logged,
                    write=write,
                    show=tell,
                    print_limit=DEFAULT_LIMIT if options.print_limit is None else options.print_limit,
                )
            with said_warnings(), ProgressBar() as bar:
                execution, timing = execute(
                    program,
                    kernel,
                    grid,
                    threads,
                    arguments,
                    gpu,
                    evolve(how, progress=bar),
                )
    except LaunchError as error:
        error.add_note(_launch_of(kernel))
        raise
    timed = kernel if timing is None or timing.kernel is None else timing.kernel
    if prints is not None and (further := further_text(prints, timed, execution.issued)):
        tell(further)
    run = statistics(kernel, execution, timing, grid, threads)
    for output in outputs:
        save_array(Path(output.text), arguments[output.name])
    show(*run_report(run, full=verbose()))
    for part in parts:
        tell(part.lines(arrays[part.name]))
    compared = [each.compare(arrays[each.name]) for each in expected]
    found = not all(right for right, _ in compared)
    for right, text in compared:
        if right:
            show(text)
        else:
            say(f"dstc-emu: {text}")
    status = Status.FINDING if found else hazard_status(run)
    facts = {
        "program": str(options.program),
        "kernel": kernel.name,
        "outputs": {output.name: output.text for output in outputs},
        "expected": {each.name: right for each, (right, _) in zip(expected, compared, strict=True)},
    }
    write_report(options, [run], facts, gpu=gpu, status=status)
    return status


def _read_by(given: "list[Assignment]", outputs: "list[Assignment]") -> list[Named]:
    """Files of ``--arg``, but for one that ``--out`` of the same parameter updates."""
    updated = {f"{output.name} of --arg": output.text for output in outputs}
    return [
        (what, file)
        for what, file in _updated(given)
        if not used_twice([("read", file)], [("written", updated.get(what))])
    ]


def _updated(given: "list[Assignment]") -> list[Named]:
    """Files of ``--arg``."""
    return [(f"{each.name} of --arg", each.text[1:]) for each in given if each.text.startswith("@")]


def _keep_faulted(outputs: "list[Assignment]", arrays: "dict[str, Any]", used: list[Named]) -> dict[str, str]:
    """Save what arrays held when the kernel stopped, under names that say so and are not ``used``; returns them."""
    kept: dict[str, str] = {}
    taken = [*used]
    for output in outputs:
        if output.text != STANDARD_OUTPUT:
            path = _free_name(Path(output.text), taken)
            taken.append((output.name, path))
            kept[output.name] = str(path)
            save_array(path, arrays[output.name])
            say(f"{path}: {output.name} as it was when the kernel stopped")
    return kept


def _free_name(path: Path, taken: list[Named]) -> Path:
    """The name of a file for an array as it was at a fault: with .fault before the suffix, and a number if need be."""
    for number in count(1):
        free = path.with_suffix(f".fault{'' if number == 1 else number}{path.suffix}")
        if not used_twice(taken, [("", free)]):
            return free
    raise AssertionError


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
    from dstc_isa.diagnostics import render

    say(render(found, wants_colour()), painted=True)


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
