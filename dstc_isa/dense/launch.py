"""Launches a dense kernel on padded operands."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.dense.operands import BLOCK, Halves, grid
from dstc_isa.engine.launch import Argument
from dstc_isa.engine.run_options import RunOptions
from dstc_isa.gpu import Gpu
from dstc_isa.halves import underflow_text
from dstc_isa.host_memory import require
from dstc_isa.overview import HtmlOverview, array_text
from dstc_isa.report.document import document
from dstc_isa.report.products import counts
from dstc_isa.report.run_shipped import run_shipped
from dstc_isa.report.statistics import RunStatistics
from dstc_isa.text.headings import Operand, equation, headed


@frozen(eq=False, repr=False)
class GemmResult(HtmlOverview):
    """``c``: float32 array of shape (m, n). ``k``: products of each sum. ``run``: what was executed, and its time.

    ``underflowed_a``, ``underflowed_b``: non-zero values that FP16 rounds to zero.
    """

    c: npt.NDArray[np.float32]
    run: RunStatistics
    k: int
    underflowed_a: int = 0
    underflowed_b: int = 0

    def overview(self) -> Mapping[str, object]:
        """The result's shape, and what ran."""
        return {"c": array_text(self.c), **self.run.overview()}

    @property
    def report(self) -> RunStatistics:
        """The run, below what the terminal says of the product."""
        m, n = self.c.shape
        product = equation(Operand("C", (m, n)), Operand("A", (m, self.k)), Operand("B", (self.k, n)))
        return headed(self.run, [product, self.warning])

    @property
    def warning(self) -> str:
        """What FP16 took from the inputs, in words; empty if it took nothing."""
        m, n = self.c.shape
        sizes = {"values of A": (self.underflowed_a, m * self.k), "values of B": (self.underflowed_b, self.k * n)}
        return underflow_text(sizes)

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``json.dump``, without ``c`` and the kernel's."""
        m, n = self.c.shape
        return {
            "m": m,
            "n": n,
            "k": self.k,
            "underflowed_a": self.underflowed_a,
            "underflowed_b": self.underflowed_b,
            "product": counts(int(np.count_nonzero(self.c)), self.c.size),
        }

    def to_dict(self) -> dict[str, Any]:
        """The report as the command line writes it with ``--json``, without ``c``."""
        return document("gemm", [self.run], self.as_json())


def multiply(
    name: str,
    right: Halves,
    sizes: tuple[int, int, int],
    arguments: Mapping[str, Argument],
    gpu: Gpu | None,
    options: RunOptions,
) -> GemmResult:
    """Run the kernel ``name`` of the file of that name for ``sizes`` m, n and k; ``right`` is B, padded."""
    (m, n, k), (depth, width) = sizes, right.shape
    require(4 * m * width, f"the result, {m}x{width} floats with its padding")
    c = np.zeros((m, width), np.float32)
    given = {**arguments, "b": right, "out": c, "m": m, "n": width, "k": depth}
    run = run_shipped(name, name, grid(m, n), BLOCK, given, gpu, options)
    return GemmResult(np.ascontiguousarray(c[:, :n]), run, k)
