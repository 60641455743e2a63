"""Runs of halves in registers, lined up in memory so that a step's values are one load."""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import models, register_model

from dstc_isa.engine.compiled.lane_functions import I16, emit_half_to_float
from dstc_isa.engine.compiled.lane_types import F32, I32, I64, define, vector
from dstc_isa.engine.compiled.records import RecordType
from dstc_isa.engine.layout import ROW_BYTES, WARP_OFFSETS
from dstc_isa.isa import warp
from dstc_isa.isa.lanes import LANES
from dstc_isa.isa.warp import HALVES_A_REGISTER, LONG_RUN_REGISTERS, RUN_REGISTERS

QUAD = 4
"""Registers of a 128-bit load."""

ALIGNMENT = 64


class RunType(types.Type):
    """A run's halves on the stack, the first 32 once more behind the last."""

    def __init__(self, registers: int) -> None:
        super().__init__(f"Run{registers}")
        self.values = HALVES_A_REGISTER * registers


RUN = RunType(RUN_REGISTERS)
LONG_RUN = RunType(LONG_RUN_REGISTERS)


@register_model(RunType)
class RunModel(models.PrimitiveModel):
    """The address of the first half."""

    def __init__(self, manager: Any, run_type: RunType) -> None:
        super().__init__(manager, run_type, I16.as_pointer())


def emit_read_run(builder: ir.IRBuilder, sig: Any, record: ir.Value, index: ir.Value) -> ir.Value:
    """Line up a run in the caller's own frame, which a function of its own could not."""
    values = sig.return_type.values
    with builder.goto_entry_block():
        place = builder.alloca(ir.ArrayType(I32, (values + LANES) // 2))
        place.align = ALIGNMENT
    base = builder.inttoptr(builder.add(record, I64(WARP_OFFSETS["registers"])), I64.as_pointer())
    offset = builder.mul(builder.sext(index, I64) if index.type != I64 else index, I64(ROW_BYTES))
    registers = builder.inttoptr(builder.add(builder.load(base, typ=I64), offset), vector(I32).as_pointer())
    first = builder.bitcast(place, I32.as_pointer())
    order = [lane + LANES * register for lane in range(LANES) for register in range(QUAD)]
    both = ir.Constant(ir.VectorType(I32, 2 * LANES), list(range(2 * LANES)))
    for load in reversed(range(values // (QUAD * HALVES_A_REGISTER))):
        places = [builder.gep(registers, [I32(QUAD * load + i)], source_etype=vector(I32)) for i in range(QUAD)]
        parts = [builder.load(source, align=4, typ=vector(I32)) for source in places]
        pairs = [builder.shuffle_vector(a, b, both) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        lined = builder.shuffle_vector(*pairs, ir.Constant(ir.VectorType(I32, QUAD * LANES), order))
        _store_at(builder, first, QUAD * LANES * load, lined)
    beginning = ir.Constant(ir.VectorType(I32, LANES // 2), list(range(LANES // 2)))
    _store_at(builder, first, values // 2, builder.shuffle_vector(lined, lined, beginning))
    return builder.bitcast(place, I16.as_pointer())


def _store_at(builder: ir.IRBuilder, first: ir.Value, word: int, value: ir.Value) -> None:
    target = builder.gep(first, [I32(word)], source_etype=I32)
    builder.store(value, builder.bitcast(target, value.type.as_pointer()), align=ALIGNMENT)


def emit_run_values(builder: ir.IRBuilder, sig: Any, run: ir.Value, first: ir.Value) -> ir.Value:
    """One unaligned load, and a conversion."""
    index = builder.and_(first, first.type(sig.args[0].values - 1))
    source = builder.bitcast(builder.gep(run, [index], source_etype=I16), vector(I16).as_pointer())
    halves = builder.load(source, align=2, typ=vector(I16))
    return emit_half_to_float(builder, sig, builder.zext(halves, vector(I32)))


def register() -> None:
    """Make runs known to Numba."""
    define(warp.read_run, _typer(RecordType, RUN), emit_read_run, RecordType, types.Integer)
    define(warp.read_long_run, _typer(RecordType, LONG_RUN), emit_read_run, RecordType, types.Integer)
    define(warp.run_values, _typer(RunType, F32), emit_run_values, RunType, types.Integer)


def _typer(of: type[types.Type], result: types.Type) -> Any:
    def typer(a: Any, index: Any) -> Any:
        return result if isinstance(a, of) and isinstance(index, types.Integer) else None

    return typer
