"""Control of caches, and the order of memory accesses, which the machine has anyway."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.address_operand import AddressOperand
from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand
from dstc_isa.isa.instruction import U32, U64, Scalar
from dstc_isa.isa.modifier import Choice, Flag
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import RZ, Address, Register
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.memory_modifiers import LONG_OFFSET, OFFSET, Extended
from dstc_isa.isa.volta.units import ALU, LSU


class CacheOperation(IntEnum):
    """What is done: prefetch, write back, invalidate, reset; with ALL to the whole cache."""

    PF1 = 0
    PF2 = 1
    WB = 2
    IV = 3
    IVALL = 4
    RS = 5
    IVALLP = 6
    WBALL = 7
    WBALLP = 8


class LocalCacheOperation(IntEnum):
    """The same of local memory."""

    PF1 = 0
    PF2 = 1
    WB = 2
    IV = 3
    IVALL = 4
    RS = 5
    WBALL = 7


class Cache(IntEnum):
    """Which cache: that of data, or of uniform data, constants or instructions."""

    _ = 0
    U = 1
    C = 2
    I = 3  # noqa: E741


_OF_A_LINE = ("operation", frozenset({0, 1, 2, 3, 5}))
_NOWHERE = Address(RZ, 0)


def _whole(modifiers: Mapping[str, int]) -> str | None:
    if modifiers["extended"] and modifiers["operation"] not in _OF_A_LINE[1]:
        return "an operation on the whole cache has no address, and no .E"
    return None


@instruction("CCTL", 0x98F, LSU, variable=True, rule=_whole)
def cctl(
    address: Annotated[U64, AddressOperand(LONG_OFFSET, wide="extended", only=_OF_A_LINE, default=_NOWHERE)],
    extended: Extended,
    cache: Annotated[int, Choice(Cache, Field(78, 3), default=0)],
    operation: Annotated[int, Choice(CacheOperation, Field(87, 4))],
) -> None:
    """Prefetch, write back or invalidate a line of a cache, or all of it; there are none, and nothing happens."""


@instruction("CCTLL", 0x990, LSU, variable=True)
def cctll(
    address: Annotated[U32, AddressOperand(OFFSET, only=_OF_A_LINE, default=_NOWHERE)],
    operation: Annotated[int, Choice(LocalCacheOperation, Field(87, 4))],
) -> None:
    """The same of the cache of local memory."""


class TextureCacheOperation(IntEnum):
    """What is done to headers of textures."""

    IVTH = 1
    IVALL = 2


class InvalidatedHeader(IntEnum):
    """The same of one by its numbers."""

    IVTH = 1


@instruction("CCTLT", 0x391, LSU, variable=True)
def cctlt(
    rb: Annotated[U32, Source("b", reuse=None, only=("operation", frozenset({1})), default=Register(0))],
    operation: Annotated[int, Choice(TextureCacheOperation, Field(85, 2))],
) -> None:
    """Invalidate texture headers that are kept; none are, and nothing happens."""


@instruction("CCTLT", 0xB91, LSU, variable=True)
def cctlt_numbered(
    bank: Annotated[Scalar, ImmediateOperand(Field(54, 5), hexadecimal=True)],
    number: Annotated[Scalar, ImmediateOperand(Field(40, 14), hexadecimal=True)],
    operation: Annotated[int, Choice(InvalidatedHeader, Field(85, 2))],
) -> None:
    """The same of a header by its numbers."""


class Order(IntEnum):
    """How strong a fence is: sequentially consistent, of all accesses, or ``_`` as usual."""

    SC = 0
    ALL = 1
    _ = 2


class Scope(IntEnum):
    """Who must see earlier writes."""

    CTA = 0
    SM = 1
    GPU = 2
    SYS = 3
    VC = 5


@instruction("MEMBAR", 0x992, LSU, variable=True)
def membar(
    order: Annotated[int, Choice(Order, Field(79, 2), default=2)],
    scope: Annotated[int, Choice(Scope, Field(76, 3))],
    mapped: Annotated[int, Flag("MMIO", Field(72, 1))],
) -> None:
    """Order memory accesses; the emulator performs each access at once, so nothing remains to be done."""


@instruction("ERRBAR", 0x9AB, ALU)
def errbar() -> None:
    """Wait until errors of earlier memory accesses are known; they are known at once here."""
