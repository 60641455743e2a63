"""Bitmaps as outer products use them: condensed values are put to the lanes of a bitmap's ones, ones are counted."""

from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba.core import config, types
from numba.extending import register_jitable

from dstc_isa.engine.compiled.lane_permutations import OCTET_LANES, in_a_row, permute_512, slices
from dstc_isa.engine.compiled.lane_types import F32, FLOAT, I1, I16, I32, I64, LaneType, broadcast, define, vector
from dstc_isa.engine.compiled.llvm_calls import host_has, intrinsic, stored, to_i32
from dstc_isa.isa import lanes
from dstc_isa.isa.lanes import LANES


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


def _expand_512(builder: ir.IRBuilder, values: ir.Value, bitmap: ir.Value) -> ir.Value:
    """Each half of the lanes from the 16 values that come next, those of the upper half brought down first."""
    width = LANES // 2
    bits = [builder.trunc(b, I16) for b in (bitmap, builder.lshr(bitmap, ir.Constant(I32, width)))]
    below = intrinsic(builder, "llvm.ctpop.i32", I32, builder.zext(bits[0], I32))
    places = builder.add(broadcast(builder, below), ir.Constant(vector(I32), list(range(LANES))))
    rest = permute_512(builder, builder.bitcast(values, vector(I32)), places)
    parts = [slices(builder, v, width)[0] for v in (values, builder.bitcast(rest, values.type))]
    masks = [builder.bitcast(b, ir.VectorType(I1, width)) for b in bits]
    name = f"llvm.x86.avx512.mask.expand.v{width}f32"
    found = [intrinsic(builder, name, p.type, p, p, m) for p, m in zip(parts, masks, strict=True)]
    return in_a_row(builder, found)


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


def emit_expand(builder: ir.IRBuilder, sig: Any, values: ir.Value, bitmap: ir.Value) -> ir.Value:
    """Scatter condensed values: AVX-512 can, AVX2 by 8-lane table permutations, others lane by lane."""
    bitmap = to_i32(builder, bitmap)
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


def _type_compiled(result: Any, *kinds: Any) -> Callable[..., Any]:
    def typer(a: Any, b: Any) -> Any:
        return result if a == kinds[0] and isinstance(b, types.Integer) else None

    return typer


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


def register() -> None:
    """Make operations on bitmaps known to Numba."""
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
