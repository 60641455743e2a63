"""What the modelled machine holds for units with a cost function: blocks' state, parameters, counters, and where."""

import numpy as np
import numpy.typing as npt

from dstc_isa.gpu import Gpu
from dstc_isa.isa.unit import BLOCKS, UNITS, Block, Unit, UnitError, Word
from dstc_isa.timing.layout import COUNTERS, UNIT_ENTRY
from dstc_isa.timing.reasons import Reason, number_of

TIMING = ("latency", "initiation", "accumulate")

Words = npt.NDArray[np.int64]


def parameter_names(unit: Unit) -> list[str]:
    """What a unit's cost function can read of the GPU, in order."""
    return [*TIMING, *(() if unit.block is None else unit.block.parameters)]


def parameter_values(unit: Unit, gpu: Gpu) -> list[int]:
    """Its values; a word is its place among those there are."""
    values = [getattr(gpu.pipes[unit], name) for name in TIMING]
    if unit.block is not None:
        for name, parameter in unit.block.parameters.items():
            value = gpu.blocks[unit.block][name]
            values.append(parameter.choices.index(value) if isinstance(parameter, Word) else value)
    return values


def first_state() -> Words:
    """The state of all blocks in a sub-core at the start, one after the other: scalars, then arrays."""
    words = []
    for block in BLOCKS:
        cells = sorted(block.state.values(), key=lambda cell: cell.words > 1)
        words += [cell.first for cell in cells for _ in range(cell.words)]
    return np.array(words or [0], np.int64)


def counter_names() -> list[str]:
    """The counters of all blocks, one after the other; UnitError if one has the name of another counter."""
    names = [name for block in BLOCKS for name in block.counters]
    taken = sorted(set(names) & set(COUNTERS))
    if taken:
        raise UnitError(f"a block counts {taken[0]}, which every SM does already")
    return names


def unit_table(gpu: Gpu) -> tuple[Words, list[Words]]:
    """An entry for each unit, see ``UNIT_ENTRY``, and the parameters that entries point to."""
    table = np.zeros((len(UNITS), UNIT_ENTRY // 8), np.int64)
    kept = []
    state, counters = _offsets()
    for number, unit in enumerate(UNITS):
        parameters = np.array(parameter_values(unit, gpu), np.int64)
        kept.append(parameters)
        held = number_of(None if unit.block is None else unit.block.holds, Reason.PIPE_BUSY)
        block = unit.block
        places = (0, 0) if block is None else (state[block], counters[block])
        table[number] = (places[0], parameters.ctypes.data, places[1], held)
    return table, kept


def _offsets() -> tuple[dict[Block, int], dict[Block, int]]:
    """Byte offsets of blocks' state in a sub-core, and of their counters in an SM."""
    state, counters = {}, {}
    at = counted = 0
    for block in BLOCKS:
        state[block], counters[block] = at, counted
        at += 8 * sum(cell.words for cell in block.state.values())
        counted += 8 * len(block.counters)
    return state, counters
