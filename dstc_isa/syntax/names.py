"""The names that the machine gives: registers, predicates, special registers, barriers, markers."""

import re
from functools import cache

from dstc_isa.isa.instruction import REGISTRY
from dstc_isa.isa.values import PT, RZ, BarrierRegister, Predicate, Register, Value

_NUMBERED = re.compile(r"([RPB])(\d{1,6})")


def builtin(name: str) -> Value | None:
    """The machine's thing of that name, or None; a number may still be out of range."""
    match = _NUMBERED.fullmatch(name)
    if match:
        number = int(match[2])
        if match[1] == "R":
            return Register(number if number != RZ else RZ + 1)
        if match[1] == "P":
            return Predicate(number if number != PT else PT + 1)
        return BarrierRegister(number)
    return _fixed(len(REGISTRY)).get(name)


@cache
def _fixed(declared: int) -> dict[str, Value]:
    """Names without a number; keyed by how many instructions are declared, so extensions are seen."""
    named: dict[str, Value] = {"RZ": Register(RZ), "PT": Predicate(PT)}
    for declaration in REGISTRY[:declared]:
        for operand in declaration.operands:
            named.update(operand.vocabulary())
    return named


def special_names() -> list[str]:
    """All names without a number, for suggestions."""
    return list(_fixed(len(REGISTRY)))
