"""The log of a warp: a line for each instruction that it executes, and for what it wrote."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from dstc_isa.engine.faults import instruction_text, lane_list
from dstc_isa.engine.launch import Launch
from dstc_isa.isa.access import results
from dstc_isa.isa.fetch import Lane
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.lanes import FULL_MASK
from dstc_isa.isa.values import PT, REGISTERS, Predicate
from dstc_isa.isa.warp import Space
from dstc_isa.trace.logged import LoggedWarp
from dstc_isa.trace.place import cta_name
from dstc_isa.trace.values import compressed, lanes_of, number_text

WIDEST = 4
"""Registers of a result that are all shown; of a wider one, such as an accumulator, those that changed."""

"""They write FP32 numbers."""

Write = Callable[[str], None]


class Log:
    """Writes the lines of the warps of a launch; ``write`` takes one, without its end."""

    def __init__(self, launch: Launch, write: Write) -> None:
        kernel = launch.kernel
        self.launch = launch
        self.write = write
        self.texts = [instruction_text(kernel.isa, word) for word in kernel.words]
        self.places = [kernel.place(index) for index in range(len(kernel.words))]
        self.width = max(map(len, self.texts), default=0)
        # Chains of macro uses are longer than all else of a line: they alone move what comes behind them.
        lines = zip(self.places, kernel.locations, strict=False)
        self.place_width = max((len(place) for place, chain in lines if len(chain) == 1), default=0)

    def step(self, warp: LoggedWarp, instruction: Instruction | None, execute: Callable[[], None]) -> None:
        """Let a warp execute its next instruction, and write what it was and did."""
        pc = warp.pc
        registers, predicates = warp.registers[:REGISTERS].copy(), list(warp.predicates[:PT])
        warp.forget()
        execute()
        if pc >= len(self.texts):
            return
        # What a fault stopped has written nothing that counts.
        changes = [] if instruction is None or warp.fault else list(_changes(warp, instruction, registers, predicates))
        mask = warp.fault_lanes if warp.fault else warp.mask
        address = pc * self.launch.kernel.isa.word.size
        line = (
            f"{cta_name(self.launch, warp.identity)}.{warp.index}  {warp.issued:5}  0x{address:04x}"
            f"  {self.places[pc]:{self.place_width}}  {lane_list(mask):6}  {self.texts[pc]:{self.width}}"
        )
        told = ["fault"] if warp.fault else changes
        self.write("  ".join([line, "; ".join(told)]).rstrip())


def _changes(
    warp: LoggedWarp, instruction: Instruction, registers: npt.NDArray[np.uint32], predicates: list[int]
) -> Iterator[str]:
    """What an instruction has written: registers, predicates, memory; the arguments are what they held before."""
    changed = warp.registers[:REGISTERS] != registers
    floats = warp.element == np.dtype(np.float32) or instruction.declaration.unit.floats
    for index, width, lane in results(instruction) if warp.mask else ():
        if width > WIDEST:
            continue
        if lane is Lane.U64:
            low, high = warp.registers[index].astype(np.uint64), warp.registers[index + 1].astype(np.uint64)
            yield f"R{index}:R{index + 1} = {_over(warp.mask, low | high << np.uint64(32))}"
            changed[index : index + 2] = False
            continue
        for register in range(index, index + width):
            mask = warp.mask | _mask(changed[register])
            yield f"R{register} = {_over(mask, _typed(warp.registers[register], floats or lane is Lane.F32))}"
            changed[register] = False
    for register in np.flatnonzero(changed.any(axis=1)).tolist():
        yield f"R{register} = {_over(_mask(changed[register]), _typed(warp.registers[register], floats))}"
    for index in range(PT):
        mask = warp.predicates[index] ^ predicates[index] & FULL_MASK
        if warp.mask and index in _predicates(instruction):
            mask |= warp.mask
        if mask:
            yield f"P{index} = {compressed(lanes_of(mask), [warp.predicates[index] >> n & 1 for n in lanes_of(mask)])}"
    if warp.stored:
        yield _stores(warp)


def _predicates(instruction: Instruction) -> set[int]:
    """Numbers of the predicates that an instruction writes by name."""
    pairs = zip(instruction.declaration.operands, instruction.operands, strict=True)
    return {value.index for operand, value in pairs if operand.destination and isinstance(value, Predicate)}


def _mask(lanes: npt.NDArray[np.bool_]) -> int:
    """Lanes that hold as a mask."""
    return sum(1 << lane for lane in np.flatnonzero(lanes).tolist())


def _typed(register: npt.NDArray[np.uint32], floats: bool) -> npt.NDArray[Any]:
    """A register as FP32 numbers or as integers."""
    return register.view(np.float32) if floats else register


def _over(mask: int, values: npt.NDArray[Any]) -> str:
    """A register's values in the lanes of a mask."""
    lanes = lanes_of(mask)
    if values.dtype == np.float32:
        return compressed(lanes, [values[lane] for lane in lanes])
    return compressed(lanes, [int(values[lane]) for lane in lanes], number_text)


def _stores(warp: LoggedWarp) -> str:
    """Where and what was stored, lane after lane: the array, or which memory, addresses and values."""
    lanes = [each.lane for each in warp.stored]
    where = compressed(lanes, [each.address for each in warp.stored], hex)
    name = "shared memory" if warp.stored[0].space == Space.SHARED else ", ".join(a.name for a in warp.accessed)
    kind = warp.element if warp.element is not None else np.dtype(np.uint32)

    def show(data: bytes) -> str:
        if kind.kind not in "fiu" or len(data) % kind.itemsize:
            return number_text(int.from_bytes(data, "little"))
        numbers = np.frombuffer(data, kind)
        texts = [number_text(int(number)) if kind.kind == "u" else str(number) for number in numbers]
        return texts[0] if len(texts) == 1 else f"({' '.join(texts)})"

    return f"{name} at {where} = {compressed(lanes, [each.data for each in warp.stored], show)}"
