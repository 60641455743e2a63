"""How operands are read on the reference engine: the functions that operand kinds name, over NumPy arrays.

A place among registers is the rows from it on, two at least of registers, and a predicate's is its mask.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from dstc_isa.isa.fetch import ABSOLUTE, NEGATE
from dstc_isa.isa.lanes import FULL_MASK, f32, half_to_float, spread

SIGN = np.uint32(0x80000000)
DOUBLE_SIGN = np.uint64(1 << 63)
HALF_SIGNS = np.uint32(0x80008000)
LOW_HALF = np.uint32(0xFFFF)


def source_u32(rows: Any) -> Any:
    """A register as u32."""
    return rows[0].copy()


def source_f32(rows: Any) -> Any:
    """A register as f32."""
    return f32(rows[0].copy())


def source_u64(rows: Any) -> Any:
    """A pair of registers as u64."""
    return rows[0].astype(np.uint64) | rows[1].astype(np.uint64) << np.uint64(32)


def signed_integer(value: Any, flags: int) -> Any:
    """Negate an integer if asked to."""
    return value.dtype.type(0) - value if flags & NEGATE else value


def signed_f32(value: Any, flags: int) -> Any:
    """Absolute value and sign change of a float, on its bits."""
    return f32(_signed(value.view(np.uint32), flags, SIGN))


def signed_f64(value: Any, flags: int) -> Any:
    """Absolute value and sign change of a double, on its bits."""
    return _signed(value, flags, DOUBLE_SIGN)


def signed_halves(value: Any, flags: int) -> Any:
    """Absolute value and sign change of two packed halves."""
    return _signed(value, flags, HALF_SIGNS)


def _signed(bits: Any, flags: int, signs: Any) -> Any:
    if flags & ABSOLUTE:
        bits = bits & ~signs
    return bits ^ signs if flags & NEGATE else bits


def chosen_halves(value: Any, half: int) -> Any:
    """Both halves (-1), or one of them twice."""
    if half < 0:
        return value
    kept = value >> np.uint32(16 * half) & LOW_HALF
    return kept | kept << np.uint32(16)


def half_f32(rows: Any, half: int) -> Any:
    """One half of a register as f32."""
    return half_to_float(rows[0] >> np.uint32(16 * half) & LOW_HALF)


def predicate(mask: int, inversion: int) -> Any:
    """A predicate register as bool lanes."""
    return spread(mask ^ inversion)


def address_u64(rows: Any, offset: int, wide: int) -> Any:
    """Global addresses: a pair of registers plus offset, or one register, the sum wrapping at 32 bits."""
    if wide:
        return source_u64(rows) + np.int64(offset).astype(np.uint64)
    return address_u32(rows, offset, wide).astype(np.uint64)


def address_u32(rows: Any, offset: int, wide: int) -> Any:
    """Shared memory addresses."""
    return (rows[0].astype(np.int64) + offset & FULL_MASK).astype(np.uint32)


def address_constant(rows: Any, offset: int, bank: int) -> Any:
    """Constant bank addresses: the bank in the high word."""
    return address_u32(rows, offset, 0).astype(np.uint64) | np.uint64(bank << 32)


FETCHES: dict[str, Callable[..., Any]] = {
    "source_u32": source_u32,
    "source_f32": source_f32,
    "source_u64": source_u64,
    "signed_u32": signed_integer,
    "signed_u64": signed_integer,
    "signed_f32": signed_f32,
    "signed_f64": signed_f64,
    "signed_halves": signed_halves,
    "chosen_halves": chosen_halves,
    "half_f32": half_f32,
    "predicate": predicate,
    "address_u64": address_u64,
    "address_u32": address_u32,
    "address_constant": address_constant,
}
