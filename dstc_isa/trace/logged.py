"""A warp of the reference engine that notes what it loads from memory and stores there."""

from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.engine.device_memory import Allocation
from dstc_isa.engine.reference.warp import ReferenceWarp
from dstc_isa.isa.modifier import SIZE_BYTES
from dstc_isa.isa.warp import Space


@frozen(eq=False)
class Stored:
    """What one lane left in memory: ``data`` at an address of a space."""

    space: Space
    lane: int
    address: int
    data: bytes


class LoggedWarp(ReferenceWarp):
    """``stored``: what the instruction at hand has stored; ``accessed``: the arrays in which it was."""

    stored: list[Stored]
    accessed: list[Allocation]

    def forget(self) -> None:
        """Begin a new instruction."""
        self.stored = []
        self.accessed = []

    @property
    def element(self) -> np.dtype[Any] | None:
        """Type of what the arrays hold that the instruction at hand accessed; None if there is no one type."""
        kinds = {each.array.dtype for each in self.accessed}
        return kinds.pop() if len(kinds) == 1 else None

    def window(self, space: int, address: int, width: int) -> npt.NDArray[np.uint8] | None:
        """The bytes at an address; notes in which array they are."""
        view = super().window(space, address, width)
        if view is not None and space == Space.GLOBAL:
            found = next(a for a in self.launch.memory.allocations if a.address <= address < a.end)
            if found not in self.accessed:
                self.accessed.append(found)
        return view

    def store(self, space: int, address: Any, size: int, source: int) -> None:
        """See ``isa.warp.store``."""
        super().store(space, address, size, source)
        if not self.fault:
            for lane in self.executing():
                self._note(space, lane, int(address[lane]), SIZE_BYTES[size])

    def exchange(self, space: int, lane: int, address: int, operation: int, kind: int, value: int) -> int:
        """See ``isa.warp.exchange``."""
        old = super().exchange(space, lane, address, operation, kind, value)
        if not self.fault:
            self._note(space, lane, address, 4)
        return old

    def compare_exchange(self, space: int, lane: int, address: int, expected: int, value: int) -> int:
        """See ``isa.warp.compare_exchange``."""
        old = super().compare_exchange(space, lane, address, expected, value)
        if not self.fault and old == expected:
            self._note(space, lane, address, 4)
        return old

    def _note(self, space: int, lane: int, address: int, width: int) -> None:
        view = self.window(space, address, width)
        assert view is not None
        self.stored.append(Stored(Space(space), lane, address, view.tobytes()))
