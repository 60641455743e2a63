"""Holds the timing model to published measurements, by running microbenchmarks and kernels on it."""

import tomllib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from attrs import frozen

from dstc_isa.dense.gemm import gemm_dense
from dstc_isa.engine.device_memory import DEVICE_BASE
from dstc_isa.engine.run_options import DEFAULTS
from dstc_isa.gpu import Gpu, load_gpu
from dstc_isa.isa.lanes import LANES
from dstc_isa.report.run_shipped import run_shipped
from dstc_isa.sparse.random_matrix import random_matrix
from dstc_isa.sparse.spgemm import spgemm

MACHINE, SIMULATED = "v100", "v100-dstc-accelsim"
LINKS = 256
"""Instructions of a block in ``programs/microbenchmarks.dasm``."""

BLOCKS = (2, 6)
FLOOD_WARPS = 16
WMMA_PER_BLOCK = 16
WMMA_FMA = 16**3
TENSOR_FMA = 512
"""Multiply-adds a cycle and SM of V100's tensor cores (vendor document)."""

STRIDE = 256
MOST_ROUNDS = 64
"""A chain longer than this many blocks is not gone through again: it does not fit the caches anyway."""

GROUPS = ("latency", "throughput", "wmma", "gemm", "fig21")

Announce = Callable[[str], None]


