"""Lanes that go to other places: permutations of vectors, by the CPU's own where it has them."""

from typing import Any

from llvmlite import ir

from dstc_isa.engine.compiled.lane_types import I32, I64, U32, LaneType, define, filled, vector
from dstc_isa.engine.compiled.llvm_calls import host_has, intrinsic, stored
from dstc_isa.isa import lanes
from dstc_isa.isa.lanes import LANES

OCTET_LANES = 8


def slices(builder: ir.IRBuilder, a: ir.Value, width: int) -> list[ir.Value]:
    """Consecutive parts of ``width`` lanes."""
    parts = [range(first, first + width) for first in range(0, LANES, width)]
    return [builder.shuffle_vector(a, a, ir.Constant(ir.VectorType(I32, width), list(part))) for part in parts]


def in_a_row(builder: ir.IRBuilder, parts: list[ir.Value]) -> ir.Value:
    """The opposite of ``slices``."""
    while len(parts) > 1:
        order = ir.VectorType(I32, 2 * parts[0].type.count)
        both = ir.Constant(order, list(range(order.count)))
        parts = [builder.shuffle_vector(*pair, both) for pair in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def permute_512(builder: ir.IRBuilder, a: ir.Value, index: ir.Value) -> ir.Value:
    """AVX-512: one permutation of two registers for each half of the lanes."""
    low, high = slices(builder, a, 16)
    name = "llvm.x86.avx512.vpermi2var.d.512"
    return in_a_row(builder, [intrinsic(builder, name, low.type, low, i, high) for i in slices(builder, index, 16)])


def _permute_256(builder: ir.IRBuilder, a: ir.Value, index: ir.Value) -> ir.Value:
    """AVX2: for each quarter of the lanes a permutation of every quarter, the right one chosen by the upper bits."""
    quarters, parts = slices(builder, a, OCTET_LANES), []
    for i in slices(builder, index, OCTET_LANES):
        found = [intrinsic(builder, "llvm.x86.avx2.permd", q.type, q, i) for q in quarters]
        for bit in (OCTET_LANES, 2 * OCTET_LANES):
            upper = builder.icmp_unsigned("!=", builder.and_(i, ir.Constant(i.type, [bit] * OCTET_LANES)), i.type(None))
            found = [builder.select(upper, high, low) for low, high in zip(found[::2], found[1::2], strict=True)]
        parts += found
    return in_a_row(builder, parts)


def emit_gather(builder: ir.IRBuilder, sig: Any, a: ir.Value, index: ir.Value) -> ir.Value:
    """Gather lanes by the CPU's own permutations where it has them, else lane by lane through memory."""
    index = builder.and_(index, filled(I32, LANES - 1))
    if a.type.element != I64 and (host_has("avx512f") or host_has("avx2")):
        permute = permute_512 if host_has("avx512f") else _permute_256
        return builder.bitcast(permute(builder, builder.bitcast(a, vector(I32)), index), a.type)
    base = stored(builder, a)
    result = ir.Constant(a.type, ir.Undefined)
    for lane in range(LANES):
        place = ir.Constant(I32, lane)
        source = builder.gep(base, [builder.extract_element(index, place)], source_etype=a.type.element)
        result = builder.insert_element(result, builder.load(source, typ=a.type.element), place)
    return result


def register() -> None:
    """Make permutations known to Numba."""
    define(lanes.gather, lambda a, index: a if index == U32 else None, emit_gather, LaneType, LaneType)
