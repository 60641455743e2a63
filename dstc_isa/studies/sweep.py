"""Kernels over densities and GPU parameters: a row of figures for each point, kept in a directory."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from difflib import get_close_matches
from functools import partial
from importlib.metadata import version
from itertools import product
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve, frozen

from dstc_isa.dense.gemm import dense_product
from dstc_isa.dense.structured import prune, structured_product
from dstc_isa.engine.compiled import cache
from dstc_isa.engine.faults import KernelFault
from dstc_isa.engine.run_options import DEFAULTS, RunOptions
from dstc_isa.engine.supervision import TimedOut, check_timeout
from dstc_isa.errors import ArgumentTypeError, DstcError, UsageError
from dstc_isa.gpu import DEFAULT_GPU, Gpu, load_gpu, with_settings
from dstc_isa.host_memory import require
from dstc_isa.host_threads import host_threads
from dstc_isa.options import check_kind, check_name, check_texts, check_whole, kind_text
from dstc_isa.program_files import SPARSE_KERNELS, program_directory
from dstc_isa.report.statistics import RunStatistics
from dstc_isa.sparse.bitmap import DIMENSION_LIMIT
from dstc_isa.sparse.random_matrix import random_matrix
from dstc_isa.sparse.spgemm import sparse_product
from dstc_isa.studies.journal import Journal, opened
from dstc_isa.studies.point import BASELINE, Point, PointRow, Setting
from dstc_isa.studies.workers import Died, in_processes
from dstc_isa.timing.timed_code import RUN_TASK

NOT_MODELLED = ("cli", "network", "studies")
"""Parts of the package that figures do not depend on."""


@frozen
class SweptKernel:
    """``multiply(a, b, gpu=, options=)`` runs the kernel; the options are ``RunOptions``.

    ``by_a``, ``by_b``: whether densities matter. ``operand_a(rows, columns, density, seed)`` makes A; a density that
    does not matter is 1.
    """

    multiply: Callable[..., RunStatistics]
    by_a: bool
    by_b: bool
    operand_a: Callable[[int, int, float, int], Any] = random_matrix


KERNELS = {
    "spgemm": SweptKernel(lambda a, b, **how: sparse_product(a, b, **how).report.run, by_a=True, by_b=True),
    "spgemm_seq": SweptKernel(
        lambda a, b, **how: sparse_product(a, b, kernel="spgemm_seq", **how).report.run, by_a=True, by_b=True
    ),
    "gemm_sparse24": SweptKernel(
        lambda a, b, **how: structured_product(a, b, **how).run,
        by_a=False,
        by_b=False,
        operand_a=lambda *shape: prune(random_matrix(*shape)),
    ),
    "gemm_dense": SweptKernel(lambda a, b, **how: dense_product(a, b, **how).run, by_a=False, by_b=False),
}
DEFAULT_KERNELS = (BASELINE, SPARSE_KERNELS[0])
MAX_JOBS = 256
"""Points that are run at once."""


class StudyError(UsageError):
    """A study that cannot be made; the message says what is wrong and what is allowed."""


class PointError(DstcError):
    """Some points of a study failed; the notes say which and why.

    ``points``: those. ``fault``: whether a kernel faulted or was stopped.
    """

    def __init__(self, text: str, points: Sequence[Point], fault: bool) -> None:
        super().__init__(text)
        self.points = tuple(points)
        self.fault = fault


@frozen
class Failure:
    """Why a point has no row; ``fault``: its kernel faulted or was stopped."""

    reason: str
    fault: bool = False


class SweepProgress:
    """What a sweep tells of its progress; this one does not listen."""

    def planned(self, points: int, kept: int) -> None:
        """So many points are in the study, so many have a row already."""

    def begun(self, point: Point) -> None:
        """A point is being run."""

    def advanced(self, done: int, of: int) -> None:
        """The point being run has done that many of its CTAs; not told if several points run at once."""

    def ended(self, point: Point, outcome: PointRow | Failure) -> None:
        """A point is done."""

    def told(self, text: str) -> None:
        """Something else worth knowing."""


@frozen(kw_only=True)
class Study:
    """The points to run: the product of densities, kernels and the values of ``vary``, sizes and seed fixed.

    ``gpu``: a name or file, with ``settings`` such as "sm.count=40". ``vary``: parameter -> its values, as text.
    ``sample``: share of the CTAs that are timed, None for all.
    Matrices are those of ``random_matrix`` with ``seed`` for A and ``seed + 1`` for B.
    """

    m: int
    n: int
    k: int
    densities_a: tuple[float, ...]
    densities_b: tuple[float, ...]
    kernels: tuple[str, ...]
    seed: int
    gpu: str
    settings: tuple[str, ...]
    vary: dict[str, tuple[str, ...]]
    sample: float | None

    def check(self) -> None:
        """Raise StudyError for what cannot be run, OutOfMemory for a product that does not fit in memory."""
        for name, size in (("m", self.m), ("n", self.n), ("k", self.k)):
            if not 1 <= size <= DIMENSION_LIMIT:
                raise StudyError(f"{name} is 1 to {DIMENSION_LIMIT}, not {size}")
        operands, result = self.k * (self.m + self.n), self.m * self.n
        require(2 * operands + 4 * result, f"a point of {self.m}x{self.k} times {self.k}x{self.n} and its dense result")
        if self.sample is not None and not 0 < self.sample <= 1:
            raise StudyError(f"sample is a share of the CTAs, more than 0 and at most 1, not {self.sample}")
        if self.seed < 0:
            raise StudyError(f"seed is 0 or more, not {self.seed}")
        for name, densities in (("A", self.densities_a), ("B", self.densities_b)):
            for density in densities:
                if not 0 <= density <= 1:
                    raise StudyError(f"a density of {name} is a fraction from 0 to 1, not {density:g}")
            _check_list(f"densities of {name}", densities)
        for kernel in self.kernels:
            if kernel not in KERNELS:
                near = get_close_matches(kernel, KERNELS, 1)
                raise StudyError(
                    f"no kernel to sweep is called {kernel!r}"
                    + (f"; did you mean {near[0]}?" if near else f"; there is {', '.join(KERNELS)}")
                )
        _check_list("kernels", self.kernels)
        fixed = [text.partition("=")[0].strip() for text in self.settings]
        for key, values in self.vary.items():
            if key in fixed:
                raise StudyError(f"{key} is both set and varied")
            _check_list(f"values of {key}", values)

    def points(self) -> list[Point]:
        """The points, those first that the speed-up of others needs. Raises GpuError for a wrong parameter."""
        kernels = sorted(self.kernels, key=lambda name: KERNELS[name].by_a or KERNELS[name].by_b)
        points = []
        fixed = load_gpu(self.gpu, self.settings)
        for values in product(*self.vary.values()):
            varied = [f"{key}={value}" for key, value in zip(self.vary, values, strict=True)]
            gpu = with_settings(fixed, varied, "--vary")
            overrides = self._overrides(gpu)
            for name in kernels:
                kernel = KERNELS[name]
                for density_b in self.densities_b if kernel.by_b else (None,):
                    for density_a in self.densities_a if kernel.by_a else (None,):
                        points.append(
                            Point(
                                m=self.m,
                                n=self.n,
                                k=self.k,
                                seed=self.seed,
                                kernel=name,
                                density_a=density_a,
                                density_b=density_b,
                                overrides=overrides,
                                gpu=gpu,
                                sample=self.sample,
                            )
                        )
        if len({point.key for point in points}) < len(points):
            raise StudyError("some values of a varied parameter are the same number")
        return points

    def _overrides(self, gpu: Gpu) -> dict[str, Setting]:
        changed = [text.partition("=")[0].strip() for text in self.settings]
        values = {row.key: row.value for row in gpu.rows}
        return {key: values[key] for key in dict.fromkeys([*changed, *self.vary])}

    def common(self) -> dict[str, Any]:
        """What all rows of a directory share, by name: sizes, seed, program versions, the GPU's parameters."""
        gpu = load_gpu(self.gpu, self.settings)
        return {
            "m": self.m,
            "n": self.n,
            "k": self.k,
            "seed": self.seed,
            "sample": self.sample,
            "gpu": gpu.name,
            "version": version("dstc-isa"),
            "model": model_digest(),
            **{row.key: row.value for row in gpu.rows},
        }


