"""Machine state that Python allocates for compiled code: the launch's records and one CTA's warps."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import define

from dstc_isa.engine.compiled.cache import RUN_FOREIGN, load_foreign
from dstc_isa.engine.compiled.generate import is_foreign
from dstc_isa.engine.execution import decoded
from dstc_isa.engine.launch import Launch
from dstc_isa.engine.layout import (
    CODE_ROW,
    LAUNCH_OFFSETS,
    POOL_ROW,
    PREDICATE_SLOTS,
    SHARED_FIRST,
    WARP_ARRAYS,
    WARP_OFFSETS,
    Record,
    put,
    record,
)
from dstc_isa.engine.loops import reach
from dstc_isa.engine.rows import ConstantReader, Pool, row_of
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.lanes import FULL_MASK, LANES
from dstc_isa.isa.values import PT, RZ
from dstc_isa.isa.warp import SCALARS

BANKS = 32
UNDEFINED = -1
"""The dispatch number of a word that is no instruction."""
SCRATCH_BYTES = 8 * LANES
LIVE, ACTIVE, ISSUED = (WARP_OFFSETS[name] // 8 for name in ("live", "active", "issued"))


@define
class LaunchState:
    """A launch as compiled code reads it; ``kept`` holds the arrays that ``record`` points to."""

    launch: Launch
    instructions: list[Instruction | None]
    record: Record
    pool: npt.NDArray[np.uint32]
    kept: list[Any]

    @property
    def cta_count(self) -> int:
        """CTAs that are to be run."""
        return int(self.record[LAUNCH_OFFSETS["cta_count"] // 8])


def load_launch(launch: Launch, max_instructions: int, announce: Callable[[str], None] | None = None) -> LaunchState:
    """Decode the kernel and fill the launch record; LaunchError for operands outside a bank.

    What files of the user's declare is compiled if the kernel has any of it, and ``announce`` told so.
    """
    instructions = decoded(launch)
    pool, banks = Pool(), ConstantReader(launch.banks)
    code = np.zeros((max(1, len(instructions)), CODE_ROW), np.int32)
    for index, instruction in enumerate(instructions):
        row = [UNDEFINED, PT, 0, 1] if instruction is None else row_of(instruction, pool, banks)
        code[index, : len(row)] = np.array(row, np.int64).astype(np.int32)
        code[index, SHARED_FIRST:] = launch.kernel.shared_range(index)
    reaches = np.array([reach(instruction) for instruction in instructions], np.int64)
    uncounted = np.zeros(len(code), np.int64)
    table = launch.memory.table()
    bank_bytes = [np.frombuffer(launch.banks.get(bank, b"") or b"\0", np.uint8) for bank in range(BANKS)]
    bank_table = np.array([(b.ctypes.data, len(launch.banks.get(i, b""))) for i, b in enumerate(bank_bytes)], np.int64)
    shared = record(LAUNCH_OFFSETS)
    put(
        shared,
        LAUNCH_OFFSETS,
        code=code.ctypes.data,
        code_size=len(instructions),
        grid_x=launch.grid[0],
        grid_y=launch.grid[1],
        grid_z=launch.grid[2],
        block_threads=launch.threads,
        warps=launch.warps,
        registers=RZ,
        shared_bytes=launch.kernel.shared_bytes,
        allocations=table.ctypes.data,
        allocation_count=len(launch.memory.allocations),
        banks=bank_table.ctypes.data,
        cta_count=launch.ctas,
        stop_cta=launch.ctas,
        max_instructions=max_instructions,
        reaches=reaches.ctypes.data,
        uncounted=uncounted.ctypes.data,
        foreign=foreign_code(instructions, announce),
    )
    kept = [code, table, bank_bytes, bank_table, reaches, uncounted]
    return LaunchState(launch, instructions, shared, pool.rows(), kept)


@define
class CtaState:
    """A CTA's warps and shared memory; ``kept`` holds what the warp records point to."""

    warps: npt.NDArray[np.int64]
    window: npt.NDArray[np.int64]
    kept: list[Any]

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return sum(array.nbytes for array in (self.warps, self.window, *self.kept))

    @property
    def live(self) -> bool:
        """Whether a lane has not exited."""
        return bool(self.warps[:, LIVE].any())

    @property
    def most_issued(self) -> int:
        """Instructions of the warp that has issued most, of those that do not wait; -1 if there is none."""
        return int(np.where(self.warps[:, ACTIVE] != 0, self.warps[:, ISSUED], -1).max())

    def warp(self, index: int) -> SimpleNamespace:
        """A warp's record as attributes."""
        row = self.warps[index].tolist()
        fields = {name: row[WARP_OFFSETS[name] // 8] for name in SCALARS}
        for name, length in WARP_ARRAYS.items():
            first = WARP_OFFSETS[name] // 8
            fields[name] = row[first : first + length]
        return SimpleNamespace(**fields)


def foreign_code(instructions: Sequence[Instruction | None], announce: Callable[[str], None] | None) -> int:
    """The address of the code for instructions that are not the package's; 0 if there are none of them."""
    if any(instruction is not None and is_foreign(instruction.declaration) for instruction in instructions):
        return load_foreign(RUN_FOREIGN, announce)
    return 0


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
    warps = np.zeros((count, WARP_OFFSETS["size"] // 8), np.int64)
    registers = np.zeros((count, POOL_ROW + len(state.pool), LANES), np.uint32)
    registers[:, POOL_ROW:] = state.pool
    predicates = np.zeros((count, PREDICATE_SLOTS), np.int64)
    predicates[:, PT] = FULL_MASK
    threads = np.ascontiguousarray(launch.thread_ids())
    scratch = np.zeros((count, 2, SCRATCH_BYTES), np.uint8)
    window = np.zeros(launch.kernel.shared_bytes // 8 + 1, np.int64)
    for index in range(count):
        put(
            warps[index],
            WARP_OFFSETS,
            registers=registers[index].ctypes.data,
            predicates=predicates[index].ctypes.data,
            threads=threads[index].ctypes.data,
            scratch=scratch[index, 0].ctypes.data,
            addresses=scratch[index, 1].ctypes.data,
            shared=window.ctypes.data,
            launch=state.record.ctypes.data,
            tracker=tracker,
        )
        sizes = WARP_OFFSETS["identity"] // 8 + 3
        warps[index, sizes : sizes + 7] = (*launch.block, *launch.grid, index)
    return CtaState(warps, window, [registers, predicates, threads, scratch])
