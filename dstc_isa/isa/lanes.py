"""Operations on 32 lanes that the instruction semantics are written in, on NumPy arrays of shape (32,).

The compiled engine gives the same names a second meaning over SIMD values (``engine.compiled.lane_functions``); a
semantics function calls these and the ordinary operators, and so runs either way from one text. Dtypes:
u32 = uint32, s32 = int32, f32 = float32, u64 = uint64, bool. Arithmetic wraps.
"""

from typing import Any

from dstc_isa.isa.effects import Effect, primitive


class _NumPy:
    """Stands for NumPy until a lane operation needs it: to assemble, only the declarations are read."""

    def __getattr__(self, name: str) -> Any:
        import numpy

        globals()["np"] = numpy
        return getattr(numpy, name)


np: Any = _NumPy()

LANES = 32
FULL_MASK = 0xFFFFFFFF
CANONICAL_NAN = 0x7FFFFFFF


@primitive()
def u32(a: Any) -> Any:
    """The same bits as unsigned integers."""
    return a.view(np.uint32)


@primitive()
def s32(a: Any) -> Any:
    """The same bits as signed integers."""
    return a.view(np.int32)


@primitive()
def f32(a: Any) -> Any:
    """The same bits as floats."""
    return a.view(np.float32)


@primitive()
def splat(value: int) -> Any:
    """The integer ``value`` (modulo 2**32) in every lane, u32."""
    return np.full(LANES, value & FULL_MASK, np.uint32)


@primitive()
def lane_ids() -> Any:
    """0 to 31, u32."""
    return np.arange(LANES, dtype=np.uint32)


@primitive()
def select(condition: Any, a: Any, b: Any) -> Any:
    """``a`` where ``condition`` (bool lanes), else ``b``; both of one type."""
    return np.where(condition, a, b)


@primitive()
def truth(value: int) -> Any:
    """Bool lanes that are all ``value != 0``."""
    return np.full(LANES, bool(value))


@primitive(Effect.LANES)
def ballot(condition: Any) -> int:
    """Bit mask of the true lanes."""
    return int(np.packbits(condition, bitorder="little").view(np.uint32)[0])


@primitive()
def spread(mask: int) -> Any:
    """Bool lanes from a bit mask; the inverse of ``ballot``."""
    return np.unpackbits(np.array([mask], np.uint32).view(np.uint8), bitorder="little").astype(bool)


@primitive(Effect.LANES)
def lane_of(a: Any, index: int) -> Any:
    """Lane ``index``, modulo 32, of ``a`` as a scalar."""
    return a[index & 31].item()


@primitive(Effect.LANES)
def listed(a: Any) -> Any:
    """The lanes of f32 as a sequence of scalars that is cheap to index."""
    return a.tolist()


@primitive()
def insert_lane(a: Any, index: int, value: int) -> Any:
    """``a`` (u32) with lane ``index``, modulo 32, set to ``value`` (modulo 2**32)."""
    changed = a.copy()
    changed[index & 31] = value & FULL_MASK
    return changed


@primitive(Effect.LANES)
def gather(a: Any, index: Any) -> Any:
    """Lane ``index`` (u32, modulo 32) of ``a`` for every lane."""
    return a[index & 31]


@primitive()
def shift_left(a: Any, amount: Any) -> Any:
    """``a << amount`` for u32 or u64; 0 when the amount reaches the width."""
    width = a.dtype.itemsize * 8
    return np.where(amount < width, a << (amount & (width - 1)).astype(a.dtype), a.dtype.type(0))


@primitive()
def shift_right(a: Any, amount: Any) -> Any:
    """``a >> amount`` for u32 or u64, zeros shifted in; 0 when the amount reaches the width."""
    width = a.dtype.itemsize * 8
    return np.where(amount < width, a >> (amount & (width - 1)).astype(a.dtype), a.dtype.type(0))


@primitive()
def shift_right_signed(a: Any, amount: Any) -> Any:
    """Arithmetic shift of s32 by u32 amounts; at 32 and beyond the sign fills the lane."""
    return a >> np.minimum(amount, 31).astype(np.int32)


@primitive()
def popc(a: Any) -> Any:
    """Number of set bits of u32, as u32."""
    return np.bitwise_count(a).astype(np.uint32)