def _check_list(what: str, values: Sequence[Any]) -> None:
    if not values:
        raise StudyError(f"there are no {what}")
    for place, value in enumerate(values):
        if value in values[:place]:
            raise StudyError(f"{value} is twice among the {what}")


def model_digest(without: Sequence[str] = NOT_MODELLED) -> str:
    """Hash of the sources that figures depend on: instructions, assembler, engine, timing, matrices and programs.

    ``without``: parts of the package that they do not depend on.
    """
    root, programs = Path(__file__).parents[1], program_directory()
    digest = hashlib.sha256()
    modules = (path for path in root.rglob("*.py") if path.relative_to(root).parts[0] not in without)
    for path in sorted([*modules, *programs.rglob("*.dasm")]):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def measure(point: Point, options: RunOptions = DEFAULTS) -> PointRow:
    """Run a point, timed; its row has no speed-up yet."""
    started = time.perf_counter()
    kernel = KERNELS[point.kernel]
    density_a, density_b = (1.0 if d is None else d for d in (point.density_a, point.density_b))
    a = kernel.operand_a(point.m, point.k, density_a, point.seed)
    b = random_matrix(point.k, point.n, density_b, point.seed + 1)
    run = kernel.multiply(a, b, gpu=point.gpu, options=evolve(options, sample=point.sample))
    timing = run.timing
    assert timing is not None
    stall, stall_share = timing.longest_wait
    return PointRow(
        m=point.m,
        n=point.n,
        k=point.k,
        density_a=point.density_a,
        density_b=point.density_b,
        measured_density_a=np.count_nonzero(a) / a.size,
        measured_density_b=np.count_nonzero(b) / b.size,
        seed=point.seed,
        kernel=point.kernel,
        gpu=point.gpu.name,
        overrides=point.overrides,
        cycles=timing.cycles,
        time_us=timing.microseconds,
        warp_instructions=run.warp_instructions,
        issue_slots=timing.issue_slots,
        ohmma_issued=timing.counters["ohmma"],
        bound=timing.bound.resource,
        bound_cycles=float(timing.bound.cycles),
        share_of_bound=timing.share_of_bound,
        bounds={bound.resource: float(bound.cycles) for bound in timing.bounds},
        stall=stall,
        stall_share=stall_share,
        dram_bytes=timing.dram_bytes,
        host_seconds=time.perf_counter() - started,
        speedup=None,
        headline=timing.headline,
    )


