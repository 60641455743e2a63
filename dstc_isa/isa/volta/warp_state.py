"""Moves to and from what a warp has beside its registers, and other instructions of the system."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.address_operand import ConstantOperand
from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand
from dstc_isa.isa.instruction import U32, U64, Scalar
from dstc_isa.isa.modifier import Choice, Flag
from dstc_isa.isa.name_operand import BARRIERS, NameOperand, ScoreboardSet
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import Immediate, Marker
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import PpOptional, Rd, Rd64
from dstc_isa.isa.volta.units import ALU, BRANCH, CONTROL, LSU

_HIDDEN = "convergence barriers and the rest of this state cannot be read"

OTHER_STATE = {
    **{f"THREAD_STATE_ENUM.{number}": 16 + number for number in range(5)},
    "TRAP_RETURN_PC.LO": 21,
    "TRAP_RETURN_PC.HI": 22,
    "TRAP_RETURN_MASK": 23,
    "MEXITED": 24,
    "MKILL": 25,
    "MACTIVE": 26,
    "MATEXIT": 27,
    "OPT_STACK": 28,
    "API_CALL_DEPTH": 29,
    "ATEXIT_PC.LO": 30,
    "ATEXIT_PC.HI": 31,
}
"""What a warp has beside convergence barriers, in the numbering that both share."""

STATE = BARRIERS | OTHER_STATE


class Narrow(IntEnum):
    """Moves 32 bits."""

    _32 = 0


class Wide(IntEnum):
    """Moves 64 bits."""

    _64 = 0


class NarrowAnd(IntEnum):
    """Moves 32 bits, and may clear what was read."""

    _32 = 0
    _32__CLEAR = 1


class NarrowQuad(IntEnum):
    """Moves 32 bits, also as the sum of four lanes' predicates."""

    _32 = 0
    _32__PQUAD = 1


OfState = Annotated[Scalar, NameOperand(Field(24, 6), STATE)]
ToState = Annotated[Scalar, NameOperand(Field(24, 6), STATE, destination=True), "state"]
ToEnd = Annotated[Scalar, NameOperand(Field(24, 0), {"ATEXIT_PC": 0}, destination=True), "state"]
InB = Annotated[U32, Source("b", reuse=None)]
Number = Annotated[Scalar, ImmediateOperand(Field(32, 32), hexadecimal=True)]
CodeAddress = Annotated[Scalar, ImmediateOperand(Field(34, 47, scale=2), hexadecimal=True)]
WordConstant = Annotated[Scalar, ConstantOperand(Field(40, 14, signed=True, scale=2))]
Quad = Annotated[int, Choice(NarrowQuad, Field(84, 1))]
In64 = Annotated[int, Choice(Wide, Field(84, 0))]
In32 = Annotated[int, Choice(Narrow, Field(84, 0))]
Cleared = Annotated[int, Choice(NarrowAnd, Field(84, 1))]


@instruction("BMOV", 0x355, BRANCH, variable=True, unmodelled=_HIDDEN)
def bmov_read(state: OfState, how: Cleared) -> Rd:
    """Read a convergence barrier or other state; with .CLEAR it is empty then."""


@instruction("BMOV", 0x356, BRANCH, variable=True, unmodelled=_HIDDEN)
def bmov_write(rb: InB, how: Quad) -> ToState:
    """Write a convergence barrier or other state."""


@instruction("BMOV", 0x956, BRANCH, variable=True, unmodelled=_HIDDEN)
def bmov_write_number(number: Number, how: Quad) -> ToState:
    """The same of a number."""


@instruction("BMOV", 0xB56, BRANCH, variable=True, unmodelled=_HIDDEN)
def bmov_write_constant(constant: WordConstant, how: Quad) -> ToState:
    """The same of a constant."""


@instruction("BMOV", 0x357, BRANCH, variable=True, unmodelled=_HIDDEN)
def bmov_write_wide(rb: Annotated[U64, Source("b", width=2, reuse=None)], how: In64) -> ToEnd:
    """Write the address at which lanes go on that end."""


@instruction("BMOV", 0x957, BRANCH, variable=True, unmodelled=_HIDDEN)
def bmov_write_address(address: CodeAddress, how: In64) -> ToEnd:
    """The same of a number."""


@instruction("BMOV", 0xB57, BRANCH, variable=True, unmodelled=_HIDDEN)
def bmov_write_wide_constant(constant: WordConstant, how: In64) -> ToEnd:
    """The same of a constant."""


@instruction("BMOV", 0xF56, BRANCH, variable=True, unmodelled=_HIDDEN)
def bmov_barrier_write(barrier: Annotated[Scalar, NameOperand(Field(16, 4), BARRIERS)], how: Quad) -> ToState:
    """Move a convergence barrier to other state."""


def _cleared(name: str, modifiers: Mapping[str, int]) -> str | None:
    if bool(modifiers["how"]) != (name in BARRIERS):
        return "a convergence barrier is moved to another with .CLEAR, and other state without"
    return None


