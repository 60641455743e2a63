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


def gpu(*settings: str) -> Gpu:
    return load_gpu("v100-dstc", [*AT_ONCE, *settings])


def timed(
    body: str | Sequence[str],
    *settings: str,
    grid: int = 1,
    block: int = 32,
    threads: int | None = None,
    machine: Gpu | None = None,
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
    return time_kernel(program, program.kernels[0], (grid,), (block,), arguments, machine, threads=threads)[1]


def cycles(body: str | Sequence[str], *settings: str, **more: Any) -> int:
    """Cycles of a kernel body and its EXIT."""
    return timed(body, *settings, **more).cycles
