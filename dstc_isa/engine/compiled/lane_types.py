"""Numba types for 32 lanes, as LLVM vectors, and the operators on them.

Bool lanes are kept as 32-bit lanes of all ones or all zeros, the form that SSE and AVX2 compare and blend in.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import lower_builtin, models, register_model, type_callable

from dstc_isa.isa.lanes import LANES

I1 = ir.IntType(1)
I16 = ir.IntType(16)
I32 = ir.IntType(32)
I64 = ir.IntType(64)
FLOAT = ir.FloatType()


class LaneType(types.Type):
    """32 lanes of one element type."""

    def __init__(self, name: str, element: ir.Type, signed: bool = False) -> None:
        self.element = element
        self.signed = signed
        super().__init__(name=f"Lanes({name})")


U32 = LaneType("u32", I32)
S32 = LaneType("s32", I32, signed=True)
F32 = LaneType("f32", FLOAT)
U64 = LaneType("u64", I64)
BOOL = LaneType("bool", I32, signed=True)
INTEGERS = (U32, S32, U64)


@register_model(LaneType)
class LaneModel(models.PrimitiveModel):
    """A lane value is one LLVM vector."""

    def __init__(self, manager: Any, lane_type: LaneType) -> None:
        super().__init__(manager, lane_type, vector(lane_type.element))


def vector(element: ir.Type) -> ir.VectorType:
    """The LLVM vector of 32 elements."""
    return ir.VectorType(element, LANES)


def broadcast(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """A vector with ``value`` in every lane."""
    empty = ir.Constant(vector(value.type), ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(I32, 0))
    zeros = ir.Constant(ir.VectorType(I32, LANES), None)
    return builder.shuffle_vector(first, empty, zeros)


def filled(element: ir.Type, value: float) -> ir.Constant:
    """A constant vector with the same number in every lane."""
    return ir.Constant(vector(element), [ir.Constant(element, value)] * LANES)


def as_bits(builder: ir.IRBuilder, condition: ir.Value) -> ir.Value:
    """<32 x i1> from bool lanes."""
    return builder.icmp_signed("<", condition, filled(I32, 0))


def as_lanes(builder: ir.IRBuilder, bits: ir.Value) -> ir.Value:
    """Bool lanes from <32 x i1>."""
    return builder.sext(bits, vector(I32))


def define(function: Callable[..., Any], typer: Callable[..., Any], emit: Callable[..., Any], *signature: Any) -> None:
    """Give a Python function or operator a compiled meaning for lane arguments.

    ``typer`` maps argument types to the result type or None; ``emit(builder, sig, *values)`` writes the code.
    """

    def typing(context: Any) -> Callable[..., Any]:
        return typer

    def lowering(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return emit(builder, sig, *args)

    type_callable(function)(typing)
    lower_builtin(function, *signature)(lowering)


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


def _binary(function: Callable[..., Any], allowed: tuple[LaneType, ...], instructions: dict[LaneType, str]) -> None:
    def typer(a: Any, b: Any) -> Any:
        return a if a in allowed and a == b else None

    def emit(builder: ir.IRBuilder, sig: Any, a: ir.Value, b: ir.Value) -> ir.Value:
        return getattr(builder, instructions[sig.args[0]])(a, b)

    define(function, typer, emit, LaneType, LaneType)


def _comparison(function: Callable[..., Any], symbol: str) -> None:
    def typer(a: Any, b: Any) -> Any:
        return BOOL if isinstance(a, LaneType) and a == b else None

    def emit(builder: ir.IRBuilder, sig: Any, a: ir.Value, b: ir.Value) -> ir.Value:
        kind = sig.args[0]
        if kind == F32:
            compare = builder.fcmp_unordered if symbol == "!=" else builder.fcmp_ordered
        else:
            compare = builder.icmp_signed if kind.signed else builder.icmp_unsigned
        return as_lanes(builder, compare(symbol, a, b))

    define(function, typer, emit, LaneType, LaneType)


def _scaled(a: Any, b: Any) -> Any:
    return F32 if a == F32 and isinstance(b, types.Float) else None


def _emit_scaled(builder: ir.IRBuilder, sig: Any, a: ir.Value, b: ir.Value) -> ir.Value:
    return builder.fmul(a, broadcast(builder, b))


def _unary_type(a: Any) -> Any:
    return a if isinstance(a, LaneType) and a != F32 else None


def _register_operators() -> None:
    integer = {operator.add: "add", operator.sub: "sub", operator.mul: "mul"}
    real = {operator.add: "fadd", operator.sub: "fsub", operator.mul: "fmul"}
    for function, name in integer.items():
        _binary(function, (*INTEGERS, F32), {**dict.fromkeys(INTEGERS, name), F32: real[function]})
    _binary(operator.truediv, (F32,), {F32: "fdiv"})
    for function, name in ((operator.and_, "and_"), (operator.or_, "or_"), (operator.xor, "xor")):
        _binary(function, (*INTEGERS, BOOL), dict.fromkeys((*INTEGERS, BOOL), name))
    comparisons = {
        operator.eq: "==",
        operator.ne: "!=",
        operator.lt: "<",
        operator.le: "<=",
        operator.gt: ">",
        operator.ge: ">=",
    }
    for function, symbol in comparisons.items():
        _comparison(function, symbol)
    define(operator.invert, _unary_type, lambda builder, sig, a: builder.not_(a), LaneType)
    define(operator.mul, _scaled, _emit_scaled, LaneType, types.Float)


_register_operators()