@frozen
class Check:
    """A published value, ours, and how far apart they may be (as a fraction); ``source`` as in ``published.toml``."""

    group: str
    name: str
    unit: str
    published: float
    ours: float
    tolerance: float
    source: str

    @property
    def error(self) -> float:
        """Ours over the published value, minus one."""
        return self.ours / self.published - 1

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return abs(self.error) <= self.tolerance

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``json.dump``."""
        return {
            "group": self.group,
            "name": self.name,
            "unit": self.unit,
            "published": self.published,
            "ours": self.ours,
            "error": self.error,
            "tolerance": self.tolerance,
            "source": self.source,
            "passed": self.passed,
        }


@cache
def published() -> dict[str, Any]:
    """The published values."""
    return tomllib.loads((files("dstc_isa.studies") / "published.toml").read_text(encoding="utf-8"))


def validate(groups: Sequence[str] = GROUPS, announce: Announce | None = None) -> Iterator[Check]:
    """Measure and compare, group after group; ``announce`` is told what is being measured."""
    say = announce or (lambda text: None)
    measured: dict[str, Callable[[Any, Announce], Iterator[Check]]] = {
        "latency": latencies,
        "throughput": throughputs,
        "wmma": wmma,
        "gemm": gemm,
        "fig21": fig21,
    }
    for group in groups:
        yield from measured[group](published()[group], say)


def _cycles(kernel: str, gpu: Gpu, blocks: int, grid: int, warps: int, arguments: dict[str, Any]) -> int:
    values = {**arguments, "n": blocks, "out": np.zeros(LANES, np.uint32)}
    timing = run_shipped("microbenchmarks", kernel, (grid,), warps * LANES, values, gpu, DEFAULTS).timing
    assert timing is not None
    return timing.cycles


def _slope(kernel: str, gpu: Gpu, grid: int = 1, warps: int = 1, scale: int = 1, **arguments: Any) -> float:
    """Cycles of a block of the microbenchmark, launch and start-up taken off; ``scale`` multiplies the blocks run."""
    first, last = (scale * n for n in BLOCKS)
    before, after = (_cycles(kernel, gpu, n, grid, warps, arguments) for n in (first, last))
    return (after - before) / (last - first)


def latencies(rows: list[dict[str, Any]], say: Announce) -> Iterator[Check]:
    """Cycles of a link of a chain of dependent instructions."""
    gpu = load_gpu(MACHINE)
    for row in rows:
        say(row["name"])
        arguments: dict[str, Any] = {}
        scale = 1
        if "footprint" in row:
            arguments["list"] = chain(row["footprint"])
            scale = min(MOST_ROUNDS, max(1, row["footprint"] // (STRIDE * LINKS)))
        ours = _slope(row["kernel"], gpu, scale=scale, **arguments) / LINKS
        yield Check("latency", row["name"], "cycles", row["published"], ours, row["tolerance"], row["source"])


def chain(footprint: int) -> np.ndarray[Any, Any]:
    """A ring of cells, 256 bytes apart, each with the low word of the next one's address as the first argument."""
    cells = np.zeros(footprint // 4, np.uint32)
    places = np.arange(0, footprint, STRIDE)
    order = places[np.random.default_rng(0).permutation(len(places))]
    cells[order // 4] = (DEVICE_BASE + np.roll(order, -1)) & 0xFFFFFFFF
    return cells


def throughputs(rows: list[dict[str, Any]], say: Announce) -> Iterator[Check]:
    """Operations a cycle and SM, with enough warps to fill the pipe."""
    gpu = load_gpu(MACHINE)
    for row in rows:
        say(row["name"])
        block = _slope(row["kernel"], gpu, gpu.sm.count, FLOOD_WARPS)
        ours = LINKS * FLOOD_WARPS * row["per_instruction"] / block
        unit = f"{row['unit']}/cycle/SM"
        yield Check("throughput", row["name"], unit, row["published"], ours, row["tolerance"], row["source"])


def wmma(row: dict[str, Any], say: Announce) -> Iterator[Check]:
    """WMMA 16x16x16 in a chain, and from many warps."""
    gpu = load_gpu(MACHINE)
    say("WMMA 16x16x16")
    chained = _slope("wmma", gpu) / WMMA_PER_BLOCK
    source = row["source"]
    yield Check("wmma", "WMMA chain", "cycles", row["dependent_cycles"], chained, row["dependent_tolerance"], source)
    rate = WMMA_PER_BLOCK * FLOOD_WARPS * WMMA_FMA / _slope("wmma", gpu, gpu.sm.count, FLOOD_WARPS)
    yield Check("wmma", "WMMA", "FMA/cycle/SM", row["fma_per_cycle"], rate, row["fma_tolerance"], source)


def gemm(rows: list[dict[str, Any]], say: Announce) -> Iterator[Check]:
    """Share of the tensor peak that the dense kernel reaches, against cuBLAS."""
    for row in rows:
        m, n, k = row["m"], row["n"], row["k"]
        say(f"dense GEMM {m}x{n}x{k}")
        a, b = np.ones((m, k), np.float16), np.ones((k, n), np.float16)
        timing = gemm_dense(a, b, gpu=MACHINE).run.timing
        assert timing is not None
        share = 100 * m * n * k / (timing.cycles * load_gpu(MACHINE).sm.count * TENSOR_FMA)
        name = f"GEMM {m}x{n}x{k}"
        yield Check("gemm", name, "% of peak", row["percent_of_peak"], share, row["tolerance"], row["source"])


def fig21(row: dict[str, Any], say: Announce) -> Iterator[Check]:
    """SpGEMM over the density of A, relative to dense."""
    m, n, k, density_b = row["m"], row["n"], row["k"], row["density_b"]
    b = random_matrix(k, n, density_b, 1)
    points = {float(density): value for density, value in row["points"].items()}
    dense, ours_dense = points.pop(1.0), 0
    errors = []
    for density in (1.0, *points):
        say(f"SpGEMM {m}x{n}x{k}, density of A {density}")
        timing = spgemm(random_matrix(m, k, density, 0), b, gpu=SIMULATED).report.run.timing
        assert timing is not None
        if density == 1.0:
            ours_dense = timing.cycles
            continue
        name = f"SpGEMM time, A {density}"
        check = Check(
            "fig21",
            name,
            "of dense",
            points[density] / dense,
            timing.cycles / ours_dense,
            row["point_tolerance"],
            row["source"],
        )
        errors.append(abs(check.error))
        yield check
    mean = 1 + sum(errors) / len(errors)
    yield Check("fig21", "SpGEMM, mean error", "1 + error", 1.0, mean, row["mean_tolerance"], row["source"])
