"""Textures: read and written, not executed.

A texture is given by a register or, in ``0x5a``, by numbers; there are two registers for what is read.
"""

from enum import IntEnum
from typing import Annotated, Any

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import ImmediateOperand, PredicateOperand
from dstc_isa.isa.instruction import U32, Scalar
from dstc_isa.isa.modifier import Choice, Flag
from dstc_isa.isa.name_operand import NameOperand
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.values import PT, RZ, Immediate, Predicate, Register
from dstc_isa.isa.volta.memory_modifiers import Eviction
from dstc_isa.isa.volta.read_only import declare
from dstc_isa.isa.volta.units import LSU

_REASON = "there are no textures"


class Half(IntEnum):
    """Results are packed halves, rounded to nearest or to zero."""

    _ = 0
    F16__RN = 1
    F16__RZ = 2


class Level(IntEnum):
    """Where the level of detail is from: gradients, zero, a bias, a register; LC clamps it."""

    _ = 0
    LZ = 1
    LB = 2
    LL = 3
    LC = 4
    LB__LC = 5


class LoadLevel(IntEnum):
    """The same where there are no gradients."""

    LZ = 1
    LL = 3


class Component(IntEnum):
    """Which component is gathered, and whether the texture is given by a register."""

    R = 0
    G = 1
    B = 2
    A = 3
    R__B = 4
    G__B = 5
    B__B = 6
    A__B = 7


class ComponentByRegister(IntEnum):
    """The same of textures that are given by a register."""

    R__B = 4
    G__B = 5
    B__B = 6
    A__B = 7


class Offsets(IntEnum):
    """Offsets: none, one, or one for each of four texels."""

    _ = 0
    AOFFI = 1
    PTP = 2


class ByRegister(IntEnum):
    """The texture is given by a register."""

    B = 1


class Detail(IntEnum):
    """What is asked."""

    LOD = 0


ALL_SHAPES = {"1D": 0, "2D": 1, "3D": 2, "CUBE": 3, "ARRAY_1D": 4, "ARRAY_2D": 5, "ARRAY_CUBE": 7}
FLAT = {name: ALL_SHAPES[name] for name in ("2D", "CUBE", "ARRAY_2D", "ARRAY_CUBE")}
PLAIN = {name: ALL_SHAPES[name] for name in ("1D", "2D", "3D", "ARRAY_1D", "ARRAY_2D")}
GRADED = {name: ALL_SHAPES[name] for name in ("1D", "2D", "ARRAY_1D", "ARRAY_2D")}
QUERIES = {"TEX_HEADER_DIMENSION": 0, "TEX_HEADER_TEXTURE_TYPE": 1, "TEX_HEADER_SAMPLER_POS": 2}

_RESIDENT = Annotated[
    Scalar, PredicateOperand(Field(81, 3), destination=True, optional=True, default=Predicate(PT)), "pu"
]
_SECOND = Annotated[U32, Destination(at=Field(64, 8)), "rd2"]
_FIRST = Annotated[U32, Destination(), "rd"]
_RA = Annotated[U32, Source("a", zero=False)]
_RB = Annotated[U32, Source("b", reuse="c", zero=False)]
_RB_OR_ZERO = Annotated[U32, Source("b", reuse="c")]
_RB_OR_NONE = Annotated[U32, Source("b", reuse="c", optional=True, default=Register(RZ))]


def _number(lo: int, width: int) -> Any:
    return Annotated[Scalar, ImmediateOperand(Field(lo, width), hexadecimal=True)]


def _flag(word: str, bit: int) -> Any:
    return Annotated[int, Flag(word, Field(bit, 1))]


def _choice(values: type[IntEnum], lo: int, width: int, default: int | None = 0) -> Any:
    return Annotated[int, Choice(values, Field(lo, width), default=default)]


def _name(names: dict[str, int], lo: int, width: int) -> Any:
    return Annotated[Scalar, NameOperand(Field(lo, width), names)]


_MASK = Annotated[Scalar, ImmediateOperand(Field(72, 4), hexadecimal=True, optional=True, default=Immediate(15))]
_BANK = {"bank": _number(54, 5)}
HANDLES: tuple[dict[str, Any], ...] = (
    {},
    _BANK | {"number": _number(40, 14)},
    _BANK | {"low": _number(40, 6), "high": _number(46, 8)},
)
"""How a texture is given: by a register, by two numbers, by three."""

