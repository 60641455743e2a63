"""Branches, convergence, calls, exit."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.address_operand import ConstantOperand
from dstc_isa.isa.divergence import abandon, arrive, collect, jump, jump_each, leave
from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import BarrierOperand, ImmediateOperand, TargetOperand
from dstc_isa.isa.instruction import U32, Scalar, Warp
from dstc_isa.isa.lanes import ballot, lane_of, lowest_bit, splat
from dstc_isa.isa.modifier import Choice, Flag
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import Immediate
from dstc_isa.isa.values import Target as Distance
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import CONST_B, IMM_B, PpAlone, PpOptional
from dstc_isa.isa.volta.units import BRANCH, CONTROL
from dstc_isa.isa.volta.word import WORD_BYTES
from dstc_isa.isa.warp import SYNC_SLOT

Target = Annotated[Scalar, TargetOperand()]
Barrier = Annotated[Scalar, BarrierOperand(Field(16, 4))]
Where = Annotated[U32, Source("a", reuse=None)]
_ABSOLUTE = "what is at an address of the GPU's memory is not known"


class Taken(IntEnum):
    """Which warps a branch is for: all, those of one mind, those that are diverged or that are not."""

    _ = 0
    U = 1
    DIV = 2
    CONV = 3


class Depth(IntEnum):
    """What becomes of a counter of depths."""

    _ = 0
    INC = 1
    DEC = 2


class Relative(IntEnum):
    """Addresses are distances."""

    REL = 0


class Absolute(IntEnum):
    """Addresses are those of the GPU's memory."""

    ABS = 0


class Way(IntEnum):
    """What addresses are."""

    REL = 0
    ABS = 1


Deep = Annotated[int, Choice(Depth, Field(85, 2), unmodelled=frozenset({1, 2}), default=0)]
Chosen = Annotated[int, Choice(Taken, Field(32, 2), unmodelled=frozenset({2, 3}), default=0)]
ToRelative = Annotated[int, Choice(Relative, Field(85, 0))]
ToAbsolute = Annotated[int, Choice(Absolute, Field(85, 0))]
Counted = Annotated[int, Flag("NOINC", Field(86, 1), unmodelled=frozenset({0}))]


@instruction("BRA", 0x947, BRANCH)
def bra(warp: Warp, pp: PpOptional, target: Target, depth: Deep, taken: Chosen) -> None:
    """Branch: the lanes whose guard and Pp hold go to the target.

    If only some go, the warp diverges: the others run on, and those that branched wait for their turn. A
    backward branch hands the turn to other waiting lanes, so every lane makes progress. With .U all lanes go the same
    way, which is not checked.
    """
    jump(warp, warp.mask & ballot(pp), warp.pc * WORD_BYTES + target, WORD_BYTES)


@instruction("BRX", 0x949, BRANCH)
def brx(
    warp: Warp,
    pp: PpAlone,
    ra: Where,
    target: Annotated[Scalar, TargetOperand(raw=True, joined=True, optional=True, default=Distance(0))],
    depth: Deep,
) -> None:
    """Indirect branch: each lane goes to the target's address plus its Ra, in bytes.

    A number is the distance from the next instruction. The upper half of Volta's 64-bit address, the register behind
    Ra, is not read.
    """
    jump_each(warp, warp.mask, ra + splat(warp.pc * WORD_BYTES + target), WORD_BYTES)


@instruction("JMP", 0x94A, BRANCH, unmodelled=_ABSOLUTE)
def jmp(
    pp: PpOptional,
    address: Annotated[Scalar, ImmediateOperand(Field(34, 47, scale=2), hexadecimal=True)],
    depth: Deep,
    taken: Chosen,
) -> None:
    """Branch to an address."""


@instruction("JMP", 0xB4A, BRANCH, unmodelled=_ABSOLUTE)
def jmp_constant(
    pp: PpOptional,
    address: Annotated[Scalar, ConstantOperand(Field(38, 16, signed=True))],
    depth: Deep,
    taken: Chosen,
) -> None:
    """Branch to an address in a constant bank."""


Beyond = Annotated[
    Scalar,
    ImmediateOperand(
        Field(34, 48, signed=True, scale=2), hexadecimal=True, joined=True, optional=True, default=Immediate(0)
    ),
]


@instruction("JMX", 0x94C, BRANCH, unmodelled=_ABSOLUTE)
def jmx(pp: PpOptional, ra: Where, beyond: Beyond, depth: Deep) -> None:
    """Branch to the address in Ra and the register behind it, and so many bytes beyond."""


@instruction("BSSY", 0x945, BRANCH)
def bssy(
    warp: Warp,
    pp: PpAlone,
    barrier: Barrier,
    target: Annotated[Scalar, TargetOperand(Field(34, 30, signed=True, scale=2))],
) -> None:
    """Begin a divergent region: barrier B collects the executing lanes, to meet again at BSYNC.

    The target names the place where they meet, as on Volta; it does not change what happens.
    """
    collect(warp, barrier, warp.mask, warp.mask)


@instruction("BSYNC", 0x941, BRANCH)
def bsync(warp: Warp, pp: PpAlone, barrier: Barrier) -> None:
    """End a divergent region: lanes wait until all lanes that barrier B collects have come or exited."""
    arrive(warp, barrier, warp.mask)


