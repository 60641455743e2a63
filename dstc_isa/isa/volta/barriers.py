"""Barriers of the CTA."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.divergence import park, resume
from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand, PredicateOperand
from dstc_isa.isa.instruction import U32, Scalar, Warp
from dstc_isa.isa.lanes import lowest_bit
from dstc_isa.isa.modifier import Choice
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import Immediate, Predicate
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.units import CONTROL
from dstc_isa.isa.warp import Fault, fail

_RED, _SCAN = 8, 12


class Meeting(IntEnum):
    """What is done at a barrier: wait, only come, or also count or combine predicates."""

    SYNC = 0
    ARV = 4
    RED__POPC = 8
    RED__AND = 9
    RED__OR = 10
    SCAN = 12
    SYNC__DEFER_BLOCKING = 32
    RED__POPC__DEFER_BLOCKING = 40
    RED__AND__DEFER_BLOCKING = 41
    RED__OR__DEFER_BLOCKING = 42


class NumberedMeeting(IntEnum):
    """The same at barriers that are given by numbers."""

    SYNC = 0
    ARV = 4
    RED__POPC = 8
    RED__AND = 9
    RED__OR = 10
    SCAN = 12
    SYNCALL = 16
    SYNC__DEFER_BLOCKING = 32
    RED__POPC__DEFER_BLOCKING = 40
    RED__AND__DEFER_BLOCKING = 41
    RED__OR__DEFER_BLOCKING = 42
    SYNCALL__DEFER_BLOCKING = 48


_HOW = Field(74, 2, rest=Field(77, 4))
How = Annotated[int, Choice(Meeting, _HOW)]
_VOTING = ("how", frozenset({8, 9, 10, 12, 40, 41, 42}))
_COUNTED = ("how", frozenset({4, 12}))
_ONE = ("how", frozenset(set(NumberedMeeting) - {16, 48}))

Vote = Annotated[Scalar, PredicateOperand(Field(87, 3), Field(90, 1), only=_VOTING, default=Predicate(0))]
Number = Annotated[Scalar, ImmediateOperand(Field(54, 4), hexadecimal=True)]
Threads = Annotated[
    Scalar, ImmediateOperand(Field(42, 12), hexadecimal=True, optional=True, default=Immediate(0), shown=_COUNTED)
]
InRegister = Annotated[U32, Source("b", reuse=None)]
_BY_REGISTERS = "barriers have fixed numbers and numbers of threads"


@instruction("BAR", 0xB1D, CONTROL, variable=True)
def bar_sync(
    warp: Warp,
    barrier: Annotated[Scalar, ImmediateOperand(Field(54, 4), hexadecimal=True, only=_ONE, default=Immediate(0))],
    threads: Annotated[
        Scalar,
        ImmediateOperand(
            Field(42, 12), hexadecimal=True, optional=True, only=_ONE, default=Immediate(0), shown=_COUNTED
        ),
    ],
    pp: Vote,
    how: Annotated[int, Choice(NumberedMeeting, _HOW, unmodelled=frozenset(set(NumberedMeeting) - {0}))],
) -> None:
    """Wait at one of the CTA's 16 barriers until all its threads, or the given number, have come.

    A barrier that some threads of the CTA can no longer reach is a fault that names who waits where.
    """
    lanes = warp.mask
    if lanes == 0:
        return
    if warp.at_barrier != 0 and warp.barrier_id != barrier:
        fail(warp, Fault.BARRIER, lanes, barrier, 0)
        return
    park(warp, lanes, warp.pc)
    warp.blocked |= lanes
    warp.at_barrier |= lanes
    warp.barrier_id = barrier
    warp.barrier_threads = threads
    if warp.active == 0:
        resume(warp, lowest_bit(lanes) - 1)


@instruction("BAR", 0x91D, CONTROL, variable=True, unmodelled=_BY_REGISTERS)
def bar_threads(barrier: Number, rb: InRegister, pp: Vote, how: How) -> None:
    """The same, the number of threads in Rb."""


@instruction("BAR", 0x51D, CONTROL, variable=True, unmodelled=_BY_REGISTERS)
def bar_numbered(rb: InRegister, threads: Threads, pp: Vote, how: How) -> None:
    """The same, the number of the barrier in Rb."""


@instruction("BAR", 0x31D, CONTROL, variable=True, unmodelled=_BY_REGISTERS, same=("rb", "rc"))
def bar_registers(rb: InRegister, rc: Annotated[U32, Source("b", reuse=None)], pp: Vote, how: How) -> None:
    """The same, the numbers of the barrier and of threads both in Rb, which is written twice."""
