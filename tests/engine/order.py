"""Kernels whose CTAs depend on each other, and every way to run them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from dstc_isa.engine.execution import Dependence
from dstc_isa.engine.faults import KernelFault
from dstc_isa.engine.run_options import RunOptions
from dstc_isa.gpu import load_gpu
from dstc_isa.timing.run import execute
from tests.engine.kernels import program

GPU = load_gpu("v100-dstc", ["sm.count=3", "model.epoch_cycles=256"])
MODES: dict[str, dict[str, Any]] = {
    "reference": {"gpu": None, "reference": True},
    "functional, 1 thread": {"gpu": None, "threads": 1},
    "functional, 2 threads": {"gpu": None, "threads": 2},
    "functional, 4 threads": {"gpu": None, "threads": 4},
    "timed, 1 thread": {"gpu": GPU, "threads": 1},
    "timed, 2 threads": {"gpu": GPU, "threads": 2},
    "timed, 4 threads": {"gpu": GPU, "threads": 4},
    "sampled, 2 threads": {"gpu": GPU, "threads": 2, "sample": 0.5},
}

Arrays = dict[str, npt.NDArray[Any]]


def run(
    text: str, grid: int, block: int, arrays: Arrays, **options: Any
) -> tuple[Arrays, int | None, Dependence | None, str]:
    """What the kernel leaves in its arrays, cycles if it is timed, the dependence found, and the fault's message."""
    made = program(text)
    given = {name: array.copy() for name, array in arrays.items()}
    gpu = options.pop("gpu")
    try:
        execution, timing = execute(made, made.kernels[0], (grid,), (block,), given, gpu, RunOptions(**options))
    except KernelFault as fault:
        return given, None, None, str(fault)
    return given, None if timing is None else timing.cycles, execution.dependence, ""


def outcomes(
    text: str, grid: int, block: int, arrays: Arrays, *, skip: tuple[str, ...] = (), **options: Any
) -> Iterator[tuple[str, Arrays, int | None, Dependence | None, str]]:
    """The same of every mode, under its name."""
    for name, mode in MODES.items():
        if name not in skip:
            yield name, *run(text, grid, block, arrays, **mode, **options)


def same_everywhere(text: str, grid: int, block: int, arrays: Arrays, **options: Any) -> tuple[Arrays, list[bool]]:
    """Demand equal arrays and messages in every mode and equal cycles in every timed one; whether any depended."""
    first: tuple[Arrays, str] | None = None
    cycles: dict[bool, int | None] = {}
    depended = []
    for name, arrays_left, taken, dependence, fault in outcomes(text, grid, block, arrays, **options):
        if first is None:
            first = arrays_left, fault
        assert fault == first[1], name
        if not fault:
            for array, value in first[0].items():
                np.testing.assert_array_equal(arrays_left[array], value, err_msg=f"{name}: {array}")
        if taken is not None:
            assert cycles.setdefault("sampled" in name, taken) == taken, name
        depended.append(dependence is not None)
    assert first is not None
    return first[0], depended
