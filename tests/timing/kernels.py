"""Small kernels for timing tests, and the GPU they are timed on: one that launches CTAs at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dstc_isa.assembler import assemble
from dstc_isa.diagnostics import render
from dstc_isa.gpu import Gpu, load_gpu
from dstc_isa.timing.result import Timing
from dstc_isa.timing.run import time_kernel

AT_ONCE = ("sm.cta_launch_cycles=0",)
LOAD_OWN = [
    "S2R R0, SR_TID.X",
    "S2R R1, SR_CTAID.X",
    "IMAD R0, R1, c[0][0], R0",
    "MOV R2, 4",
    "IMAD.WIDE.U32 R4, R0, R2, x",
    "LDG.E R6, [R4]",
]
"""Loads each thread's own word of array x into R6; R4 is its address."""


def gpu(*settings: str) -> Gpu:
    return load_gpu("v100-dstc", [*AT_ONCE, *settings])


def timed(
    body: str | Sequence[str],
    *settings: str,
    grid: int = 1,
    block: int = 32,
    threads: int | None = None,
    machine: Gpu | None = None,
    sample: float | None = None,
    check_hazards: bool = False,
    **arguments: Any,
) -> Timing:
    """Time a kernel body; array arguments are pointers, others 32-bit numbers."""
    machine = machine or gpu(*settings)
    lines = [body] if isinstance(body, str) else list(body)
    kinds = [f".param .{'ptr' if isinstance(v, np.ndarray) else 'u32'} {name}" for name, v in arguments.items()]
    text = "\n".join([".kernel k", *kinds, *lines, "EXIT", ".endkernel"])
    assembly = assemble(text, gpu=machine)
    assert assembly.program is not None, render(assembly.diagnostics)
    program = assembly.program
    how = {"threads": threads, "sample": sample, "check_hazards": check_hazards}
    return time_kernel(program, program.kernels[0], (grid,), (block,), arguments, machine, **how)[1]


def cycles(body: str | Sequence[str], *settings: str, **more: Any) -> int:
    """Cycles of a kernel body and its EXIT."""
    return timed(body, *settings, **more).cycles
