"""``run``: a kernel of a file or a program, launched from Python with its arguments as keywords."""

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.assembler import Include, directories
from dstc_isa.diagnostics import Diagnostic, render
from dstc_isa.engine.execution import Execution
from dstc_isa.engine.faults import KernelFault
from dstc_isa.engine.launch import DEFAULT_BLOCK, Argument, Extent, LaunchError, extent, number_of
from dstc_isa.engine.run_options import RunKeywords, RunOptions
from dstc_isa.engine.supervision import TimedOut
from dstc_isa.errors import ArgumentTypeError
from dstc_isa.gpu import DEFAULT_GPU, Gpu, chosen_gpu
from dstc_isa.object import ObjectError
from dstc_isa.object.load import load_file
from dstc_isa.options import OptionError, check_kind, check_name, kind_text, option_names, suggestion
from dstc_isa.overview import HtmlOverview, array_text
from dstc_isa.program import Kernel, Parameter, Program
from dstc_isa.report.statistics import RunStatistics, statistics
from dstc_isa.timing.result import Timing
from dstc_isa.timing.run import execute
from dstc_isa.trace.place import Cta
from dstc_isa.trace.prints import DEFAULT_LIMIT, further_text
from dstc_isa.trace.run import trace

NOTED = 20
"""Last lines of a log, and of what PRINTs showed, that KernelFault and TimedOut bring along."""


class AssemblyWarning(UserWarning):
    """What the assembler warns of in a source that is run."""


@frozen(eq=False, repr=False)
class RunResult(HtmlOverview):
    """What a kernel did. ``report``: as the command line prints it. ``timing``: None for a run without time.

    ``arrays``: the array arguments, by parameter, which the kernel has read and written. ``execution``: counts of each
    instruction. ``log``: a line for each instruction of the warps that were to be logged. ``printed``: what PRINTs ask
    for.
    """

    report: RunStatistics
    timing: Timing | None
    arrays: dict[str, npt.NDArray[Any]]
    execution: Execution
    log: list[str]
    printed: list[str]

    def overview(self) -> Mapping[str, object]:
        """Kernel, counts, cycles, and the arrays."""
        return {**self.report.overview(), **{name: array_text(array) for name, array in self.arrays.items()}}

    def to_dict(self) -> dict[str, Any]:
        """What ``dstc-emu run --json`` writes."""
        return self.report.to_dict()


def run(
    program: Program | str | os.PathLike[str],
    /,
    *,
    grid: Extent = 1,
    block: Extent | None = None,
    kernel: str | None = None,
    gpu: Gpu | str | None = DEFAULT_GPU,
    settings: Sequence[str] = (),
    include: Include = (),
    arguments: Mapping[str, Any] | None = None,
    log: Sequence[tuple[Cta, int]] = (),
    print_limit: int = DEFAULT_LIMIT,
    **keywords: Any,
) -> RunResult:
    """Run a kernel of a ``.dasm`` or ``.dobj`` file, or of a Program; its parameters are keywords.

    ``grid``, ``block``: an int or up to three; the block is the kernel's own, or 32 threads, if None. Arrays are NumPy
    arrays, read and written in place. ``kernel``: a name, if there are several. ``gpu``: what to time it on, a
    configuration, its name or file; None runs without time. ``settings``: such as ``"sm.count=40"``, on a GPU that is
    named. ``include``: directories. ``arguments``: parameters that are called like an option. ``log``: CTA, a number or
    coordinates, and warp, of each to be logged. ``print_limit``: PRINTs that are shown. KernelFault and TimedOut have
    the last lines of both as notes. Other keywords are those of ``RunOptions``: threads, max_instructions,
    reference, sample, check_hazards, any_order, progress, announce, timeout, heartbeat.

    Raises AssemblyError or ObjectError for a file, LaunchError for arguments that do not fit, OptionError for a keyword
    that is neither, GpuError, and KernelFault and TimedOut during the run. Warns with AssemblyWarning of what the
    assembler does.
    """
    machine = chosen_gpu(gpu, settings)
    loaded = program if isinstance(program, Program) else _load(program, include, machine)
    if kernel is not None:
        check_name("kernel", kernel, str, "a kernel's name or None")
    if arguments is not None:
        check_kind("arguments", arguments, Mapping, "a mapping of parameters to values, or None")
    _check_log(log)
    chosen = _kernel(loaded, kernel)
    values, of_run = _sorted_out(chosen, keywords, arguments or {})
    options = RunOptions(**of_run)
    given = {p.name: _argument(chosen, p, values[p.name]) for p in chosen.parameters if p.name in values}
    ctas = extent("grid", grid)
    threads = (chosen.block or DEFAULT_BLOCK) if block is None else extent("block", block)
    lines: list[str] = []
    printed: list[str] = []
    try:
        prints = trace(
            loaded,
            chosen,
            ctas,
            threads,
            given,
            machine,
            options,
            log=log,
            write=lines.append,
            show=printed.append,
            print_limit=print_limit,
        )
        execution, timing = execute(loaded, chosen, ctas, threads, given, machine, options)
    except (KernelFault, TimedOut) as stop:
        for line in [*printed[-NOTED:], *lines[-NOTED:]]:
            stop.add_note(line)
        raise
    timed = chosen if timing is None or timing.kernel is None else timing.kernel
    if prints is not None and (further := further_text(prints, timed, execution.issued)):
        printed.append(further)
    arrays = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
    return RunResult(statistics(chosen, execution, timing, ctas, threads), timing, arrays, execution, lines, printed)


