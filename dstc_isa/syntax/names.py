"""The names that the machine gives: registers, predicates, special registers, barriers, markers."""

import re

from dstc_isa.isa.instruction_set import vocabulary
from dstc_isa.isa.remembered import until_changed
from dstc_isa.isa.values import PT, RZ, WARP_NUMBER, BarrierRegister, Constant, Predicate, Register, Value

_NONE_OF_VOLTA: dict[str, Value] = {
    "SR_WARPID": WARP_NUMBER,
    **{
        f"{name}.{axis}": Constant(0, first + 4 * place)
        for name, first in (("SR_NTID", 0x0), ("SR_NCTAID", 0xC))
        for place, axis in enumerate("XYZ")
    },
}
"""Registers that Volta does not have: the extents of block and grid stand in constant bank 0, the warp in SR_VIRTID."""

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
    return _fixed().get(name)


@until_changed()
def _fixed() -> dict[str, Value]:
    """Names without a number."""
    return {"RZ": Register(RZ), "PT": Predicate(PT), **vocabulary(), **_NONE_OF_VOLTA}


def special_names() -> list[str]:
    """All names without a number, for suggestions."""
    return list(_fixed())
