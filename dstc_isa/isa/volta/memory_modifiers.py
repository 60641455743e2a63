"""What loads, stores and atomic operations say about an access beside its address: order, scope, eviction."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.address_operand import AddressOperand
from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import PredicateOperand
from dstc_isa.isa.instruction import U32, U64, Index, Scalar
from dstc_isa.isa.modifier import Choice, Flag, Size, WideSize
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import PT, Predicate

OFFSET = Field(40, 24, signed=True)
LONG_OFFSET = Field(32, 32, signed=True)


class Eviction(IntEnum):
    """When a cache may drop the line: first, as usual, last, after the last use, at once, or never allocated."""

    EF = 0
    _ = 1
    EL = 2
    LU = 3
    EU = 4
    NA = 5


class LoadOrder(IntEnum):
    """Order of a load among others, and the threads that it is ordered for; weak where only these are said."""

    CONSTANT__CTA = 0
    CONSTANT__SM = 1
    CONSTANT__GPU = 2
    CONSTANT__SYS = 3
    CTA = 4
    SM = 5
    GPU = 6
    SYS = 7
    STRONG__CTA = 8
    STRONG__SM = 9
    STRONG__GPU = 10
    STRONG__SYS = 11
    MMIO__CTA = 12
    MMIO__SM = 13
    MMIO__GPU = 14
    MMIO__SYS = 15


class StoreOrder(IntEnum):
    """The same of a store."""

    CTA = 4
    SM = 5
    GPU = 6
    SYS = 7
    STRONG__CTA = 8
    STRONG__SM = 9
    STRONG__GPU = 10
    STRONG__SYS = 11
    MMIO__CTA = 12
    MMIO__SM = 13
    MMIO__GPU = 14
    MMIO__SYS = 15


class AtomicOrder(IntEnum):
    """The same of an atomic operation."""

    CTA = 4
    SM = 5
    GPU = 6
    SYS = 7
    STRONG__CTA = 8
    STRONG__SM = 9
    STRONG__GPU = 10
    STRONG__SYS = 11


_PLACE = Field(77, 4)
Extended = Annotated[int, Flag("E", Field(72, 1))]
Evicted = Annotated[int, Choice(Eviction, Field(84, 3))]
Width = Annotated[int, Choice(Size, Field(73, 3))]
Widths = Annotated[int, Choice(WideSize, Field(73, 3), unmodelled=frozenset({WideSize.U__128}))]
LoadOrdered = Annotated[int, Choice(LoadOrder, _PLACE, shown=True)]
StoreOrdered = Annotated[int, Choice(StoreOrder, _PLACE, shown=True)]
AtomicOrdered = Annotated[int, Choice(AtomicOrder, _PLACE, shown=True)]
Private = Annotated[int, Flag("PRIVATE", Field(76, 1), unmodelled=frozenset({1}))]
ZeroDetect = Annotated[int, Flag("ZD", Field(87, 1), unmodelled=frozenset({1}))]

ORDINARY = Eviction(1)
"""What is meant where no eviction is written."""

Global = Annotated[U64, AddressOperand(OFFSET, wide="extended")]
Generic = Annotated[U64, AddressOperand(LONG_OFFSET, wide="extended")]
Shared = Annotated[U32, AddressOperand(OFFSET)]
Bank = Annotated[U64, AddressOperand(Field(38, 16, signed=True), constant=True)]
Stored = Annotated[Index, Source("b", width="size", reuse=None)]

_PREDICATE = Field(81, 3)
ZeroFound = Annotated[
    Scalar,
    PredicateOperand(
        _PREDICATE, destination=True, optional=True, default=Predicate(PT), shown="zero_detect", unmodelled=True
    ),
    "pu",
]
Zero = Annotated[Scalar, PredicateOperand(_PREDICATE, destination=True, only="zero_detect", default=Predicate(0)), "pu"]
Done = Annotated[
    Scalar,
    PredicateOperand(_PREDICATE, destination=True, optional=True, default=Predicate(PT), shown=True, unmodelled=True),
    "pu",
]
