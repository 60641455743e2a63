"""Machine state in memory as Numba sees it: raw addresses with named 64-bit fields, and typed loads and stores.

Addresses are plain integers, so no reference is counted in the hot path; Python allocates the memory and keeps
it alive for the whole launch.
"""

import operator
from collections.abc import Mapping
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    infer_getattr,
    lower_builtin,
    lower_getattr_generic,
    lower_setattr_generic,
    models,
    register_model,
    type_callable,
)

from dstc_isa.engine.compiled.jit import emitter
from dstc_isa.engine.compiled.lane_types import F32, I32, I64, U32, U64, as_bits, broadcast, vector
from dstc_isa.engine.layout import (
    COMPARISON_OFFSETS,
    LAUNCH_OFFSETS,
    TRACKER_OFFSETS,
    WARP_ARRAYS,
    WARP_OFFSETS,
    WORKER_OFFSETS,
    unit_fields,
)


class RecordType(types.Type):
    """The address of a record; its attributes are int64 scalars and arrays of them."""

    def __init__(self, name: str, fields: Mapping[str, int], arrays: Mapping[str, int]) -> None:
        self.places = dict(fields)
        self.arrays = set(arrays)
        super().__init__(name=f"Record({name})")


class SlotsType(types.Type):
    """The address of an array of int64 inside a record."""

    def __init__(self) -> None:
        super().__init__(name="Slots")


WARP = RecordType("warp", WARP_OFFSETS, WARP_ARRAYS)
LAUNCH = RecordType("launch", LAUNCH_OFFSETS, {})
WORKER = RecordType("worker", WORKER_OFFSETS, {})
TRACKER = RecordType("tracker", TRACKER_OFFSETS, {})
SLOTS = SlotsType()


@register_model(RecordType)
@register_model(SlotsType)
class AddressModel(models.PrimitiveModel):
    """An address is a 64-bit integer."""

    def __init__(self, manager: Any, record_type: types.Type) -> None:
        super().__init__(manager, record_type, I64)


@infer_getattr
class RecordAttribute(AttributeTemplate):
    """Typing of record fields."""

    key = RecordType

    def generic_resolve(self, record_type: RecordType, name: str) -> types.Type | None:
        """int64, or an array of it."""
        if name in record_type.arrays:
            return SLOTS
        return types.int64 if name in record_type.places else None


def _pointer(builder: ir.IRBuilder, address: ir.Value, kind: ir.Type) -> ir.Value:
    return builder.inttoptr(address, kind.as_pointer())


@lower_getattr_generic(RecordType)
def get_field(context: Any, builder: ir.IRBuilder, kind: RecordType, address: ir.Value, name: str) -> ir.Value:
    """Load a field, or form the address of an array."""
    place = builder.add(address, I64(kind.places[name]))
    return place if name in kind.arrays else builder.load(_pointer(builder, place, I64), typ=I64)


@lower_setattr_generic(RecordType)
def set_field(context: Any, builder: ir.IRBuilder, sig: Any, args: Any, name: str) -> None:
    """Store a field."""
    address, value = args
    value = context.cast(builder, value, sig.args[1], types.int64)
    builder.store(value, _pointer(builder, builder.add(address, I64(sig.args[0].places[name])), I64))


def record_view(kind: RecordType) -> Any:
    """The compiled function that gives the fields of a record type to an address."""

    @emitter
    def convert(typing: Any, address: Any) -> Any:
        def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
            return context.cast(builder, args[0], sig.args[0], types.int64)

        return kind(address), emit

    return convert


def add_unit_fields() -> None:
    """Let a warp's record have the fields of all units that are declared."""
    for name, (place, words) in unit_fields().items():
        WARP.places[name] = place
        if words > 1:
            WARP.arrays.add(name)


as_warp = record_view(WARP)
as_launch = record_view(LAUNCH)
as_worker = record_view(WORKER)
as_tracker = record_view(TRACKER)
as_comparison = record_view(RecordType("comparison", COMPARISON_OFFSETS, {}))


