"""Hypothesis strategies derived from the instruction declarations, and lanes with values that matter.

Instructions: ``instructions()`` is any instruction of the set; name a declaration, or also a form, to stay with
it. ``FORMS`` lists every declaration with every form (``FORM_NAMES`` for ids of a parametrised test), ``EXECUTED`` the
declarations that have semantics. ``modifiers``,
``operands``, ``guards``, ``controls`` are an instruction's parts. ``words()`` are 128-bit integers, many of
them close to an instruction. Lanes: ``u32_lanes``, ``f32_lanes``, ``half_lanes``, ``masks``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from math import prod

import numpy as np
from attrs import evolve
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from numpy.typing import NDArray

from dstc_isa.isa.address_operand import AddressOperand, ConstantOperand
from dstc_isa.isa.codec import encode
from dstc_isa.isa.control import NO_SCOREBOARD, SCOREBOARDS, Control
from dstc_isa.isa.field import Field
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
from dstc_isa.isa.modifier import Modifier
from dstc_isa.isa.name_operand import NameOperand
from dstc_isa.isa.operand import Form, Operand, width_of
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.values import (
    ALWAYS,
    PT,
    REGISTERS,
    RZ,
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
from dstc_isa.isa.volta import VOLTA

FORMS = [(declaration, form) for declaration in VOLTA.declarations for form in declaration.forms]
EXECUTED = [declaration for declaration in VOLTA.declarations if not declaration.unmodelled]
FORM_NAMES = [f"{declaration.mnemonic}-0x{declaration.code(form):03x}" for declaration, form in FORMS]

MANY = 4096
"""Combinations of modifiers of which not each is looked at before some are drawn."""

Lanes = NDArray[np.uint32]
LANES = 32
U32 = 0xFFFFFFFF

LOW = Field(0, 7)
"""Immediates that sources with a limit all take."""

INTERESTING_INTEGERS = (0, 1, 2, 31, 32, 33, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF)
INTERESTING_FLOATS = (
    *(0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007FFFFF, 0x807FFFFF, 0x00800000, 0x80800000),
    *(0x3F800000, 0xBF800000, 0x3F800001, 0x4B000000, 0x4F000000, 0xCF000000, 0x4F800000),
    *(0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7FFFFFFF, 0xFFC00000, 0x7F800001),
)
INTERESTING_DOUBLES = (
    *(0x00000000, 0x80000000, 0x000FFFFF, 0x00100000, 0x3FF00000, 0xBFF00000, 0x40080000, 0x43300000),
    *(0x7FEFFFFF, 0xFFEFFFFF, 0x7FF00000, 0xFFF00000, 0x7FF80000, 0xFFF80000),
)
"""High words; a low word is any integer."""

INTERESTING_HALVES = (
    *(0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x3C00, 0xBC00, 0x3C01, 0x7BFF, 0xFBFF),
    *(0x7C00, 0xFC00, 0x7E00, 0x7FFF, 0xFE00, 0x7C01),
)


@cache
def field_values(field: Field) -> SearchStrategy[int]:
    """Every value that a field can store, its limits often."""
    step = 1 << field.scale
    low, high = field.minimum // step, field.maximum // step
    limits = sorted({low, high, min(max(0, low), high)})
    return st.one_of(st.sampled_from(limits), st.integers(low, high)).map(lambda value: value * step)


@cache
def register_indices(width: int = 1, zero: bool = True) -> SearchStrategy[int]:
    """Numbers of registers that ``width`` consecutive ones can start at, aligned; RZ if ``zero``."""
    step = width if width in (2, 4) else 1
    named = st.integers(0, (REGISTERS - width) // step).map(lambda index: index * step)
    return st.one_of(st.just(RZ), named) if zero else named


def _sources(operand: Source, form: Form, index: int, width: int) -> SearchStrategy[Value]:
    there = not (form.moved == index and operand.unsigned_in_c)
    negate = st.booleans() if operand.negate and there else st.just(False)
    absolute = st.booleans() if operand.absolute and there else st.just(False)
    suffix = st.sampled_from([*operand.words_behind] or [""])
    if index in form.special:
        if form.constant:
            place = field_values(operand.word.constant_bank), field_values(operand.word.constant_offset)
            return st.builds(Constant, *place, negate, absolute, suffix)
        return st.builds(Immediate, field_values(operand.literal_field if operand.most is None else LOW))
    kept = st.just(False) if operand.reuse is None else st.booleans()
    return st.builds(Register, register_indices(width, operand.zero), negate, absolute, suffix, kept)


def operand_values(operand: Operand, form: Form, index: int, chosen: Mapping[str, int]) -> SearchStrategy[Value]:
    """What operand number ``index`` accepts in a form, given the modifier values by name."""
    match operand:
        case Source():
            return _sources(operand, form, index, width_of(operand.width, chosen))
        case Destination():
            return st.builds(Register, register_indices(width_of(operand.width, chosen), not operand.accumulates))
        case PredicateOperand():
            return st.builds(Predicate, st.integers(0, PT), st.booleans() if operand.negate else st.just(False))
        case ImmediateOperand():
            return st.builds(Immediate, field_values(operand.at))
        case AddressOperand():
            base = register_indices(2 if operand.is_wide(chosen) else 1, operand.zero)
            _, *banks, _ = operand.fields(form, index)
            bank = field_values(banks[0]) if operand.constant else st.just(-1)
            return st.builds(Address, base, field_values(operand.offset), bank=bank)
        case SpecialRegisterOperand():
            return st.builds(SpecialRegister, st.sampled_from(sorted(operand.names)))
        case BarrierOperand():
            return st.builds(BarrierRegister, field_values(operand.at))
        case TargetOperand():
            return st.builds(Target, field_values(*operand.fields(form, index)))
        case MarkerOperand():
            return st.just(Marker(operand.text))
        case NameOperand():
            return st.builds(Marker, st.sampled_from(sorted(operand.names)))
        case ConstantOperand():
            bank, offset = operand.fields(form, index)
            return st.builds(Constant, field_values(bank), field_values(offset))
        case WordOperand():
            return st.builds(Marker, st.sampled_from(sorted(operand.names.values())))
    raise TypeError(f"no strategy for {type(operand).__name__}: add a case to operand_values")


def modifier_values(modifier: Modifier) -> list[int]:
    """Every value of a modifier, that of its absence included."""
    values = set(modifier.kind.words().values())
    return sorted(values if modifier.default is None else values | {modifier.default})


def stand_together(declaration: Declaration, form: Form, chosen: tuple[int, ...]) -> bool:
    """Whether a form of an instruction has these modifiers."""
    names = declaration.modifier_values(chosen)
    if declaration.rule is not None and declaration.rule(names) is not None:
        return False
    return not any(
        (operand.idle(names) and operand.kind_in(form, index) is not type(operand.default))
        or (operand.kind_in(form, index) is Immediate and operand.stray(Immediate(0), names))
        for index, operand in enumerate(declaration.operands)
    )


@cache
def modifiers(
    declaration: Declaration, form: Form | None = None, executed: bool = False
) -> SearchStrategy[tuple[int, ...]]:
    """A value for each modifier of a declaration, all of them ``executed`` on demand."""
    values = [
        [value for value in modifier_values(modifier) if not (executed and value in modifier.kind.unmodelled)]
        for modifier in declaration.modifiers
    ]
    shape = form or declaration.forms[0]
    if prod(map(len, values)) > MANY:
        return st.tuples(*map(st.sampled_from, values)).filter(lambda v: stand_together(declaration, shape, v))
    together = [chosen for chosen in product(*values) if stand_together(declaration, shape, chosen)]
    return st.sampled_from(together)


@cache
def operands(
    declaration: Declaration, form: Form, chosen: tuple[int, ...], executed: bool = False
) -> SearchStrategy[tuple[Value, ...]]:
    """Operand values that a form accepts, given its modifier values, all of them ``executed`` on demand."""
    names = declaration.modifier_values(chosen)

    def values(operand: Operand, index: int) -> SearchStrategy[Value]:
        if operand.idle(names) or (executed and operand.default is not None and not more_than_default(operand, names)):
            assert operand.default is not None
            return st.just(operand.default)
        if executed and isinstance(operand, SpecialRegisterOperand) and operand.modelled is not None:
            return st.builds(SpecialRegister, st.sampled_from(sorted(operand.modelled)))
        any_value = operand_values(operand, form, index, names).filter(lambda value: not operand.stray(value, names))
        return any_value.filter(lambda value: operand.obstacle(value, names) is None) if executed else any_value

    found = st.tuples(*(values(operand, index) for index, operand in enumerate(declaration.operands)))
    if declaration.apart:
        count = 1 + len(declaration.operands)
        numbers = st.lists(st.integers(0, RZ), min_size=count, max_size=count)
        return st.tuples(found, numbers).map(lambda drawn: apart(declaration, drawn[0], names, iter(drawn[1]), 0, RZ))
    if not declaration.same:
        return found
    first, again = (declaration.names.index(name) for name in declaration.same)
    return found.map(lambda each: (*each[:again], each[first], *each[again + 1 :]))


def apart(
    declaration: Declaration,
    values: Sequence[Value],
    chosen: Mapping[str, int],
    numbers: Iterator[int],
    first: int,
    count: int,
) -> tuple[Value, ...]:
    """Operands moved to registers of their own, among ``count`` from ``first`` on, at places that ``numbers`` say."""
    widths = {
        place: width_of(operand.width, chosen)
        for place, (operand, value) in enumerate(zip(declaration.operands, values, strict=True))
        if isinstance(operand, Source | Destination) and isinstance(value, Register) and value.index != RZ
    }
    moved, at, spare = list(values), first, count - sum(widths.values()) - len(widths)
    turn = next(numbers) % len(widths)
    for place in [*widths][turn:] + [*widths][:turn]:
        skipped = next(numbers) % (spare + 1)
        at, spare = at + skipped, spare - skipped
        at += at % 2
        value = moved[place]
        assert isinstance(value, Register)
        moved[place] = evolve(value, index=at)
        at += widths[place]
    return tuple(moved)


def executed_forms(declaration: Declaration) -> tuple[Form, ...]:
    """The forms in which the machine executes an instruction."""

    def runs(operand: Operand, kind: type) -> bool:
        return not isinstance(operand, Source) or operand.most is None or kind is Immediate

    declared = declaration.operands
    forms = declaration.forms
    return tuple(form for form in forms if all(runs(o, o.kind_in(form, index)) for index, o in enumerate(declared)))


def more_than_default(operand: Operand, names: Mapping[str, int]) -> bool:
    """Whether the machine executes an instruction with this operand other than its default."""
    unmodelled = getattr(operand, "unmodelled", False)
    return not unmodelled(names) if callable(unmodelled) else unmodelled is not True


@cache
def guards() -> SearchStrategy[Predicate]:
    """Guard predicates; most instructions have none."""
    return st.one_of(st.just(ALWAYS), st.builds(Predicate, st.integers(0, PT), st.booleans()))


@cache
def controls() -> SearchStrategy[Control]:
    """Scheduling bits that the control prefix can write."""
    scoreboard = st.sampled_from([*range(SCOREBOARDS), NO_SCOREBOARD])
    return st.one_of(
        st.just(Control()),
        st.builds(
            Control,
            field_values(VOLTA.word.control.stall),
            st.booleans(),
            scoreboard,
            scoreboard,
            field_values(VOLTA.word.control.wait),
        ),
    )


@st.composite
def instructions(
    draw: st.DrawFn, declaration: Declaration | None = None, form: Form | None = None, executed: bool = False
) -> Instruction:
    """A valid instruction, of this declaration and form if they are given, and ``executed`` on demand."""
    declared = declaration or draw(st.sampled_from(EXECUTED if executed else VOLTA.declarations))
    shape = form or draw(st.sampled_from(executed_forms(declared) if executed else declared.forms))
    chosen = draw(modifiers(declared, shape, executed))
    values = draw(operands(declared, shape, chosen, executed))
    return Instruction(declared, shape, values, chosen, draw(guards()), draw(controls()))


def words() -> SearchStrategy[int]:
    """128-bit integers: arbitrary ones, encoded instructions, and those with one to three bits turned."""
    encoded = instructions().map(encode)
    bits = st.lists(st.integers(0, VOLTA.word.bits - 1), min_size=1, max_size=3, unique=True)
    turned = st.builds(lambda word, places: word ^ sum(1 << place for place in places), encoded, bits)
    return st.one_of(st.integers(0, (1 << VOLTA.word.bits) - 1), encoded, turned)


def _lanes(specials: tuple[int, ...], near: Callable[[Lanes], Lanes]) -> SearchStrategy[Lanes]:
    """32 lanes, each a special, a number made by ``near`` from random bits, or the random bits.

    One draw of bytes makes them all: drawing lane by lane costs milliseconds.
    """
    table = np.array(specials, np.uint32)

    def mix(raw: bytes) -> Lanes:
        choice, bits = np.frombuffer(raw[:LANES], np.uint8), np.frombuffer(raw[LANES:], np.uint32)
        special = table[choice % len(table)]
        return np.where(choice < 112, special, np.where(choice < 192, near(bits), bits)).astype(np.uint32)

    return st.binary(min_size=5 * LANES, max_size=5 * LANES).map(mix)


@cache
def u32_lanes() -> SearchStrategy[Lanes]:
    """32 lanes of u32, shape (32,): limits, numbers below 64 and any bits."""
    return _lanes(INTERESTING_INTEGERS, lambda bits: bits & np.uint32(63))


@cache
def f32_lanes() -> SearchStrategy[NDArray[np.float32]]:
    """32 lanes of f32: zeros, subnormals, infinities, NaNs, limits, numbers from 2**-7 to 2 and any bits."""
    near = _lanes(INTERESTING_FLOATS, lambda bits: bits & np.uint32(0x83FFFFFF) | np.uint32(0x3C000000))
    return near.map(lambda lanes: lanes.view(np.float32))


@cache
def half_lanes() -> SearchStrategy[Lanes]:
    """32 lanes of u32 with two FP16 numbers each: specials, numbers from 2**-7 to 2 and any bits."""
    pairs = tuple(low | high << 16 for low in INTERESTING_HALVES for high in INTERESTING_HALVES[::5])
    return _lanes(pairs, lambda bits: bits & np.uint32(0x9FFF9FFF) | np.uint32(0x20002000))


@cache
def masks() -> SearchStrategy[int]:
    """Lane masks: full, empty, single lanes and any."""
    return st.one_of(
        st.sampled_from([U32, 0]), st.integers(0, LANES - 1).map(lambda lane: 1 << lane), st.integers(0, U32)
    )
