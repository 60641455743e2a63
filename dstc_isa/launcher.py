"""``run``: a kernel of a file or a program, launched from Python with its arguments as keywords."""

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.diagnostics import Diagnostic, render
from dstc_isa.engine.execution import DEFAULT_MAX_INSTRUCTIONS, Execution
from dstc_isa.engine.faults import KernelFault
from dstc_isa.engine.launch import DEFAULT_BLOCK, Argument, LaunchError
from dstc_isa.engine.supervision import TimedOut
from dstc_isa.errors import UsageError
from dstc_isa.gpu import DEFAULT_GPU, Gpu, load_gpu
from dstc_isa.object import ObjectError
from dstc_isa.object.load import load_file
from dstc_isa.options import OptionError, option_names, suggestion
from dstc_isa.overview import HtmlOverview, array_text
from dstc_isa.program import Kernel, Parameter, Program
from dstc_isa.report.statistics import RunStatistics, statistics
from dstc_isa.timing.result import Timing
from dstc_isa.timing.run import execute
from dstc_isa.trace.place import Cta
from dstc_isa.trace.run import trace

OF_LAUNCH = frozenset({"program", "kernel", "grid", "block", "arguments", "gpu"})
"""What of ``execute`` is not an option of the run itself."""

NOTED = 20
"""Last lines of a log that a fault brings along."""

Sizes = int | tuple[int, ...]


class AssemblyWarning(UserWarning):
    """What the assembler warns of in a source that is run."""


@frozen(eq=False, repr=False)
class RunResult(HtmlOverview):
    """What a kernel did. ``report``: as the command line prints it. ``timing``: None for a run without time.

    ``arrays``: the array arguments, by parameter, which the kernel has read and written. ``execution``: counts of each
    instruction. ``log``: a line for each instruction of the warps that were to be logged.
    """

    report: RunStatistics
    timing: Timing | None
    arrays: dict[str, npt.NDArray[Any]]
    execution: Execution
    log: list[str]

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
    grid: Sizes = 1,
    block: Sizes | None = None,
    kernel: str | None = None,
    gpu: Gpu | str | None = DEFAULT_GPU,
    settings: Sequence[str] = (),
    include: Sequence[str | os.PathLike[str]] = (),
    arguments: Mapping[str, Any] | None = None,
    log: Sequence[tuple[Cta, int]] = (),
    **keywords: Any,
) -> RunResult:
    """Run a kernel of a ``.dasm`` or ``.dobj`` file, or of a Program; its parameters are keywords.

    ``grid``, ``block``: an int or up to three; the block is the kernel's own, or 32 threads, if None. Arrays are NumPy
    arrays, read and written in place. ``kernel``: a name, if there are several. ``gpu``: what to time it on, a
    configuration, its name or file; None runs without time. ``settings``: such as ``"sm.count=40"``, on a GPU that is
    named. ``include``: directories. ``arguments``: parameters that are called like an option. ``log``: CTA, a number or
    coordinates, and warp, of each to be logged; a fault has the last lines as notes. Other keywords are the options of
    ``execute``: threads, max_instructions, reference, sample, check_hazards, any_order, progress, announce,
    timeout, heartbeat.

    Raises AssemblyError or ObjectError for a file, LaunchError for arguments that do not fit, OptionError for a keyword
    that is neither, GpuError, and KernelFault and TimedOut during the run. Warns with AssemblyWarning of what the
    assembler does.
    """
    machine = _machine(gpu, settings)
    loaded = program if isinstance(program, Program) else _load(program, include, machine)
    chosen = _kernel(loaded, kernel)
    values, options = _sorted_out(chosen, keywords, arguments or {})
    given = {p.name: _argument(chosen, p, values[p.name]) for p in chosen.parameters if p.name in values}
    ctas = _extent("grid", grid)
    threads = (chosen.block or DEFAULT_BLOCK) if block is None else _extent("block", block)
    lines: list[str] = []
    if log:
        known = {
            "max_instructions": DEFAULT_MAX_INSTRUCTIONS,
            "reference": False,
            "announce": None,
            "timeout": None,
            "heartbeat": None,
        }
        shared: dict[str, Any] = {name: options.get(name, default) for name, default in known.items()}
        trace(loaded, chosen, ctas, threads, given, machine, log=log, write=lines.append, **shared)
    try:
        execution, timing = execute(loaded, chosen, ctas, threads, given, machine, **options)
    except (KernelFault, TimedOut) as stop:
        for line in lines[-NOTED:]:
            stop.add_note(line)
        raise
    arrays = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
    return RunResult(statistics(chosen, execution, timing, ctas, threads), timing, arrays, execution, lines)


def _machine(gpu: Gpu | str | None, settings: Sequence[str]) -> Gpu | None:
    if isinstance(settings, str):
        raise TypeError(f'settings is a sequence of texts, such as ["{settings}"], not one text')
    if isinstance(gpu, str):
        return load_gpu(gpu, settings)
    if settings:
        raise UsageError("settings go with a GPU's name or file; load_gpu(name, settings) gives a Gpu that has them")
    if not (gpu is None or isinstance(gpu, Gpu)):
        raise TypeError(f"gpu is a Gpu, a name, a file or None, not {type(gpu).__name__}")
    return gpu


def _load(path: str | os.PathLike[str], include: Sequence[str | os.PathLike[str]], machine: Gpu | None) -> Program:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"the first argument of run() is a file or a Program, not {type(path).__name__}"
            + (": take its .program" if hasattr(path, "program") else "")
        )
    if isinstance(include, str | os.PathLike):
        include = [include]
    try:
        return load_file(Path(path), [Path(each) for each in include], _warn, machine)
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
    of_run = [name for name in option_names(execute) if name not in OF_LAUNCH]
    own = [name for name in option_names(run) if name != "keywords"]
    parameters = [p.name for p in kernel.parameters]
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
            return _number(value[()], where)
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
    return _number(value, where)


def _number(value: Any, where: str) -> int | float:
    if isinstance(value, bool | np.bool_ | np.integer):
        return int(value)
    if isinstance(value, np.floating):
        return float(value)
    if not isinstance(value, int | float):
        raise LaunchError(f"{where} takes a number, not {_what(value)}")
    return value


def _what(value: Any) -> str:
    if isinstance(value, int | float | np.number):
        return f"the number {value}"
    return f"a {type(value).__name__}"


def _extent(name: str, given: Sizes) -> tuple[int, ...]:
    sizes = given if isinstance(given, tuple | list) else (given,)
    for size in sizes:
        if isinstance(size, bool | np.bool_) or not isinstance(size, int | np.integer):
            raise LaunchError(f"{name} is a whole number or up to three of them, not {given!r}")
    return tuple(int(size) for size in sizes)
