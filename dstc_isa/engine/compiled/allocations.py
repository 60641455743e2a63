"""Where device addresses lie."""

from typing import Any

from numba import int64

from dstc_isa.engine.compiled.jit import compiled
from dstc_isa.engine.compiled.records import as_launch, load_i64
from dstc_isa.engine.layout import ALLOCATION_ENTRY


@compiled
def find_allocation(warp: Any, address: Any) -> Any:
    """Index of the allocation that holds a device address, -1 if none does."""
    launch = as_launch(warp.launch)
    entry = launch.allocations + warp.last_allocation * ALLOCATION_ENTRY
    if load_i64(entry) <= address < load_i64(entry + 8):
        return warp.last_allocation
    low = 0
    high = launch.allocation_count
    while low < high:
        middle = (low + high) // 2
        if load_i64(launch.allocations + middle * ALLOCATION_ENTRY) <= address:
            low = middle + 1
        else:
            high = middle
    if low == 0 or address >= load_i64(launch.allocations + (low - 1) * ALLOCATION_ENTRY + 8):
        return int64(-1)
    warp.last_allocation = low - 1
    return int64(low - 1)
