"""Run a kernel of a program, timed on a modelled GPU or for its results alone."""

from collections.abc import Callable, Mapping

from dstc_isa.engine.execution import DEFAULT_MAX_INSTRUCTIONS, Execution
from dstc_isa.engine.launch import Argument, Launch, prepare
from dstc_isa.engine.run import check_limit, run_kernel
from dstc_isa.gpu import Gpu
from dstc_isa.program import Kernel, Program
from dstc_isa.timing.result import Timing

Progress = Callable[[int, int], None]


def time_kernel(
    program: Program,
    kernel: Kernel,
    grid: tuple[int, ...],
    block: tuple[int, ...],
    arguments: Mapping[str, Argument],
    gpu: Gpu,
    *,
    threads: int | None = None,
    max_instructions: int = DEFAULT_MAX_INSTRUCTIONS,
    announce: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> tuple[Launch, Timing]:
    """Check, execute and time a launch; arrays among the arguments are read and written in place.

    Results are those of ``run_kernel`` for a program without races. ``progress`` is told CTAs done and in all.
    Raises LaunchError before and KernelFault during the run.
    """
    from dstc_isa.timing.machine import time_launch

    check_limit(max_instructions)
    launch = prepare(program, kernel, grid, block, arguments)
    timing = time_launch(
        launch, gpu, threads=threads, max_instructions=max_instructions, announce=announce, progress=progress
    )
    return launch, timing


def execute(
    program: Program,
    kernel: Kernel,
    grid: tuple[int, ...],
    block: tuple[int, ...],
    arguments: Mapping[str, Argument],
    gpu: Gpu | None,
    *,
    threads: int | None = None,
    max_instructions: int = DEFAULT_MAX_INSTRUCTIONS,
    reference: bool = False,
    announce: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> tuple[Execution, Timing | None]:
    """Run a kernel: timed on ``gpu``, or without time if that is None or the reference engine is asked for."""
    if gpu is not None and not reference:
        _, timing = time_kernel(
            program,
            kernel,
            grid,
            block,
            arguments,
            gpu,
            threads=threads,
            max_instructions=max_instructions,
            announce=announce,
            progress=progress,
        )
        return timing.execution, timing
    _, execution = run_kernel(
        program,
        kernel,
        grid,
        block,
        arguments,
        threads=threads,
        max_instructions=max_instructions,
        reference=reference,
        announce=announce,
    )
    return execution, None
