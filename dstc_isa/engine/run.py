"""Run a kernel of a program: the one call behind the command line and the Python interface."""

from collections.abc import Callable, Mapping

import numpy as np

from dstc_isa.engine.execution import DEFAULT_MAX_INSTRUCTIONS, INSTRUCTION_LIMIT, Execution
from dstc_isa.engine.launch import Argument, Extent, Launch, LaunchArgumentError, prepare
from dstc_isa.engine.supervision import Supervisor
from dstc_isa.host_threads import check_threads
from dstc_isa.options import check_call, check_kind, named_options
from dstc_isa.program import Kernel, Program


@named_options
def run_kernel(
    program: Program,
    kernel: Kernel,
    grid: Extent,
    block: Extent,
    arguments: Mapping[str, Argument],
    *,
    threads: int | None = None,
    max_instructions: int = DEFAULT_MAX_INSTRUCTIONS,
    reference: bool = False,
    announce: Callable[[str], None] | None = None,
    any_order: bool = False,
    timeout: float | None = None,
    heartbeat: float | None = None,
) -> tuple[Launch, Execution]:
    """Check and execute a launch; arrays among the arguments are read and written in place.

    ``threads``: host threads, 1 to 256 (all cores if None). ``max_instructions``: per warp, then the watchdog stops it.
    ``reference``: use the readable engine. ``any_order``: several threads need not find out whether CTAs depend on
    their order, and results of a kernel where they do may differ from run to run. ``timeout``: seconds of the host
    that the launch may take, compiling the engine left out; arrays are then as they were. ``heartbeat``: seconds until
    ``announce`` is told how far the launch is, then twice as many until it is told again. Raises LaunchError and
    UsageError before, KernelFault and TimedOut during the run.
    """
    check_limit(max_instructions)
    check_threads("threads", threads)
    check_call("announce", announce)
    launch = prepare(program, kernel, grid, block, arguments)
    supervisor = Supervisor(launch, timeout, heartbeat, announce)
    if reference:
        from dstc_isa.engine.reference.machine import run as run_reference

        return launch, run_reference(launch, max_instructions=max_instructions, supervisor=supervisor)
    from dstc_isa.engine.compiled.machine import run as run_compiled

    execution = run_compiled(
        launch,
        threads=threads,
        max_instructions=max_instructions,
        announce=announce,
        any_order=any_order,
        supervisor=supervisor,
    )
    return launch, execution


def check_limit(max_instructions: int) -> None:
    """Raise LaunchArgumentError for a watchdog limit that counters cannot hold."""
    check_kind("max_instructions", max_instructions, (int, np.integer), "a whole number")
    if not 1 <= max_instructions <= INSTRUCTION_LIMIT:
        raise LaunchArgumentError(f"max_instructions is 1 to {INSTRUCTION_LIMIT}, not {max_instructions}")
