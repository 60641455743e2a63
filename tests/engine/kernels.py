"""Whole kernels from assembly text, run on both engines with equal results demanded."""

from functools import cache
from typing import Any

import numpy as np

from dstc_isa.assembler import assemble
from dstc_isa.engine.execution import Execution
from dstc_isa.engine.faults import KernelFault
from dstc_isa.engine.run import run_kernel
from dstc_isa.program import Program

WARP = 32


@cache
def program(text: str) -> Program:
    """Assemble; the test fails with the diagnostics if that does not work."""
    assembly = assemble(text, "test.dasm")
    assert assembly.program is not None, [str(d) for d in assembly.diagnostics]
    return assembly.program


def run(
    text: str | Program,
    grid: tuple[int, ...] = (1,),
    block: tuple[int, ...] = (WARP,),
    *,
    reference: bool = False,
    **options: Any,
) -> tuple[dict[str, Any], Execution | KernelFault]:
    """One engine: the arguments as the kernel left them, and what it returned or raised.

    ``options``: arguments, copied before use; ``threads`` and ``max_instructions`` go to the engine.
    """
    made = program(text) if isinstance(text, str) else text
    limits = {name: options.pop(name) for name in ("threads", "max_instructions") if name in options}
    arguments = {name: v.copy() if isinstance(v, np.ndarray) else v for name, v in options.items()}
    try:
        _, execution = run_kernel(made, made.kernels[0], grid, block, arguments, reference=reference, **limits)
    except KernelFault as fault:
        return arguments, fault
    return arguments, execution


def both(
    text: str | Program, grid: tuple[int, ...] = (1,), block: tuple[int, ...] = (WARP,), **options: Any
) -> dict[str, Any]:
    """Both engines: equal results and instruction counts, or the same fault, which is then raised."""
    expected, first = run(text, grid, block, reference=True, **options)
    found, second = run(text, grid, block, **options)
    if isinstance(first, KernelFault) or isinstance(second, KernelFault):
        assert str(second) == str(first)
        raise first if isinstance(first, KernelFault) else AssertionError
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    np.testing.assert_array_equal(second.issued, first.issued)
    np.testing.assert_array_equal(second.skipped, first.skipped)
    return found


def fault(
    text: str | Program, grid: tuple[int, ...] = (1,), block: tuple[int, ...] = (WARP,), **options: Any
) -> KernelFault:
    """The fault that both engines report in the same words."""
    try:
        both(text, grid, block, **options)
    except KernelFault as found:
        return found
    raise AssertionError("no fault")


PROLOGUE = """
.kernel test
.param .ptr out
    .reg thread, value, other
    .reg.64 place
    .pred p, q
    S2R thread, SR_TID.X
    MOV other, 4
    IMAD.WIDE.U32 place, thread, other, out
"""
"""A kernel that stores one word a thread; ``EPILOGUE`` stores ``value``."""

EPILOGUE = """
    STG.E [place], value
    EXIT
.endkernel
"""


def per_thread(body: str, threads: int = WARP, **options: Any) -> list[int]:
    """Run a body between PROLOGUE and EPILOGUE in one block; ``value`` of every thread."""
    out = np.zeros(threads, np.uint32)
    found: list[int] = both(PROLOGUE + body + EPILOGUE, (1,), (threads,), out=out, **options)["out"].tolist()
    return found
