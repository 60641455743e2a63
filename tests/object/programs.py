"""Hypothesis strategies of whole programs, and one program that uses everything an object holds."""

from typing import Any

from hypothesis import strategies as st

from dstc_isa.gpu.schema import ScheduledFor
from dstc_isa.isa.codec import encode
from dstc_isa.isa.control import Control
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.resolve import resolve
from dstc_isa.isa.values import ALWAYS, Target
from dstc_isa.isa.volta import VOLTA
from dstc_isa.object import elf
from dstc_isa.program import (
    ELEMENT_SIZES,
    PARAMETER_SIZES,
    PRINT_TYPES,
    ConstantArray,
    ControlRecord,
    Frame,
    Kernel,
    Parameter,
    Print,
    PrintItem,
    Program,
    SharedArray,
)
from tests.strategies import words

NAMES = st.from_regex(r"[A-Za-z_$][A-Za-z0-9_$.]{0,6}", fullmatch=True)
NUMBERS = st.one_of(st.integers(0, 3), st.integers(0, (1 << 32) - 1))
FRAMES = st.builds(
    Frame, st.sampled_from(["a.dasm", "include/b.dasm", "\udc80 ä"]), NUMBERS, st.sampled_from(["", "m"])
)
LOCATIONS = st.lists(FRAMES, max_size=3).map(tuple)


def branch(declaration: str, distance: int) -> int:
    """The word of an unconditional branch."""
    return _word(declaration, Target(distance))


def plain(mnemonic: str) -> int:
    """The word of an instruction whose operands may be left out."""
    return _word(mnemonic, None)


def _word(mnemonic: str, target: Target | None) -> int:
    declared, modifiers, _ = resolve(VOLTA, mnemonic)[0]
    values = [target if operand.relative else operand.default for operand in declared.operands]
    operands = tuple(value for value in values if value is not None and not isinstance(value, int))
    return encode(Instruction(declared, declared.forms[0], operands, modifiers, ALWAYS, Control()))


@st.composite
def _pieces(draw: st.DrawFn, kind: type[Any]) -> tuple[list[Any], int]:
    """Arrays that follow each other, some with a gap between, and a size that holds them."""
    arrays, end = [], 0
    for name in draw(st.lists(NAMES, max_size=3, unique=True)):
        offset = end + draw(st.integers(0, 5))
        end = offset + draw(st.integers(0, 20))
        arrays.append(kind(name, offset, end - offset))
    return arrays, end + draw(st.integers(0, 5))


