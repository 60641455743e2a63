"""Runs a launch on the compiled engine: starts the worker threads, collects counts."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import numpy.typing as npt
from attrs import define

from dstc_isa.engine.compiled import cache
from dstc_isa.engine.compiled.state import CtaState, LaunchState, load_launch, new_cta
from dstc_isa.engine.execution import DEFAULT_MAX_INSTRUCTIONS, Execution, needs_one_thread
from dstc_isa.engine.faults import KernelFault, record_of
from dstc_isa.engine.launch import Launch
from dstc_isa.engine.layout import LAUNCH_OFFSETS, WORKER_OFFSETS, Record, put, record
from dstc_isa.engine.ranges import Ranges
from dstc_isa.host_memory import require

RUN_WORKER = cache.Entry("run_worker", "dstc_isa.engine.compiled.cta", "worker_of", "as_worker")


@define
class Worker:
    """One host thread's machine state: a CTA and its counters."""

    record: Record
    cta: CtaState
    issued: npt.NDArray[np.int64]
    skipped: npt.NDArray[np.int64]

    def field(self, name: str) -> int:
        """A field of the worker record."""
        return int(self.record[WORKER_OFFSETS[name] // 8])


def run(
    launch: Launch,
    *,
    threads: int | None = None,
    max_instructions: int = DEFAULT_MAX_INSTRUCTIONS,
    announce: Callable[[str], None] | None = None,
    ctas: Ranges | None = None,
) -> Execution:
    """Execute a launch; the arrays given as arguments hold the results.

    ``threads``: host threads, all cores if None; results do not depend on it. ``max_instructions``: per warp.
    ``ctas``: linear numbers of those to run; all if None. Raises KernelFault for the faulting CTA with the
    lowest number, LaunchError for operands outside a bank.
    """
    state = load_launch(launch, max_instructions)
    if ctas is not None:
        steps = ctas.steps()
        put(state.record, LAUNCH_OFFSETS, cta_count=len(ctas), steps=steps.ctypes.data, step_count=len(steps))
    run_worker = cache.load(RUN_WORKER, announce)
    alone = needs_one_thread(state.instructions)
    used = 1 if alone else max(1, min(threads or len(os.sched_getaffinity(0)), state.cta_count))
    workers = [new_worker(state)]
    require((used - 1) * workers[0].cta.nbytes, f"a CTA of {launch.warps} warps for each of {used} host threads")
    workers += [new_worker(state) for _ in range(used - 1)]
    started = time.perf_counter()
    run_threads(run_worker, [w.record for w in workers], state.record)
    seconds = time.perf_counter() - started
    faulted = [w for w in workers if w.field("fault_cta") >= 0]
    if faulted:
        first = min(faulted, key=lambda w: w.field("fault_cta"))
        warps = [first.cta.warp(index) for index in range(launch.warps)]
        raise KernelFault(launch, record_of(launch, warps[first.field("fault_warp")], warps))
    issued = np.sum([w.issued for w in workers], axis=0)
    return Execution(issued, np.sum([w.skipped for w in workers], axis=0), seconds, used)


def run_threads(run_worker: Callable[[int], None], workers: list[Record], launch: Record) -> None:
    """Run the worker records, each on a thread; an interrupt stops them all."""
    # Not Thread.join: when it is interrupted, Python 3.11 takes a running thread for one that has ended.
    with ThreadPoolExecutor(len(workers)) as pool:
        try:
            wait([pool.submit(run_worker, worker.ctypes.data) for worker in workers])
        except BaseException:
            put(launch, LAUNCH_OFFSETS, cancelled=1)
            raise


def new_worker(state: LaunchState) -> Worker:
    """Allocate the state of one worker."""
    cta = new_cta(state)
    worker = record(WORKER_OFFSETS)
    instructions = len(state.instructions)
    issued, skipped = np.zeros(instructions + 1, np.int64), np.zeros(instructions + 1, np.int64)
    put(
        worker,
        WORKER_OFFSETS,
        launch=state.record.ctypes.data,
        warps=cta.warps.ctypes.data,
        shared=cta.window.ctypes.data,
        issued=issued.ctypes.data,
        skipped=skipped.ctypes.data,
        fault_cta=-1,
    )
    return Worker(worker, cta, issued[:-1], skipped[:-1])
