"""Calls of LLVM that lanes need: its intrinsics, what the host's CPU has of them, vectors on the stack."""

from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import binding, ir
from numba.core import config

from dstc_isa.engine.compiled.lane_types import FLOAT, I32, I64
from dstc_isa.isa.lanes import LANES


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


def to_i32(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """An integer or a truth value as 32 bits."""
    return builder.trunc(value, I32) if value.type.width > I32.width else builder.zext(value, I32)
