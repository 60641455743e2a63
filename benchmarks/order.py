"""What finding out whether CTAs depend on their order costs: ``python benchmarks/order.py [RUNS]``.

Runs with ``any_order`` and without take turns in one process; CPU seconds of the process, medians and best. An idle
machine is needed for medians that mean something.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from dstc_isa.assembler import assemble
from dstc_isa.dense.gemm import gemm_dense
from dstc_isa.engine.run_options import RunOptions
from dstc_isa.gpu import load_gpu
from dstc_isa.sparse.random_matrix import random_matrix
from dstc_isa.sparse.spgemm import spgemm
from dstc_isa.timing.run import execute

SIZE, ADDED = 1024, 1 << 22
VECTOR_ADD = """
.kernel add
.param .ptr.f32 a
.param .ptr.f32 b
.param .ptr.f32 out
.block 256
.reg i, four, x, y
.reg.64 place
    S2R i, SR_CTAID.X
    S2R x, SR_TID.X
    IMAD i, i, 256, x
    MOV four, 4
    IMAD.WIDE.U32 place, i, four, a
    LDG.E x, [place]
    IMAD.WIDE.U32 place, i, four, b
    LDG.E y, [place]
    FADD x, x, y
    IMAD.WIDE.U32 place, i, four, out
    STG.E [place], x
    EXIT
.endkernel
"""


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    program = assemble(VECTOR_ADD).program
    assert program is not None
    kernel = program.kernels[0]
    a, b = (random_matrix(SIZE, SIZE, 0.5, seed) for seed in (1, 2))
    vectors = {name: np.ones(ADDED, np.float32) for name in ("a", "b", "out")}
    works: dict[str, Callable[..., Any]] = {
        "vector add": lambda gpu, **how: execute(
            program, kernel, (ADDED // 256,), (256,), vectors, gpu, RunOptions(**how)
        ),
        "spgemm": lambda gpu, **how: spgemm(a, b, gpu=gpu, **how),
        "gemm_dense": lambda gpu, **how: gemm_dense(a, b, gpu=gpu, **how),
    }
    print("| kernel | mode | threads | any order, s | in order, s | median | best |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, work in works.items():
        for mode, gpu, threads in (("functional", None, 2), ("timed", load_gpu(), 1), ("timed", load_gpu(), 2)):
            spent: dict[bool, list[float]] = {True: [], False: []}
            work(gpu, threads=threads, any_order=False)
            for _ in range(runs):
                for any_order, seconds in spent.items():
                    started = time.process_time()
                    work(gpu, threads=threads, any_order=any_order)
                    seconds.append(time.process_time() - started)
            free, ordered = (statistics.median(spent[any_order]) for any_order in (True, False))
            more, best = ordered / free - 1, min(spent[False]) / min(spent[True]) - 1
            print(
                f"| {name} | {mode} | {threads} | {free:.3f} | {ordered:.3f} | {more:+.1%} | {best:+.1%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
