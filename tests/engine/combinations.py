"""Every combination of modifiers and operand forms of a declaration, with special values of each operand's type.

Nothing is left to chance: the cases come from a fixed seed, and the same ones are made each time. Lane l of source
number s holds the special value number l + shift * s of its type, so that over the shifts any two meet.
"""

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np
from attrs import evolve

from dstc_isa.isa.address_operand import AddressOperand
from dstc_isa.isa.control import Control
from dstc_isa.isa.fetch import Lane
from dstc_isa.isa.field_operand import (
    BarrierOperand,
    ImmediateOperand,
    MarkerOperand,
    PredicateOperand,
    SpecialRegisterOperand,
    TargetOperand,
    WordOperand,
)
from dstc_isa.isa.instruction import Declaration, Instruction
from dstc_isa.isa.literal import Literal
from dstc_isa.isa.operand import Form, Operand
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.values import (
    ALWAYS,
    PT,
    Address,
    BarrierRegister,
    Constant,
    Immediate,
    Marker,
    Predicate,
    Register,
    SpecialRegister,
    Target,
    Value,
)
from tests.engine.cases import FIRST, LANES, TENSOR, WINDOW, Case, case_of
from tests.strategies import (
    INTERESTING_DOUBLES,
    INTERESTING_FLOATS,
    INTERESTING_HALVES,
    INTERESTING_INTEGERS,
    apart,
    executed_forms,
    modifier_values,
    stand_together,
)

SPACING = 8
"""Registers between the first registers of two operands; none but the tensor instructions' is wider."""

LEAST, CASES = 3, 300
"""States for each combination at least, and cases for each declaration at least, so that every combination meets many
pairs of special values where there are few combinations."""

SEQUENCED = "spwmma"
"""The declarations whose model takes half a second."""

PAIRS = [low | high << 16 for low in INTERESTING_HALVES for high in INTERESTING_HALVES]
SPECIALS = {
    Literal.INTEGER: INTERESTING_INTEGERS,
    Literal.SIGNED: INTERESTING_INTEGERS,
    Literal.FLOAT: INTERESTING_FLOATS,
    Literal.HALVES: PAIRS,
    Literal.HALF: INTERESTING_HALVES,
    Literal.DOUBLE: INTERESTING_DOUBLES,
}
TRIES = 100
"""Values that are drawn until one is executed; of an instruction that is not executed, none is."""

GUARDED = 5
"""One case of so many has a guard."""


