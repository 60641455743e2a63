"""Sparse matrix times sparse matrix on the emulated machine: encode, launch ``programs/spgemm.dasm``, report."""

import time
from collections.abc import Mapping
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.engine.launch import MAX_GRID
from dstc_isa.engine.run_options import RunKeywords, RunOptions
from dstc_isa.errors import ShapeError
from dstc_isa.gpu import DEFAULT_GPU, Gpu, chosen_gpu, load_gpu
from dstc_isa.halves import in_operand, underflow_text
from dstc_isa.host_memory import require
from dstc_isa.options import check_choice, named_options
from dstc_isa.overview import HtmlOverview, array_text
from dstc_isa.program_files import SPARSE_KERNELS
from dstc_isa.report.document import document
from dstc_isa.report.products import counts
from dstc_isa.report.run_shipped import run_shipped
from dstc_isa.report.statistics import RunStatistics
from dstc_isa.sparse.bitmap import BitmapMatrix, encode
from dstc_isa.sparse.groups import products
from dstc_isa.sparse.packed import PackedMatrix, PackedProduct, pack
from dstc_isa.text.headings import Operand, equation, executed_of_dense, headed, non_zeros, seconds_in_all
from dstc_isa.units.outer.unit import GROUP_COLUMNS, GROUP_ROWS

CTA_TILE = 128
BAND = 8
"""Rows of CTAs that go through the columns of C side by side, at most."""

BLOCK = 256
WARP_TILE = 32
PRESENT_LIMIT = 1 << 28
TILE_K = 32
"""Steps of the tiles that the kernels take."""

