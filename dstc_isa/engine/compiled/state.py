"""Machine state that Python allocates for compiled code: the launch's records and one CTA's warps."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import define

from dstc_isa.engine.code_rows import ConstantReader
from dstc_isa.engine.compiled.cache import RUN_FOREIGN, load_foreign
from dstc_isa.engine.compiled.kernel_code import KernelCode, code_of
from dstc_isa.engine.execution import check_constants
from dstc_isa.engine.launch import Launch
from dstc_isa.engine.launch_records import BANK, LAUNCH, WARP
from dstc_isa.engine.record_layout import Array, Record
from dstc_isa.engine.register_rows import POOL_ROW, PREDICATE_SLOTS
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.lanes import FULL_MASK, LANES
from dstc_isa.isa.values import PT, RZ

BANKS = 32
SCRATCH_BYTES = 8 * LANES
BLOCK_SIZE, WARP_NUMBER = 3, 9
"""Where a warp's ``identity`` has the sizes of block and grid, and its number."""


@define
class LaunchState:
    """A launch as compiled code reads it; ``kept`` holds what ``record`` points to, and what that points to."""

    launch: Launch
    code: KernelCode
    record: Record
    pool: npt.NDArray[np.uint32]
    kept: list[Any]

    @property
    def instructions(self) -> Sequence[Instruction | None]:
        """Those of the kernel; None for a word that is none."""
        return self.code.instructions

    @property
    def cta_count(self) -> int:
        """CTAs that are to be run."""
        return int(self.record["cta_count"])


def load_launch(launch: Launch, max_instructions: int, announce: Callable[[str], None] | None = None) -> LaunchState:
    """Fill in the launch record; LaunchError for operands outside a bank.

    What files of the user's declare is compiled if the kernel has any of it, and ``announce`` told so.
    """
    code = code_of(launch.kernel)
    check_constants(launch, code.constants)
    held = [launch.banks.get(bank, b"") for bank in range(BANKS)]
    bank_bytes = [np.frombuffer(data or b"\0", np.uint8) for data in held]
    banks = BANK.new(BANKS, start=[each.ctypes.data for each in bank_bytes], size=[len(data) for data in held])
    record = LAUNCH.new(
        code_size=len(code.instructions),
        grid_x=launch.grid[0],
        grid_y=launch.grid[1],
        grid_z=launch.grid[2],
        block_threads=launch.threads,
        warps=launch.warps,
        registers=RZ,
        shared_bytes=launch.kernel.shared_bytes,
        allocation_count=len(launch.memory.allocations),
        cta_count=launch.ctas,
        stop_cta=launch.ctas,
        max_instructions=max_instructions,
        foreign=load_foreign(RUN_FOREIGN, launch.kernel.isa, announce) if code.foreign else 0,
    )
    arrays = LAUNCH.point(
        record,
        code=code.rows,
        allocations=launch.memory.table(),
        banks=banks,
        reaches=code.reaches,
        uncounted=np.zeros(len(code.rows), np.int64),
    )
    pool = code.pool.rows(ConstantReader(launch.banks))
    return LaunchState(launch, code, record, pool, [arrays, bank_bytes])


@define
class CtaState:
    """A CTA's warps; ``arrays``: what their records point to, by name."""

    warps: Record
    arrays: dict[str, Array]

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return sum(array.nbytes for array in (self.warps, *self.arrays.values()))

    @property
    def shared(self) -> int:
        """The address of its shared memory."""
        return self.arrays["shared"].ctypes.data

    @property
    def live(self) -> bool:
        """Whether a lane has not exited."""
        return bool(self.warps["live"].any())

    @property
    def most_issued(self) -> int:
        """Instructions of the warp that has issued most, of those that do not wait; -1 if there is none."""
        return int(np.where(self.warps["active"] != 0, self.warps["issued"], -1).max())

    def warp(self, index: int) -> SimpleNamespace:
        """A warp's record as attributes."""
        values = zip(WARP.fields, self.warps[index].item(), strict=True)
        return SimpleNamespace(**{n: v.tolist() if isinstance(v, np.ndarray) else v for n, v in values})


def longest_running(ctas: Sequence[CtaState]) -> list[SimpleNamespace]:
    """The warps of the CTA whose warp has issued most; none if there is no CTA."""
    if not ctas:
        return []
    cta = max(ctas, key=lambda each: each.most_issued)
    return [cta.warp(index) for index in range(len(cta.warps))]


def new_cta(state: LaunchState, tracker: int) -> CtaState:
    """Allocate the state of one CTA; ``tracker``: address of the cell with its host thread's tracker."""
    launch = state.launch
    count = launch.warps
    registers = np.zeros((count, POOL_ROW + len(state.pool), LANES), np.uint32)
    registers[:, POOL_ROW:] = state.pool
    predicates = np.zeros((count, PREDICATE_SLOTS), np.int64)
    predicates[:, PT] = FULL_MASK
    warps = WARP.new(count, tracker=tracker)
    arrays = WARP.point(
        warps,
        registers=registers,
        predicates=predicates,
        threads=np.ascontiguousarray(launch.thread_ids()),
        scratch=np.zeros((count, SCRATCH_BYTES), np.uint8),
        addresses=np.zeros((count, SCRATCH_BYTES), np.uint8),
        shared=np.zeros(launch.kernel.shared_bytes // 8 + 1, np.int64),
        launch=state.record,
    )
    warps["identity"][:, BLOCK_SIZE:WARP_NUMBER] = (*launch.block, *launch.grid)
    warps["identity"][:, WARP_NUMBER] = range(count)
    return CtaState(warps, arrays)