def _loader(result: types.Type, stored: ir.Type, signed: bool = False) -> Any:
    @emitter
    def load(typing: Any, address: Any) -> Any:
        def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
            alignment = 4 if isinstance(stored, ir.VectorType) else 1
            value = builder.load(_pointer(builder, args[0], stored), align=alignment, typ=stored)
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
            builder.store(value, _pointer(builder, args[0], stored), align=alignment)

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
        return builder.atomic_rmw("add", _pointer(builder, args[0], I64), args[1], "seq_cst")

    return types.int64(types.int64, types.int64), emit


@emitter
def atomic_min(typing: Any, address: Any, limit: Any) -> Any:
    """Lower a 64-bit word shared by threads to ``limit``; the old value."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        return builder.atomic_rmw("min", _pointer(builder, args[0], I64), args[1], "seq_cst")

    return types.int64(types.int64, types.int64), emit


@emitter
def atomic_swap_if(typing: Any, address: Any, expected: Any, value: Any) -> Any:
    """Compare and swap a 32-bit word shared by threads; the old value as an unsigned number."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        expected, value = (builder.trunc(a, I32) for a in args[1:])
        pair = builder.cmpxchg(_pointer(builder, args[0], I32), expected, value, "seq_cst")
        return builder.zext(builder.extract_value(pair, 0), I64)

    return types.int64(types.int64, types.int64, types.int64), emit


def _caller(count: int) -> Any:
    """A call of the code at an address with ``count`` 64-bit arguments."""

    @emitter
    def call(typing: Any, address: Any, arguments: Any) -> Any:
        def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> None:
            function = builder.inttoptr(args[0], ir.FunctionType(I64, [I64] * count).as_pointer())
            builder.call(function, [builder.extract_value(args[1], i) for i in range(count)])

        return types.void(types.int64, arguments), emit

    return call


call_foreign = _caller(2)
"""Execute an instruction: ``call_foreign(address, (warp, row))``."""

call_cost = _caller(6)
"""Charge one: ``call_cost(address, (unit, charge, warp, block, parameters, counters))``, addresses but the first."""


@emitter
def store_lanes_where(typing: Any, address: Any, value: Any, condition: Any) -> Any:
    """Blend u32 lanes into a register row where the bool lanes are true."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> None:
        place = _pointer(builder, args[0], vector(I32))
        before = builder.load(place, align=4, typ=vector(I32))
        builder.store(builder.select(as_bits(builder, args[2]), args[1], before), place, align=4)

    return types.void(types.int64, value, condition), emit


@emitter
def splat_u64(typing: Any, value: Any) -> Any:
    """A 64-bit scalar in every lane."""

    def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        return broadcast(builder, args[0])

    return U64(types.int64), emit


def _getitem_type(context: Any) -> Any:
    return lambda slots, index: types.int64 if slots == SLOTS else None


def _setitem_type(context: Any) -> Any:
    return lambda slots, index, value: types.void if slots == SLOTS else None


def register() -> None:
    """Make ``record.array[i]`` known to Numba."""
    type_callable(operator.getitem)(_getitem_type)
    type_callable(operator.setitem)(_setitem_type)
    lower_builtin(operator.getitem, SlotsType, types.Integer)(_lower_getitem)
    lower_builtin(operator.setitem, SlotsType, types.Integer, types.Integer)(_lower_setitem)


def _slot(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
    index = context.cast(builder, args[1], sig.args[1], types.int64)
    return _pointer(builder, builder.add(args[0], builder.mul(index, I64(8))), I64)


def _lower_getitem(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
    return builder.load(_slot(context, builder, sig, args), typ=I64)


def _lower_setitem(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
    value = context.cast(builder, args[2], sig.args[2], types.int64)
    builder.store(value, _slot(context, builder, sig, args))
    return context.get_dummy_value()
