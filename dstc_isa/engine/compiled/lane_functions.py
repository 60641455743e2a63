"""The functions of ``isa.lanes`` over SIMD values: the same names, compiled."""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import models, register_model

from dstc_isa.engine.compiled import bitmap_functions, lane_conversions, lane_permutations
from dstc_isa.engine.compiled.lane_types import (
    BOOL,
    F32,
    FLOAT,
    I1,
    I32,
    I64,
    S32,
    U32,
    U64,
    LaneType,
    as_bits,
    as_lanes,
    broadcast,
    define,
    filled,
    pair,
    same,
    unary,
    vector,
)
from dstc_isa.engine.compiled.llvm_calls import intrinsic, stored, to_i32, vector_intrinsic
from dstc_isa.isa import lanes
from dstc_isa.isa.lanes import LANES

HALF = ir.HalfType()
DOUBLE = ir.DoubleType()
I16 = ir.IntType(16)
OCTET_LANES = 8


def _scalar(result: Any) -> Callable[..., Any]:
    def typer(a: Any) -> Any:
        return result if isinstance(a, types.Integer | types.Boolean) else None

    return typer


def _reinterpret(target: LaneType) -> Callable[..., Any]:
    def typer(a: Any) -> Any:
        return target if a in (U32, S32, F32) else None

    return typer


def emit_reinterpret(builder: ir.IRBuilder, sig: Any, a: ir.Value) -> ir.Value:
    """Same bits, other type."""
    return builder.bitcast(a, vector(sig.return_type.element))


def emit_splat(builder: ir.IRBuilder, sig: Any, value: ir.Value) -> ir.Value:
    """A scalar to all lanes."""
    return broadcast(builder, builder.sext(value, I32) if value.type.width < I32.width else to_i32(builder, value))


def emit_truth(builder: ir.IRBuilder, sig: Any, value: ir.Value) -> ir.Value:
    """All lanes true if the scalar is not zero."""
    bit = value if value.type == I1 else builder.icmp_unsigned("!=", value, value.type(0))
    return broadcast(builder, builder.sext(bit, I32))


def emit_lane_ids(builder: ir.IRBuilder, sig: Any) -> ir.Value:
    """0 to 31."""
    return ir.Constant(vector(I32), [ir.Constant(I32, lane) for lane in range(LANES)])


def emit_select(builder: ir.IRBuilder, sig: Any, condition: ir.Value, a: ir.Value, b: ir.Value) -> ir.Value:
    """Blend."""
    return builder.select(as_bits(builder, condition), a, b)


def as_doubles(builder: ir.IRBuilder, *values: ir.Value) -> list[ir.Value]:
    """The doubles whose bits these are."""
    return [builder.bitcast(value, vector(DOUBLE)) for value in values]


def of_doubles(instruction: str) -> Callable[..., ir.Value]:
    """An emitter for an operation on the bits of two doubles."""

    def emit(builder: ir.IRBuilder, sig: Any, *bits: ir.Value) -> ir.Value:
        return builder.bitcast(getattr(builder, instruction)(*as_doubles(builder, *bits)), vector(I64))

    return emit


def emit_double_fma(builder: ir.IRBuilder, sig: Any, *bits: ir.Value) -> ir.Value:
    """Fused multiply-add on the bits of doubles."""
    result = intrinsic(builder, f"llvm.fma.v{LANES}f64", vector(DOUBLE), *as_doubles(builder, *bits))
    return builder.bitcast(result, vector(I64))


def comparing_doubles(symbol: str) -> Callable[..., ir.Value]:
    """An emitter for an ordered comparison of two doubles by their bits."""

    def emit(builder: ir.IRBuilder, sig: Any, *bits: ir.Value) -> ir.Value:
        return as_lanes(builder, builder.fcmp_ordered(symbol, *as_doubles(builder, *bits)))

    return emit


def mask_of(builder: ir.IRBuilder, condition: ir.Value) -> ir.Value:
    """Bool lanes as an i64 bit mask."""
    return builder.zext(builder.bitcast(as_bits(builder, condition), I32), I64)


def lanes_of_mask(builder: ir.IRBuilder, mask: ir.Value) -> ir.Value:
    """Bool lanes from an integer bit mask."""
    bits = ir.Constant(vector(I32), [ir.Constant(I32, 1 << lane) for lane in range(LANES)])
    chosen = builder.and_(broadcast(builder, to_i32(builder, mask)), bits)
    return as_lanes(builder, builder.icmp_unsigned("==", chosen, bits))


def _lane(builder: ir.IRBuilder, index: ir.Value) -> ir.Value:
    """A lane's number, modulo 32."""
    return builder.and_(to_i32(builder, index), I32(LANES - 1))


def emit_lane_of(builder: ir.IRBuilder, sig: Any, a: ir.Value, index: ir.Value) -> ir.Value:
    """One lane as a scalar."""
    value = builder.extract_element(a, _lane(builder, index))
    return builder.zext(value, I64) if sig.args[0] == U32 else value


def type_lane_of(a: Any, index: Any) -> Any:
    """u32 lanes give int64, u64 lanes uint64, f32 lanes float32."""
    return {U32: types.int64, U64: types.uint64, F32: types.float32}.get(a)


def emit_insert_lane(builder: ir.IRBuilder, sig: Any, a: ir.Value, index: ir.Value, value: ir.Value) -> ir.Value:
    """One lane replaced."""
    return builder.insert_element(a, to_i32(builder, value), _lane(builder, index))


class ListedType(types.Type):
    """f32 lanes on the stack, as a sequence."""


LISTED = ListedType("Listed(f32)")


@register_model(ListedType)
class ListedModel(models.PrimitiveModel):
    """The address of the first lane."""

    def __init__(self, manager: Any, listed_type: ListedType) -> None:
        super().__init__(manager, listed_type, FLOAT.as_pointer())


