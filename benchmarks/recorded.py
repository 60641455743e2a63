"""Cycles and results of every shipped kernel: ``python benchmarks/recorded.py [--check]``.

Writes ``recorded.json``, or compares with it and names each row that differs. A change that is not meant to move
anything leaves the table as it is; one that is meant to says which rows and why. Everything is deterministic, so a row
is exact: launches, cycles, a hash of the counters and stall cycles, a hash of the results. A shipped kernel that no row
runs is named, and is an error.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

import dstc_isa
from dstc_isa.conv.dense.conv_dense import conv_dense
from dstc_isa.conv.dense.dense_plan import NARROW, SMALL, WIDE, DensePlan
from dstc_isa.conv.result import ConvResult
from dstc_isa.conv.sparse.tiling import Tiling
from dstc_isa.object.shipped import load_shipped
from dstc_isa.program_files import program_directory
from dstc_isa.report.statistics import RunStatistics, statistics

TABLE = Path(__file__).with_name("recorded.json")
DIGITS = 16
SMALL_GPU = dstc_isa.load_gpu("v100-dstc", ["sm.count=4"])

RAN: set[str] = set()
"""Names of the kernels that ran."""


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:DIGITS]


def timed(*runs: RunStatistics) -> dict[str, Any]:
    """What is recorded of the last launch; all of them are noted."""
    RAN.update(run.kernel for run in runs)
    timing = runs[-1].timing
    assert timing is not None
    counted = {**timing.counters, **timing.stalls, "slots": timing.issue_slots, "dram": timing.dram_bytes}
    return {"cycles": timing.cycles, "counted": digest(json.dumps(counted, sort_keys=True).encode())}


def array(*shape: int, density: float = 1.0, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    values = generator.integers(-8, 9, shape).astype(np.float16)
    return np.where(generator.random(shape) < density, values, np.float16(0))


def product(result: Any) -> dict[str, Any]:
    return {**timed(result.run), "result": digest(np.ascontiguousarray(result.c).tobytes())}


def sparse_product(kernel: str, density: float) -> dict[str, Any]:
    a = scipy.sparse.random_array((256, 320), density=density, rng=1, dtype=np.float32)
    b = scipy.sparse.random_array((320, 192), density=density, rng=2, dtype=np.float32)
    result = dstc_isa.spgemm(a, b, kernel=kernel, gpu=SMALL_GPU)
    dense = result.c.toarray() if hasattr(result.c, "toarray") else np.asarray(result.c)
    return {**timed(result.report.run), "result": digest(dense.tobytes())}


def structured() -> dict[str, Any]:
    a = array(128, 128)
    a.reshape(128, 32, 4)[:, :, 1:3] = 0
    return product(dstc_isa.gemm_sparse24(a, array(128, 96, seed=3), gpu=SMALL_GPU))


def convolution(kernel: str, dx: float, dw: float, channels: int = 64, **options: Any) -> dict[str, Any]:
    x = array(2, channels, 14, 14, density=dx, seed=4)
    w = array(64, channels // options.get("groups", 1), 3, 3, density=dw, seed=5)
    return convolved(dstc_isa.conv2d(x, w, kernel=kernel, gpu=SMALL_GPU, **options))


def convolved(result: ConvResult) -> dict[str, Any]:
    values = np.ascontiguousarray(result.y).tobytes()
    return {**timed(*result.launches), "all": result.cycles, "result": digest(values)}


def tiled(plan: DensePlan) -> dict[str, Any]:
    x, w = array(2, 64, 14, 14, seed=4), array(96, 64, 3, 3, seed=5)
    return convolved(conv_dense(x, w, padding=1, plan=plan, gpu=SMALL_GPU))


def short(kernel: str, **options: Any) -> dict[str, Any]:
    """More CTAs than have room at a time, and few values of the filters."""
    x, w = array(2, 16, 56, 56, density=0.3, seed=9), array(256, 16, 3, 3, density=0.05, seed=10)
    return convolved(dstc_isa.conv2d(x, w, kernel=kernel, padding=1, tiling=Tiling(2, 1), gpu=SMALL_GPU, **options))


def chain() -> dict[str, Any]:
    layers = [dstc_isa.Layer(w=array(32, 32, 3, 3, density=0.4, seed=s), padding=1, relu=True) for s in (6, 7)]
    results = dstc_isa.run_layers(array(1, 32, 14, 14, density=0.6, seed=8), layers, gpu=SMALL_GPU)
    for result in results:
        timed(*result.launches)
    values = digest(*(np.ascontiguousarray(result.y).tobytes() for result in results))
    return {"cycles": sum(result.cycles for result in results), "result": values}


def kernel(file: str, name: str, grid: int, block: int, **arguments: Any) -> dict[str, Any]:
    program = load_shipped(file)
    arrays = [value for value in arguments.values() if isinstance(value, np.ndarray)]
    _, timing = dstc_isa.time_kernel(program, program.kernel(name), (grid,), (block,), arguments, SMALL_GPU)
    return {
        **timed(statistics(program.kernel(name), timing.execution, timing)),
        "result": digest(*(each.tobytes() for each in arrays)),
    }


def microbenchmarks() -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    program = load_shipped("microbenchmarks.dasm")
    for each in program.kernels:
        values: dict[str, Any] = {}
        for parameter in each.parameters:
            values[parameter.name] = np.zeros(1 << 14, np.uint32) if parameter.type == "ptr" else 3
        yield (
            f"microbenchmarks.dasm {each.name}",
            lambda name=each.name, values=values: kernel("microbenchmarks.dasm", name, 2, 64, **values),
        )


def launches() -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    x, y = (np.arange(5000, dtype=np.float32) + seed for seed in range(2))
    yield "hello.dasm saxpy", lambda: kernel("hello.dasm", "saxpy", 40, 128, x=x, y=y, a=2.5, n=4900)
    yield "gemm_dense", lambda: product(dstc_isa.gemm_dense(array(200, 96), array(96, 136, seed=1), gpu=SMALL_GPU))
    yield "gemm_sparse24", structured
    for name in ("spgemm", "spgemm_seq"):
        for density in (0.02, 0.3):
            yield f"{name} {density}", lambda name=name, density=density: sparse_product(name, density)
    for name in ("spconv", "spconv_ohmma", "conv_dense"):
        for dx, dw in ((1.0, 1.0), (0.5, 0.25), (0.3, 0.1)):
            yield f"{name} {dx} {dw}", lambda name=name, dx=dx, dw=dw: convolution(name, dx, dw, padding=1)
    for dx, dw in ((0.5, 0.25), (0.3, 0.08)):
        yield (
            f"spconv encoded {dx} {dw}",
            lambda dx=dx, dw=dw: convolution("spconv", dx, dw, padding=1, encoded=True, relu=True),
        )
    yield "spconv strided", lambda: convolution("spconv", 0.5, 0.3, stride=2, padding=1)
    yield "spconv dilated", lambda: convolution("spconv", 0.5, 0.3, dilation=2, padding=2)
    yield "spconv groups", lambda: convolution("spconv", 0.5, 0.3, groups=4, padding=1)
    yield "run_layers", chain
    yield from microbenchmarks()
    yield from each_tiling()


def each_tiling() -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Every kernel of the convolutions, chosen by how the launch is cut and by the density of the filters."""
    for tile in (WIDE, NARROW, SMALL):
        yield tile.kernel, lambda tile=tile: tiled(DensePlan(tile))
    yield f"{SMALL.kernel}_parts", lambda: tiled(DensePlan(SMALL, parts=3))
    forms = [("spconv", {}), ("spconv", {"encoded": True}), ("spconv_ohmma", {})]
    for name, options in forms:
        for tiling in (Tiling(2, 1), Tiling(2, 2), Tiling(1, 1), Tiling(1, 2)):
            for dx, dw in ((0.5, 0.6), (0.3, 0.04)) if tiling.filter_tiles == 2 else ((0.5, 0.6),):
                yield (
                    f"{tiling.kernel('spconv_encoded' if options else name)} {dx} {dw}",
                    lambda name=name, dx=dx, dw=dw, tiling=tiling, options=options: convolution(
                        name, dx, dw, padding=1, tiling=tiling, **options
                    ),
                )
    yield "spconv_short", lambda: short("spconv")
    yield "spconv_encoded_short", lambda: short("spconv", encoded=True)


def never_ran() -> list[str]:
    """Shipped kernels that no launch ran."""
    files = sorted(program_directory().glob("*.dasm"))
    return [each.name for file in files for each in load_shipped(file.name).kernels if each.name not in RAN]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the table, and write nothing")
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    found = {}
    for name, run in launches():
        found[name] = run()
        print(name, found[name], file=sys.stderr, flush=True)
    if missing := never_ran():
        parser.exit(1, f"no row runs {', '.join(missing)}\n")
    if not options.check:
        options.table.write_text(json.dumps(found, indent=1) + "\n")
        return 0
    wanted = json.loads(options.table.read_text())
    different = [name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)]
    for name in sorted(different):
        print(f"{name}: {wanted.get(name)} in the table, {found.get(name)} now")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
