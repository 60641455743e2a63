"""Registers and predicates as bits of a mask: bit r for register r, bit 256 + p for predicate p."""

from collections.abc import Iterator

from dstc_isa.isa.values import PT, REGISTERS, RZ

PREDICATE_SHIFT = 256
PLACES = PREDICATE_SHIFT + PT
"""Bits of a mask."""

REGISTER_MASK = (1 << REGISTERS) - 1
PREDICATE_MASK = ((1 << PT) - 1) << PREDICATE_SHIFT


def registers(first: int, count: int) -> int:
    """Mask of consecutive registers, none for RZ and behind the last one."""
    return 0 if first == RZ else ((1 << count) - 1) << first & REGISTER_MASK


def predicate(index: int) -> int:
    """Mask of a predicate, none for PT."""
    return 0 if index == PT else 1 << PREDICATE_SHIFT + index


def bits_of(mask: int) -> Iterator[int]:
    """Positions of the set bits, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def place_name(place: int) -> str:
    """Name of the register or predicate that a bit stands for."""
    return f"R{place}" if place < PREDICATE_SHIFT else f"P{place - PREDICATE_SHIFT}"
