"""Endless loops: which instructions a warp may try out to learn whether it comes back to where it was.

A warp whose registers, predicates and waiting lanes are again what they were goes round for ever, unless it reads
something that others change. Now and then, ever more rarely, a warp is let run ahead over a window of instructions
that only it can tell of, and put back: so the search changes nothing, and costs little.
"""

from collections.abc import Callable
from enum import IntEnum
from inspect import isfunction
from typing import Any

from dstc_isa.isa.field_operand import AddressOperand
from dstc_isa.isa.instruction import LEAVES, Instruction
from dstc_isa.isa.values import SpecialRegister
from dstc_isa.isa.warp import SpecialNumber

FIRST_LOOK = 4096
"""Instructions that a warp issues before it is looked at; then again each time that it has issued twice as many."""

WINDOW = 64
"""Instructions that it is let run ahead, at least."""

WINDOW_SHARE = 256
"""Or of those that it has issued one in so many, if that is more."""

STATE = ("pc", "active", "turn", "live", "blocked", "at_barrier", "barrier_id", "barrier_threads")
STATE_ARRAYS = ("lane_pc", "participants", "arrived")
"""What a warp will do depends on these of its fields, and on its registers and predicates."""

CHANGES = frozenset({"store", "exchange", "compare_exchange"})
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
    declaration = instruction.declaration
    names = _names(declaration.function, set())
    clocks = [value.number for value in instruction.operands if isinstance(value, SpecialRegister)]
    if "issued" in names and (not clocks or any(number in CLOCKS for number in clocks)):
        return Reach.BEYOND
    if not CHANGES.isdisjoint(names):
        return Reach.BEYOND
    if "load" not in names or any(isinstance(o, AddressOperand) and o.constant for o in declaration.operands):
        return Reach.WARP
    return Reach.GLOBAL if "GLOBAL" in names else Reach.SHARED if "SHARED" in names else Reach.BEYOND


def window(issued: int) -> int:
    """Instructions that a warp which has issued so many is let run ahead."""
    return max(WINDOW, issued // WINDOW_SHARE)


def _names(function: Callable[..., Any], seen: set[Any]) -> set[str]:
    """Names that a function uses, or one that it calls."""
    seen.add(function)
    names = {*function.__code__.co_names}
    for called in [function.__globals__.get(name) for name in names]:
        if isfunction(called) and called not in seen and called.__module__ not in LEAVES:
            names |= _names(called, seen)
    return names
