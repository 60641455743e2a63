"""Memory by its address in compiled code: typed loads and stores, atomics, calls of code that lies there."""

from typing import Any

from llvmlite import ir
from numba.core import types

from dstc_isa.engine.compiled.jit import emitter
from dstc_isa.engine.compiled.lane_types import F32, I32, I64, U32, U64, as_bits, broadcast, vector


def pointer(builder: ir.IRBuilder, address: ir.Value, kind: ir.Type) -> ir.Value:
    """An address as LLVM has it."""
    return builder.inttoptr(address, kind.as_pointer())


def _loader(result: types.Type, stored: ir.Type, signed: bool = False) -> Any:
    @emitter
    def load(typing: Any, address: Any) -> Any:
        def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
            alignment = 4 if isinstance(stored, ir.VectorType) else 1
            value = builder.load(pointer(builder, args[0], stored), align=alignment, typ=stored)
            wide = context.get_value_type(result)
            if value.type == wide:
                return value
            return builder.sext(value, wide) if signed else builder.zext(value, wide)

        return result(types.int64), emit

    return load


def _storer(kind: types.Type, stored: ir.Type) -> Any:
    @emitter
    def store(typing: Any, address: Any, value: Any) -> Any:
        def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> None:
            value = args[1]
            if value.type != stored:
                value = builder.trunc(value, stored)
            alignment = 4 if isinstance(stored, ir.VectorType) else 1
            builder.store(value, pointer(builder, args[0], stored), align=alignment)

        return types.void(types.int64, kind), emit

    return store


load_u8 = _loader(types.int64, ir.IntType(8))
load_s8 = _loader(types.int64, ir.IntType(8), signed=True)
load_u16 = _loader(types.int64, ir.IntType(16))
load_s16 = _loader(types.int64, ir.IntType(16), signed=True)
load_u32 = _loader(types.int64, I32)
load_s32 = _loader(types.int64, I32, signed=True)
load_i64 = _loader(types.int64, I64)
store_u8 = _storer(types.int64, ir.IntType(8))
store_u16 = _storer(types.int64, ir.IntType(16))
store_u32 = _storer(types.int64, I32)
store_i64 = _storer(types.int64, I64)
load_lanes_u32 = _loader(U32, vector(I32))
load_lanes_f32 = _loader(F32, vector(F32.element))
load_lanes_u16 = _loader(U32, vector(ir.IntType(16)))
store_lanes_u32 = _storer(U32, vector(I32))
store_lanes_f32 = _storer(F32, vector(F32.element))
store_lanes_u64 = _storer(U64, vector(I64))


@emitter
def atomic_add(typing: Any, address: Any, amount: Any) -> Any:
    """Add to a 64-bit word shared by threads; the old value."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        return builder.atomic_rmw("add", pointer(builder, args[0], I64), args[1], "seq_cst")

    return types.int64(types.int64, types.int64), emit


@emitter
def atomic_min(typing: Any, address: Any, limit: Any) -> Any:
    """Lower a 64-bit word shared by threads to ``limit``; the old value."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        return builder.atomic_rmw("min", pointer(builder, args[0], I64), args[1], "seq_cst")

    return types.int64(types.int64, types.int64), emit


@emitter
def atomic_swap_if(typing: Any, address: Any, expected: Any, value: Any) -> Any:
    """Compare and swap a 32-bit word shared by threads; the old value as an unsigned number."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        expected, value = (builder.trunc(a, I32) for a in args[1:])
        pair = builder.cmpxchg(pointer(builder, args[0], I32), expected, value, "seq_cst")
        return builder.zext(builder.extract_value(pair, 0), I64)

    return types.int64(types.int64, types.int64, types.int64), emit


def _caller(count: int) -> Any:
    """A call of the code at an address with ``count`` 64-bit arguments, and a 64-bit result."""

    @emitter
    def call(typing: Any, address: Any, arguments: Any) -> Any:
        def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
            function = builder.inttoptr(args[0], ir.FunctionType(I64, [I64] * count).as_pointer())
            return builder.call(function, [builder.extract_value(args[1], i) for i in range(count)])

        return types.int64(types.int64, arguments), emit

    return call


call_foreign = _caller(2)
"""Execute an instruction: ``call_foreign(address, (warp, row))``."""

call_cost = _caller(6)
"""Charge one: ``call_cost(address, (unit, charge, warp, block, parameters, counters))``, addresses but the first.

The result is 1 if the cost function raised an exception, else 0."""


@emitter
def store_lanes_where(typing: Any, address: Any, value: Any, condition: Any) -> Any:
    """Blend u32 lanes into a register row where the bool lanes are true."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> None:
        place = pointer(builder, args[0], vector(I32))
        before = builder.load(place, align=4, typ=vector(I32))
        builder.store(builder.select(as_bits(builder, args[2]), args[1], before), place, align=4)

    return types.void(types.int64, value, condition), emit


@emitter
def splat_u64(typing: Any, value: Any) -> Any:
    """A 64-bit scalar in every lane."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        return broadcast(builder, args[0])

    return U64(types.int64), emit
