"""What the timing model must know of an instruction, as a row of words: ports, latencies, control codes."""

from collections import Counter
from collections.abc import Sequence

from dstc_isa.engine.record_layout import Record
from dstc_isa.gpu import Gpu
from dstc_isa.isa.access import accumulator, sources
from dstc_isa.isa.effects import Effect
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.remembered import clear_when_changed
from dstc_isa.isa.values import RZ, Address
from dstc_isa.timing.blocks import unit_number
from dstc_isa.timing.model_records import INSTRUCTION_TIMING, NO_COST, Gate
from dstc_isa.timing.reasons import Reason, number_of

KEPT = 16
"""Kernels whose rows are kept, up to 1 MB each."""

_kept: dict[object, Record] = {}
clear_when_changed(_kept.clear)


def port_numbers(gpu: Gpu) -> dict[str, int]:
    """Port names of a configuration, in order, with their numbers."""
    names = dict.fromkeys(gpu.pipes[unit].port for unit in gpu.isa.units)
    return {name: number for number, name in enumerate(names)}


def kept_rows(words: tuple[int, ...], instructions: Sequence[Instruction | None], gpu: Gpu) -> Record:
    """The rows of a kernel with these words; later launches on such a GPU get the same array."""
    of_units = tuple((unit, gpu.pipes[unit], gpu.vanishes(unit)) for unit in gpu.isa.units)
    key = (words, gpu.isa, gpu.register_file, of_units)
    rows = _kept.get(key)
    if rows is None:
        rows = timing_rows(instructions, gpu)
        if len(_kept) >= KEPT:
            _kept.pop(next(iter(_kept)), None)
        _kept[key] = rows
    return rows


def timing_rows(instructions: Sequence[Instruction | None], gpu: Gpu) -> Record:
    """One row for each instruction and one behind the last; an undefined word has the row of a NOP."""
    rows = INSTRUCTION_TIMING.new(len(instructions) + 1)
    ports = port_numbers(gpu)
    before: Instruction | None = None
    for index, instruction in enumerate(instructions):
        if instruction is not None:
            rows[index] = row_of(instruction, before, gpu, ports)
        if instruction is None or _reads_registers(instruction):
            before = instruction
    return rows


def row_of(instruction: Instruction, before: Instruction | None, gpu: Gpu, ports: dict[str, int]) -> Record:
    """The row of an instruction that stands behind another."""
    declaration, control = instruction.declaration, instruction.control
    unit = declaration.unit
    pipe = gpu.pipes[unit]
    conflicts = gpu.register_file.conflict_cycles * extra_reads(instruction, before, gpu)
    memory = Gate.MEMORY if Effect.GLOBAL in declaration.effects else Gate.UNIT
    accumulated, accumulators = accumulator(instruction) or (0, 0)
    latency, reason = pipe.longest, int(Reason.DEPENDENCY)
    if declaration.variable_latency:
        latency = pipe.latency
        reason = number_of(gpu.isa, None if unit.block is None else unit.block.awaits, Reason.SHORT_SCOREBOARD)
    return INSTRUCTION_TIMING.new(
        port=ports[pipe.port],
        initiation=pipe.initiation + conflicts,
        latency=latency,
        stall=max(1, control.stall),
        wait=control.wait,
        write=control.write,
        read=control.read,
        gate=memory if unit.memory else Gate.NONE,
        yields=control.yields,
        cost=NO_COST if unit.cost_function is None else unit_number(gpu.isa, unit),
        reason=reason,
        accumulator=accumulated,
        accumulators=accumulators,
        vanishes=gpu.vanishes(unit),
    )


def extra_reads(instruction: Instruction, before: Instruction | None, gpu: Gpu) -> int:
    """Cycles by which reading the sources takes longer than the pipe's initiation interval.

    A bank delivers one register of a warp a cycle (Jia et al. 2018 find two banks: three sources of an FFMA in one
    bank cost a cycle). A source that the instruction before kept with ``.reuse`` in the same slot is not read.
    """
    kept = set() if before is None else {(slot, value.index) for slot, value, _ in sources(before) if value.reuse}
    numbers = {
        value.index + part
        for slot, value, width in sources(instruction)
        if value.index != RZ and (slot, value.index) not in kept
        for part in range(width)
    }
    banks = Counter(number % gpu.register_file.banks for number in numbers)
    return max(0, max(banks.values(), default=0) - gpu.pipes[instruction.declaration.unit].initiation)


def _reads_registers(instruction: Instruction) -> bool:
    """Whether it changes what the reuse cache holds."""
    addresses = any(isinstance(value, Address) and value.register != RZ for value in instruction.operands)
    return addresses or any(value.index != RZ for _, value, _ in sources(instruction))
