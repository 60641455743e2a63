"""Run a kernel of a program for its results alone: the one call behind the command line and the Python interface."""

from collections.abc import Mapping
from typing import Unpack

from dstc_isa.engine.execution import Execution
from dstc_isa.engine.launch import Argument, Extent, Launch, prepare
from dstc_isa.engine.run_options import LaunchKeywords, RunOptions
from dstc_isa.engine.supervision import Supervisor
from dstc_isa.options import named_options
from dstc_isa.program import Kernel, Program


@named_options
def run_kernel(
    program: Program,
    kernel: Kernel,
    grid: Extent,
    block: Extent,
    arguments: Mapping[str, Argument],
    *,
    reference: bool = False,
    **options: Unpack[LaunchKeywords],
) -> tuple[Launch, Execution]:
    """Check and execute a launch; arrays among the arguments are read and written in place.

    ``reference``: use the readable engine. ``options``: threads, max_instructions, announce, any_order, timeout,
    heartbeat, as of ``RunOptions``. Raises LaunchError and UsageError before, KernelFault and TimedOut during the run.
    """
    return run_untimed(program, kernel, grid, block, arguments, RunOptions(reference=reference, **options))


def run_untimed(
    program: Program,
    kernel: Kernel,
    grid: Extent,
    block: Extent,
    arguments: Mapping[str, Argument],
    options: RunOptions,
) -> tuple[Launch, Execution]:
    """Check and execute a launch, as ``run_kernel``; UsageError for options of a timed run."""
    options.check_untimed()
    launch = prepare(program, kernel, grid, block, arguments)
    supervisor = Supervisor(launch, options.timeout, options.heartbeat, options.announce)
    if options.reference:
        from dstc_isa.engine.reference.reference_machine import run as run_reference

        return launch, run_reference(launch, max_instructions=options.max_instructions, supervisor=supervisor)
    from dstc_isa.engine.compiled.workers import run as run_compiled

    return launch, run_compiled(launch, options, supervisor)
