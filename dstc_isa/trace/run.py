"""Runs a launch once more, on copies of its arrays, and writes what was asked for of what it does."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import evolve

from dstc_isa.engine.array_types import ArrayTypeWarning
from dstc_isa.engine.device_memory import DeviceMemory
from dstc_isa.engine.faults import KernelFault
from dstc_isa.engine.launch import Argument, Launch, prepare
from dstc_isa.engine.run_options import DEFAULTS, RunOptions
from dstc_isa.engine.supervision import Supervisor, TimedOut
from dstc_isa.errors import UsageError
from dstc_isa.gpu import Gpu
from dstc_isa.host_memory import require
from dstc_isa.options import check_kind
from dstc_isa.program import Kernel, Program
from dstc_isa.timing.retarget import scheduled_for
from dstc_isa.trace.log import Log
from dstc_isa.trace.place import Cta, cta_number
from dstc_isa.trace.prints import DEFAULT_LIMIT, Prints
from dstc_isa.trace.tracing_machine import Complete, TracingMachine

ALIGNMENT = 64
"""Bytes, of the widest load of a CPU."""


def trace(
    program: Program,
    kernel: Kernel,
    grid: tuple[int, ...],
    block: tuple[int, ...],
    arguments: Mapping[str, Argument],
    gpu: Gpu | None,
    options: RunOptions = DEFAULTS,
    *,
    log: Sequence[tuple[Cta, int]],
    write: Callable[[str], None],
    show: Callable[[str], None],
    print_limit: int = DEFAULT_LIMIT,
) -> Prints | None:
    """Show what PRINTs ask for and log what warps do in a launch that is still to be run: its arrays stay as they are.

    ``options``: of the launch; its timeout and heartbeat count for this run alone. ``log``: CTA, a number or
    coordinates, and number of the warp, of each. ``write`` is given a line for each instruction, and one that says what
    cut it short, if anything; ``show`` those of PRINTs, ``print_limit`` at most.

    Returns None if there is no PRINT to be shown. Raises LaunchError for what does not fit the kernel, UnknownWarp for
    a warp that there is not, ArgumentTypeError and UsageError for a limit that is no number or below 0, TimedOut.
    """
    check_kind("print_limit", print_limit, (int, np.integer), "a whole number")
    if print_limit < 0:
        raise UsageError(f"the limit of PRINTs is 0 or more, not {print_limit}")
    wanted = bool(kernel.prints) and print_limit > 0
    if not log and not wanted:
        return None
    with warnings.catch_warnings():
        # The launch itself warns of them.
        warnings.simplefilter("ignore", ArrayTypeWarning)
        made = kernel if gpu is None else scheduled_for(program, kernel, gpu, _unheard)
        launch = prepare(program, made, grid, block, arguments)
    logged = {(cta_number(launch, cta, warp), warp) for cta, warp in log}
    launch = evolve(launch, memory=copied(launch))
    lines = Log(launch, write)
    prints = Prints(launch, show, print_limit) if wanted else None
    supervisor = Supervisor(launch, options.timeout, options.heartbeat, options.announce)
    machine = TracingMachine(
        launch,
        options.max_instructions,
        lines,
        logged,
        prints,
        reference=options.reference,
        announce=options.announce,
        supervisor=supervisor,
    )
    try:
        machine.run_ctas()
    except Complete:
        pass
    except KernelFault as fault:
        if logged:
            write(f"stopped by a fault: {str(fault).splitlines()[0]}")
    except KeyboardInterrupt:
        if logged:
            write("cut short by an interrupt")
        raise
    except TimedOut as error:
        if logged:
            write(f"cut short by the {error.line}")
        error.add_note("that was the run that shows PRINTs and logs, which is made before the launch")
        raise
    return prints


def copied(launch: Launch) -> DeviceMemory:
    """The memory of a launch on arrays of its own; those that have bytes in common still do."""
    allocations = launch.memory.allocations
    require(sum(each.size for each in allocations), "a copy of the arrays, to look at what the kernel does")
    made: dict[int, npt.NDArray[Any]] = {}
    for together in overlapping([(each.array.ctypes.data, each.size) for each in allocations]):
        start = min(allocations[i].array.ctypes.data for i in together)
        end = max(allocations[i].array.ctypes.data + allocations[i].size for i in together)
        whole = np.empty(end - start + ALIGNMENT, np.uint8)
        # Each number lies as before, relative to what a machine's wide loads ask for.
        shift = (start - whole.ctypes.data) % ALIGNMENT
        for i in together:
            array = allocations[i].array
            at = shift + array.ctypes.data - start
            made[i] = whole[at : at + array.nbytes].view(array.dtype).reshape(array.shape)
            made[i][...] = array
    return DeviceMemory([evolve(each, array=made[i]) for i, each in enumerate(allocations)])


def overlapping(pieces: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Indices of pieces, address and size of each, those together that have bytes in common, directly or by others."""
    groups: list[list[int]] = []
    reached = 0
    for index in sorted(range(len(pieces)), key=lambda each: pieces[each]):
        start, size = pieces[index]
        if groups and start < reached:
            groups[-1].append(index)
        else:
            groups.append([index])
        reached = max(reached, start + size)
    return groups


def _unheard(text: str) -> None:
    """The launch itself says it."""
