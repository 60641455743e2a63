"""A warp as the models see it: plain lists, one entry per lane, and bytes."""

from collections.abc import Callable
from typing import Any

from attrs import define

from dstc_isa.isa.address_operand import AddressOperand
from dstc_isa.isa.fetch import Lane
from dstc_isa.isa.field_operand import PredicateOperand
from dstc_isa.isa.instruction import Declaration, Instruction
from dstc_isa.isa.literal import Literal
from dstc_isa.isa.modifier import Flag
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import HALVES, PT, RZ, Address, Constant, Immediate, Predicate, Register

LANES = 32
U32 = 0xFFFFFFFF
U64 = 0xFFFFFFFFFFFFFFFF


@define
class State:
    """What one instruction can read and write. ``base``: device address of ``memory``; ``mask``: executing lanes."""

    registers: dict[int, list[int]]
    predicates: list[list[bool]]
    memory: bytearray
    base: int
    shared: bytearray
    banks: dict[int, bytes]
    special: dict[str, list[int]]
    mask: int = U32

    def executing(self) -> list[int]:
        """Numbers of the lanes that execute, in order."""
        return [lane for lane in range(LANES) if self.mask >> lane & 1]

    def register(self, index: int, lane: int) -> int:
        """A register; RZ and those behind it are zero."""
        return 0 if index >= RZ else self.registers[index][lane]

    def write(self, index: int, lane: int, value: int, first: int = -1) -> None:
        """Set a register unless ``first`` (the operand's first register, itself by default) is RZ."""
        if (index if first < 0 else first) != RZ:
            self.registers[index][lane] = value & U32


class Operands:
    """The operands and modifiers of an instruction by name, as one lane reads them.

    Registers, immediates and constants come as unsigned integers of 32 or 64 bits with the operand's sign
    applied, float operands as their bits, half pairs as (low, high) bits, fragments as 16 bits, predicates as
    bools, fields as integers, addresses as the effective address, modifiers as their word, flags as bools.
    """

    def __init__(self, instruction: Instruction, state: State, lane: int) -> None:
        self.instruction, self.state, self.lane = instruction, state, lane

    def operand(self, name: str) -> tuple[int, Any]:
        """Position and value of an operand."""
        index = self.instruction.declaration.names.index(name)
        return index, self.instruction.operands[index]

    def negated(self, name: str) -> bool:
        """Whether the operand is written with a minus sign."""
        return bool(getattr(self.operand(name)[1], "negate", False))

    def first(self, name: str) -> int:
        """Number of a register operand."""
        return int(self.operand(name)[1].index)

    def word(self, name: str) -> str | bool:
        """A modifier's word, or whether a flag is there."""
        declaration = self.instruction.declaration
        for modifier, value in zip(declaration.modifiers, self.instruction.modifiers, strict=True):
            if modifier.name == name:
                return bool(value) if isinstance(modifier.kind, Flag) else modifier.kind.word_of(value)
        raise AttributeError(name)

    def __getattr__(self, name: str) -> Any:
        if name not in self.instruction.declaration.names:
            return self.word(name)
        index, value = self.operand(name)
        declared = self.instruction.declaration.operands[index]
        match value:
            case Predicate():
                return (value.index == PT or self.state.predicates[value.index][self.lane]) != value.negate
            case Address():
                return self._address(declared, value)
            case Register() | Constant() | Immediate() if isinstance(declared, Source):
                return self._source(declared, self.instruction.declaration.lanes[index], value)
            case Immediate():
                return value.value
        return value

    def _address(self, declared: Any, value: Address) -> int:
        base = self.state.register(value.register, self.lane)
        assert isinstance(declared, AddressOperand)
        if declared.constant or not (declared.wide is True or (declared.wide and self.word(declared.wide))):
            return (base + value.offset) & U32
        high = self.state.register(value.register + (value.register != RZ), self.lane)
        return ((high << 32 | base) + value.offset) & U64

    def _source(self, declared: Source, lane: Lane, value: Register | Constant | Immediate) -> Any:
        wide = lane is Lane.U64
        if isinstance(value, Immediate):
            bits = value.value | (U32 << 32 if wide and value.value >> 31 else 0)
            bits = value.value << 32 if declared.literal is Literal.DOUBLE else bits
        elif isinstance(value, Constant):
            bits = int.from_bytes(self.state.banks[value.bank][value.offset : value.offset + 4 + 4 * wide], "little")
        else:
            bits = self.state.register(value.index, self.lane)
            if wide and value.index != RZ:
                bits |= self.state.register(value.index + 1, self.lane) << 32
        if declared.half is not None:
            assert isinstance(value, Register)
            return bits >> 16 * HALVES[value.suffix] & 0xFFFF
        negate, absolute = getattr(value, "negate", False), getattr(value, "absolute", False)
        if declared.literal is Literal.HALVES:
            halves = [bits & 0xFFFF, bits >> 16]
            if not isinstance(value, Immediate) and value.suffix:
                halves = [halves[HALVES[value.suffix]]] * 2
            return tuple(signed_bits(half, 16, negate, absolute) for half in halves)
        if lane is Lane.F32:
            return signed_bits(bits, 32, negate, absolute)
        if declared.literal is Literal.DOUBLE:
            return signed_bits(bits, 64, negate, absolute)
        if negate and not declared.raw:
            bits = -bits & (U64 if wide else U32)
        return bits


