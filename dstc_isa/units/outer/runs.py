"""Runs of halves: what 32 lanes load from consecutive addresses, with one 128-bit load after the other.

The functions below are for the reference engine; ``units.outer.compiled`` gives them their meaning in compiled code.
"""

from typing import Any

from dstc_isa.isa.effects import Effect, primitive
from dstc_isa.isa.lanes import LANES, np

from .unit import LONGEST

RUN_REGISTERS = 16
LONG_RUN_REGISTERS = 32
WIDE_RUN_REGISTERS = 24
WIDE_RUN_PLACES = 2048
"""Halves that a wide run is filled up to with zeros: a power of two, so that a place is a field of bits."""

HALVES_A_REGISTER = 2 * LANES
"""A run has 1024 halves with four 128-bit loads, 2048 with eight."""


@primitive(Effect.LANES)
def read_run(warp: Any, index: int) -> Any:
    """1024 halves in 16 registers, in the order of four 128-bit loads: lane after lane, 8 of a lane in 4 registers."""
    return _lined_up(warp.registers[index : index + RUN_REGISTERS])


@primitive(Effect.LANES)
def read_long_run(warp: Any, index: int) -> Any:
    """2048 halves in 32 registers, in the order of eight such loads."""
    return _lined_up(warp.registers[index : index + LONG_RUN_REGISTERS])


@primitive(Effect.LANES)
def read_wide_run(warp: Any, index: int) -> Any:
    """1536 halves in 24 registers, 48 for each of 32 steps, and zeros up to 2048.

    The first 32 of each step are a run in 16 registers, the others one in 8.
    """
    first = _lined_up(warp.registers[index : index + RUN_REGISTERS]).reshape(LONGEST, -1)
    more = _lined_up(warp.registers[index + RUN_REGISTERS : index + WIDE_RUN_REGISTERS]).reshape(LONGEST, -1)
    halves = np.hstack((first, more)).reshape(-1)
    return np.pad(halves, (0, WIDE_RUN_PLACES - halves.size))


def _lined_up(registers: Any) -> Any:
    words = registers.reshape(-1, 4, LANES).transpose(0, 2, 1).reshape(-1)
    return words.astype("<u4").view("<f2").astype("<f4")


@primitive()
def run_values(run: Any, first: int) -> Any:
    """Halves ``first`` to ``first + 31`` of a run, counted from 0 modulo its length, a lane each, as f32."""
    return run.take(range(first, first + LANES), mode="wrap")
