"""What compilers make divisions and derivatives of: FCHK, FSWZADD. Read and written, not executed."""

from itertools import product
from typing import Annotated

from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import WordOperand
from dstc_isa.isa.instruction import F32, Scalar
from dstc_isa.isa.literal import Literal
from dstc_isa.isa.modifier import Flag
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.volta.float import Flush, Round, Rounding
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import CONST_B, IMM_B, Fd, Pu
from dstc_isa.isa.volta.units import FMA, SFU

SIGNS = ("PP", "PN", "NP", "ZP")
SWIZZLES = {number: "".join(signs) for number, signs in enumerate(product(SIGNS, repeat=4))}
"""How signs of the two operands in the lanes of a quad are written, by their number."""


@instruction("FCHK", 0x302, SFU, variable=True, unmodelled="when a division takes the slow path is not published")
def fchk(
    fa: Annotated[F32, Source("a", negate=True, absolute=True, reuse=None)],
    fb: Annotated[
        F32,
        Source("b", negate=True, absolute=True, imm=IMM_B, const=CONST_B, literal=Literal.FLOAT, reuse=None),
    ],
) -> Pu:
    """Check a division Ra / Rb: Pu where it needs more than a few steps of Newton's method."""


@instruction("FSWZADD", 0x822, FMA, unmodelled="sums with signs by lane have no semantics here")
def fswzadd(
    fa: Annotated[F32, Source("a")],
    fc: Annotated[F32, Source("c")],
    signs: Annotated[Scalar, WordOperand(Field(32, 8), names=SWIZZLES)],
    flush: Flush,
    rounding: Round = Rounding.RN,
    whole_quad: Annotated[int, Flag("NDV", Field(77, 1))] = 0,
) -> Fd:
    """Add with signs (P, N) or zeros (Z) of both operands, which each lane of a quad has of its own: a derivative."""