@instruction("BREAK", 0x942, BRANCH)
def break_(warp: Warp, pp: PpOptional, barrier: Barrier) -> None:
    """Leave a divergent region early: barrier B no longer waits for the executing lanes in which Pp holds."""
    abandon(warp, barrier, warp.mask & ballot(pp))


@instruction("WARPSYNC", 0x348, BRANCH)
def warpsync(warp: Warp, pp: PpAlone, rb: Annotated[U32, Source("b", imm=IMM_B, const=CONST_B, reuse=None)]) -> None:
    """Wait until all lanes named in the mask Rb have come to a WARPSYNC or exited; then they run together.

    Lanes that wait with another mask are not counted, so parts of a diverged warp can synchronise on their own.
    """
    rest = warp.mask
    while rest != 0:
        lane = lowest_bit(rest)
        collect(warp, SYNC_SLOT, 1 << lane, lane_of(rb, lane))
        rest &= rest - 1
    arrive(warp, SYNC_SLOT, warp.mask)


@instruction("YIELD", 0x946, BRANCH)
def yield_(pp: PpAlone) -> None:
    """Let other lanes of a diverged warp run; a backward branch does so anyway, and nothing is left to be done."""


@instruction("NANOSLEEP", 0x35D, BRANCH)
def nanosleep(
    pp: PpAlone,
    rb: Annotated[U32, Source("b", imm=IMM_B, const=CONST_B, reuse=None)],
    at_random: Annotated[int, Flag("RAND", Field(86, 1))],
    together: Annotated[int, Flag("WARP", Field(85, 1))],
) -> None:
    """Wait for about Rb nanoseconds; nothing waits here."""


@instruction("CALL", 0x944, BRANCH)
def call(warp: Warp, pp: PpAlone, target: Target, way: ToRelative, counted: Counted) -> None:
    """Call: a branch. As on Volta the return address is put into a register first: MOV R20, label."""
    jump(warp, warp.mask, warp.pc * WORD_BYTES + target, WORD_BYTES)


@instruction("CALL", 0x344, BRANCH, unmodelled="calls go to labels only")
def call_register(
    pp: PpAlone, ra: Where, target: Annotated[Scalar, TargetOperand(joined=True)], way: ToRelative, counted: Counted
) -> None:
    """Call of what is so far from a label as Ra and the register behind it say."""


@instruction("CALL", 0x943, BRANCH, unmodelled=_ABSOLUTE)
def call_absolute(
    pp: PpAlone,
    address: Annotated[Scalar, ImmediateOperand(Field(34, 47, scale=2), hexadecimal=True)],
    way: ToAbsolute,
    counted: Counted,
) -> None:
    """Call of what is at an address."""


@instruction("CALL", 0x343, BRANCH, unmodelled=_ABSOLUTE)
def call_absolute_register(pp: PpAlone, ra: Where, beyond: Beyond, way: ToAbsolute, counted: Counted) -> None:
    """Call of what is at the address in Ra and the register behind it, and so many bytes beyond."""


@instruction("CALL", 0xB43, BRANCH, unmodelled=_ABSOLUTE)
def call_constant(
    pp: PpAlone,
    address: Annotated[Scalar, ConstantOperand(Field(38, 16, signed=True))],
    way: ToAbsolute,
    counted: Counted,
) -> None:
    """Call of what is at the address in a constant bank."""


@instruction("RET", 0x950, BRANCH)
def ret(
    warp: Warp,
    pp: PpAlone,
    ra: Where,
    target: Annotated[Scalar, TargetOperand(joined=True, optional=True, absolute="way", default=0)],
    way: Annotated[int, Choice(Way, Field(85, 1), unmodelled=frozenset({1}))],
    counted: Annotated[int, Flag("NODEC", Field(86, 1), unmodelled=frozenset({0}))],
) -> None:
    """Return: each lane goes to the byte address in its Ra, counted from the target, the start of the kernel.

    The upper half of Volta's 64-bit address, the register behind Ra, is not read.
    """
    jump_each(warp, warp.mask, ra + splat(warp.pc * WORD_BYTES + target), WORD_BYTES)


class Ending(IntEnum):
    """What an end of lanes spares, or why it is one."""

    _ = 0
    KEEPREFCOUNT = 1
    PREEMPTED = 2


@instruction("EXIT", 0x94D, BRANCH)
def exit_(
    warp: Warp,
    pp: PpAlone,
    ending: Annotated[int, Choice(Ending, Field(84, 2), unmodelled=frozenset({1, 2}), default=0)],
    unattended: Annotated[int, Flag("NO_ATEXIT", Field(86, 1), unmodelled=frozenset({1}))],
) -> None:
    """The executing lanes are done."""
    leave(warp, warp.mask)


@instruction("KILL", 0x95B, BRANCH, unmodelled="it is of graphics")
def kill(pp: PpOptional) -> None:
    """End lanes of a pixel shader."""


@instruction("RTT", 0x94F, BRANCH, unmodelled="there are no traps")
def rtt() -> None:
    """Return from a trap."""


@instruction("NOP", 0x918, CONTROL)
def nop() -> None:
    """Do nothing."""
