"""How operands are read from registers and results written back, for the generated interpreter."""

from typing import Any

from numba import int64

from dstc_isa.engine.compiled.jit import inlined
from dstc_isa.engine.compiled.raw_memory import (
    load_i64,
    load_lanes_f32,
    load_lanes_u32,
    splat_u64,
    store_i64,
    store_lanes_u32,
    store_lanes_where,
)
from dstc_isa.engine.register_rows import ROW_BYTES
from dstc_isa.isa.fetch import ABSOLUTE, NEGATE
from dstc_isa.isa.lanes import (
    FULL_MASK,
    ballot,
    f32,
    half_to_float,
    narrow,
    shift_left,
    shift_right,
    splat,
    spread,
    u32,
    widen,
)


@inlined
def source_u32(place: Any) -> Any:
    """A register as u32."""
    return load_lanes_u32(place)


@inlined
def source_f32(place: Any) -> Any:
    """A register as f32."""
    return load_lanes_f32(place)


@inlined
def source_u64(place: Any) -> Any:
    """A pair of registers as u64."""
    return widen(load_lanes_u32(place)) | shift_left(widen(load_lanes_u32(place + ROW_BYTES)), splat_u64(32))


@inlined
def signed_u32(value: Any, flags: Any) -> Any:
    """Negate an integer if asked to."""
    return splat(0) - value if flags & NEGATE else value


@inlined
def signed_u64(value: Any, flags: Any) -> Any:
    """Negate a 64-bit integer if asked to."""
    return splat_u64(0) - value if flags & NEGATE else value


@inlined
def signed_f64(value: Any, flags: Any) -> Any:
    """Absolute value and sign change of a double, on its bits."""
    sign = shift_left(splat_u64(1), splat_u64(63))
    if flags & ABSOLUTE:
        value = value & ~sign
    if flags & NEGATE:
        value = value ^ sign
    return value


@inlined
def signed_f32(value: Any, flags: Any) -> Any:
    """Absolute value and sign change of a float, on its bits."""
    if flags == 0:
        return value
    bits = u32(value)
    if flags & ABSOLUTE:
        bits = bits & splat(0x7FFFFFFF)
    if flags & NEGATE:
        bits = bits ^ splat(0x80000000)
    return f32(bits)


@inlined
def signed_halves(value: Any, flags: Any) -> Any:
    """Absolute value and sign change of two packed halves."""
    if flags & ABSOLUTE:
        value = value & splat(0x7FFF7FFF)
    if flags & NEGATE:
        value = value ^ splat(0x80008000)
    return value


@inlined
def chosen_halves(value: Any, half: Any) -> Any:
    """Both halves (-1), or one of them twice."""
    if half < 0:
        return value
    kept = shift_right(value, splat(16 * half)) & splat(0xFFFF)
    return kept | shift_left(kept, splat(16))


@inlined
def half_f32(place: Any, half: Any) -> Any:
    """One half of a register as f32."""
    value = load_lanes_u32(place)
    return half_to_float(shift_right(value, splat(16)) if half else value & splat(0xFFFF))


@inlined
def predicate(place: Any, inversion: Any) -> Any:
    """A predicate register as bool lanes."""
    return spread(load_i64(place) ^ inversion)


@inlined
def address_u64(place: Any, offset: Any, wide: Any) -> Any:
    """Global addresses: a pair of registers plus offset, or one register, the sum wrapping at 32 bits."""
    if wide:
        return source_u64(place) + splat_u64(offset)
    return widen(load_lanes_u32(place) + splat(offset))


@inlined
def address_u32(place: Any, offset: Any, wide: Any) -> Any:
    """Shared memory addresses."""
    return load_lanes_u32(place) + splat(offset)


@inlined
def address_constant(place: Any, offset: Any, bank: Any) -> Any:
    """Constant bank addresses: the bank in the high word."""
    return widen(load_lanes_u32(place) + splat(offset)) | splat_u64(int64(bank) << 32)


@inlined
def put_u32(place: Any, value: Any, mask: Any) -> Any:
    """Write a register in the executing lanes."""
    if mask == FULL_MASK:
        store_lanes_u32(place, value)
    else:
        store_lanes_where(place, value, spread(mask))


@inlined
def put_f32(place: Any, value: Any, mask: Any) -> Any:
    """Write a float register in the executing lanes."""
    put_u32(place, u32(value), mask)


@inlined
def put_u64(place: Any, value: Any, mask: Any) -> Any:
    """Write a pair of registers in the executing lanes."""
    put_u32(place, narrow(value), mask)
    put_u32(place + ROW_BYTES, narrow(shift_right(value, splat_u64(32))), mask)


@inlined
def put_bool(place: Any, value: Any, mask: Any) -> Any:
    """Write a predicate in the executing lanes."""
    store_i64(place, (load_i64(place) & (mask ^ FULL_MASK)) | (ballot(value) & mask))
