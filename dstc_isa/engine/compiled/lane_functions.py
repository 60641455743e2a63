"""The functions of ``isa.lanes`` over SIMD values: the same names, compiled."""

import operator
from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import binding, ir
from numba.core import config, types
from numba.extending import models, register_jitable, register_model

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
    vector,
)
from dstc_isa.isa import lanes
from dstc_isa.isa.lanes import LANES

HALF = ir.HalfType()
DOUBLE = ir.DoubleType()
I16 = ir.IntType(16)
OCTET_LANES = 8


@cache
def host_has(feature: str) -> bool:
    """Whether code is generated for a CPU with this LLVM feature name."""
    features = config.CPU_FEATURES
    if features is None:
        name = config.CPU_NAME
        return name in (None, "host") and bool(binding.get_host_cpu_features().get(feature, False))
    return f"+{feature}" in features.split(",")


def intrinsic(builder: ir.IRBuilder, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
    """Call an LLVM intrinsic by its full name."""
    function_type = ir.FunctionType(result, [a.type for a in arguments])
    function = builder.module.globals.get(name) or ir.Function(builder.module, function_type, name)
    return builder.call(function, arguments)


def vector_intrinsic(name: str) -> Callable[..., ir.Value]:
    """An emitter for an intrinsic whose operands and result are all of the first operand's type."""

    def emit(builder: ir.IRBuilder, sig: Any, *arguments: ir.Value) -> ir.Value:
        element = {I32: "i32", I64: "i64", FLOAT: "f32"}[arguments[0].type.element]
        return intrinsic(builder, f"{name}.v{LANES}{element}", arguments[0].type, *arguments)

    return emit


def stored(builder: ir.IRBuilder, value: ir.Value, room: int = 0) -> ir.Value:
    """Write a vector to the stack, with ``room`` further elements behind it; a pointer to its first element."""
    element = value.type.element
    with builder.goto_entry_block():
        place = builder.alloca(ir.ArrayType(element, LANES + room))
        place.align = 32
    store = builder.store(value, builder.bitcast(place, value.type.as_pointer()))
    store.align = 32
    return builder.bitcast(place, element.as_pointer())


def same(*kinds: LaneType) -> Callable[..., Any]:
    """A typer: all arguments of one of these kinds, and so the result."""

    def typer(a: Any) -> Any:
        return a if a in kinds else None

    return typer


def unary(argument: LaneType, result: types.Type) -> Callable[..., Any]:
    """A typer for one lane argument."""

    def typer(a: Any) -> Any:
        return result if a == argument else None

    return typer


def pair(*kinds: LaneType) -> Callable[..., Any]:
    """A typer for two arguments of one of these kinds."""

    def typer(a: Any, b: Any) -> Any:
        return a if a in kinds and a == b else None

    return typer


def _scalar(result: Any) -> Callable[..., Any]:
    def typer(a: Any) -> Any:
        return result if isinstance(a, types.Integer | types.Boolean) else None

    return typer


def _to_i32(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    return builder.trunc(value, I32) if value.type.width > I32.width else builder.zext(value, I32)


def _reinterpret(target: LaneType) -> Callable[..., Any]:
    def typer(a: Any) -> Any:
        return target if a in (U32, S32, F32) else None

    return typer


def emit_reinterpret(builder: ir.IRBuilder, sig: Any, a: ir.Value) -> ir.Value:
    """Same bits, other type."""
    return builder.bitcast(a, vector(sig.return_type.element))


def emit_splat(builder: ir.IRBuilder, sig: Any, value: ir.Value) -> ir.Value:
    """A scalar to all lanes."""
    return broadcast(builder, builder.sext(value, I32) if value.type.width < I32.width else _to_i32(builder, value))


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
    chosen = builder.and_(broadcast(builder, _to_i32(builder, mask)), bits)
    return as_lanes(builder, builder.icmp_unsigned("==", chosen, bits))


def _lane(builder: ir.IRBuilder, index: ir.Value) -> ir.Value:
    """A lane's number, modulo 32."""
    return builder.and_(_to_i32(builder, index), I32(LANES - 1))


def emit_lane_of(builder: ir.IRBuilder, sig: Any, a: ir.Value, index: ir.Value) -> ir.Value:
    """One lane as a scalar."""
    value = builder.extract_element(a, _lane(builder, index))
    return builder.zext(value, I64) if sig.args[0] == U32 else value


def type_lane_of(a: Any, index: Any) -> Any:
    """u32 lanes give int64, u64 lanes uint64, f32 lanes float32."""
    return {U32: types.int64, U64: types.uint64, F32: types.float32}.get(a)


def emit_insert_lane(builder: ir.IRBuilder, sig: Any, a: ir.Value, index: ir.Value, value: ir.Value) -> ir.Value:
    """One lane replaced."""
    return builder.insert_element(a, _to_i32(builder, value), _lane(builder, index))


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


def emit_gather(builder: ir.IRBuilder, sig: Any, a: ir.Value, index: ir.Value) -> ir.Value:
    """By the CPU's own permutations where it has them, lane by lane through memory where not."""
    index = builder.and_(index, filled(I32, LANES - 1))
    if a.type.element != I64 and (host_has("avx512f") or host_has("avx2")):
        permute = _permute_512 if host_has("avx512f") else _permute_256
        return builder.bitcast(permute(builder, builder.bitcast(a, vector(I32)), index), a.type)
    base = stored(builder, a)
    result = ir.Constant(a.type, ir.Undefined)
    for lane in range(LANES):
        place = ir.Constant(I32, lane)
        source = builder.gep(base, [builder.extract_element(index, place)], source_etype=a.type.element)
        result = builder.insert_element(result, builder.load(source, typ=a.type.element), place)
    return result


def _slices(builder: ir.IRBuilder, a: ir.Value, width: int) -> list[ir.Value]:
    """Consecutive parts of ``width`` lanes."""
    parts = [range(first, first + width) for first in range(0, LANES, width)]
    return [builder.shuffle_vector(a, a, ir.Constant(ir.VectorType(I32, width), list(part))) for part in parts]


def _in_a_row(builder: ir.IRBuilder, parts: list[ir.Value]) -> ir.Value:
    """The opposite of ``_slices``."""
    while len(parts) > 1:
        order = ir.VectorType(I32, 2 * parts[0].type.count)
        both = ir.Constant(order, list(range(order.count)))
        parts = [builder.shuffle_vector(*pair, both) for pair in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def _permute_512(builder: ir.IRBuilder, a: ir.Value, index: ir.Value) -> ir.Value:
    """AVX-512: one permutation of two registers for each half of the lanes."""
    low, high = _slices(builder, a, 16)
    name = "llvm.x86.avx512.vpermi2var.d.512"
    return _in_a_row(builder, [intrinsic(builder, name, low.type, low, i, high) for i in _slices(builder, index, 16)])


def _permute_256(builder: ir.IRBuilder, a: ir.Value, index: ir.Value) -> ir.Value:
    """AVX2: for each quarter of the lanes a permutation of every quarter, the right one chosen by the upper bits."""
    quarters, parts = _slices(builder, a, OCTET_LANES), []
    for i in _slices(builder, index, OCTET_LANES):
        found = [intrinsic(builder, "llvm.x86.avx2.permd", q.type, q, i) for q in quarters]
        for bit in (OCTET_LANES, 2 * OCTET_LANES):
            upper = builder.icmp_unsigned("!=", builder.and_(i, ir.Constant(i.type, [bit] * OCTET_LANES)), i.type(None))
            found = [builder.select(upper, high, low) for low, high in zip(found[::2], found[1::2], strict=True)]
        parts += found
    return _in_a_row(builder, parts)


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


def emit_widen(builder: ir.IRBuilder, sig: Any, a: ir.Value) -> ir.Value:
    """Extend to 64 bits by the argument's sign."""
    return (builder.sext if sig.args[0].signed else builder.zext)(a, vector(I64))


def _extreme(symbol: str) -> Callable[..., Any]:
    def emit(builder: ir.IRBuilder, sig: Any, a: ir.Value, b: ir.Value) -> ir.Value:
        compare = builder.icmp_signed if sig.args[0].signed else builder.icmp_unsigned
        return builder.select(compare(symbol, a, b), a, b)

    return emit


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
    """To nearest even; NaN becomes 0x7fff."""
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


def _permutations(module: ir.Module) -> ir.Value:
    """A constant table: for each byte of a bitmap, which condensed value each of its 8 lanes takes."""
    name = "dstc_expand_permutations"
    if name in module.globals:
        return module.globals[name]
    table_type = ir.ArrayType(I32, 256 * OCTET_LANES)
    table = ir.GlobalVariable(module, table_type, name)
    table.linkage = "internal"
    table.global_constant = True
    table.align = 32
    entries = [(octet & ((1 << lane) - 1)).bit_count() for octet in range(256) for lane in range(OCTET_LANES)]
    table.initializer = ir.Constant(table_type, [ir.Constant(I32, entry) for entry in entries])
    return table


def emit_expand(builder: ir.IRBuilder, sig: Any, values: ir.Value, bitmap: ir.Value) -> ir.Value:
    """Scatter condensed values: AVX-512 can, AVX2 by 8-lane table permutations, others lane by lane."""
    bitmap = _to_i32(builder, bitmap)
    if host_has("avx512f"):
        return _expand_512(builder, values, bitmap)
    base = stored(builder, values, room=OCTET_LANES)
    if host_has("avx2"):
        return _expand_by_octets(builder, base, bitmap)
    result = ir.Constant(values.type, ir.Undefined)
    rank = ir.Constant(I32, 0)
    for lane in range(LANES):
        source = builder.gep(base, [rank], source_etype=FLOAT)
        place = ir.Constant(I32, lane)
        result = builder.insert_element(result, builder.load(source, typ=FLOAT), place)
        rank = builder.add(rank, builder.and_(builder.lshr(bitmap, place), ir.Constant(I32, 1)))
    return result


def _expand_512(builder: ir.IRBuilder, values: ir.Value, bitmap: ir.Value) -> ir.Value:
    """Each half of the lanes from the 16 values that come next, those of the upper half brought down first."""
    width = LANES // 2
    bits = [builder.trunc(b, I16) for b in (bitmap, builder.lshr(bitmap, ir.Constant(I32, width)))]
    below = intrinsic(builder, "llvm.ctpop.i32", I32, builder.zext(bits[0], I32))
    places = builder.add(broadcast(builder, below), ir.Constant(vector(I32), list(range(LANES))))
    rest = _permute_512(builder, builder.bitcast(values, vector(I32)), places)
    parts = [_slices(builder, v, width)[0] for v in (values, builder.bitcast(rest, values.type))]
    masks = [builder.bitcast(b, ir.VectorType(I1, width)) for b in bits]
    name = f"llvm.x86.avx512.mask.expand.v{width}f32"
    found = [intrinsic(builder, name, p.type, p, p, m) for p, m in zip(parts, masks, strict=True)]
    return _in_a_row(builder, found)


def _expand_by_octets(builder: ir.IRBuilder, base: ir.Value, bitmap: ir.Value) -> ir.Value:
    octet_floats = ir.VectorType(FLOAT, OCTET_LANES)
    octet_integers = ir.VectorType(I32, OCTET_LANES)
    table = _permutations(builder.module)
    parts = []
    for octet in range(LANES // OCTET_LANES):
        below = builder.and_(bitmap, ir.Constant(I32, (1 << (OCTET_LANES * octet)) - 1))
        rank = intrinsic(builder, "llvm.ctpop.i32", I32, below)
        window = builder.gep(base, [rank], source_etype=FLOAT)
        loaded = builder.load(builder.bitcast(window, octet_floats.as_pointer()), align=4, typ=octet_floats)
        bits = builder.and_(builder.lshr(bitmap, ir.Constant(I32, OCTET_LANES * octet)), ir.Constant(I32, 255))
        entry = builder.gep(
            table,
            [ir.Constant(I32, 0), builder.mul(bits, ir.Constant(I32, OCTET_LANES))],
            source_etype=table.value_type,
        )
        order = builder.load(builder.bitcast(entry, octet_integers.as_pointer()), align=32, typ=octet_integers)
        parts.append(intrinsic(builder, "llvm.x86.avx2.permps", octet_floats, loaded, order))
    halves = [_joined(builder, parts[0], parts[1]), _joined(builder, parts[2], parts[3])]
    return _joined(builder, *halves)


def _joined(builder: ir.IRBuilder, low: ir.Value, high: ir.Value) -> ir.Value:
    count = 2 * low.type.count
    order = ir.Constant(ir.VectorType(I32, count), [ir.Constant(I32, i) for i in range(count)])
    return builder.shuffle_vector(low, high, order)


def emit_lowest_bit(builder: ir.IRBuilder, sig: Any, mask: ir.Value) -> ir.Value:
    """Trailing zeros."""
    return intrinsic(builder, "llvm.cttz.i64", I64, mask, ir.Constant(I1, 0))


def emit_drop_lowest(builder: ir.IRBuilder, sig: Any, mask: ir.Value, count: ir.Value) -> ir.Value:
    """BMI2 finds the lowest bits of a mask by depositing as many ones in it."""
    limit = I64(I64.width - 1)
    mask, count = (builder.sext(v, I64) if v.type != I64 else v for v in (mask, count))
    few = builder.sub(builder.shl(I64(1), builder.and_(count, limit)), I64(1))
    ones = builder.select(builder.icmp_signed(">", count, limit), I64(-1), few)
    lowest = intrinsic(builder, "llvm.x86.bmi.pdep.64", I64, ones, mask)
    return builder.xor(mask, lowest)


def deposits_fast() -> bool:
    """Whether BMI2's deposit takes a few cycles; AMD's processors before the third Zen take a loop in microcode."""
    slow = ("bdver4", "znver1", "znver2")
    return host_has("bmi2") and config.CPU_NAME not in slow and binding.get_host_cpu_name() not in slow


def _type_i64(a: Any) -> Any:
    return types.int64 if isinstance(a, types.Integer) else None


def _type_select(condition: Any, a: Any, b: Any) -> Any:
    return a if condition == BOOL and a == b and isinstance(a, LaneType) else None


def _type_compiled(result: Any, *kinds: Any) -> Callable[..., Any]:
    def typer(a: Any, b: Any) -> Any:
        return result if a == kinds[0] and isinstance(b, types.Integer) else None

    return typer


def register() -> None:
    """Make the names of ``isa.lanes`` known to Numba."""
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
    define(lanes.gather, lambda a, index: a if index == U32 else None, emit_gather, LaneType, LaneType)
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
    define(lanes.widen, lambda a: U64 if a in (U32, S32) else None, emit_widen, LaneType)
    define(lanes.narrow, unary(U64, U32), lambda builder, sig, a: builder.trunc(a, vector(I32)), LaneType)
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
    define(lanes.float_to_s32, unary(F32, S32), lambda b, sig, a: b.fptosi(a, vector(I32)), LaneType)
    define(lanes.float_to_u32, unary(F32, U32), lambda b, sig, a: b.fptoui(a, vector(I32)), LaneType)
    define(lanes.int_to_float, lambda a: F32 if a in (U32, S32) else None, emit_int_to_float, LaneType)
    define(lanes.half_to_float, unary(U32, F32), emit_half_to_float, LaneType)
    define(lanes.float_to_half, unary(F32, U32), emit_float_to_half, LaneType)
    define(lanes.expand, _type_compiled(F32, F32), emit_expand, LaneType, types.Integer)
    define(lanes.lowest_bit, _type_i64, emit_lowest_bit, types.Integer)
    define(
        lanes.count_bits,
        _type_i64,
        lambda builder, sig, a: intrinsic(builder, "llvm.ctpop.i64", I64, a),
        types.Integer,
    )
    if deposits_fast():
        define(
            lanes.drop_lowest,
            lambda a, count: _type_i64(a) and _type_i64(count),
            emit_drop_lowest,
            types.Integer,
            types.Integer,
        )
    else:
        register_jitable(lanes.drop_lowest)
