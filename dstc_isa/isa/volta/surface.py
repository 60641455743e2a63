"""Surfaces, which are textures that are written: read and written as instructions, not executed."""

from enum import IntEnum
from typing import Annotated, Any

from dstc_isa.isa.address_operand import AddressOperand
from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand, PredicateOperand
from dstc_isa.isa.instruction import U32, Scalar
from dstc_isa.isa.modifier import Choice, Flag, Size
from dstc_isa.isa.operand import Registers
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.values import PT, Predicate
from dstc_isa.isa.volta.atomics import ComparedType, GenericOperation, GlobalSwap, Reduction
from dstc_isa.isa.volta.memory_modifiers import AtomicOrder, Eviction, StoreOrder
from dstc_isa.isa.volta.read_only import declare
from dstc_isa.isa.volta.units import LSU

_REASON = "there are no surfaces"


class Packed(IntEnum):
    """Texels are converted."""

    P = 0


class Raw(IntEnum):
    """Texels are bytes."""

    D = 0


class Shape(IntEnum):
    """What a surface is."""

    _1D = 0
    _1D_BUFFER = 1
    _1D_ARRAY = 2
    _2D = 3
    _2D_ARRAY = 4
    _3D = 5


class Components(IntEnum):
    """Components that are moved, all unless they are named."""

    R = 1
    RG = 3
    _ = 15


class Outside(IntEnum):
    """What an access beyond the edge does: nothing, what is next to it, or a trap."""

    IGN = 0
    _ = 1
    TRAP = 2


class SurfaceType(IntEnum):
    """Operand type of an atomic operation."""

    U32 = 0
    S32 = 1
    U64 = 2
    F32__FTZ__RN = 3
    F16x2__RN = 4
    S64 = 5
    SD32 = 6
    SD64 = 7


def _choice(values: type[IntEnum], lo: int, width: int, default: int | None = None, *, shown: bool = False) -> Any:
    return Annotated[int, Choice(values, Field(lo, width), default=default, shown=shown)]


def _number(lo: int, width: int) -> Any:
    return Annotated[Scalar, ImmediateOperand(Field(lo, width), hexadecimal=True)]


_WIDE = Registers("kind", {2: 2, 5: 2, 7: 2})
_DONE = Annotated[Scalar, PredicateOperand(Field(81, 3), destination=True, optional=True, default=Predicate(PT)), "pu"]
_PLACE = {"place": Annotated[U32, AddressOperand(Field(24, 0), zero=False)]}
_BANK = {"bank": _number(54, 5)}
HANDLES: tuple[dict[str, Any], ...] = (
    {"rc": Annotated[U32, Source("c", reuse=None, zero=False)]},
    _BANK | {"number": _number(40, 14)},
    _BANK | {"low": _number(40, 6), "high": _number(46, 8)},
)
"""How a surface is given: by a register, by two numbers, by three."""

_SHAPE = {"shape": _choice(Shape, 61, 3)}
_BY_ADDRESS = {"by_address": Annotated[int, Flag("BA", Field(72, 1))]}
_EVICTED = {"evicted": _choice(Eviction, 84, 3, 1)}
_ORDER = {"order": _choice(StoreOrder, 77, 4)}
_ATOMIC_ORDER = {"order": _choice(AtomicOrder, 77, 4)}
_PRIVATE = {"private": Annotated[int, Flag("PRIVATE", Field(76, 1))]}
_OUTSIDE = {"outside": _choice(Outside, 59, 2, 1)}
_SIZE = {"size": _choice(Size, 73, 3, 4)}
_TYPE = {"kind": _choice(SurfaceType, 73, 3, 0)}
_COMPONENTS = {"components": _choice(Components, 72, 4, 15)}
_PACKED = {"texels": _choice(Packed, 72, 0)}
_RAW = {"texels": _choice(Raw, 72, 0)}

for _form, _handle in enumerate(HANDLES):
    _packed = {**_PACKED, **_SHAPE, **_EVICTED, **_ORDER, **_PRIVATE, **_COMPONENTS, **_OUTSIDE}
    _raw = {**_RAW, **_BY_ADDRESS, **_SHAPE, **_EVICTED, **_SIZE, **_ORDER, **_PRIVATE, **_OUTSIDE}
    _stored = Annotated[U32, Source("b", reuse=None)]
    _sized = Annotated[U32, Source("b", width="size", reuse=None)]
    _combined = Annotated[U32, Source("b", width=_WIDE, reuse=None)]
    _old = Annotated[U32, Destination(width=_WIDE), "rd"]
    declare(
        __name__,
        "SULD",
        (0x998, 0xB97, 0x797)[_form],
        LSU,
        "Read texels of a surface, converted.",
        _REASON,
        (_DONE, Annotated[U32, Destination(), "rd"]),
        {**_PLACE, **_handle, **_packed},
    )
    declare(
        __name__,
        "SULD",
        (0x99A, 0xB99, 0x799)[_form],
        LSU,
        "Read bytes of a surface.",
        _REASON,
        (_DONE, Annotated[U32, Destination(width="size"), "rd"]),
        {**_PLACE, **_handle, **_raw},
    )
    declare(
        __name__,
        "SUST",
        (0x99C, 0xB9B, 0x79B)[_form],
        LSU,
        "Write texels of a surface, converted.",
        _REASON,
        (),
        {**_PLACE, "rb": _stored, **_handle, **_packed},
    )
    declare(
        __name__,
        "SUST",
        (0x99E, 0xB9D, 0x79D)[_form],
        LSU,
        "Write bytes of a surface.",
        _REASON,
        (),
        {**_PLACE, "rb": _sized, **_handle, **_raw},
    )
    declare(
        __name__,
        "SURED",
        (0x3A0, 0x59F, 0x79F)[_form],
        LSU,
        "Atomic operation on a surface that returns nothing.",
        _REASON,
        (),
        {
            **_PLACE,
            "rb": _combined,
            **_handle,
            **_RAW,
            **_BY_ADDRESS,
            **_SHAPE,
            "operation": _choice(Reduction, 87, 3),
            **_EVICTED,
            **_TYPE,
            **_ATOMIC_ORDER,
            **_PRIVATE,
            **_OUTSIDE,
        },
    )
    declare(
        __name__,
        "SUATOM",
        (0x394, 0x593, 0x793)[_form],
        LSU,
        "Atomic operation on a surface.",
        _REASON,
        (_DONE, _old),
        {
            **_PLACE,
            "rb": _combined,
            **_handle,
            **_RAW,
            **_BY_ADDRESS,
            **_SHAPE,
            "operation": _choice(GenericOperation, 87, 4),
            **_EVICTED,
            **_TYPE,
            **_ATOMIC_ORDER,
            **_PRIVATE,
            **_OUTSIDE,
        },
    )
    declare(
        __name__,
        "SUATOM",
        (0x396, 0x595, 0x795)[_form],
        LSU,
        "Compare and swap on a surface.",
        _REASON,
        (_DONE, _old),
        {
            **_PLACE,
            "rb": _combined,
            **_handle,
            **_RAW,
            **_BY_ADDRESS,
            **_SHAPE,
            "swapping": _choice(GlobalSwap, 87, 0),
            **_EVICTED,
            "kind": _choice(ComparedType, 73, 3, 0),
            **_ATOMIC_ORDER,
            **_PRIVATE,
            **_OUTSIDE,
        },
    )
