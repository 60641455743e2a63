"""Lanes of one type as those of another: integers, FP32 and FP16."""

from typing import Any

from llvmlite import ir

from dstc_isa.engine.compiled.lane_types import (
    F32,
    FLOAT,
    I16,
    I32,
    I64,
    S32,
    U32,
    U64,
    LaneType,
    define,
    filled,
    unary,
    vector,
)
from dstc_isa.engine.compiled.llvm_calls import host_has
from dstc_isa.isa import lanes

HALF = ir.HalfType()


def emit_widen(builder: ir.IRBuilder, sig: Any, a: ir.Value) -> ir.Value:
    """Extend to 64 bits by the argument's sign."""
    return (builder.sext if sig.args[0].signed else builder.zext)(a, vector(I64))


def emit_int_to_float(builder: ir.IRBuilder, sig: Any, a: ir.Value) -> ir.Value:
    """Integer to float by the argument's sign."""
    return (builder.sitofp if sig.args[0].signed else builder.uitofp)(a, vector(FLOAT))


def emit_half_to_float(builder: ir.IRBuilder, sig: Any, a: ir.Value) -> ir.Value:
    """F16C's conversion where the CPU has it, integer arithmetic where not (no library call is ever made)."""
    if host_has("f16c"):
        halves = builder.bitcast(builder.trunc(a, vector(I16)), vector(HALF))
        return builder.fpext(halves, vector(FLOAT))
    magnitude = builder.shl(builder.and_(a, filled(I32, 0x7FFF)), filled(I32, 13))
    sign = builder.shl(builder.and_(a, filled(I32, 0x8000)), filled(I32, 16))
    scaled = builder.fmul(builder.bitcast(magnitude, vector(FLOAT)), filled(FLOAT, 2.0**112))
    infinite = builder.icmp_unsigned(">=", magnitude, filled(I32, 0x7C00 << 13))
    special = builder.or_(magnitude, filled(I32, 0x7F800000))
    bits = builder.select(infinite, special, builder.bitcast(scaled, vector(I32)))
    return builder.bitcast(builder.or_(bits, sign), vector(FLOAT))


def emit_float_to_half(builder: ir.IRBuilder, sig: Any, a: ir.Value) -> ir.Value:
    """Round FP32 to FP16, ties to even; NaN becomes 0x7fff."""
    unordered = builder.fcmp_unordered("uno", a, a)
    if host_has("f16c"):
        halves = builder.bitcast(builder.fptrunc(a, vector(HALF)), vector(I16))
        return builder.select(unordered, filled(I32, 0x7FFF), builder.zext(halves, vector(I32)))
    bits = builder.bitcast(a, vector(I32))
    sign = builder.lshr(builder.and_(bits, filled(I32, 0x80000000)), filled(I32, 16))
    magnitude = builder.and_(bits, filled(I32, 0x7FFFFFFF))
    odd = builder.and_(builder.lshr(magnitude, filled(I32, 13)), filled(I32, 1))
    rounded = builder.add(builder.add(magnitude, filled(I32, 0xFFF)), odd)
    normal = builder.sub(builder.lshr(rounded, filled(I32, 13)), filled(I32, 112 << 10))
    shifted = builder.fadd(builder.bitcast(magnitude, vector(FLOAT)), filled(FLOAT, 0.5))
    tiny = builder.sub(builder.bitcast(shifted, vector(I32)), filled(I32, 0x3F000000))
    is_tiny = builder.icmp_unsigned("<", magnitude, filled(I32, 113 << 23))
    is_huge = builder.icmp_unsigned(">=", rounded, filled(I32, 143 << 23))
    result = builder.select(is_tiny, tiny, builder.select(is_huge, filled(I32, 0x7C00), normal))
    return builder.select(unordered, filled(I32, 0x7FFF), builder.or_(result, sign))


def register() -> None:
    """Make conversions known to Numba."""
    define(lanes.widen, lambda a: U64 if a in (U32, S32) else None, emit_widen, LaneType)
    define(lanes.narrow, unary(U64, U32), lambda builder, sig, a: builder.trunc(a, vector(I32)), LaneType)
    define(lanes.float_to_s32, unary(F32, S32), lambda b, sig, a: b.fptosi(a, vector(I32)), LaneType)
    define(lanes.float_to_u32, unary(F32, U32), lambda b, sig, a: b.fptoui(a, vector(I32)), LaneType)
    define(lanes.int_to_float, lambda a: F32 if a in (U32, S32) else None, emit_int_to_float, LaneType)
    define(lanes.half_to_float, unary(U32, F32), emit_half_to_float, LaneType)
    define(lanes.float_to_half, unary(F32, U32), emit_float_to_half, LaneType)
