"""Runs of halves in registers, lined up in memory so that a step's values are one load."""

import math
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import models, register_model

from dstc_isa.engine.compiled.lane_conversions import emit_half_to_float
from dstc_isa.engine.compiled.lane_types import F32, I16, I32, I64, define, vector
from dstc_isa.engine.compiled.record_views import RecordType
from dstc_isa.engine.launch_records import WARP
from dstc_isa.engine.register_rows import ROW_BYTES
from dstc_isa.isa.lanes import LANES

from . import runs
from .runs import (
    HALVES_A_REGISTER,
    LONG_RUN_REGISTERS,
    RUN_REGISTERS,
    WIDE_RUN_PLACES,
    WIDE_RUN_REGISTERS,
)
from .unit import LONGEST

QUAD = 4
"""Registers of a 128-bit load."""

LOADED = QUAD * HALVES_A_REGISTER
"""Halves of such a load."""

ALIGNMENT = 64


class RunType(types.Type):
    """A run's halves on the stack, the first 32 once more behind the last."""

    def __init__(self, registers: int, values: int | None = None) -> None:
        super().__init__(f"Run{registers}")
        self.values = values or HALVES_A_REGISTER * registers


RUN = RunType(RUN_REGISTERS)
LONG_RUN = RunType(LONG_RUN_REGISTERS)
WIDE_RUN = RunType(WIDE_RUN_REGISTERS, WIDE_RUN_PLACES)


@register_model(RunType)
class RunModel(models.PrimitiveModel):
    """The address of the first half."""

    def __init__(self, manager: Any, run_type: RunType) -> None:
        super().__init__(manager, run_type, I16.as_pointer())


def emit_read_run(builder: ir.IRBuilder, sig: Any, record: ir.Value, index: ir.Value) -> ir.Value:
    """Line up a run in the caller's own frame, which a function of its own could not."""
    values = sig.return_type.values
    first = _room(builder, values)
    registers = _registers(builder, record, index)
    for load in reversed(range(values // LOADED)):
        lined = _lined_up(builder, registers, QUAD * load)
        _store_at(builder, first, LOADED * load // 2, lined)
    _begin_again(builder, first, values, lined)
    return builder.bitcast(first, I16.as_pointer())


def emit_read_wide_run(builder: ir.IRBuilder, sig: Any, record: ir.Value, index: ir.Value) -> ir.Value:
    """Line up each step's first values and the others in two runs, put the steps together, and fill up with zeros."""
    values = sig.return_type.values
    first = _room(builder, values)
    registers = _registers(builder, record, index)
    step_words = HALVES_A_REGISTER * WIDE_RUN_REGISTERS // LONGEST // 2
    for begin, end in ((0, RUN_REGISTERS), (RUN_REGISTERS, WIDE_RUN_REGISTERS)):
        behind, words = (HALVES_A_REGISTER * count // LONGEST // 2 for count in (begin, end - begin))
        parts = [
            _part(builder, _lined_up(builder, registers, register), word, words)
            for register in range(begin, end, QUAD)
            for word in range(0, LOADED // 2, words)
        ]
        for step, part in enumerate(parts):
            _store_at(builder, first, step_words * step + behind, part, words)
        if begin == 0:
            _begin_again(builder, first, values, parts[0])
    zeros = ir.Constant(ir.VectorType(I32, LANES), [0] * LANES)
    for word in range(step_words * LONGEST, values // 2, LANES):
        _store_at(builder, first, word, zeros)
    return builder.bitcast(first, I16.as_pointer())


def _room(builder: ir.IRBuilder, values: int) -> ir.Value:
    with builder.goto_entry_block():
        place = builder.alloca(ir.ArrayType(I32, (values + LANES) // 2))
        place.align = ALIGNMENT
    return builder.bitcast(place, I32.as_pointer())


def _registers(builder: ir.IRBuilder, record: ir.Value, index: ir.Value) -> ir.Value:
    base = builder.inttoptr(builder.add(record, I64(WARP.offset("registers"))), I64.as_pointer())
    offset = builder.mul(builder.sext(index, I64) if index.type != I64 else index, I64(ROW_BYTES))
    return builder.inttoptr(builder.add(builder.load(base, typ=I64), offset), vector(I32).as_pointer())


def _lined_up(builder: ir.IRBuilder, registers: ir.Value, number: int) -> ir.Value:
    """The words of a 128-bit load in the order of addresses."""
    order = [lane + LANES * register for lane in range(LANES) for register in range(QUAD)]
    both = ir.Constant(ir.VectorType(I32, 2 * LANES), list(range(2 * LANES)))
    places = [builder.gep(registers, [I32(number + i)], source_etype=vector(I32)) for i in range(QUAD)]
    parts = [builder.load(source, align=4, typ=vector(I32)) for source in places]
    pairs = [builder.shuffle_vector(a, b, both) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    return builder.shuffle_vector(*pairs, ir.Constant(ir.VectorType(I32, QUAD * LANES), order))


def _part(builder: ir.IRBuilder, value: ir.Value, first: int, words: int) -> ir.Value:
    order = ir.Constant(ir.VectorType(I32, words), list(range(first, first + words)))
    return builder.shuffle_vector(value, value, order)


def _begin_again(builder: ir.IRBuilder, first: ir.Value, values: int, beginning: ir.Value) -> None:
    _store_at(builder, first, values // 2, _part(builder, beginning, 0, LANES // 2))


def _store_at(builder: ir.IRBuilder, first: ir.Value, word: int, value: ir.Value, words: int = LANES // 2) -> None:
    """Store at a word; both it and those stored are multiples of ``words`` or of a common divisor."""
    target = builder.gep(first, [I32(word)], source_etype=I32)
    builder.store(value, builder.bitcast(target, value.type.as_pointer()), align=4 * math.gcd(word, words))


def emit_run_values(builder: ir.IRBuilder, sig: Any, run: ir.Value, first: ir.Value) -> ir.Value:
    """One unaligned load, and a conversion."""
    index = builder.and_(first, first.type(sig.args[0].values - 1))
    source = builder.bitcast(builder.gep(run, [index], source_etype=I16), vector(I16).as_pointer())
    halves = builder.load(source, align=2, typ=vector(I16))
    return emit_half_to_float(builder, sig, builder.zext(halves, vector(I32)))


def register() -> None:
    """Make runs known to Numba."""
    define(runs.read_run, _typer(RecordType, RUN), emit_read_run, RecordType, types.Integer)
    define(runs.read_long_run, _typer(RecordType, LONG_RUN), emit_read_run, RecordType, types.Integer)
    define(runs.read_wide_run, _typer(RecordType, WIDE_RUN), emit_read_wide_run, RecordType, types.Integer)
    define(runs.run_values, _typer(RunType, F32), emit_run_values, RunType, types.Integer)


def _typer(of: type[types.Type], result: types.Type) -> Any:
    def typer(a: Any, index: Any) -> Any:
        return result if isinstance(a, of) and isinstance(index, types.Integer) else None

    return typer
