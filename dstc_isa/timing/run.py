"""Run a kernel of a program, timed on a modelled GPU or for its results alone."""

from collections.abc import Mapping
from typing import Unpack

from attrs import evolve

from dstc_isa.engine.execution import Execution
from dstc_isa.engine.launch import Argument, Extent, Launch, prepare
from dstc_isa.engine.run import run_untimed
from dstc_isa.engine.run_options import DEFAULTS, RunOptions, TimedKeywords
from dstc_isa.engine.supervision import Supervisor
from dstc_isa.gpu import Gpu
from dstc_isa.options import check_kind, named_options
from dstc_isa.program import Kernel, Program
from dstc_isa.timing.result import Timing
from dstc_isa.timing.retarget import scheduled_for


@named_options
def time_kernel(
    program: Program,
    kernel: Kernel,
    grid: Extent,
    block: Extent,
    arguments: Mapping[str, Argument],
    gpu: Gpu,
    **options: Unpack[TimedKeywords],
) -> tuple[Launch, Timing]:
    """Check, execute and time a launch; arrays among the arguments are read and written in place.

    A program that was assembled for another GPU has the control codes that the assembler filled in filled in anew, and
    keeps those that were written by hand; ``announce`` is told, or a warning given of the latter.
    Results are those of ``run_kernel``. ``options``: those of ``run_kernel``, and progress, sample, check_hazards, as
    of ``RunOptions``. Raises UsageError and LaunchError before, KernelFault and TimedOut during the run.
    """
    return run_timed(program, kernel, grid, block, arguments, gpu, RunOptions(**options))


def run_timed(
    program: Program,
    kernel: Kernel,
    grid: Extent,
    block: Extent,
    arguments: Mapping[str, Argument],
    gpu: Gpu,
    options: RunOptions,
) -> tuple[Launch, Timing]:
    """Check, execute and time a launch, as ``time_kernel``."""
    from dstc_isa.timing.time_launch import time_launch

    check_kind("gpu", gpu, Gpu, "a Gpu; load_gpu(name) gives one")
    launch = prepare(program, kernel, grid, block, arguments)
    launch = evolve(launch, kernel=scheduled_for(program, kernel, gpu, options.announce))
    supervisor = Supervisor(launch, options.timeout, options.heartbeat, options.announce)
    timing = time_launch(launch, gpu, options, supervisor)
    return launch, evolve(timing, kernel=launch.kernel)


def execute(
    program: Program,
    kernel: Kernel,
    grid: Extent,
    block: Extent,
    arguments: Mapping[str, Argument],
    gpu: Gpu | None,
    options: RunOptions = DEFAULTS,
) -> tuple[Execution, Timing | None]:
    """Run a kernel: timed on ``gpu``, or without time if that is None or the reference engine is asked for."""
    if gpu is not None and not options.reference:
        _, timing = run_timed(program, kernel, grid, block, arguments, gpu, options)
        return timing.execution, timing
    _, execution = run_untimed(program, kernel, grid, block, arguments, options)
    return execution, None