@instruction("BMOV", 0xF55, BRANCH, variable=True, unmodelled=_HIDDEN)
def bmov_barrier_read(
    state: Annotated[Scalar, NameOperand(Field(24, 6), STATE, fits=_cleared)], how: Cleared
) -> Annotated[Scalar, NameOperand(Field(16, 4), BARRIERS, destination=True), "barrier"]:
    """Move other state to a convergence barrier, or one barrier to another."""


_NO_STACK = "there is no return address beside registers"
_HALF = Field(31, 1)
HALVES = {"Rpc.LO": 0, "Rpc.HI": 1}
ToHalf = Annotated[Scalar, NameOperand(_HALF, HALVES, destination=True), "rpc"]
ToWhole = Annotated[Scalar, NameOperand(Field(31, 0), {"Rpc": 0}, destination=True), "rpc"]
AnyConstant = Annotated[Scalar, ConstantOperand(Field(38, 16, signed=True))]


@instruction("RPCMOV", 0x352, ALU, unmodelled=_NO_STACK)
def rpcmov_write(rb: Annotated[U32, Source("b")], how: In32) -> ToHalf:
    """Write half of the return address."""


@instruction("RPCMOV", 0x952, ALU, unmodelled=_NO_STACK)
def rpcmov_write_number(number: Number, how: In32) -> ToHalf:
    """The same of a number."""


@instruction("RPCMOV", 0xB52, ALU, unmodelled=_NO_STACK)
def rpcmov_write_constant(constant: AnyConstant, how: In32) -> ToHalf:
    """The same of a constant."""


@instruction("RPCMOV", 0x954, ALU, unmodelled=_NO_STACK)
def rpcmov_write_address(address: CodeAddress, how: In64) -> ToWhole:
    """Write the return address."""


@instruction("RPCMOV", 0xB54, ALU, unmodelled=_NO_STACK)
def rpcmov_write_wide_constant(constant: WordConstant, how: In64) -> ToWhole:
    """The same of a constant."""


@instruction("RPCMOV", 0x353, ALU, unmodelled=_NO_STACK)
def rpcmov_read(rpc: Annotated[Scalar, NameOperand(_HALF, HALVES)], how: In32) -> Rd:
    """Read half of the return address."""


@instruction("LEPC", 0x34E, ALU, unmodelled="code has no address in memory")
def lepc() -> Rd64:
    """The address of the instruction."""


_SYSTEM = "it belongs to the system"


class Axis(IntEnum):
    """Which number of the CTA."""

    X = 0
    Y = 1
    Z = 2
    _ = 3


@instruction("SETCTAID", 0x31F, LSU, variable=True, unmodelled=_SYSTEM)
def setctaid(
    ra: Annotated[U32, Source("a", reuse=None)], axis: Annotated[int, Choice(Axis, Field(78, 2), default=3)]
) -> None:
    """Set the number of the CTA."""


@instruction("GETLMEMBASE", 0x3C0, LSU, variable=True, unmodelled=_SYSTEM)
def getlmembase() -> Rd64:
    """Where local memory begins."""


@instruction("SETLMEMBASE", 0x3C1, LSU, variable=True, unmodelled=_SYSTEM)
def setlmembase(ra: Annotated[U64, Source("a", width=2, reuse=None)]) -> None:
    """Set where local memory begins."""


class Break(IntEnum):
    """What kind of stop a breakpoint is."""

    PAUSE = 2
    TRAP = 3
    INT = 4
    DRAIN = 5
    PAUSE_QUIET = 6


@instruction("BPT", 0x95C, BRANCH, unmodelled="there is no debugger")
def bpt(
    number: Annotated[Scalar, ImmediateOperand(Field(34, 3), hexadecimal=True, optional=True, default=Immediate(0))],
    how: Annotated[int, Choice(Break, Field(84, 3))],
) -> None:
    """Breakpoint or trap."""


@instruction("PMTRIG", 0x801, CONTROL, unmodelled="there are no performance monitors")
def pmtrig(pp: PpOptional, mask: Annotated[Scalar, ImmediateOperand(Field(32, 16), hexadecimal=True)]) -> None:
    """Trigger performance monitors."""


SCOREBOARDS = {f"SB{number}": number for number in range(6)}
_LE = "at_most"


@instruction("DEPBAR", 0x91A, CONTROL, unmodelled="scoreboards are waited for by the control code only")
def depbar(
    board: Annotated[Scalar, NameOperand(Field(44, 3), SCOREBOARDS, only=_LE, default=Marker("SB0"))],
    count: Annotated[Scalar, ImmediateOperand(Field(38, 6), hexadecimal=True, only=_LE, default=Immediate(0))],
    others: Annotated[Scalar, ScoreboardSet(Field(32, 6), optional=True, default=Immediate(0))],
    at_most: Annotated[int, Flag("LE", Field(47, 1))],
) -> None:
    """Wait until so many accesses or fewer are left of which a scoreboard knows, and for others until none is."""
