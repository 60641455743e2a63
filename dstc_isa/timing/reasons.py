"""Why a warp does not issue in a cycle."""

from enum import IntEnum

from dstc_isa.isa.instruction_set import Isa, known
from dstc_isa.isa.unit import StallReason, UnitError


class Reason(IntEnum):
    """The reasons that every GPU has; blocks of units add theirs behind them.

    Exactly one holds for every cycle a resident warp does not issue.
    """

    DEPENDENCY = 0
    SHORT_SCOREBOARD = 1
    LONG_SCOREBOARD = 2
    BARRIER = 3
    NO_INSTRUCTION = 4
    PIPE_BUSY = 5
    MEMORY_THROTTLE = 6
    NOT_SELECTED = 7


CORE = {
    Reason.DEPENDENCY: (
        "the stall count of the warp's previous instruction: a fixed-latency result is not ready",
        "results of fixed latency",
    ),
    Reason.SHORT_SCOREBOARD: (
        "waits for shared or constant memory, a shuffle, a special function or a count",
        "shared or constant memory, shuffles or special functions",
    ),
    Reason.LONG_SCOREBOARD: ("waits for global memory", "global memory"),
    Reason.BARRIER: ("waits for other warps of its CTA at a barrier", "barriers"),
    Reason.NO_INSTRUCTION: (
        "the instruction behind a taken branch or at the start of a CTA is being fetched",
        "instructions to be fetched",
    ),
    Reason.PIPE_BUSY: ("its pipe still takes an earlier instruction", "their pipe"),
    Reason.MEMORY_THROTTLE: (
        "the load and store unit or the memory behind it takes no more",
        "room in the load and store unit",
    ),
    Reason.NOT_SELECTED: ("it could issue, and the scheduler took another warp", "their turn"),
}
"""What each means, and what warps wait for."""


MOST = 32
"""Reasons that there is room for, those of units included."""


def reasons(isa: Isa) -> list[StallReason]:
    """All reasons on machines of an instruction set, each at its number.

    UnitError if a block's has another one's name, or there are too many.
    """
    found = [StallReason(reason.name.lower(), *CORE[reason]) for reason in Reason]
    for block in isa.blocks:
        for reason in (block.awaits, block.holds):
            if reason is None:
                continue
            if any(other.name == reason.name for other in found):
                raise UnitError(f"block {block.name}: there is a stall reason {reason.name} already")
            found.append(reason)
    if len(found) > MOST:
        raise UnitError(f"there are {len(found)} stall reasons with those of blocks, and room for {MOST}")
    return found


def every_reason() -> dict[str, StallReason]:
    """The reasons on machines of all instruction sets, by name."""
    return {reason.name: reason for isa in known() for reason in reasons(isa)}


def number_of(isa: Isa, reason: StallReason | None, otherwise: Reason) -> int:
    """The number of a block's reason, or of another one if it has none."""
    return int(otherwise) if reason is None else reasons(isa).index(reason)
