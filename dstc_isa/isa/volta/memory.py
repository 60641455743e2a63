"""Loads and stores of global, shared and constant memory."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import Modified, Warp
from dstc_isa.isa.modifier import Choice, Flag, Size, WideSize
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.memory_modifiers import (
    ORDINARY,
    Bank,
    Evicted,
    Extended,
    Global,
    LoadOrder,
    LoadOrdered,
    Private,
    Shared,
    Stored,
    StoreOrder,
    StoreOrdered,
    Width,
    Widths,
    Zero,
    ZeroDetect,
    ZeroFound,
)
from dstc_isa.isa.volta.shorthand import Loaded
from dstc_isa.isa.volta.units import LSU
from dstc_isa.isa.warp import Space, load, store

__all__ = ["Extended", "Global", "Width"]


@instruction("LDG", 0x381, LSU, variable=True)
def ldg(
    warp: Warp,
    pu: ZeroFound,
    rd: Loaded,
    address: Global,
    extended: Extended,
    evicted: Evicted = ORDINARY,
    size: Widths = WideSize._32,
    order: LoadOrdered = LoadOrder.SYS,
    private: Private = 0,
    zero_detect: ZeroDetect = 0,
) -> None:
    """Load from global memory; with .E the base is a pair of registers, a 64-bit address.

    8 and 16 bit values are extended to 32 bits; .64 and .128 fill two and four registers. The address must
    be a multiple of the size. Order, scope and eviction do not change what happens, since each access takes effect at
    once.
    """
    load(warp, Space.GLOBAL, address, size, rd)


@instruction("STG", 0x386, LSU, variable=True)
def stg(
    warp: Warp,
    address: Global,
    rb: Stored,
    extended: Extended,
    evicted: Evicted = ORDINARY,
    size: Widths = WideSize._32,
    order: StoreOrdered = StoreOrder.SYS,
    private: Private = 0,
) -> None:
    """Store to global memory; with .E the base is a pair of registers. Of two lanes the higher one wins.

    Order, scope and eviction do not change what happens.
    """
    store(warp, Space.GLOBAL, address, size, rb)


@instruction("LDS", 0x984, LSU, variable=True)
def lds(
    warp: Warp,
    pu: Zero,
    rd: Loaded,
    address: Shared,
    u: Annotated[int, Flag("U", Field(76, 1))],
    size: Width = Size._32,
    zero_detect: ZeroDetect = 0,
) -> None:
    """Load from the CTA's shared memory; the address counts from its start.

    NVIDIA's compiler always writes .U, which has no meaning that is known; it changes nothing here.
    """
    load(warp, Space.SHARED, address, size, rd)


@instruction("STS", 0x388, LSU, variable=True)
def sts(warp: Warp, address: Shared, rb: Stored, size: Width = Size._32) -> None:
    """Store to the CTA's shared memory. Of two lanes that write one place the higher one wins."""
    store(warp, Space.SHARED, address, size, rb)


class Indexing(IntEnum):
    """How the address of a constant is made; ``_`` is the usual way."""

    _ = 0
    IL = 1
    IS = 2
    ISL = 3


def _no_quad(names: Modified) -> str | None:
    return "Volta has no LDC.128: write two of LDC.64" if names["size"] == Size._128 else None


@instruction("LDC", 0xB82, LSU, variable=True, rule=_no_quad)
def ldc(
    warp: Warp,
    rd: Loaded,
    address: Bank,
    size: Width = Size._32,
    indexing: Annotated[int, Choice(Indexing, Field(78, 2), unmodelled=frozenset({1, 2, 3}))] = Indexing(0),
) -> None:
    """Load from a constant bank at an address that may differ between lanes.

    Bank 0 holds the launch (block size at 0x0, grid size at 0xc, parameters from 0x160 on), bank 3 the
    kernel file's .const data. The bank travels in the high word of the address.
    """
    load(warp, Space.CONSTANT, address, size, rd)
