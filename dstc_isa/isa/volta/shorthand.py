"""Annotated operand types shared by the instruction families: ``Rd``, ``Ra``, ``Rb`` and so on."""

from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import PredicateOperand
from dstc_isa.isa.instruction import F32, U32, U64, Bool, Index, Scalar
from dstc_isa.isa.literal import Literal
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.values import PT, Predicate

IMM_B, CONST_B = 4, 5
IMM_C, CONST_C = 2, 3

Rd = Annotated[U32, Destination()]
Rd64 = Annotated[U64, Destination(width=2)]
Fd = Annotated[F32, Destination()]

Ra = Annotated[U32, Source("a")]
Rb = Annotated[U32, Source("b", imm=IMM_B, const=CONST_B)]
Rc = Annotated[U32, Source("c")]

Fa = Annotated[F32, Source("a", negate=True, absolute=True)]
Fb = Annotated[F32, Source("b", negate=True, absolute=True, imm=IMM_B, const=CONST_B, literal=Literal.FLOAT)]

DATA_B = Annotated[U32, Source("b")]
Loaded = Annotated[Index, Destination(width="size")]

Pu = Annotated[Bool, PredicateOperand(Field(81, 3), destination=True), "pu"]
Pv = Annotated[Bool, PredicateOperand(Field(84, 3), destination=True), "pv"]
CarryOut = Annotated[Bool, PredicateOperand(Field(81, 3), destination=True, optional=True, default=Predicate(PT)), "pu"]
CarryOut2 = Annotated[
    Bool, PredicateOperand(Field(84, 3), destination=True, optional=True, default=Predicate(PT)), "pv"
]
Pp = Annotated[Bool, PredicateOperand(Field(87, 3), Field(90, 1))]
PpOptional = Annotated[Bool, PredicateOperand(Field(87, 3), Field(90, 1), optional=True, default=Predicate(PT))]
PpAlone = Annotated[
    Scalar,
    PredicateOperand(Field(87, 3), Field(90, 1), optional=True, default=Predicate(PT), unmodelled=True),
    "pp",
]
"""A predicate that instructions have which are executed with PT only."""

PpNone = Annotated[
    Bool, PredicateOperand(Field(87, 3), Field(90, 1), optional=True, default=Predicate(PT, negate=True))
]
PqNone = Annotated[
    Bool, PredicateOperand(Field(77, 3), Field(80, 1), optional=True, default=Predicate(PT, negate=True))
]
CarryIn = Annotated[
    Bool,
    PredicateOperand(
        Field(87, 3),
        Field(90, 1),
        optional=True,
        shown=True,
        only="extended",
        default=Predicate(PT, negate=True),
    ),
]
CarryIn2 = Annotated[
    Bool,
    PredicateOperand(
        Field(77, 3),
        Field(80, 1),
        optional=True,
        shown=True,
        only="extended",
        default=Predicate(PT, negate=True),
    ),
]
