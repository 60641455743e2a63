"""Runs kernels of the programs that come with the package."""

from collections.abc import Mapping

from dstc_isa.engine.launch import Argument
from dstc_isa.engine.run_options import RunOptions
from dstc_isa.gpu import Gpu
from dstc_isa.object.shipped import load_shipped
from dstc_isa.report.statistics import RunStatistics, statistics
from dstc_isa.timing.run import execute


def run_shipped(
    program: str,
    kernel: str,
    grid: tuple[int, ...],
    block: int,
    arguments: Mapping[str, Argument],
    gpu: Gpu | None,
    options: RunOptions,
) -> RunStatistics:
    """Run a kernel of ``programs/PROGRAM.dasm`` as ``timing.run.execute`` does, and count what it did."""
    loaded = load_shipped(f"{program}.dasm", gpu)
    chosen = loaded.kernel(kernel)
    execution, timing = execute(loaded, chosen, grid, (block,), arguments, gpu, options)
    return statistics(chosen, execution, timing, grid, (block,))
