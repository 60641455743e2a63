"""Branches, convergence, calls, barriers, exit."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.divergence import abandon, arrive, collect, jump, jump_each, leave, park, resume
from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import BarrierOperand, ImmediateOperand, TargetOperand
from dstc_isa.isa.instruction import U32, Scalar, Warp
from dstc_isa.isa.lanes import ballot, lane_of, lowest_bit, splat
from dstc_isa.isa.modifier import Choice
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import Immediate
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import PpOptional, Ra
from dstc_isa.isa.volta.units import BRANCH, CONTROL, LSU
from dstc_isa.isa.volta.word import WORD_BYTES
from dstc_isa.isa.warp import SYNC_SLOT, Fault, fail

Target = Annotated[Scalar, TargetOperand()]
Barrier = Annotated[Scalar, BarrierOperand(Field(16, 4))]


@instruction("BRA", 0x947, BRANCH)
def bra(warp: Warp, pp: PpOptional, target: Target) -> None:
    """Branch: the lanes whose guard and Pp hold go to the target.

    If only some go, the warp diverges: the others run on, and those that branched wait for their turn. A
    backward branch hands the turn to other waiting lanes, so every lane makes progress.
    """
    jump(warp, warp.mask & ballot(pp), warp.pc * WORD_BYTES + target, WORD_BYTES)


@instruction("BRX", 0x949, BRANCH)
def brx(warp: Warp, ra: Ra, target: Target) -> None:
    """Indirect branch: each lane goes to the target's address plus its Ra, in bytes."""
    jump_each(warp, warp.mask, ra + splat(warp.pc * WORD_BYTES + target), WORD_BYTES)


@instruction("BSSY", 0x945, BRANCH)
def bssy(warp: Warp, barrier: Barrier, target: Target) -> None:
    """Begin a divergent region: barrier B collects the executing lanes, to meet again at BSYNC.

    The target names the place where they meet, as on Volta; it does not change what happens.
    """
    collect(warp, barrier, warp.mask, warp.mask)


@instruction("BSYNC", 0x941, BRANCH)
def bsync(warp: Warp, barrier: Barrier) -> None:
    """End a divergent region: lanes wait until all lanes that barrier B collects have come or exited."""
    arrive(warp, barrier, warp.mask)


@instruction("BREAK", 0x942, BRANCH)
def break_(warp: Warp, barrier: Barrier) -> None:
    """Leave a divergent region early: barrier B no longer waits for the executing lanes."""
    abandon(warp, barrier, warp.mask)


@instruction("WARPSYNC", 0x348, BRANCH)
def warpsync(warp: Warp, rb: Annotated[U32, Source("b", imm=4)]) -> None:
    """Wait until all lanes named in the mask Rb have come to a WARPSYNC or exited; then they run together.

    Lanes that wait with another mask are not counted, so parts of a diverged warp can synchronise on their own.
    """
    rest = warp.mask
    while rest != 0:
        lane = lowest_bit(rest)
        collect(warp, SYNC_SLOT, 1 << lane, lane_of(rb, lane))
        rest &= rest - 1
    arrive(warp, SYNC_SLOT, warp.mask)


@instruction("CALL.REL.NOINC", 0x944, BRANCH)
def call(warp: Warp, target: Target) -> None:
    """Call: a branch. As on Volta the return address is put into a register first: MOV R20, label."""
    jump(warp, warp.mask, warp.pc * WORD_BYTES + target, WORD_BYTES)


@instruction("RET.REL.NODEC", 0x950, BRANCH)
def ret(warp: Warp, ra: Ra) -> None:
    """Return: each lane goes to the byte address in its Ra, counted from the start of the kernel."""
    jump_each(warp, warp.mask, ra, WORD_BYTES)


@instruction("EXIT", 0x94D, BRANCH)
def exit_(warp: Warp) -> None:
    """The executing lanes are done."""
    leave(warp, warp.mask)


@instruction("BAR.SYNC", 0xB1D, CONTROL, variable=True)
def bar_sync(
    warp: Warp,
    barrier: Annotated[Scalar, ImmediateOperand(Field(54, 4))],
    threads: Annotated[Scalar, ImmediateOperand(Field(40, 12), optional=True, default=Immediate(0))],
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


@instruction("NOP", 0x918, CONTROL)
def nop() -> None:
    """Do nothing."""


class Scope(IntEnum):
    """Who must see earlier writes."""

    CTA = 0
    GPU = 2
    SYS = 3


@instruction("MEMBAR.SC", 0x992, LSU, variable=True)
def membar(scope: Annotated[int, Choice(Scope, Field(76, 3))]) -> None:
    """Order memory accesses; the emulator performs each access at once, so nothing remains to be done."""