def attempt(point: Point, options: RunOptions = DEFAULTS) -> PointRow | Failure:
    """The row of a point, or why there is none: one that fails does not end the others."""
    try:
        return measure(point, options)
    except TimedOut as error:
        return Failure(error.line, fault=True)
    except ValueError as error:
        return Failure(str(error))
    except KernelFault as error:
        return Failure(str(error), fault=True)
    except Exception as error:
        return Failure(f"{type(error).__name__}: {error}")


def sweep(
    m: int,
    n: int,
    k: int,
    *,
    densities_a: Sequence[float] = (0.5,),
    densities_b: Sequence[float] = (0.5,),
    kernels: Sequence[str] = DEFAULT_KERNELS,
    seed: int = 0,
    gpu: str | PathLike[str] = DEFAULT_GPU,
    settings: Sequence[str] = (),
    vary: Mapping[str, Sequence[str]] | None = None,
    sample: float | None = None,
    directory: str | PathLike[str] | None = None,
    jobs: int = 1,
    watch: SweepProgress | None = None,
    timeout: float | None = None,
    heartbeat: float | None = None,
) -> Iterator[PointRow]:
    """Run the points of a study and yield their rows: those that ``directory`` holds already, then as points end.

    ``settings``: GPU parameters as "key=value". ``vary``: parameter -> values as text. ``sample``: share of the
    CTAs to time. ``directory``: keeps rows, so that an interrupted study goes on; None keeps nothing. ``jobs``: points
    at once, each in a process with its share of the cores. ``timeout``: seconds of the host after which a point has
    failed. ``heartbeat``: seconds until ``watch`` is told of a point that goes on, if one is run at a time.
    A row that ends before its dense kernel does has no speed-up; the files have it later.

    Raises StudyError, GpuError, JournalError and OSError before the first row, and PointError after the last if
    points failed.
    """
    _check_kinds(densities_a, densities_b, vary, sample, directory, watch)
    check_texts("kernels", kernels, "a kernel's name")
    check_texts("settings", settings, 'a text such as "sm.count=40"')
    check_name("gpu", gpu, (str, PathLike), "a GPU's name or a file")
    for name, number in (("m", m), ("n", n), ("k", k), ("seed", seed), ("jobs", jobs)):
        check_whole(name, number)
    study = Study(
        m=m,
        n=n,
        k=k,
        densities_a=tuple(map(float, densities_a)),
        densities_b=tuple(map(float, densities_b)),
        kernels=tuple(kernels),
        seed=seed,
        gpu=fspath(gpu),
        settings=tuple(settings),
        vary={key: tuple(values) for key, values in (vary or {}).items()},
        sample=sample,
    )
    study.check()
    check_timeout("timeout", timeout)
    check_timeout("heartbeat", heartbeat)
    if not 1 <= jobs <= MAX_JOBS:
        raise StudyError(f"jobs is 1 to {MAX_JOBS}, not {jobs}")
    points = study.points()
    listener = watch or SweepProgress()
    with ExitStack() as stack:
        journal = Journal()
        if directory is not None:
            journal = stack.enter_context(opened(Path(directory), study.common(), listener.told))
        yield from _rows(points, journal, jobs, listener, RunOptions(timeout=timeout, heartbeat=heartbeat))