_SCALAR = {"scalar": _flag("SCR", 60)}
_HALF = {"half": _choice(Half, 79, 2)}
_AOFFI = {"offset": _flag("AOFFI", 76)}
_DEPTH = {"depth_compare": _flag("DC", 78)}
_EVICTED = {"evicted": _choice(Eviction, 84, 3, 1)}
_NODEP = {"independent": _flag("NODEP", 90)}
_NDV = {"uniform": _flag("NDV", 77)}

for _form, _handle in enumerate(HANDLES):
    _named = _form == 1
    _by = {"by_register": _flag("B", 59) if _named else _choice(ByRegister, 59, 1, None)}
    _sources = {"ra": _RA, "rb": _RB_OR_NONE if _named else _RB, **_handle}
    declare(
        __name__,
        "TEX",
        (0x361, 0xB60, 0xB62)[_form],
        LSU,
        "Read a texture, filtered.",
        _REASON,
        (_RESIDENT, _SECOND, _FIRST),
        {
            **_sources,
            "shape": _name(ALL_SHAPES, 61, 3),
            "mask": _MASK,
            **_SCALAR,
            **_by,
            **_HALF,
            "level": _choice(Level, 87, 3),
            **_AOFFI,
            **_DEPTH,
            **_EVICTED,
            **_NDV,
            **_NODEP,
        },
    )
    declare(
        __name__,
        "TLD4",
        (0x364, 0xB63, 0xB65)[_form],
        LSU,
        "Read one component of the four texels of a texture that a filter would take.",
        _REASON,
        (_RESIDENT, _SECOND, _FIRST),
        {
            **_sources,
            "shape": _name(FLAT, 61, 3),
            "mask": _MASK,
            **_SCALAR,
            "component": Annotated[
                int, Choice(Component if _named else ComponentByRegister, Field(87, 2, rest=Field(59, 1)))
            ],
            **_HALF,
            "offsets": _choice(Offsets, 76, 2),
            **_DEPTH,
            **_EVICTED,
            **_NODEP,
        },
    )
    declare(
        __name__,
        "TLD",
        (0x367, 0xB66, 0xB68)[_form],
        LSU,
        "Read a texel.",
        _REASON,
        (_RESIDENT, _SECOND, _FIRST),
        {
            **_sources,
            "shape": _name(PLAIN, 61, 3),
            "mask": _MASK,
            **_SCALAR,
            **_by,
            **_HALF,
            "level": _choice(LoadLevel, 87, 3, None),
            **_AOFFI,
            **_EVICTED,
            "samples": _flag("MS", 78),
            "clamped": _flag("CL", 77),
            **_NODEP,
        },
    )
    declare(
        __name__,
        "TXD",
        (0x36D, 0xB6C, 0xB6E)[_form],
        LSU,
        "Read a texture, filtered, with gradients from registers.",
        _REASON,
        (_RESIDENT, _SECOND, _FIRST),
        {
            "ra": _RA,
            "rb": _RB_OR_ZERO,
            **_handle,
            "shape": _name(GRADED, 61, 3),
            "mask": _MASK,
            **_by,
            **_HALF,
            "clamped": _flag("LC", 87),
            **_AOFFI,
            **_EVICTED,
            **_NODEP,
        },
    )
    declare(
        __name__,
        "TMML",
        (0x36A, 0xB69, 0xB6B)[_form],
        LSU,
        "The level of detail with which a texture would be read.",
        _REASON,
        (_SECOND, _FIRST),
        {
            "ra": _RA,
            "rb": _RB,
            **_handle,
            "shape": _name(ALL_SHAPES, 61, 3),
            "mask": _MASK,
            **_by,
            "detail": _choice(Detail, 87, 0, None),
            **_NDV,
            **_NODEP,
        },
    )
    declare(
        __name__,
        "TXQ",
        (0x370, 0xB6F, 0xB71)[_form],
        LSU,
        "What the header of a texture says.",
        _REASON,
        (_SECOND, _FIRST),
        {
            "ra": Annotated[U32, Source("a", reuse="c", zero=_named)],
            "query": _name(QUERIES, 62, 2),
            **_handle,
            "mask": _number(72, 4),
            **_by,
            **_NODEP,
        },
    )