def signed_bits(bits: int, width: int, negate: bool, absolute: bool) -> int:
    """Absolute value, then sign change, of float bits."""
    sign = 1 << (width - 1)
    bits = bits & ~sign if absolute else bits
    return bits ^ sign if negate else bits


LaneModel = Callable[[Operands], Any]
WarpModel = Callable[[Instruction, State], None]
LANE_MODELS: dict[str, LaneModel] = {}
WARP_MODELS: dict[str, WarpModel] = {}


def lane_model(name: str) -> Callable[[LaneModel], LaneModel]:
    """Register what one lane of the instruction whose semantics are called ``name`` returns."""

    def register(model: LaneModel) -> LaneModel:
        LANE_MODELS[name] = model
        return model

    return register


def warp_model(name: str) -> Callable[[WarpModel], WarpModel]:
    """Register what the instruction whose semantics are called ``name`` does to a warp."""

    def register(model: WarpModel) -> WarpModel:
        WARP_MODELS[name] = model
        return model

    return register


def name_of(declaration: Declaration) -> str:
    """The key of a declaration's model."""
    return declaration.function.__name__


def apply(instruction: Instruction, state: State) -> None:
    """Execute an instruction on a state by its model."""
    declaration = instruction.declaration
    if name_of(declaration) in WARP_MODELS:
        WARP_MODELS[name_of(declaration)](instruction, state)
        return
    model = LANE_MODELS.get(name_of(declaration))
    assert model is not None, f"{declaration.mnemonic} has no model {name_of(declaration)} in tests/models"
    outcomes = {lane: model(Operands(instruction, state, lane)) for lane in state.executing()}
    for lane, outcome in outcomes.items():
        values = outcome if isinstance(outcome, tuple) else (outcome,)
        for index, value in zip(declaration.results, values, strict=True):
            target = instruction.operands[index]
            if isinstance(declaration.operands[index], PredicateOperand):
                assert isinstance(target, Predicate)
                if target.index != PT:
                    state.predicates[target.index][lane] = value
                continue
            assert isinstance(target, Register)
            state.write(target.index, lane, value)
            if declaration.lanes[index] is Lane.U64:
                state.write(target.index + 1, lane, value >> 32, target.index)


def signed(value: int, bits: int = 32) -> int:
    """Two's complement."""
    return value - (1 << bits) if value >> (bits - 1) else value