@primitive()
def leading_zeros(a: Any) -> Any:
    """Leading zero bits of u32, 32 for zero."""
    exponent = np.frexp(a.astype(np.float64))[1]
    return (32 - exponent).astype(np.uint32)


@primitive()
def reverse_bits(a: Any) -> Any:
    """u32 with its bits in the opposite order."""
    octets = a.byteswap().view(np.uint8)
    return np.packbits(np.unpackbits(octets), bitorder="little").view(np.uint32)


@primitive()
def widen(a: Any) -> Any:
    """u32 zero-extended, or s32 sign-extended, to u64."""
    return a.astype(np.int64).view(np.uint64)


@primitive()
def narrow(a: Any) -> Any:
    """The low 32 bits of u64, as u32."""
    return a.astype(np.uint32)


@primitive()
def minimum(a: Any, b: Any) -> Any:
    """Lesser of two integers of one type."""
    return np.minimum(a, b)


@primitive()
def maximum(a: Any, b: Any) -> Any:
    """Greater of two integers of one type."""
    return np.maximum(a, b)


@primitive()
def is_nan(a: Any) -> Any:
    """Bool lanes: f32 is not a number."""
    return np.isnan(a)


@primitive()
def fma(a: Any, b: Any, c: Any) -> Any:
    """f32 ``a * b + c`` with one rounding.

    The product is exact in float64; the sum is rounded to odd there, so that the rounding to float32 is the
    only one that counts (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
    """
    product = a.astype(np.float64) * b.astype(np.float64)
    addend = c.astype(np.float64)
    total = product + addend
    tail = total - product
    error = (product - (total - tail)) + (addend - tail)
    bits = total.view(np.int64)
    inexact = (np.abs(error) > 0) & np.isfinite(total) & (bits & 1 == 0)
    bits = np.where(inexact, bits + np.where((error > 0) == (total > 0), 1, -1), bits)
    return bits.view(np.float64).astype(np.float32)


@primitive()
def square_root(a: Any) -> Any:
    """f32 square root, correctly rounded."""
    return np.sqrt(a)


@primitive()
def round_even(a: Any) -> Any:
    """f32 to the nearest integer, ties to even, as f32."""
    return np.rint(a)


@primitive()
def round_down(a: Any) -> Any:
    """f32 to the integer below, as f32."""
    return np.floor(a)


@primitive()
def round_up(a: Any) -> Any:
    """f32 to the integer above, as f32."""
    return np.ceil(a)


@primitive()
def round_zero(a: Any) -> Any:
    """f32 to the integer towards zero, as f32."""
    return np.trunc(a)


@primitive()
def float_to_s32(a: Any) -> Any:
    """f32 that holds integers in the s32 range, as s32."""
    return a.astype(np.int32)


@primitive()
def float_to_u32(a: Any) -> Any:
    """f32 that holds integers in the u32 range, as u32."""
    return a.astype(np.uint32)


@primitive()
def int_to_float(a: Any) -> Any:
    """u32 or s32 as f32, rounded to nearest even."""
    return a.astype(np.float32)


@primitive()
def half_to_float(a: Any) -> Any:
    """The FP16 number in the low 16 bits of u32, as f32; exact."""
    return a.astype(np.uint16).view(np.float16).astype(np.float32)


@primitive()
def float_to_half(a: Any) -> Any:
    """f32 rounded to nearest even FP16, in the low 16 bits of u32; a NaN becomes 0x7fff."""
    bits = a.astype(np.float16).view(np.uint16).astype(np.uint32)
    return np.where(np.isnan(a), np.uint32(0x7FFF), bits)


@primitive(Effect.LANES)
def expand(values: Any, bitmap: int) -> Any:
    """Scatter condensed f32 values: the lane of the n-th set bit of ``bitmap`` gets value n.

    Lanes whose bit is clear hold an unspecified number.
    """
    return values[(np.cumsum(spread(bitmap)) - 1) & 31]


@primitive()
def lowest_bit(mask: int) -> int:
    """Index of the lowest set bit of a non-zero mask."""
    return (mask & -mask).bit_length() - 1


@primitive()
def count_bits(mask: int) -> int:
    """Number of set bits of a mask."""
    return mask.bit_count()


@primitive()
def drop_lowest(mask: int, count: int) -> int:
    """The mask without its ``count`` lowest set bits."""
    for _ in range(count):
        mask &= mask - 1
    return mask
