"""Runs a launch on the compiled engine: allocates machine state, starts the worker threads, collects counts."""

import os
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import define

from dstc_isa.engine.compiled import cache
from dstc_isa.engine.execution import DEFAULT_MAX_INSTRUCTIONS, Execution, decoded, needs_one_thread
from dstc_isa.engine.faults import KernelFault, record_of
from dstc_isa.engine.launch import Launch
from dstc_isa.engine.layout import (
    CODE_ROW,
    LAUNCH_OFFSETS,
    POOL_ROW,
    PREDICATE_SLOTS,
    WARP_ARRAYS,
    WARP_OFFSETS,
    WORKER_OFFSETS,
    Record,
    put,
    record,
)
from dstc_isa.engine.rows import ConstantReader, Pool, row_of
from dstc_isa.isa.instruction import REGISTRY
from dstc_isa.isa.lanes import FULL_MASK, LANES
from dstc_isa.isa.values import PT, RZ
from dstc_isa.isa.warp import SCALARS

BANKS = 32
SCRATCH_BYTES = 8 * LANES
POLL_SECONDS = 0.1


@define
class Worker:
    """One host thread's machine state: a CTA's warps and shared memory, and its counters."""

    record: Record
    warps: npt.NDArray[np.int64]
    issued: npt.NDArray[np.int64]
    skipped: npt.NDArray[np.int64]
    kept: list[Any]

    def field(self, name: str) -> int:
        """A field of the worker record."""
        return int(self.record[WORKER_OFFSETS[name] // 8])

    def warp(self, index: int) -> SimpleNamespace:
        """A warp's record as attributes."""
        row = self.warps[index].tolist()
        fields = {name: row[WARP_OFFSETS[name] // 8] for name in SCALARS}
        for name, length in WARP_ARRAYS.items():
            first = WARP_OFFSETS[name] // 8
            fields[name] = row[first : first + length]
        return SimpleNamespace(**fields)


def run(
    launch: Launch,
    *,
    threads: int | None = None,
    max_instructions: int = DEFAULT_MAX_INSTRUCTIONS,
    announce: Callable[[str], None] | None = None,
) -> Execution:
    """Execute a launch; the arrays given as arguments hold the results.

    ``threads``: host threads, all cores if None; results do not depend on it. ``max_instructions``: per warp.
    Raises KernelFault for the faulting CTA with the lowest number, LaunchError for operands outside a bank.
    """
    instructions = decoded(launch)
    run_worker = cache.load(announce)
    pool, banks = Pool(), ConstantReader(launch.banks)
    code = np.zeros((max(1, len(instructions)), CODE_ROW), np.int32)
    for index, instruction in enumerate(instructions):
        row = [len(REGISTRY), PT, 0] if instruction is None else row_of(instruction, pool, banks)
        code[index, : len(row)] = np.array(row, np.int64).astype(np.int32)
    used = 1 if needs_one_thread(instructions) else max(1, min(threads or len(os.sched_getaffinity(0)), launch.ctas))
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
        stop_cta=launch.ctas,
        max_instructions=max_instructions,
    )
    rows = pool.rows()
    workers = [new_worker(launch, shared, rows, len(instructions)) for _ in range(used)]
    started = time.perf_counter()
    run_threads(run_worker, workers, shared)
    seconds = time.perf_counter() - started
    faulted = [w for w in workers if w.field("fault_cta") >= 0]
    if faulted:
        first = min(faulted, key=lambda w: w.field("fault_cta"))
        warps = [first.warp(index) for index in range(launch.warps)]
        raise KernelFault(launch, record_of(launch, warps[first.field("fault_warp")], warps))
    issued = np.sum([w.issued for w in workers], axis=0)
    return Execution(issued, np.sum([w.skipped for w in workers], axis=0), seconds, used)


def run_threads(run_worker: Callable[[int], None], workers: list[Worker], shared: Record) -> None:
    """Run the workers, the first on this thread if it is alone; an interrupt stops them all."""
    pool = [threading.Thread(target=run_worker, args=(w.record.ctypes.data,), daemon=True) for w in workers]
    try:
        for thread in pool:
            thread.start()
        for thread in pool:
            while thread.is_alive():
                thread.join(POLL_SECONDS)
    except BaseException:
        put(shared, LAUNCH_OFFSETS, cancelled=1)
        for thread in pool:
            if thread.ident is not None:
                thread.join()
        raise


def new_worker(launch: Launch, shared: Record, pool: npt.NDArray[np.uint32], instructions: int) -> Worker:
    """Allocate the state of one worker."""
    count = launch.warps
    warps = np.zeros((count, WARP_OFFSETS["size"] // 8), np.int64)
    registers = np.zeros((count, POOL_ROW + len(pool), LANES), np.uint32)
    registers[:, POOL_ROW:] = pool
    predicates = np.zeros((count, PREDICATE_SLOTS), np.int64)
    predicates[:, PT] = FULL_MASK
    threads = np.ascontiguousarray(launch.thread_ids())
    scratch = np.zeros((count, SCRATCH_BYTES), np.uint8)
    window = np.zeros(launch.kernel.shared_bytes // 8 + 1, np.int64)
    for index in range(count):
        put(
            warps[index],
            WARP_OFFSETS,
            registers=registers[index].ctypes.data,
            predicates=predicates[index].ctypes.data,
            threads=threads[index].ctypes.data,
            scratch=scratch[index].ctypes.data,
            shared=window.ctypes.data,
            launch=shared.ctypes.data,
        )
        sizes = WARP_OFFSETS["identity"] // 8 + 3
        warps[index, sizes : sizes + 7] = (*launch.block, *launch.grid, index)
    worker = record(WORKER_OFFSETS)
    issued, skipped = np.zeros(instructions + 1, np.int64), np.zeros(instructions + 1, np.int64)
    put(
        worker,
        WORKER_OFFSETS,
        launch=shared.ctypes.data,
        warps=warps.ctypes.data,
        shared=window.ctypes.data,
        issued=issued.ctypes.data,
        skipped=skipped.ctypes.data,
        fault_cta=-1,
    )
    kept: list[Any] = [registers, predicates, threads, scratch, window]
    return Worker(worker, warps, issued[:-1], skipped[:-1], kept)
