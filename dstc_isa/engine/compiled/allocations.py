"""Where device addresses lie."""

from typing import Any

from numba import int64

from dstc_isa.engine.compiled.jit import compiled
from dstc_isa.engine.compiled.record_views import allocation_at, as_launch


@compiled
def find_allocation(warp: Any, address: Any) -> Any:
    """Index of the allocation that holds a device address, -1 if none does."""
    launch = as_launch(warp.launch)
    last = allocation_at(launch.allocations, warp.last_allocation)
    if last.start <= address < last.end:
        return warp.last_allocation
    low = 0
    high = launch.allocation_count
    while low < high:
        middle = (low + high) // 2
        if allocation_at(launch.allocations, middle).start <= address:
            low = middle + 1
        else:
            high = middle
    if low == 0 or address >= allocation_at(launch.allocations, low - 1).end:
        return int64(-1)
    warp.last_allocation = low - 1
    return int64(low - 1)