def combinations(declaration: Declaration) -> Iterator[Case]:
    """Each combination in several states."""
    rng = np.random.default_rng(declaration.opcode)
    choices = ([v for v in modifier_values(m) if v not in m.kind.unmodelled] for m in declaration.modifiers)
    values = list(product(*choices))
    sequenced = declaration.function.__name__.startswith(SEQUENCED)
    count = LEAST if sequenced else max(LEAST, -(-CASES // (len(values) * len(declaration.forms))))
    number = 0
    for chosen, form in product(values, executed_forms(declaration)):
        for _ in range(count if stand_together(declaration, form, chosen) else 0):
            yield case(rng, declaration, form, chosen, number)
            number += 1


def case(rng: np.random.Generator, declaration: Declaration, form: Form, chosen: tuple[int, ...], number: int) -> Case:
    """One combination in a state of its own; ``number`` counts them and gives the shift."""
    made = case_of(instruction_of(rng, declaration, form, chosen), rng)
    place_specials(made, number)
    return made


def instruction_of(
    rng: np.random.Generator, declaration: Declaration, form: Form, chosen: tuple[int, ...]
) -> Instruction:
    """An instruction with random operands; registers apart from each other, but for the tensor instructions."""
    tensor = declaration.function.__name__ in TENSOR
    places = rng.integers(WINDOW, size=len(declaration.operands)) if tensor else SPACING * rng.permutation(SPACING)
    names = declaration.modifier_values(chosen)
    operands = tuple(
        executed_value(rng, operand, form, index, Register(int(places[index])), names)
        for index, operand in enumerate(declaration.operands)
    )
    if declaration.apart:
        operands = apart(
            declaration, operands, names, iter(rng.integers(0, WINDOW, 1 + len(operands)).tolist()), 0, WINDOW
        )
    guard = Predicate(int(rng.integers(0, PT)), bool(rng.integers(2))) if rng.integers(GUARDED) == 0 else ALWAYS
    return Instruction(declaration, form, operands, chosen, guard, Control())


def executed_value(
    rng: np.random.Generator, operand: Operand, form: Form, index: int, register: Register, names: Mapping[str, int]
) -> Value:
    """A value of an operand with which the machine executes the instruction."""
    value = operand.default if operand.idle(names) else value_of(rng, operand, form, index, register, names)
    for _ in range(TRIES):
        if value is not None and not operand.obstacle(value, names) and operand.stray(value, names) is None:
            break
        value = value_of(rng, operand, form, index, register, names)
    return operand.default if value is None else value


def value_of(
    rng: np.random.Generator, operand: Operand, form: Form, index: int, register: Register, names: Mapping[str, int]
) -> Value:
    """A value of an operand: this register where it takes one, anything that the form allows otherwise."""
    signs = {name: bool(rng.integers(2)) and bool(getattr(operand, name, False)) for name in ("negate", "absolute")}
    suffixes = [""]
    if isinstance(operand, Source):
        suffixes = [word for word in operand.words_behind if word not in operand.unmodelled] or suffixes
    match operand:
        case Source() if index in form.special and form.constant:
            return Constant(3, 4 * int(rng.integers(64)), **signs, suffix=str(rng.choice(suffixes)))
        case Source() if index in form.special:
            most = operand.most or operand.literal_field.maximum
            return Immediate(int(rng.choice(SPECIALS[operand.written_as(names)])) & most)
        case Source():
            return evolve(register, **signs, suffix=str(rng.choice(suffixes)))
        case PredicateOperand():
            return Predicate(int(rng.integers(PT + 1)), bool(rng.integers(2)) and operand.negate is not None)
        case ImmediateOperand():
            return Immediate(int(rng.integers(operand.at.maximum + 1)))
        case AddressOperand():
            return Address(register.index, 16 * int(rng.integers(8)), bank=3 if operand.constant else -1)
        case SpecialRegisterOperand():
            return SpecialRegister(int(rng.choice(sorted(operand.modelled or operand.names))))
        case MarkerOperand():
            return Marker(operand.text)
        case WordOperand():
            return Marker(str(rng.choice(sorted(operand.names.values()))))
        case BarrierOperand():
            return BarrierRegister(int(rng.integers(operand.at.maximum + 1)))
        case TargetOperand():
            return Target(0)
    return register


def place_specials(made: Case, number: int) -> None:
    """Put special values into the registers of the sources, except where they are addresses or bitmaps."""
    declaration = made.instruction.declaration
    if declaration.function.__name__ in TENSOR:
        return
    lanes = np.arange(LANES)
    based = {value.register for value in made.instruction.operands if isinstance(value, Address)}
    for index, (operand, value) in enumerate(zip(declaration.operands, made.instruction.operands, strict=True)):
        if not isinstance(operand, Source) or not isinstance(value, Register) or value.index in based:
            continue
        halves = operand.halves or operand.half is not None
        for word in range(2 if declaration.lanes[index] is Lane.U64 else 1):
            kind = Literal.DOUBLE if word and operand.literal is Literal.DOUBLE else None
            table = np.array(SPECIALS[kind or literal_of(declaration.lanes[index], halves)], np.uint32)
            row = value.index - FIRST + word
            if row < WINDOW:
                made.registers[row] = table[(lanes + (number + word) * index) % len(table)]


def literal_of(lane: Lane, halves: bool) -> Literal:
    """What a source of a lane type holds."""
    if halves:
        return Literal.HALVES
    return Literal.FLOAT if lane is Lane.F32 else Literal.INTEGER
