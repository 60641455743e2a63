"""A program: the compiled conversions and the scatter, for the CPU that the environment names.

Reads an .npz with ``halves``, ``floats``, ``values`` and ``bitmaps`` and writes one with the results.
"""

import sys
from pathlib import Path

import numpy as np
from numba import njit

from dstc_isa.engine.compiled import lane_functions, llvm_calls
from dstc_isa.engine.compiled.raw_memory import (
    load_i64,
    load_lanes_f32,
    load_lanes_u32,
    store_lanes_f32,
    store_lanes_u32,
)
from dstc_isa.isa.lanes import LANES, expand, float_to_half, half_to_float

lane_functions.register()
ROW = 4 * LANES


@njit
def widen(source, target, count):  # type: ignore[no-untyped-def]
    for row in range(count):
        store_lanes_f32(target + ROW * row, half_to_float(load_lanes_u32(source + ROW * row)))


@njit
def narrow(source, target, count):  # type: ignore[no-untyped-def]
    for row in range(count):
        store_lanes_u32(target + ROW * row, float_to_half(load_lanes_f32(source + ROW * row)))


@njit
def scatter(source, bitmaps, target, count):  # type: ignore[no-untyped-def]
    for row in range(count):
        bitmap = load_i64(bitmaps + 8 * row)
        store_lanes_f32(target + ROW * row, expand(load_lanes_f32(source + ROW * row), bitmap))


def main(source: Path, target: Path) -> None:
    given = np.load(source)
    halves, floats, values, bitmaps = (given[name].copy() for name in ("halves", "floats", "values", "bitmaps"))
    widened, narrowed = np.zeros(halves.shape, np.float32), np.zeros(floats.shape, np.uint32)
    scattered = np.zeros(values.shape, np.float32)
    widen(halves.ctypes.data, widened.ctypes.data, len(halves))
    narrow(floats.ctypes.data, narrowed.ctypes.data, len(floats))
    scatter(values.ctypes.data, bitmaps.ctypes.data, scattered.ctypes.data, len(values))
    features = [llvm_calls.host_has(name) for name in ("f16c", "avx2")]
    np.savez(target, widened=widened, narrowed=narrowed, scattered=scattered, features=features)


main(Path(sys.argv[1]), Path(sys.argv[2]))
