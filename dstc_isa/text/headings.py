"""Lines above the counts of a run, on what it was part of: a product or a convolution, and what that came to."""

from collections.abc import Iterable

from attrs import evolve, frozen

from dstc_isa.report.products import counts
from dstc_isa.report.statistics import RunStatistics


@frozen
class Operand:
    """A matrix or a tensor as a heading names it; ``density``: None for one whose zeros are not left out."""

    name: str
    shape: tuple[int, ...]
    density: float | None = None

    def __str__(self) -> str:
        density = "" if self.density is None else f", density {self.density:.4g}"
        return f"{self.name} ({'x'.join(map(str, self.shape))}{density})"


def headed(run: RunStatistics, lines: Iterable[str]) -> RunStatistics:
    """A run below its heading; empty lines are left out."""
    return evolve(run, heading=tuple(filter(None, lines)))


def equation(result: Operand, left: Operand, right: Operand) -> str:
    """What was computed."""
    return f"{result} = {left} * {right}"


def executed_of_dense(executed: int, dense: int) -> str:
    """How many outer products ran, of those without zeros to skip."""
    return f"OHMMA executed {executed:,} of {dense:,} dense ({executed / dense if dense else 0.0:.2%})"


def non_zeros(name: str, nnz: int, size: int) -> str:
    """Non-zeros of a result, and their share of ``size`` elements."""
    return f"{name} has {nnz:,} non-zeros of {size:,}, density {counts(nnz, size)['density']:.4g}"


def cycles_of_parts(encoding: int, convolution: int) -> str:
    """Where the cycles of a convolution went that encodes what it reads."""
    return f"{encoding:,} cycles of encoding, {convolution:,} of the convolution, {encoding + convolution:,} in all"


def seconds_in_all(seconds: float) -> str:
    """How long the host took for everything."""
    return f"{seconds:.3f} s in all, with encoding and the engine's start"
