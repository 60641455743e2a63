"""Global memory of the device: allocations backed by NumPy arrays, at device addresses of their own."""

from typing import Any

import numpy.typing as npt
from attrs import define, field, frozen

from dstc_isa.engine.launch_records import ALLOCATION
from dstc_isa.engine.record_layout import Record

DEVICE_BASE = 0x7F00_0000_0000
ALIGNMENT = 256
GUARD_BYTES = 4096
"""Unmapped space behind every allocation, so that a near miss is a fault and not a neighbour's data."""


@frozen(eq=False)
class Allocation:
    """One allocation: device address, the host array that holds its bytes, and a name for messages."""

    name: str
    address: int
    array: npt.NDArray[Any]

    @property
    def size(self) -> int:
        """Bytes."""
        return int(self.array.nbytes)

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.address + self.size


@define
class DeviceMemory:
    """Allocations in increasing address order. Arrays are used in place, not copied."""

    allocations: list[Allocation] = field(factory=list)
    _next: int = DEVICE_BASE

    def allocate(self, name: str, array: npt.NDArray[Any]) -> Allocation:
        """Map a C-contiguous array; kernels read and write the array itself.

        Raises ValueError for an array that is not contiguous, or is to be written and is read-only.
        """
        if not array.flags.c_contiguous:
            raise ValueError(f"{name}: the array must be C-contiguous: {name} = np.ascontiguousarray({name})")
        if not array.flags.writeable:
            raise ValueError(f"{name}: the array is read-only, and kernels work on it in place: {name} = {name}.copy()")
        allocation = Allocation(name, self._next, array)
        self._next += -(-(array.nbytes + GUARD_BYTES) // ALIGNMENT) * ALIGNMENT
        self.allocations.append(allocation)
        return allocation

    def table(self) -> Record:
        """Records of all allocations; an empty one if there are none."""
        return ALLOCATION.new(
            max(1, len(self.allocations)),
            start=[a.address for a in self.allocations] or 0,
            end=[a.end for a in self.allocations] or 0,
            host=[a.array.ctypes.data - a.address for a in self.allocations] or 0,
        )

    def describe(self, address: int) -> str:
        """Where an address lies relative to the nearest allocation."""
        if not self.allocations:
            return "there are no allocations"
        nearest = min(self.allocations, key=lambda a: distance(a, address))
        gap = distance(nearest, address)
        span = f"{nearest.name} (0x{nearest.address:x}, {nearest.size} bytes)"
        if gap == 0:
            return f"{nearest.end - address} bytes before the end of {span}"
        if address < nearest.address:
            return f"{gap} bytes before {span}"
        return f"{address - nearest.end} bytes behind the end of {span}"


def distance(allocation: Allocation, address: int) -> int:
    """Bytes between an address and an allocation, 0 inside."""
    if address < allocation.address:
        return allocation.address - address
    return max(0, address - allocation.end + 1)
