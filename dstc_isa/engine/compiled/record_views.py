"""Machine state in memory as Numba sees it: raw addresses with named 64-bit fields, and typed loads and stores.

Addresses are plain integers, so no reference is counted in the hot path; Python allocates the memory and keeps
it alive for the whole launch.
"""

import operator
from typing import Any

import numpy as np
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
from dstc_isa.engine.launch_records import (
    ALLOCATION,
    BANK,
    CODE,
    COMPARISON,
    DETAIL,
    LAUNCH,
    RANGE_STEP,
    REGION,
    SLOT,
    TRACE,
    TRACKER,
    WARP,
    WORKER,
    unit_fields,
)
from dstc_isa.engine.record_layout import RecordLayout, Word


class WordsType(types.Type):
    """The address of words of a record; numbers of them are 64-bit integers, whatever a word's size is."""

    def __init__(self, word: Word) -> None:
        kind = np.dtype(word)
        self.size = kind.itemsize
        self.stored = ir.IntType(8 * self.size)
        self.signed = kind.kind == "i"
        super().__init__(name=f"Words({kind.name})")

    def load(self, builder: ir.IRBuilder, place: ir.Value) -> ir.Value:
        """The word at an address."""
        value = builder.load(_pointer(builder, place, self.stored), typ=self.stored)
        if self.stored == I64:
            return value
        return builder.sext(value, I64) if self.signed else builder.zext(value, I64)

    def store(self, builder: ir.IRBuilder, place: ir.Value, value: ir.Value) -> None:
        """Write the word at an address."""
        value = value if self.stored == I64 else builder.trunc(value, self.stored)
        builder.store(value, _pointer(builder, place, self.stored))


class RecordType(types.Type):
    """The address of a record; its attributes are words as int64, and arrays of them."""

    def __init__(self, layout: RecordLayout) -> None:
        self.nbytes = layout.nbytes
        self.words = WordsType(layout.word)
        self.places = {name: (layout.offset(name), cell.words) for name, cell in layout.fields.items()}
        self.layout = layout.dtype
        super().__init__(name=f"Record({layout.name})")

    @property
    def key(self) -> tuple[str, Any]:
        """What tells it apart from others: names alone would not where a unit has been forgotten and declared anew."""
        return self.name, self.layout


@register_model(RecordType)
@register_model(WordsType)
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
        if name not in record_type.places:
            return None
        return types.int64 if record_type.places[name][1] == 1 else record_type.words


def _pointer(builder: ir.IRBuilder, address: ir.Value, kind: ir.Type) -> ir.Value:
    return builder.inttoptr(address, kind.as_pointer())


@lower_getattr_generic(RecordType)
def get_field(context: Any, builder: ir.IRBuilder, kind: RecordType, address: ir.Value, name: str) -> ir.Value:
    """Load a field, or form the address of an array."""
    offset, words = kind.places[name]
    place = builder.add(address, I64(offset))
    return kind.words.load(builder, place) if words == 1 else place


@lower_setattr_generic(RecordType)
def set_field(context: Any, builder: ir.IRBuilder, sig: Any, args: Any, name: str) -> None:
    """Store a field."""
    address, value = args
    kind = sig.args[0]
    value = context.cast(builder, value, sig.args[1], types.int64)
    kind.words.store(builder, builder.add(address, I64(kind.places[name][0])), value)


def record_view(layout: RecordLayout) -> Any:
    """The compiled function that gives the fields of a record to an address."""
    return _view(RecordType(layout))


def _view(kind: RecordType) -> Any:
    @emitter
    def convert(typing: Any, address: Any) -> Any:
        def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
            return context.cast(builder, args[0], sig.args[0], types.int64)

        return kind(address), emit

    return convert


def record_at(layout: RecordLayout) -> Any:
    """The compiled function that gives them to the record at an index behind the first one, whose address it gets."""
    return _view_at(RecordType(layout))


def _view_at(kind: RecordType) -> Any:
    @emitter
    def convert(typing: Any, first: Any, index: Any) -> Any:
        def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
            base, number = (context.cast(builder, arg, of, types.int64) for arg, of in zip(args, sig.args, strict=True))
            return builder.add(base, builder.mul(number, I64(kind.nbytes)))

        return kind(first, index), emit

    return convert


WARP_TYPE = RecordType(WARP)


def add_unit_fields() -> None:
    """Let a warp's record have the fields of all units that are declared."""
    WARP_TYPE.places.update(unit_fields())


as_warp = _view(WARP_TYPE)
as_launch = record_view(LAUNCH)
as_worker = record_view(WORKER)
as_code = record_view(CODE)
as_trace = record_view(TRACE)
as_tracker = record_view(TRACKER)
as_comparison = record_view(COMPARISON)
warp_at = _view_at(WARP_TYPE)
slot_at = record_at(SLOT)
code_at = record_at(CODE)
trace_at = record_at(TRACE)
range_step_at = record_at(RANGE_STEP)
allocation_at = record_at(ALLOCATION)
bank_at = record_at(BANK)
region_at = record_at(REGION)
detail_at = record_at(DETAIL)


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
    return lambda words, index: types.int64 if isinstance(words, WordsType) else None


def _setitem_type(context: Any) -> Any:
    return lambda words, index, value: types.void if isinstance(words, WordsType) else None


def register() -> None:
    """Make ``record.array[i]`` known to Numba."""
    type_callable(operator.getitem)(_getitem_type)
    type_callable(operator.setitem)(_setitem_type)
    lower_builtin(operator.getitem, WordsType, types.Integer)(_lower_getitem)
    lower_builtin(operator.setitem, WordsType, types.Integer, types.Integer)(_lower_setitem)


def _place(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
    index = context.cast(builder, args[1], sig.args[1], types.int64)
    return builder.add(args[0], builder.mul(index, I64(sig.args[0].size)))


def _lower_getitem(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
    return sig.args[0].load(builder, _place(context, builder, sig, args))


def _lower_setitem(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
    value = context.cast(builder, args[2], sig.args[2], types.int64)
    sig.args[0].store(builder, _place(context, builder, sig, args), value)
    return context.get_dummy_value()
