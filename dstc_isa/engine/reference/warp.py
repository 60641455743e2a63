"""A warp of the reference engine: its registers as NumPy arrays, and its way to memory."""

from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dstc_isa.engine.launch import Launch
from dstc_isa.engine.loops import FIRST_LOOK, STATE, STATE_ARRAYS
from dstc_isa.engine.register_rows import PREDICATE_SLOTS, SINK_ROW
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.lanes import FULL_MASK, LANES, lowest_bit
from dstc_isa.isa.modifier import SIZE_BYTES, Size
from dstc_isa.isa.unit import Unit
from dstc_isa.isa.values import PT
from dstc_isa.isa.volta.atomics import combine
from dstc_isa.isa.warp import ARRAYS, SCALARS, Fault, Space, fail

WORD_BYTES = 4
SIGNED = (Size.S8, Size.S16)


class ReferenceWarp:
    """State of one warp; the fields of ``isa.warp`` are plain attributes and lists."""

    def __init__(self, launch: Launch, index: int, cta: int, shared: npt.NDArray[np.uint8]) -> None:
        for name in SCALARS:
            setattr(self, name, 0)
        for name, (length, _) in ARRAYS.items():
            setattr(self, name, [0] * length)
        for unit in launch.kernel.isa.units:
            self.reset(unit)
        self.launch = launch
        self.shared = shared
        self.registers = np.zeros((SINK_ROW + WORD_BYTES, LANES), np.uint32)
        self.predicates = [0] * PREDICATE_SLOTS
        self.predicates[PT] = FULL_MASK
        self.thread_ids = launch.thread_ids()[index]
        self.index = index
        self.next_look = FIRST_LOOK
        self.last_address = 0
        self.live = (1 << min(LANES, launch.threads - index * LANES)) - 1
        self.active = self.live
        self.code_size = len(launch.kernel.words)
        x, y, _ = launch.grid
        place = (cta % x, cta // x % y, cta // (x * y))
        self.identity = [*place, *launch.block, *launch.grid, index]

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The fields that the constructor sets by name."""

        def __setattr__(self, name: str, value: Any) -> None:
            """A field as an instruction sets it."""

    def reset(self, unit: Unit) -> None:
        """Clear what instructions tell a unit."""
        for name, cell in unit.state.items():
            setattr(self, name, 0 if cell.words == 1 else [0] * cell.words)

    def copy(self) -> "ReferenceWarp":
        """A warp in the same state, whose registers and lanes are its own."""
        other = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, list | np.ndarray) and name not in ("shared", "thread_ids"):
                setattr(other, name, value.copy())
        return other

    def same_state(self, other: "ReferenceWarp") -> bool:
        """Whether two warps will do the same, if what they read beyond them is the same."""
        alike = all(getattr(self, name) == getattr(other, name) for name in (*STATE, *STATE_ARRAYS, "predicates"))
        return alike and bool(np.array_equal(self.registers, other.registers))

    def guarded(self, instruction: Instruction) -> int:
        """The running lanes in which an instruction's guard holds."""
        guard = self.predicates[instruction.guard.index] ^ (FULL_MASK if instruction.guard.negate else 0)
        return self.active & guard & FULL_MASK

    def executing(self) -> list[int]:
        """Numbers of the lanes that execute."""
        return [lane for lane in range(LANES) if self.mask >> lane & 1]

    def window(self, space: int, address: int, width: int) -> npt.NDArray[np.uint8] | None:
        """The ``width`` bytes at an address, or None if they are not all in one piece of memory."""
        first, end = self.launch.kernel.shared_range(self.pc - 1)
        data, start = self.shared[first:end], first
        if space == Space.CONSTANT:
            data, start = np.frombuffer(self.launch.banks.get(address >> 32, b""), np.uint8), 0
            address &= FULL_MASK
        elif space == Space.GLOBAL:
            found = [a for a in self.launch.memory.allocations if a.address <= address < a.end]
            if not found:
                return None
            data, start = found[0].array.reshape(-1).view(np.uint8), found[0].address
        offset = address - start
        return data[offset : offset + width] if 0 <= offset <= len(data) - width else None

    def windows(self, space: int, address: Any, width: int) -> dict[int, npt.NDArray[np.uint8]]:
        """The bytes of every executing lane; empty, with the fault set, if one may not access its address."""
        kinds = {Space.GLOBAL: Fault.OUT_OF_BOUNDS, Space.SHARED: Fault.SHARED_BOUNDS}
        found: dict[int, npt.NDArray[np.uint8]] = {}
        outside = misaligned = 0
        for lane in self.executing():
            view = self.window(space, int(address[lane]), width)
            if view is None:
                outside |= 1 << lane
            else:
                found[lane] = view
            if int(address[lane]) % width:
                misaligned |= 1 << lane
        bad = outside or misaligned
        if bad:
            kind = kinds.get(Space(space), Fault.CONSTANT_BOUNDS) if outside else Fault.MISALIGNED
            detail = int(address[(bad & -bad).bit_length() - 1])
            fail(self, kind, bad, detail & FULL_MASK if space == Space.CONSTANT else detail, width)
            return {}
        return found

    def load(self, space: int, address: Any, size: int, destination: int) -> None:
        """See ``isa.warp.load``."""
        width = SIZE_BYTES[size]
        self.last_address = int(address[lowest_bit(self.mask)])
        for lane, view in self.windows(space, address, width).items():
            raw = view.tobytes()
            if width < WORD_BYTES:
                number = int.from_bytes(raw, "little", signed=size in SIGNED)
                raw = (number & FULL_MASK).to_bytes(WORD_BYTES, "little")
            for word in range(len(raw) // WORD_BYTES):
                piece = raw[WORD_BYTES * word : WORD_BYTES * (word + 1)]
                self.registers[destination + word, lane] = int.from_bytes(piece, "little")

    def store(self, space: int, address: Any, size: int, source: int) -> None:
        """See ``isa.warp.store``."""
        width = SIZE_BYTES[size]
        for lane, view in self.windows(space, address, width).items():
            words = self.registers[source : source + max(1, width // WORD_BYTES), lane]
            view[:] = np.frombuffer(words.tobytes()[:width], np.uint8)

    def word(self, space: int, lane: int, address: int) -> npt.NDArray[np.uint32] | None:
        """One lane's 32-bit word as an array of one element; None after a fault."""
        if address % WORD_BYTES:
            fail(self, Fault.MISALIGNED, 1 << lane, address, WORD_BYTES)
            return None
        view = self.window(space, address, WORD_BYTES)
        if view is None:
            kind = Fault.SHARED_BOUNDS if space == Space.SHARED else Fault.OUT_OF_BOUNDS
            fail(self, kind, 1 << lane, address, WORD_BYTES)
            return None
        return view.view(np.uint32)

    def exchange(self, space: int, lane: int, address: int, operation: int, kind: int, value: int) -> int:
        """See ``isa.warp.exchange``."""
        word = self.word(space, lane, address)
        if word is None:
            return 0
        old = int(word[0])
        word[0] = combine(operation, kind, old, value)
        return old

    def compare_exchange(self, space: int, lane: int, address: int, expected: int, value: int) -> int:
        """See ``isa.warp.compare_exchange``."""
        word = self.word(space, lane, address)
        if word is None:
            return 0
        old = int(word[0])
        if old == expected:
            word[0] = value
        return old
