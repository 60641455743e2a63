"""Models of the integer instructions."""

import operator
from collections.abc import Callable

from tests.models.state import U32, U64, Operands, lane_model, signed

COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "F": lambda a, b: False,
    "LT": operator.lt,
    "EQ": operator.eq,
    "LE": operator.le,
    "GT": operator.gt,
    "NE": operator.ne,
    "GE": operator.ge,
    "T": lambda a, b: True,
}
JOINS = {"AND": operator.and_, "OR": operator.or_, "XOR": operator.xor}


def joined(x: Operands, hit: bool) -> tuple[bool, bool]:
    """Both results of a comparison."""
    join = JOINS[str(x.joined)]
    return join(hit, x.pp), join(not hit, x.pp)


@lane_model("iadd3")
def iadd3(x: Operands) -> tuple[int, bool, bool]:
    total = 0
    for name in ("ra", "rb", "rc"):
        value = getattr(x, name)
        if x.negated(name):
            value = (value ^ U32) + (0 if x.extended else 1)
        total += value
    if x.extended:
        total += x.pp + x.pq
    return total & U32, total > U32, total >> 32 > 1


def carried(x: Operands) -> int:
    """What a product's .X adds: the carry, and one less where a complement of the addend stands for its negative."""
    return int(x.pp) - x.negated("rc") if x.extended else 0


@lane_model("imad")
def imad(x: Operands) -> int:
    return int((x.ra * x.rb + x.rc + carried(x)) & U32)


@lane_model("imad_wide")
def imad_wide(x: Operands) -> tuple[int, bool]:
    a, b = (signed(x.ra), signed(x.rb)) if x.sign == "S32" else (x.ra, x.rb)
    addend = (-x.rc & U64) ^ U64 if x.negated("rc") else x.rc
    total = a * b + addend + (int(x.pp) if x.extended else int(x.negated("rc")))
    return total & U64, x.sign == "U32" and total > U64


@lane_model("lea")
def lea(x: Operands) -> tuple[int, bool]:
    term = (x.ra << x.amount) & U32
    if x.high:
        high = (U32 if x.ra >> 31 else 0) if x.signed else x.rc
        term = ((high << 32 | x.ra) << x.amount) >> 32 & U32
    total = term + x.rb + (x.pp if x.extended else 0)
    return total & U32, total > U32


@lane_model("iabs")
def iabs(x: Operands) -> int:
    return abs(signed(x.rb)) & U32


@lane_model("isetp")
def isetp(x: Operands) -> tuple[bool, bool]:
    a, b = (signed(x.ra), signed(x.rb)) if x.sign == "S32" else (x.ra, x.rb)
    hit = COMPARISONS[str(x.how)](a, b)
    if x.extended:
        hit = {"F": False, "T": True}.get(str(x.how), x.low if a == b else hit)
    return joined(x, hit)


@lane_model("sel")
def sel(x: Operands) -> int:
    return int(x.ra if x.pp else x.rb)


@lane_model("mov")
def mov(x: Operands) -> int:
    return int(x.rb)
