"""What a timed launch found: cycles, counters, and a reason for every cycle a warp did not issue."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.engine.execution import Execution
from dstc_isa.gpu import Gpu
from dstc_isa.overview import Overview
from dstc_isa.program import Kernel
from dstc_isa.timing.hazard_watch import Found
from dstc_isa.timing.occupancy import Occupancy
from dstc_isa.timing.sample import Sample


@frozen(eq=False, repr=False)
class Timing(Overview):
    """The outcome of a timed launch.

    ``cycles``: from the first CTA's launch until the last one has ended and all transfers are done. ``stalls``: int64
    array of shape (instructions, reasons), cycles that resident warps did not issue, counted at the instruction they
    would have issued next. ``free``: per instruction, how often it took no issue slot. ``counters``: sums over all
    SMs (``COUNTERS``). ``port_busy``: port name -> cycles, summed over sub-cores. ``sms``: SMs that had a CTA.
    ``dram_sectors``: moved. ``issued``: as in ``execution``, by which stalls and bounds count. ``sample``: None if it
    was not asked for. A sample's cycles and counts are estimates for the whole launch, all by the same factor; only
    ``execution`` is counted. ``hazards``: None if they were not looked for. ``kernel``: as it ran, with the
    control codes that it has on ``gpu``.
    """

    gpu: Gpu
    execution: Execution
    cycles: int
    issued: npt.NDArray[np.int64]
    stalls: npt.NDArray[np.int64]
    free: npt.NDArray[np.int64]
    counters: dict[str, int]
    port_busy: dict[str, int]
    sms: int
    dram_sectors: int
    occupancy: Occupancy
    sample: Sample | None = None
    hazards: list[Found] | None = None
    kernel: Kernel | None = None

    def overview(self) -> Mapping[str, object]:
        """GPU, cycles, and whether they are an estimate."""
        hazards = {} if self.hazards is None else {"hazards": len(self.hazards)}
        estimate = {} if self.sample is None else {"timed_ctas": f"{self.sample.timed} of {self.sample.ctas}"}
        return {"gpu": self.gpu.name, "cycles": self.cycles, "sms": self.sms, **estimate, **hazards}

    @property
    def issue_slots(self) -> int:
        """Issue slots taken."""
        return int(self.issued.sum() - self.free.sum())
