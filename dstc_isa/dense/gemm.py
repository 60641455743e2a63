"""Dense matrix times dense matrix on the inner-product tensor core, with ``programs/gemm_dense.dasm``."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.gpu import DEFAULT_GPU, Gpu, load_gpu
from dstc_isa.object.load import load_shipped
from dstc_isa.report.statistics import RunStatistics, statistics
from dstc_isa.timing.run import Progress, execute

CTA_TILE = 128
BLOCK = 128
SLAB = 32
VECTOR = 8
"""Values that a lane loads at once; rows of B and C are padded to a multiple of it."""


@frozen(eq=False)
class GemmResult:
    """``c``: float32 array of shape (m, n). ``run``: what was executed and how long it takes."""

    c: npt.NDArray[np.float32]
    run: RunStatistics


def gemm_dense(
    a: npt.NDArray[Any],
    b: npt.NDArray[Any],
    *,
    gpu: Gpu | str | None = DEFAULT_GPU,
    threads: int | None = None,
    reference: bool = False,
    announce: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    sample: float | None = None,
) -> GemmResult:
    """Multiply two dense arrays of shapes (m, k) and (k, n), rounded to FP16, in FP32 in the order of k.

    ``gpu``: what to time it on; None runs without time. ``sample``: share of the CTAs to time.
    Raises ValueError for shapes that do not fit or are empty.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"a is {a.shape} and b is {b.shape}: expected (m, k) and (k, n)")
    (m, k), n = a.shape, b.shape[1]
    if 0 in (m, n, k):
        raise ValueError(f"a is {m}x{k} and b is {k}x{n}: nothing to multiply")
    depth, width = -(-k // SLAB) * SLAB, -(-n // VECTOR) * VECTOR
    left, right = np.zeros((m, depth), np.float16), np.zeros((depth, width), np.float16)
    left[:, :k], right[:k, :n] = a, b
    c = np.zeros((m, width), np.float32)
    machine = load_gpu(gpu) if isinstance(gpu, str) else gpu
    kernel_file = load_shipped("gemm_dense.dasm", machine)
    kernel = kernel_file.kernel("gemm_dense")
    execution, timing = execute(
        kernel_file,
        kernel,
        (-(-m // CTA_TILE), -(-n // CTA_TILE)),
        (BLOCK,),
        {"a": left, "b": right, "out": c, "m": m, "n": width, "k": depth},
        machine,
        threads=threads,
        reference=reference,
        announce=announce,
        progress=progress,
        sample=sample,
    )
    return GemmResult(np.ascontiguousarray(c[:, :n]), statistics(kernel, execution, timing))