@st.composite
def _parameters(draw: st.DrawFn) -> list[Parameter]:
    parameters, end = [], 0
    for name in draw(st.lists(NAMES, max_size=3, unique=True)):
        kind = draw(st.sampled_from(sorted(PARAMETER_SIZES)))
        offset = -(-end // PARAMETER_SIZES[kind]) * PARAMETER_SIZES[kind]
        element = draw(st.sampled_from(["", *ELEMENT_SIZES])) if kind == "ptr" else ""
        parameters.append(Parameter(name, kind, offset, element))
        end = offset + PARAMETER_SIZES[kind]
    return parameters


@st.composite
def kernels(draw: st.DrawFn, name: str) -> Kernel:
    code = draw(st.lists(words(), max_size=6))
    shared, shared_bytes = draw(_pieces(SharedArray))
    located = draw(st.booleans())
    addresses = st.integers(0, len(code)).map(lambda index: index * VOLTA.word.size)
    return Kernel(
        name=name,
        words=tuple(code),
        labels=draw(st.dictionaries(NAMES, addresses, max_size=4)),
        locations=tuple(draw(st.lists(LOCATIONS, min_size=len(code), max_size=len(code)))) if located else (),
        parameters=tuple(draw(_parameters())),
        shared=tuple(shared),
        shared_bytes=shared_bytes,
        registers=draw(st.integers(0, 255)),
        block=draw(st.none() | st.tuples(*[st.integers(1, 1024)] * 3)),
        control=draw(st.none() | _records(len(code))),
        through=draw(st.just(()) | st.tuples(*[st.integers(0, len(shared))] * len(code))),
        prints=draw(prints(len(code))),
    )


TEXTS = st.text(st.one_of(st.sampled_from('"\\\n\t,;/= '), st.characters().filter(str.isprintable)), max_size=6)
OFFSETS = st.tuples(st.integers(0, 31), st.integers(0, 99)).map(lambda p: p[0] << 32 | 4 * p[1])
ITEMS = st.one_of(
    st.builds(PrintItem, st.just("text"), TEXTS),
    st.builds(PrintItem, st.just("predicate"), TEXTS, st.integers(0, 15)),
    st.builds(PrintItem, st.just("register"), TEXTS, st.integers(0, 253), st.sampled_from([*PRINT_TYPES][1:])),
    st.builds(PrintItem, st.just("constant"), TEXTS, OFFSETS, st.sampled_from(["u32", "x", "f16x2", "s64", "x64"])),
    st.builds(PrintItem, st.just("special"), TEXTS, st.sampled_from([0, 0x21, 0x2E]), st.sampled_from(["u32", "x"])),
)


@st.composite
def prints(draw: st.DrawFn, instructions: int) -> tuple[Print, ...]:
    """PRINTs of a kernel of so many instructions."""
    if not instructions:
        return ()
    places = st.integers(0, instructions - 1)
    items = st.lists(ITEMS, max_size=3).map(tuple)
    made = draw(st.lists(st.builds(Print, places, items, LOCATIONS, st.integers(0, 15), st.booleans()), max_size=3))
    return tuple(sorted(made, key=lambda each: (each.index, not each.behind)))


def _records(instructions: int) -> st.SearchStrategy[ControlRecord]:
    landings = st.sets(st.integers(0, instructions)).map(lambda places: tuple(sorted(places)))
    return st.builds(ControlRecord, st.binary(min_size=instructions, max_size=instructions), landings, st.booleans())


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Programs that an object can hold."""
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    arrays, size = draw(_pieces(ConstantArray))
    constants = draw(st.binary(min_size=size, max_size=size))
    target = draw(st.none() | st.builds(ScheduledFor, NAMES, st.from_regex("[0-9a-f]{12}", fullmatch=True)))
    return Program(tuple(draw(kernels(name)) for name in names), constants, tuple(arrays), target)


def sample() -> Program:
    """Two kernels, one of them empty, with labels, macros, parameters, shared memory and constants."""
    first, use, body = Frame("axpy.dasm", 1), Frame("axpy.dasm", 3), Frame("inc.dasm", 2, "step")
    axpy = Kernel(
        name="axpy",
        words=(plain("NOP"), branch("BRA", -2 * VOLTA.word.size), 5, plain("EXIT")),
        labels={"start": 0, "end": 4 * VOLTA.word.size},
        locations=((first,), (body, use), (body, use), (use,)),
        parameters=(Parameter("n", "u32", 0), Parameter("x", "ptr", 8, "f16x2")),
        shared=(SharedArray("tile", 16, 64), SharedArray("flags", 128, 6)),
        shared_bytes=136,
        registers=24,
        block=(32, 2, 1),
        control=ControlRecord(bytes([0x10, 0x0F, 0x0F, 0x2A]), (0, 3), False),
        through=(0, 0, 2, 0),
    )
    arrays = (ConstantArray("table", 4, 8), ConstantArray("odd", 13, 2))
    return Program((axpy, Kernel("nothing", ())), bytes(range(16)), arrays, ScheduledFor("v100", "0123456789ab"))


def sealed(data: bytes) -> bytes:
    """``data`` with the checksum an object of these bytes has."""
    crc = elf.checksum(data).to_bytes(4, "little")
    return data[: elf.CRC_OFFSET] + crc + data[elf.CRC_OFFSET + 4 :]
