"""A program that was assembled for one GPU and is timed on another."""

import warnings
from collections.abc import Callable

from dstc_isa.engine.launch import LaunchError
from dstc_isa.gpu import Gpu
from dstc_isa.program import Kernel, Program
from dstc_isa.schedule.again import reschedule


class OtherTargetWarning(UserWarning):
    """Control codes that were written for one GPU are timed on another."""


def scheduled_for(program: Program, kernel: Kernel, gpu: Gpu, announce: Callable[[str], None] | None = None) -> Kernel:
    """The kernel with control codes for ``gpu``: filled in anew where the assembler filled them in for another one.

    Codes that were written by hand stay. ``announce`` is told in a line what was done; without it only codes that stay
    are told, as an OtherTargetWarning. A program that does not know what it was made for is left as it is. Raises
    LaunchError if the GPU executes another instruction set.
    """
    if kernel.isa is not gpu.isa:
        raise LaunchError(
            f"kernel {kernel.name} has words of {kernel.isa.name}, and GPU {gpu.name} executes {gpu.isa.name}"
        )
    made, wanted = program.target, gpu.target
    if made is None or kernel.control is None or made.digest == wanted.digest:
        return kernel
    again = reschedule(kernel, kernel.control, gpu)
    if not again.written:
        if announce is not None:
            announce(f"kernel {kernel.name}: made for {made}, its control codes are filled in anew for {wanted}")
        return again.kernel
    count = len(again.hazards)
    leaves = f"leave {count} hazard{'s' if count > 1 else ''} there" if count else "leave no hazard there"
    which = f"the control codes of {again.written} instructions" if again.filled_in else "its control codes"
    text = (
        f"kernel {kernel.name}: made for {made} and timed on {wanted}; {which} were written by hand, stay as they are"
        f" and {leaves}"
    )
    if announce is not None:
        announce(text)
    else:
        warnings.warn(text, OtherTargetWarning, stacklevel=3)
    return again.kernel