def _check_kinds(
    densities_a: object, densities_b: object, vary: Any, sample: object, directory: object, watch: object
) -> None:
    """Raise ArgumentTypeError for arguments of ``sweep`` of another kind."""
    for name, densities in (("densities_a", densities_a), ("densities_b", densities_b)):
        if isinstance(densities, str) or not isinstance(densities, Sequence | np.ndarray):
            raise ArgumentTypeError(f"{name} is a sequence of fractions from 0 to 1, not {kind_text(densities)}")
        for density in densities:
            check_kind(f"{name}: each", density, (int, float, np.integer, np.floating), "a fraction from 0 to 1")
    if vary is not None:
        check_kind("vary", vary, Mapping, "a mapping of parameters to the texts of their values, or None")
        for key, values in vary.items():
            check_kind("vary: each parameter", key, str, "a text such as sm.count")
            check_texts(f"vary: {key}", values, "a value as text")
    if sample is not None:
        check_kind("sample", sample, (int, float, np.floating), "a share of the CTAs, or None")
    if directory is not None:
        check_name("directory", directory, (str, PathLike), "a directory's name")
    if watch is not None:
        check_kind("watch", watch, SweepProgress, "a SweepProgress or None")


def _rows(
    points: list[Point], journal: Journal, jobs: int, watch: SweepProgress, options: RunOptions
) -> Iterator[PointRow]:
    kept = [row for point in points if (row := journal.find(point.key)) is not None]
    left = [point for point in points if journal.find(point.key) is None]
    watch.planned(len(points), len(kept))
    yield from kept
    failures: list[tuple[Point, Failure]] = []
    for point, outcome in _outcomes(left, jobs, watch, options):
        ended = journal.add(outcome) if isinstance(outcome, PointRow) else outcome
        watch.ended(point, ended)
        if isinstance(ended, PointRow):
            yield ended
        else:
            failures.append((point, ended))
    if failures:
        error = PointError(
            f"{len(failures)} of {len(points)} points failed",
            [point for point, _ in failures],
            any(failure.fault for _, failure in failures),
        )
        for point, failure in failures:
            error.add_note(f"{point.label}: {failure.reason}")
        raise error


def _outcomes(
    points: list[Point], jobs: int, watch: SweepProgress, options: RunOptions
) -> Iterator[tuple[Point, PointRow | Failure]]:
    if not points:
        return
    # Compiled here, so that it is not compiled by every process, nor counted as a point's time.
    cache.load(RUN_TASK, watch.told)
    at_once = min(jobs, len(points))
    if at_once == 1:
        alone = evolve(options, progress=watch.advanced, announce=watch.told)
        for point in points:
            watch.begun(point)
            yield point, attempt(point, alone)
        return
    threads = max(1, host_threads() // at_once)
    apart = partial(attempt, options=RunOptions(threads=threads, timeout=options.timeout))
    for point, outcome in in_processes(apart, points, at_once, watch.begun):
        yield point, _died(outcome) if isinstance(outcome, Died) else outcome


def _died(process: Died) -> Failure:
    return Failure(f"its process ended with status {process.status}; perhaps there was too little memory")