def emit_item(builder: ir.IRBuilder, sig: Any, base: ir.Value, index: ir.Value) -> ir.Value:
    """One scalar of listed lanes."""
    return builder.load(builder.gep(base, [index], source_etype=FLOAT), typ=FLOAT)


def _shift(right: bool) -> Callable[..., Any]:
    def emit(builder: ir.IRBuilder, sig: Any, a: ir.Value, amount: ir.Value) -> ir.Value:
        element = a.type.element
        inside = builder.icmp_unsigned("<", amount, filled(element, element.width))
        limited = builder.and_(amount, filled(element, element.width - 1))
        shifted = (builder.lshr if right else builder.shl)(a, limited)
        return builder.select(inside, shifted, filled(element, 0))

    return emit


def emit_shift_right_signed(builder: ir.IRBuilder, sig: Any, a: ir.Value, amount: ir.Value) -> ir.Value:
    """Arithmetic shift, the amount limited to 31."""
    last = filled(I32, LANES - 1)
    return builder.ashr(a, builder.select(builder.icmp_unsigned("<", amount, last), amount, last))


def _bits_then_flag(name: str) -> Callable[..., Any]:
    def emit(builder: ir.IRBuilder, sig: Any, a: ir.Value) -> ir.Value:
        return intrinsic(builder, f"{name}.v{LANES}i32", a.type, a, ir.Constant(I1, 0))

    return emit


def _extreme(symbol: str) -> Callable[..., Any]:
    def emit(builder: ir.IRBuilder, sig: Any, a: ir.Value, b: ir.Value) -> ir.Value:
        compare = builder.icmp_signed if sig.args[0].signed else builder.icmp_unsigned
        return builder.select(compare(symbol, a, b), a, b)

    return emit


def _type_select(condition: Any, a: Any, b: Any) -> Any:
    return a if condition == BOOL and a == b and isinstance(a, LaneType) else None


def register() -> None:
    """Make the names of ``isa.lanes`` known to Numba."""
    for module in (lane_permutations, lane_conversions, bitmap_functions):
        module.register()
    for function, target in ((lanes.u32, U32), (lanes.s32, S32), (lanes.f32, F32)):
        define(function, _reinterpret(target), emit_reinterpret, LaneType)
    define(lanes.splat, _scalar(U32), emit_splat, types.Any)
    define(lanes.truth, _scalar(BOOL), emit_truth, types.Any)
    define(lanes.lane_ids, lambda: U32, emit_lane_ids)
    define(lanes.select, _type_select, emit_select, LaneType, LaneType, LaneType)
    define(lanes.ballot, unary(BOOL, types.int64), lambda builder, sig, a: mask_of(builder, a), LaneType)
    define(lanes.spread, _scalar(BOOL), lambda builder, sig, a: lanes_of_mask(builder, a), types.Integer)
    define(lanes.lane_of, type_lane_of, emit_lane_of, LaneType, types.Integer)
    define(
        lanes.insert_lane,
        lambda a, index, value: U32 if a == U32 else None,
        emit_insert_lane,
        LaneType,
        types.Integer,
        types.Integer,
    )
    define(lanes.listed, lambda a: LISTED if a == F32 else None, lambda builder, sig, a: stored(builder, a), LaneType)
    define(
        operator.getitem, lambda a, index: types.float32 if a == LISTED else None, emit_item, ListedType, types.Integer
    )
    define(lanes.shift_left, pair(U32, U64), _shift(right=False), LaneType, LaneType)
    define(lanes.shift_right, pair(U32, U64), _shift(right=True), LaneType, LaneType)
    define(
        lanes.shift_right_signed,
        lambda a, amount: S32 if a == S32 and amount == U32 else None,
        emit_shift_right_signed,
        LaneType,
        LaneType,
    )
    define(lanes.popc, same(U32), vector_intrinsic("llvm.ctpop"), LaneType)
    define(lanes.leading_zeros, same(U32), _bits_then_flag("llvm.ctlz"), LaneType)
    define(lanes.reverse_bits, same(U32), vector_intrinsic("llvm.bitreverse"), LaneType)
    define(lanes.minimum, pair(U32, S32), _extreme("<"), LaneType, LaneType)
    define(lanes.maximum, pair(U32, S32), _extreme(">"), LaneType, LaneType)
    define(
        lanes.is_nan,
        unary(F32, BOOL),
        lambda builder, sig, a: as_lanes(builder, builder.fcmp_unordered("uno", a, a)),
        LaneType,
    )
    define(
        lanes.fma,
        lambda a, b, c: F32 if a == b == c == F32 else None,
        vector_intrinsic("llvm.fma"),
        LaneType,
        LaneType,
        LaneType,
    )
    define(lanes.double_add, pair(U64), of_doubles("fadd"), LaneType, LaneType)
    define(lanes.double_multiply, pair(U64), of_doubles("fmul"), LaneType, LaneType)
    define(
        lanes.double_fma,
        lambda a, b, c: U64 if a == b == c == U64 else None,
        emit_double_fma,
        LaneType,
        LaneType,
        LaneType,
    )
    for compare, symbol in ((lanes.double_less, "<"), (lanes.double_equal, "==")):
        define(compare, lambda a, b: BOOL if a == b == U64 else None, comparing_doubles(symbol), LaneType, LaneType)
    roundings = {
        lanes.square_root: "llvm.sqrt",
        lanes.round_even: "llvm.rint",
        lanes.round_down: "llvm.floor",
        lanes.round_up: "llvm.ceil",
        lanes.round_zero: "llvm.trunc",
    }
    for function, name in roundings.items():
        define(function, same(F32), vector_intrinsic(name), LaneType)
