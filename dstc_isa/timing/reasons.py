"""Why a warp does not issue in a cycle."""

from enum import IntEnum


class Reason(IntEnum):
    """The reason of a stall cycle; exactly one holds for every cycle a resident warp does not issue."""

    DEPENDENCY = 0
    SHORT_SCOREBOARD = 1
    LONG_SCOREBOARD = 2
    TENSOR_SCOREBOARD = 3
    BARRIER = 4
    NO_INSTRUCTION = 5
    PIPE_BUSY = 6
    MEMORY_THROTTLE = 7
    ACCUMULATION = 8
    NOT_SELECTED = 9


MEANING = {
    Reason.DEPENDENCY: "the stall count of the warp's previous instruction: a fixed-latency result is not ready",
    Reason.SHORT_SCOREBOARD: "waits for shared or constant memory, a shuffle, a special function or a count",
    Reason.LONG_SCOREBOARD: "waits for global memory",
    Reason.TENSOR_SCOREBOARD: "waits until the accumulation buffer has written its tile back",
    Reason.BARRIER: "waits for other warps of its CTA at a barrier",
    Reason.NO_INSTRUCTION: "the instruction behind a taken branch or at the start of a CTA is being fetched",
    Reason.PIPE_BUSY: "its pipe still takes an earlier instruction",
    Reason.MEMORY_THROTTLE: "the load and store unit or the memory behind it takes no more",
    Reason.ACCUMULATION: "the accumulation buffer is behind: bank conflicts, or a tile is filled or spilled",
    Reason.NOT_SELECTED: "it could issue, and the scheduler took another warp",
}
