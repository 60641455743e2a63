"""Records as Numba sees them: addresses whose fields have names.

Addresses are plain integers, so no reference is counted in the hot path; Python allocates the memory and keeps
it alive for the whole launch.
"""

import operator
from collections.abc import Collection
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
from dstc_isa.engine.compiled.lane_types import I64
from dstc_isa.engine.compiled.raw_memory import pointer
from dstc_isa.engine.launch_records import (
    ALLOCATION,
    BANK,
    CODE,
    LAUNCH,
    RANGE_STEP,
    SLOT,
    TRACE,
    WARP,
    WORKER,
    unit_fields,
)
from dstc_isa.engine.record_layout import RecordLayout, Word
from dstc_isa.engine.tracker_records import COMPARISON, DETAIL, REGION, TRACKER
from dstc_isa.isa.instruction_set import known
from dstc_isa.isa.warp import ARRAYS


class WordsType(types.Type):
    """The address of words of a record; numbers of them are 64-bit integers, whatever a word's size is.

    ``count``: words there are, others are an IndexError; 0 if nobody asks.
    """

    def __init__(self, word: Word, count: int = 0) -> None:
        kind = np.dtype(word)
        self.size = kind.itemsize
        self.stored = ir.IntType(8 * self.size)
        self.signed = kind.kind == "i"
        self.count = count
        super().__init__(name=f"Words({kind.name}, {count})")

    def load(self, builder: ir.IRBuilder, place: ir.Value) -> ir.Value:
        """The word at an address."""
        value = builder.load(pointer(builder, place, self.stored), typ=self.stored)
        if self.stored == I64:
            return value
        return builder.sext(value, I64) if self.signed else builder.zext(value, I64)

    def store(self, builder: ir.IRBuilder, place: ir.Value, value: ir.Value) -> None:
        """Write the word at an address."""
        value = value if self.stored == I64 else builder.trunc(value, self.stored)
        builder.store(value, pointer(builder, place, self.stored))


class RecordType(types.Type):
    """The address of a record; its attributes are words as int64, and arrays of them.

    ``checked``: arrays whose places are, since code that is not the package's may name any.
    """

    def __init__(self, layout: RecordLayout, checked: Collection[str] = ()) -> None:
        self.nbytes = layout.nbytes
        self.word = layout.word
        self.checked = set(checked)
        self.places = {name: (layout.offset(name), cell.words) for name, cell in layout.fields.items()}
        self.layout = layout.dtype
        super().__init__(name=f"Record({layout.name})")

    def array(self, name: str) -> WordsType:
        """What the array of that name is."""
        return WordsType(self.word, self.places[name][1] if name in self.checked else 0)

    @property
    def key(self) -> tuple[str, Any, bool]:
        """What tells it apart from others: names alone would not where a unit has been forgotten and declared anew."""
        return self.name, self.layout, bool(self.checked)


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
        return types.int64 if record_type.places[name][1] == 1 else record_type.array(name)


@lower_getattr_generic(RecordType)
def get_field(context: Any, builder: ir.IRBuilder, kind: RecordType, address: ir.Value, name: str) -> ir.Value:
    """Load a field, or form the address of an array."""
    offset, words = kind.places[name]
    place = builder.add(address, I64(offset))
    return kind.array(name).load(builder, place) if words == 1 else place


@lower_setattr_generic(RecordType)
def set_field(context: Any, builder: ir.IRBuilder, sig: Any, args: Any, name: str) -> None:
    """Store a field."""
    address, value = args
    kind = sig.args[0]
    value = context.cast(builder, value, sig.args[1], types.int64)
    kind.array(name).store(builder, builder.add(address, I64(kind.places[name][0])), value)


def record_view(layout: RecordLayout, checked: Collection[str] = ()) -> Any:
    """The compiled function that gives the fields of a record to an address."""
    return _view(RecordType(layout, checked))


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


WARP_TYPE = RecordType(WARP, ARRAYS)


def add_unit_fields() -> None:
    """Let a warp's record have the fields of all units that are declared."""
    WARP_TYPE.places.update(unit_fields())
    units = (unit for isa in known() for unit in isa.units if not unit.shipped)
    WARP_TYPE.checked.update(name for unit in units for name in unit.state)


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
    if sig.args[0].count:
        beyond = builder.icmp_unsigned(">=", index, I64(sig.args[0].count))
        with builder.if_then(beyond, likely=False):
            context.call_conv.return_user_exc(builder, IndexError, ("outside an array of the warp or the block",))
    return builder.add(args[0], builder.mul(index, I64(sig.args[0].size)))


def _lower_getitem(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
    return sig.args[0].load(builder, _place(context, builder, sig, args))


def _lower_setitem(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
    value = context.cast(builder, args[2], sig.args[2], types.int64)
    sig.args[0].store(builder, _place(context, builder, sig, args), value)
    return context.get_dummy_value()
