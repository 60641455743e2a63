"""One instruction on the reference engine: fetch operands, call the semantics, write results."""

from typing import Any

import numpy as np

from dstc_isa.engine.execution import SemanticsError
from dstc_isa.engine.layout import PREDICATE_SINK, SINK_ROW
from dstc_isa.engine.reference.warp import ReferenceWarp
from dstc_isa.engine.rows import ConstantReader, reach, source_words
from dstc_isa.isa.field_operand import AddressOperand, PredicateOperand
from dstc_isa.isa.instruction import Instruction, Lane, Parameter
from dstc_isa.isa.lanes import FULL_MASK, LANES, ballot, f32, half_to_float, narrow, spread, u32
from dstc_isa.isa.register_operand import Destination, Literal, Source
from dstc_isa.isa.values import PT, RZ, Address, Constant, Immediate, Register, Target

SIGN_BITS = {Lane.U32: 0, Lane.F32: 0x80000000}
HALF_SIGNS = 0x80008000
LOW_HALF = 0xFFFF


def execute(warp: ReferenceWarp, instruction: Instruction, banks: ConstantReader) -> None:
    """Execute for the lanes of ``warp.mask``, which is not empty; a fault is left in ``warp.fault``.

    Raises SemanticsError if the semantics fail or return something else than declared.
    """
    declaration = instruction.declaration
    arguments = [_argument(warp, instruction, parameter, banks) for parameter in declaration.parameters]
    mask = warp.mask
    try:
        with np.errstate(all="ignore"):
            outcome = declaration.function(*arguments)
        if warp.fault:
            return
        outcomes = outcome if len(declaration.results) > 1 else (outcome,)
        for index, value in zip(declaration.results, outcomes, strict=False):
            _write(warp, mask, declaration.lanes[index], instruction.operands[index], value)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise SemanticsError(f"the semantics of {declaration.mnemonic} cannot be executed: {what}") from error


def _argument(warp: ReferenceWarp, instruction: Instruction, parameter: Parameter, banks: ConstantReader) -> Any:
    if parameter.lane is Lane.WARP:
        return warp
    if parameter.derived is not None:
        return parameter.derived.compute(instruction)
    if parameter.modifier >= 0:
        return instruction.modifiers[parameter.modifier]
    operand = instruction.declaration.operands[parameter.operand]
    value: Any = instruction.operands[parameter.operand]
    if parameter.lane is Lane.INDEX:
        return SINK_ROW if isinstance(operand, Destination) and value.index == RZ else value.index
    if isinstance(operand, Source):
        return _source(warp, operand, parameter.lane, value, banks)
    if isinstance(operand, PredicateOperand):
        return spread(warp.predicates[value.index] ^ (FULL_MASK if value.negate else 0))
    if isinstance(operand, AddressOperand):
        return _address(warp, operand, value, instruction)
    if isinstance(value, Target):
        return reach(value)
    for field in ("value", "index", "number"):
        if hasattr(value, field):
            return getattr(value, field)
    return 0


def _source(
    warp: ReferenceWarp, operand: Source, lane: Lane, value: Register | Immediate | Constant, banks: ConstantReader
) -> Any:
    wide = lane is Lane.U64
    if isinstance(value, Register):
        rows = [warp.registers[value.index + i].copy() for i in range(2 if wide else 1)]
    else:
        rows = [np.full(LANES, word, np.uint32) for word in source_words(value, wide, banks)]
    lanes = rows[0]
    if wide:
        lanes = rows[0].astype(np.uint64) | rows[1].astype(np.uint64) << np.uint64(32)
    if operand.half is not None and isinstance(value, Register):
        return half_to_float(lanes >> np.uint32(16 * value.half) & np.uint32(LOW_HALF))
    if operand.halves and isinstance(value, Register) and value.half >= 0:
        kept = lanes >> np.uint32(16 * value.half) & np.uint32(LOW_HALF)
        lanes = kept | kept << np.uint32(16)
    if not operand.raw and not isinstance(value, Immediate):
        lanes = _signed(lanes, operand, lane, value.negate, value.absolute)
    return f32(lanes) if lane is Lane.F32 else lanes


def _signed(lanes: Any, operand: Source, lane: Lane, negate: bool, absolute: bool) -> Any:
    signs = HALF_SIGNS if operand.literal is Literal.HALVES else SIGN_BITS.get(lane, 0)
    if absolute:
        lanes = lanes & np.uint32(~signs & FULL_MASK)
    if negate:
        lanes = lanes ^ np.uint32(signs) if signs else lanes.dtype.type(0) - lanes
    return lanes


def _address(warp: ReferenceWarp, operand: AddressOperand, value: Address, instruction: Instruction) -> Any:
    low = warp.registers[value.register].astype(np.int64)
    names = instruction.declaration.modifier_values(instruction.modifiers)
    if operand.constant:
        return (low + value.offset & FULL_MASK | value.bank << 32).astype(np.uint64)
    if operand.is_wide(names):
        high = warp.registers[value.register + 1].astype(np.uint64)
        return (low.astype(np.uint64) | high << np.uint64(32)) + np.int64(value.offset).astype(np.uint64)
    lanes = low + value.offset & FULL_MASK
    return lanes.astype(np.uint64) if operand.wide else lanes.astype(np.uint32)


def _write(warp: ReferenceWarp, mask: int, lane: Lane, value: Any, outcome: Any) -> None:
    if lane is Lane.BOOL:
        place = PREDICATE_SINK if value.index == PT else value.index
        warp.predicates[place] = (warp.predicates[place] & ~mask & FULL_MASK) | (ballot(outcome) & mask)
        return
    row = SINK_ROW if value.index == RZ else value.index
    words = [narrow(outcome), narrow(outcome >> np.uint64(32))] if lane is Lane.U64 else [u32(outcome)]
    executing = spread(mask)
    for offset, word in enumerate(words):
        warp.registers[row + offset][executing] = word[executing]
