"""Endless loops: which instructions a warp may try out to learn whether it comes back to where it was.

A warp whose registers, predicates and waiting lanes are again what they were goes round for ever, unless it reads
something that others change. Now and then, ever more rarely, a warp is let run ahead over a window of instructions
that only it can tell of, and put back: so the search changes nothing, and costs little.
"""

from enum import IntEnum

from dstc_isa.isa.effects import Effect
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.values import SpecialRegister
from dstc_isa.isa.warp import SpecialNumber

FIRST_LOOK = 4096
"""Instructions that a warp issues before it is looked at; then again each time that it has issued twice as many."""

WINDOW = 64
"""Instructions that a warp is let run ahead, at least."""

WINDOW_SHARE = 256
"""Instructions that a warp has issued for each that it is let run ahead, if that is more than the window."""

STATE = ("pc", "active", "turn", "live", "blocked", "at_barrier", "barrier_id", "barrier_threads")
STATE_ARRAYS = ("lane_pc", "participants", "arrived")
"""What a warp will do depends on these of its fields, and on its registers and predicates."""

CHANGES = frozenset({Effect.STORE, Effect.ATOMIC})
CLOCKS = (SpecialNumber.CLOCKLO, SpecialNumber.CLOCKHI)


class Reach(IntEnum):
    """What an instruction reads or changes beyond its warp: it may be tried out unless that is ``BEYOND``."""

    WARP = 0
    SHARED = 1
    GLOBAL = 2
    BEYOND = 4


def reach(instruction: Instruction | None) -> Reach:
    """What an instruction reaches; a clock is beyond its warp too."""
    if instruction is None:
        return Reach.BEYOND
    effects = instruction.declaration.effects
    clocks = [value.number for value in instruction.operands if isinstance(value, SpecialRegister)]
    if Effect.TIME in effects and (not clocks or any(number in CLOCKS for number in clocks)):
        return Reach.BEYOND
    if not effects.isdisjoint(CHANGES):
        return Reach.BEYOND
    if Effect.GLOBAL in effects:
        return Reach.GLOBAL
    return Reach.SHARED if Effect.SHARED in effects else Reach.WARP


def window(issued: int) -> int:
    """Instructions that a warp which has issued so many is let run ahead."""
    return max(WINDOW, issued // WINDOW_SHARE)
