"""What the modelled machine holds for units with a cost function: blocks' state, parameters, counters, and where."""

from collections.abc import Callable

import numpy as np

from dstc_isa.engine.record_layout import Record, RecordLayout, Words
from dstc_isa.gpu import Gpu
from dstc_isa.isa.instruction_set import Isa, known
from dstc_isa.isa.unit import Block, Unit, UnitError, Word
from dstc_isa.timing.model_records import COUNTERS, UNIT
from dstc_isa.timing.reasons import Reason, number_of

TIMING = {
    "latency": "cycles to the results of the unit's instructions",
    "initiation": "cycles from one of them to the next",
    "accumulate": "cycles to a result as an accumulator",
}


def shipped_units() -> list[Unit]:
    """The units that come with the package, in the order of their numbers."""
    return [unit for isa in known() for unit in isa.units if unit.shipped]


def foreign_units(isa: Isa) -> list[Unit]:
    """Those of an instruction set from files of the user's, in the order of their numbers."""
    return [unit for unit in isa.units if not unit.shipped]


def unit_number(isa: Isa, unit: Unit) -> int:
    """The number by which compiled code knows a unit, ordered as those of instructions are."""
    own = shipped_units()
    return own.index(unit) if unit.shipped else len(own) + foreign_units(isa).index(unit)


def block_state(block: Block | None) -> RecordLayout:
    """The state of a block in a sub-core."""
    return RecordLayout("no block", {}) if block is None else RecordLayout(f"block {block.name}", block.state)


def counters(block: Block | None) -> RecordLayout:
    """What a block counts in an SM."""
    return RecordLayout("no counters", {}) if block is None else RecordLayout(f"counters {block.name}", block.counters)


def parameters(unit: Unit) -> RecordLayout:
    """What a unit's cost function can read of the GPU; a word is its place among those there are."""
    own = {} if unit.block is None else {name: each.meaning for name, each in unit.block.parameters.items()}
    return RecordLayout(f"parameters {unit.name}", {**TIMING, **own})


def parameter_values(unit: Unit, gpu: Gpu) -> dict[str, int]:
    """The values of a unit's parameters on a GPU by name; a word is its place among those there are."""
    values = {name: getattr(gpu.pipes[unit], name) for name in TIMING}
    if unit.block is not None:
        for name, parameter in unit.block.parameters.items():
            value = gpu.blocks[unit.block][name]
            values[name] = parameter.choices.index(value) if isinstance(parameter, Word) else value
    return values


def first_state(isa: Isa) -> Words:
    """The state of all blocks in a sub-core at the start, one after the other, and a word, so that there is one."""
    states = [block_state(block).new().tobytes() for block in isa.blocks]
    return np.frombuffer(b"".join([*states, bytes(8)]), np.int64)


def counter_names(isa: Isa) -> list[str]:
    """The counters of all blocks, one after the other; UnitError if one has the name of another counter."""
    names = [name for block in isa.blocks for name in block.counters]
    taken = sorted(set(names) & set(COUNTERS))
    if taken:
        raise UnitError(f"a block counts {taken[0]}, which every SM does already")
    return names


def unit_table(gpu: Gpu) -> tuple[Record, list[Record]]:
    """A record for each unit at its number, and the parameters that they point to."""
    isa = gpu.isa
    kept = [parameters(unit).new(**parameter_values(unit, gpu)) for unit in isa.units]
    blocks = [unit.block for unit in isa.units]
    state, counted = _offsets(isa, block_state), _offsets(isa, counters)
    numbers = [unit_number(isa, unit) for unit in isa.units]
    table = UNIT.new(1 + max(numbers, default=0))
    table[numbers] = UNIT.new(
        len(numbers),
        block=[0 if block is None else state[block] for block in blocks],
        parameters=[each.ctypes.data for each in kept],
        counters=[0 if block is None else counted[block] for block in blocks],
        held=[number_of(isa, None if block is None else block.holds, Reason.PIPE_BUSY) for block in blocks],
    )
    return table, kept


def _offsets(isa: Isa, layout: Callable[[Block], RecordLayout]) -> dict[Block, int]:
    """Byte offsets of blocks' records that lie one after the other."""
    places, at = {}, 0
    for block in isa.blocks:
        places[block] = at
        at += layout(block).nbytes
    return places