def _check_log(log: Sequence[tuple[Cta, int]]) -> None:
    check_kind("log", log, Sequence, "a sequence of pairs of a CTA and a warp")
    for each in log:
        if not (isinstance(each, tuple | list) and len(each) == 2):
            raise ArgumentTypeError(f"log: each is a pair of a CTA and a warp, such as (0, 0), not {each!r}")
        extent("log: a CTA", each[0])
        extent("log: a warp", each[1])


def _load(path: str | os.PathLike[str], include: Include, machine: Gpu | None) -> Program:
    if not isinstance(path, str | os.PathLike):
        raise ArgumentTypeError(
            f"program, the first argument of run(), is a file or a Program, not {kind_text(path)}"
            + (": take its .program" if hasattr(path, "program") else "")
        )
    check_name("program, the first argument of run(),", path, (str, os.PathLike), "a file or a Program")
    try:
        return load_file(Path(path), directories(include), _warn, machine)
    except ObjectError as error:
        raise ObjectError(f"{os.fspath(path)}: {error}") from None


def _warn(found: list[Diagnostic]) -> None:
    warnings.warn(render(found), AssemblyWarning, stacklevel=5)


def _kernel(program: Program, name: str | None) -> Kernel:
    try:
        return program.kernel(name)
    except KeyError as error:
        there = error.args[0]
    if not there:
        raise LaunchError("the program has no kernel")
    wanted = "several kernels: choose with kernel=" if name is None else f"no kernel {name}"
    near = "" if name is None else suggestion(name, there.split(", "))
    raise LaunchError(f"the program has {wanted}; there is {there}{near}")


def _sorted_out(
    kernel: Kernel, keywords: Mapping[str, Any], arguments: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values of the kernel's parameters, and options of the run."""
    of_run = [*RunKeywords.__annotations__]
    own = [name for name in option_names(run) if name != "keywords"]
    parameters = [p.name for p in kernel.parameters]
    for key in arguments:
        check_kind("arguments: each name", key, str, "a text")
    values, options = dict(arguments), {}
    for name in parameters:
        if name in {*of_run, *own} and name not in arguments:
            raise LaunchError(
                f"kernel {kernel.name} has a parameter {name}, and run() an option of that name: "
                f"give the parameter as arguments={{{name!r}: ...}}"
            )
    for name, value in keywords.items():
        if name in of_run:
            options[name] = value
        elif name in values:
            raise LaunchError(f"{name} is given twice, as a keyword and in arguments")
        elif name in parameters:
            values[name] = value
        else:
            hint = suggestion(name, [*parameters, *of_run, *own])
            there = f"; the kernel has {', '.join(parameters) or 'none'}"
            raise OptionError(f"kernel {kernel.name} has no parameter and run() no option {name}{hint or there}")
    for name in values:
        if name not in parameters:
            hint = suggestion(name, parameters) or f"; it has {', '.join(parameters) or 'none'}"
            raise LaunchError(f"arguments: kernel {kernel.name} has no parameter {name}{hint}")
    return values, options


def _argument(kernel: Kernel, parameter: Parameter, value: Any) -> Argument:
    """What a launch takes; LaunchError for another type."""
    where = f"{parameter.name}: parameter of kernel {kernel.name}, .{parameter.written},"
    if isinstance(value, np.ndarray):
        if parameter.type != "ptr" and value.ndim == 0:
            return number_of(value[()], where)
        return value
    if parameter.type == "ptr" and not (isinstance(value, int | np.integer) and value == 0):
        how = "a NumPy array is read and written in place"
        if isinstance(value, list | tuple):
            how += "; np.array(...) makes one"
        elif hasattr(value, "toarray"):
            how += "; .toarray() of a sparse matrix gives one"
        elif hasattr(value, "numpy"):
            how += "; .numpy() of a tensor gives one"
        raise LaunchError(f"{where} takes an array, not {_what(value)}: {how}")
    return number_of(value, where)


def _what(value: Any) -> str:
    if isinstance(value, int | float | np.number):
        return f"the number {value}"
    return kind_text(value)
