"""Run a kernel of a program, timed on a modelled GPU or for its results alone."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from numbers import Real
from typing import TypedDict

from attrs import evolve

from dstc_isa.engine.execution import DEFAULT_MAX_INSTRUCTIONS, Execution
from dstc_isa.engine.launch import Argument, Extent, Launch, prepare
from dstc_isa.engine.run import check_limit, run_kernel
from dstc_isa.engine.supervision import Supervisor
from dstc_isa.errors import UsageError
from dstc_isa.gpu import Gpu
from dstc_isa.host_threads import check_threads
from dstc_isa.options import check_call, check_kind, named_options
from dstc_isa.program import Kernel, Program
from dstc_isa.timing.result import Timing
from dstc_isa.timing.retarget import scheduled_for

Progress = Callable[[int, int], None]


class RunOptions(TypedDict, total=False):
    """How a kernel that comes with the package is run; defaults and meanings are those of ``execute``."""

    threads: int | None
    reference: bool
    announce: Callable[[str], None] | None
    progress: Progress | None
    sample: float | None
    check_hazards: bool
    any_order: bool
    timeout: float | None
    heartbeat: float | None


@named_options
def time_kernel(
    program: Program,
    kernel: Kernel,
    grid: Extent,
    block: Extent,
    arguments: Mapping[str, Argument],
    gpu: Gpu,
    *,
    threads: int | None = None,
    max_instructions: int = DEFAULT_MAX_INSTRUCTIONS,
    announce: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    sample: float | None = None,
    check_hazards: bool = False,
    any_order: bool = False,
    timeout: float | None = None,
    heartbeat: float | None = None,
) -> tuple[Launch, Timing]:
    """Check, execute and time a launch; arrays among the arguments are read and written in place.

    A program that was assembled for another GPU has the control codes that the assembler filled in filled in anew, and
    keeps those that were written by hand; ``announce`` is told, or a warning given of the latter.
    Results are those of ``run_kernel``. ``progress`` is told CTAs done and in all, of those that are timed.
    ``sample``: share of the CTAs to time, more than 0 to 1; cycles are then an estimate and results complete.
    ``check_hazards``: look for hazards among those that are timed. ``any_order``: do not look whether CTAs depend on
    their order; results and cycles of a kernel where they do then differ from run to run. ``timeout`` and ``heartbeat``
    are as in ``run_kernel``. Raises UsageError for another share, LaunchError before, and KernelFault and TimedOut
    during the run.
    """
    from dstc_isa.timing.machine import time_launch

    check_limit(max_instructions)
    check_threads("threads", threads)
    check_call("announce", announce)
    check_call("progress", progress)
    check_kind("gpu", gpu, Gpu, "a Gpu; load_gpu(name) gives one")
    if sample is not None:
        check_kind("sample", sample, (Real, Decimal), "a number or None")
        if not 0 < sample <= 1:
            raise UsageError(f"sample is a share of the CTAs, more than 0 and at most 1, not {sample}")
    launch = prepare(program, kernel, grid, block, arguments)
    launch = evolve(launch, kernel=scheduled_for(program, kernel, gpu, announce))
    supervisor = Supervisor(launch, timeout, heartbeat, announce)
    timing = time_launch(
        launch,
        gpu,
        threads=threads,
        max_instructions=max_instructions,
        announce=announce,
        progress=progress,
        sample=sample,
        check_hazards=check_hazards,
        any_order=any_order,
        supervisor=supervisor,
    )
    return launch, evolve(timing, kernel=launch.kernel)


def execute(
    program: Program,
    kernel: Kernel,
    grid: Extent,
    block: Extent,
    arguments: Mapping[str, Argument],
    gpu: Gpu | None,
    *,
    threads: int | None = None,
    max_instructions: int = DEFAULT_MAX_INSTRUCTIONS,
    reference: bool = False,
    announce: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    sample: float | None = None,
    check_hazards: bool = False,
    any_order: bool = False,
    timeout: float | None = None,
    heartbeat: float | None = None,
) -> tuple[Execution, Timing | None]:
    """Run a kernel: timed on ``gpu``, or without time if that is None or the reference engine is asked for.

    ``threads``: host threads, all cores if None. ``reference``: the readable engine. ``announce`` is given messages
    about the engine's start. ``progress``, ``sample``, ``check_hazards``, ``any_order``, ``timeout`` and ``heartbeat``
    are as in ``time_kernel``.
    """
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
            sample=sample,
            check_hazards=check_hazards,
            any_order=any_order,
            timeout=timeout,
            heartbeat=heartbeat,
        )
        return timing.execution, timing
    if sample is not None or check_hazards:
        raise UsageError("sample and check_hazards go with a timed run: they need a GPU, and not the reference engine")
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
        any_order=any_order,
        timeout=timeout,
        heartbeat=heartbeat,
    )
    return execution, None