OHMMA = "OHMMA.8161.F32"
PACKED_KERNEL = "spgemm_seq"
OHMMA_PER_STEP = (WARP_TILE // GROUP_ROWS) * (WARP_TILE // GROUP_COLUMNS)


@frozen(repr=False)
class SpgemmReport(HtmlOverview):
    """What a multiplication did.

    ``underflowed``: non-zero inputs that FP16 rounds to zero. ``ohmma_issued``: outer-product instructions that
    executed (the run's histogram also counts those whose guard was false); the groups that SPWMMA walks count as such,
    as many as the bitmaps give. ``ohmma_skipped``: those a dense multiplication of this shape would have executed
    besides, ``8 * ceil(m/32) * ceil(n/32) * k`` in all.
    ``nnz``: non-zeros of the product. ``run``: the kernel's counts and its time. ``total_seconds``: the whole call,
    with encoding and the engine's start.
    """

    m: int
    n: int
    k: int
    density_a: float
    density_b: float
    underflowed: int
    nnz: int
    ohmma_issued: int
    ohmma_skipped: int
    total_seconds: float
    run: RunStatistics

    def overview(self) -> Mapping[str, object]:
        """Sizes, densities, OHMMAs and cycles."""
        return {
            "m": self.m,
            "n": self.n,
            "k": self.k,
            "density_a": f"{self.density_a:.4g}",
            "density_b": f"{self.density_b:.4g}",
            "ohmma": f"{self.ohmma_issued} of {self.ohmma_issued + self.ohmma_skipped}",
            **self.run.overview(),
        }

    def __str__(self) -> str:
        return str(self.headed_run)

    @property
    def headed_run(self) -> RunStatistics:
        """The run, below what the terminal says of the product."""
        left, right = Operand("A", (self.m, self.k), self.density_a), Operand("B", (self.k, self.n), self.density_b)
        lines = [
            equation(Operand("C", (self.m, self.n)), left, right),
            executed_of_dense(self.ohmma_issued, self.ohmma_issued + self.ohmma_skipped),
            non_zeros("C", self.nnz, self.m * self.n),
            seconds_in_all(self.total_seconds),
            self.warning,
        ]
        return headed(self.run, lines)

    @property
    def warning(self) -> str:
        """What FP16 took from the inputs, in words; empty if it took nothing."""
        return underflow_text({"inputs": (self.underflowed, self.k * (self.m + self.n))})

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``json.dump``, without the kernel's."""
        return {
            "m": self.m,
            "n": self.n,
            "k": self.k,
            "density_a": self.density_a,
            "density_b": self.density_b,
            "underflowed": self.underflowed,
            "product": counts(self.nnz, self.m * self.n),
            "ohmma": {"issued": self.ohmma_issued, "skipped": self.ohmma_skipped},
            "total_seconds": self.total_seconds,
        }

    def to_dict(self) -> dict[str, Any]:
        """The report as ``dstc-emu spgemm --json`` writes it."""
        return document("spgemm", [self.run], self.as_json())


@frozen(eq=False, repr=False)
class SpgemmResult(HtmlOverview):
    """``c``: float32 array of shape (m, n). ``report``: what was executed."""

    c: npt.NDArray[np.float32]
    report: SpgemmReport

    def overview(self) -> Mapping[str, object]:
        """The result's shape and the report's numbers."""
        return {"c": array_text(self.c), **self.report.overview()}

    def to_dict(self) -> dict[str, Any]:
        """What ``dstc-emu spgemm --json`` writes."""
        return self.report.to_dict()


@named_options
def spgemm(
    a: Any,
    b: Any,
    *,
    gpu: Gpu | str | None = DEFAULT_GPU,
    kernel: str = "spgemm",
    **options: Unpack[RunKeywords],
) -> SpgemmResult:
    """Multiply two matrices (SciPy sparse, or what NumPy reads as arrays) on the emulated Dual-side Sparse Tensor Core.

    Values are rounded to FP16; products are accumulated in FP32 in order of k, one rounding each, and a NaN of the
    result has the bits 0x7fffffff. ``gpu``: what to time it on, a configuration, its name or file; None runs
    without time, which is faster. ``kernel``: "spgemm", with the paper's instructions, which multiplies the transposed
    matrices where that takes fewer OHMMAs, or "spgemm_seq", with the sequenced outer product. ``options``: see
    ``RunOptions``.

    Raises ArgumentTypeError for what is not a real matrix, ShapeError for shapes that do not fit, and ValueRangeError
    for a value beyond FP16's range; the message says which of the two it is.
    """
    check_choice("kernel", kernel, SPARSE_KERNELS)
    return sparse_product(a, b, kernel=kernel, gpu=chosen_gpu(gpu), options=RunOptions(**options))


def sparse_product(a: Any, b: Any, *, kernel: str = "spgemm", gpu: Gpu | None, options: RunOptions) -> SpgemmResult:
    """Multiply as ``spgemm``."""
    started = time.perf_counter()
    left, right = encode(a, "a", TILE_K), encode(b, "b", TILE_K)
    (m, k), (rows, n) = left.shape, right.shape
    if k != rows:
        raise ShapeError(f"a is {m}x{k} and b is {rows}x{n}: a must have as many columns as b has rows")
    c = result_array(m, n)
    run = RunStatistics(kernel, 0, 0.0, 1, {}, {})
    walked = 0
    if m and n:
        if kernel == PACKED_KERNEL:
            product = PackedProduct(_packed(left), _packed(right))
            walked = product.groups()
            grid, arguments = product.launch(c, (gpu or load_gpu(DEFAULT_GPU)).sm.count)
        elif _groups(right, left) < _groups(left, right):
            grid, arguments = _bitmap_launch(right, left, c, turned=True)
        else:
            grid, arguments = _bitmap_launch(left, right, c, turned=False)
        run = run_shipped(kernel, kernel, grid, BLOCK, arguments, gpu, options)
    issued = run.executed(OHMMA) + walked
    dense = OHMMA_PER_STEP * -(-m // WARP_TILE) * -(-n // WARP_TILE) * k
    report = SpgemmReport(
        m=m,
        n=n,
        k=k,
        density_a=left.density,
        density_b=right.density,
        underflowed=left.underflowed + right.underflowed,
        nnz=int(np.count_nonzero(c)),
        ohmma_issued=issued,
        ohmma_skipped=dense - issued,
        total_seconds=time.perf_counter() - started,
        run=run,
    )
    return SpgemmResult(c, report)


def _groups(left: BitmapMatrix, right: BitmapMatrix) -> int:
    """Outer products that a multiplication takes with the first one's values in groups of rows."""
    return products(left.groups(GROUP_ROWS), right.groups(GROUP_COLUMNS))


def result_array(m: int, n: int) -> npt.NDArray[np.float32]:
    """Zeros for the dense m x n result; OutOfMemory if it is larger than the memory there is."""
    require(m * n * np.dtype(np.float32).itemsize, f"the result, which is dense, {m}x{n} floats")
    return np.zeros((m, n), np.float32)


def _packed(matrix: BitmapMatrix) -> PackedMatrix:
    with in_operand(matrix.side):
        return pack(matrix)


def _bitmap_launch(
    a: BitmapMatrix, b: BitmapMatrix, c: npt.NDArray[np.float32], *, turned: bool
) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Grid and arguments of the kernel for two matrices in the bitmap format.

    ``turned``: ``c`` is the transposed product, of which ``a`` gives the columns and ``b`` the rows.
    """
    rows, columns = c.shape[::-1] if turned else c.shape
    cta_rows = -(-rows // CTA_TILE)
    bands = -(-cta_rows // BAND)
    band = -(-cta_rows // bands)
    slabs = -(-bands // MAX_GRID[1])
    grid = (band * -(-columns // CTA_TILE), -(-bands // slabs), slabs)
    arguments = {
        **_operand_arguments("a", a),
        **_operand_arguments("b", b),
        "out": c,
        "m": rows,
        "n": columns,
        "a_tile_rows": a.tiles_outer,
        "b_tile_columns": b.tiles_outer,
        "words": a.warp_bitmap.shape[1],
        "a_empty": a.tiles,
        "b_empty": b.tiles,
        "band": band,
        "per_band": (2**32 - 1) // band,
        "turned": int(turned),
    }
    return grid, arguments


def _operand_arguments(name: str, matrix: BitmapMatrix) -> dict[str, npt.NDArray[Any]]:
    """The kernel arguments of one encoded matrix; ValueError if the kernel's 32-bit indices do not reach it all."""
    if matrix.tiles >= PRESENT_LIMIT:
        raise ShapeError(f"{matrix.side}: it has too many non-empty tiles for the kernel's 32-bit indices")
    return {
        f"{name}_warp": matrix.warp_bitmap,
        f"{name}_tile_start": matrix.tile_start,
        f"{name}_elements": matrix.element_bitmap,
        f"{name}_value_start": matrix.value_start,
        f"{name}_values": matrix.values,
        f"{name}_step_counts": matrix.step_counts,
        f"{name}_step_bitmap": matrix.step_bitmap,
    }
