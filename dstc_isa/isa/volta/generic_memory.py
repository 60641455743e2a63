"""Loads and stores at generic addresses, which may be in global, shared or local memory, and the question in which."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import PredicateOperand
from dstc_isa.isa.instruction import Bool, Index
from dstc_isa.isa.modifier import Choice, WideSize
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.memory_modifiers import (
    ORDINARY,
    Evicted,
    Extended,
    Generic,
    Global,
    LoadOrder,
    LoadOrdered,
    Private,
    StoreOrder,
    StoreOrdered,
    Widths,
    Zero,
    ZeroDetect,
)
from dstc_isa.isa.volta.shorthand import Loaded, Rd
from dstc_isa.isa.volta.units import LSU

_NONE = "generic addresses are not told apart"


@instruction("LD", 0x980, LSU, variable=True, unmodelled=_NONE)
def ld(
    address: Generic,
    extended: Extended,
    evicted: Evicted = ORDINARY,
    size: Widths = WideSize._32,
    order: LoadOrdered = LoadOrder.SYS,
    private: Private = 0,
    zero_detect: ZeroDetect = 0,
) -> tuple[Zero, Loaded]:
    """Load from a generic address."""


@instruction("ST", 0x385, LSU, variable=True, unmodelled=_NONE)
def st(
    address: Generic,
    rc: Annotated[Index, Source("c", width="size", reuse=None)],
    extended: Extended,
    evicted: Evicted = ORDINARY,
    size: Widths = WideSize._32,
    order: StoreOrdered = StoreOrder.SYS,
    private: Private = 0,
) -> None:
    """Store to a generic address."""


class Window(IntEnum):
    """Memory that a generic address may be in."""

    G = 0
    L = 1
    S = 2


@instruction("QSPC", 0x3AA, LSU, variable=True, unmodelled=_NONE)
def qspc(
    address: Global, extended: Extended, window: Annotated[int, Choice(Window, Field(73, 2))]
) -> tuple[Annotated[Bool, PredicateOperand(Field(81, 3), destination=True), "pu"], Rd]:
    """Whether a generic address is in global, local or shared memory."""
