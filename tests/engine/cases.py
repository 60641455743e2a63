"""One instruction in a random state, and the three ways to execute it: model, reference engine, compiled engine.

The compiled engine only runs kernels, so ``run_compiled`` wraps each case in loads and stores of the whole state.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import evolve, frozen
from hypothesis import strategies as st
from numpy.typing import NDArray

from dstc_isa.engine.code_rows import ConstantReader
from dstc_isa.engine.device_memory import DEVICE_BASE
from dstc_isa.engine.launch import Launch, prepare
from dstc_isa.engine.reference.execute import execute
from dstc_isa.engine.reference.warp import ReferenceWarp
from dstc_isa.engine.run import run_kernel
from dstc_isa.isa.codec import encode
from dstc_isa.isa.instruction import Declaration, Instruction
from dstc_isa.isa.lanes import ballot, spread
from dstc_isa.isa.modifier import SIZE_BYTES
from dstc_isa.isa.operand import Operand, width_of
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.values import (
    ALWAYS,
    PT,
    RZ,
    Address,
    Constant,
    Immediate,
    Marker,
    Predicate,
    Register,
    SpecialRegister,
    Value,
)
from dstc_isa.isa.warp import SpecialNumber
from dstc_isa.program import PARAMETER_BASE, Kernel, Parameter, Program
from tests.engine.build import build
from tests.models.state import LANES, U32, State
from tests.strategies import INTERESTING_FLOATS, INTERESTING_HALVES, INTERESTING_INTEGERS, apart, instructions

FIRST, WINDOW = 16, 160
"""The registers a case may use: R16 to R175. Lower ones hold the wrapper's addresses."""

PREDICATES = 7
MEMORY_BYTES = 2048
SHARED_BYTES = 1024
BLOCK = (4, 4, 2)
QUAD = 16
CLOCKS = (SpecialNumber.CLOCKLO, SpecialNumber.CLOCKHI)
TENSOR = ("hmma", "hmma_sp", "bohmma", "bohmma_step", "ohmma", "ohmma_dense", "spwmma_window")
TENSOR += ("spwmma_packed", "spwmma_tall_window", "spwmma_short_window", "spwmma_wide_window")
CONSTANTS = np.random.default_rng(3).integers(0, 256, 512, np.uint8).tobytes()
PARAMETERS = (Parameter("memory", "ptr", 0), Parameter("state", "ptr", 8))
"""``memory`` is mapped first, so at DEVICE_BASE."""


@frozen(eq=False)
class Case:
    """An instruction and the state it finds. ``registers``: (80, 32); ``predicates``: seven lane masks."""

    instruction: Instruction
    registers: NDArray[np.uint32]
    predicates: tuple[int, ...]
    memory: bytes
    shared: bytes

    def __repr__(self) -> str:
        return f"Case({format_instruction(self.instruction)})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Hypothesis prints a falsifying case by this."""
        printer.text(repr(self))


@frozen(eq=False)
class Outcome:
    """A state after the instruction, comparable between engines."""

    registers: NDArray[np.uint32]
    predicates: tuple[int, ...]
    memory: bytes
    shared: bytes


def window(index: int, width: int) -> int:
    """A register number moved into the window, alignment kept; RZ stays."""
    if index == RZ:
        return RZ
    step = width if width in (2, 4) else 1
    return FIRST + index // step * step % (WINDOW - width + 1) // step * step


def fitted(operand: Operand, value: Value, chosen: dict[str, int]) -> Value:
    """An operand value moved to what the harness provides: its registers, constants, addresses."""
    match value:
        case Register():
            width = 1
            if isinstance(operand, Source | Destination):
                width = width_of(operand.width, chosen)
            return evolve(value, index=window(value.index, width))
        case Constant():
            bank, size = (3, len(CONSTANTS)) if value.bank % 2 else (0, 0x170)
            return evolve(value, bank=bank, offset=value.offset % (size - 8) // 4 * 4)
        case Address() if value.bank >= 0:
            return evolve(value, bank=3, register=window(value.register, 1), offset=value.offset % 64 // 16 * 16)
        case Address():
            wide = "extended" in chosen
            register = window(value.register % RZ, 2) if wide else window(value.register, 1)
            return evolve(value, register=register, offset=value.offset % 256 // 16 * 16)
        case SpecialRegister() if value.number in CLOCKS:
            return SpecialRegister(SpecialNumber.LANEID)
    return value


def contents(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.uint32]:
    """Register contents: integers, floats and half pairs that matter, moderate floats, small numbers, any bits."""
    halves = np.array(INTERESTING_HALVES, np.uint32)
    kinds = [
        rng.choice(np.array(INTERESTING_INTEGERS, np.uint32), shape),
        rng.choice(np.array(INTERESTING_FLOATS, np.uint32), shape),
        rng.choice(halves, shape) | rng.choice(halves, shape) << np.uint32(16),
        rng.normal(0, 4, shape).astype(np.float32).view(np.uint32),
        rng.integers(0, 64, shape, np.uint32),
        rng.integers(0, 2**32, shape, np.uint32),
        rng.integers(0, 2**32, shape, np.uint32) & np.uint32(0x9FFF9FFF) | np.uint32(0x20002000),
    ]
    pick = rng.integers(0, len(kinds), shape)
    if rng.random() < 0.3:
        pick[:] = rng.integers(0, len(kinds))
    return np.choose(pick, kinds).astype(np.uint32)


@st.composite
def cases(draw: st.DrawFn, declaration: Declaration) -> Case:
    """A case of one declaration; its contents come from one drawn seed."""
    raw = draw(instructions(declaration, executed=True))
    return case_of(raw, np.random.default_rng(draw(st.integers(0, 2**32 - 1))))


def case_of(raw: Instruction, rng: np.random.Generator) -> Case:
    """An instruction moved to what the harness provides, in a state with random contents that it can work on."""
    declaration, modifiers = raw.declaration, raw.modifiers
    chosen = declaration.modifier_values(modifiers)
    if "extended" in chosen and "address" in declaration.names:
        position = [m.name for m in declaration.modifiers].index("extended")
        modifiers = (*modifiers[:position], 1, *modifiers[position + 1 :])
        chosen["extended"] = 1
    operands = tuple(
        fitted(operand, value, chosen) for operand, value in zip(declaration.operands, raw.operands, strict=True)
    )
    if declaration.apart:
        numbers = iter(rng.integers(0, WINDOW, 1 + len(operands)).tolist())
        operands = apart(declaration, operands, chosen, numbers, FIRST, WINDOW)
    registers = contents(rng, (WINDOW, LANES))
    predicates = tuple(int(rng.integers(0, 2**32)) for _ in range(PREDICATES))
    guard = raw.guard
    if declaration.function.__name__ in TENSOR:
        guard = ALWAYS
        structure(rng, declaration, operands, registers)
    instruction = evolve(raw, operands=operands, modifiers=modifiers, guard=guard)
    place_addresses(rng, instruction, registers, chosen)
    memory = contents(rng, (MEMORY_BYTES // 4,)).tobytes()
    shared = contents(rng, (SHARED_BYTES // 4,)).tobytes()
    return Case(instruction, registers, predicates, memory, shared)


def some_of_32(rng: np.random.Generator) -> int:
    """A word with any number of bits set, from none to all, each as often as the next."""
    count = int(rng.integers(0, LANES + 1))
    return sum(1 << int(bit) for bit in rng.permutation(LANES)[:count])


def structure(
    rng: np.random.Generator, declaration: Declaration, operands: tuple[Value, ...], registers: NDArray[np.uint32]
) -> None:
    """Give bitmap operands of the tensor instructions what they need: uniform words, a binary outer product."""
    names = dict(zip(declaration.names, operands, strict=True))
    rows, columns = (some_of_32(rng) for _ in range(2))
    if declaration.function.__name__ == "bohmma":
        for name, bits in (("ra", rows), ("rb", columns)):
            register = names[name]
            assert isinstance(register, Register)
            if register.index != RZ:
                registers[register.index - FIRST] = bits
    if declaration.function.__name__ == "ohmma":
        register = names["rm"]
        assert isinstance(register, Register)
        if register.index != RZ:
            registers[register.index - FIRST] = np.where(spread(rows), np.uint32(columns), np.uint32(0))


def place_addresses(
    rng: np.random.Generator, instruction: Instruction, registers: NDArray[np.uint32], chosen: dict[str, int]
) -> None:
    """Fill the base register of a memory operand with valid addresses; stored registers may be among them."""
    address = next((v for v in instruction.operands if isinstance(v, Address)), None)
    if address is None or address.register == RZ:
        return
    wide = "extended" in chosen
    width = SIZE_BYTES[chosen["size"]] if "size" in chosen else 4
    room = (len(CONSTANTS) if address.bank >= 0 else MEMORY_BYTES if wide else SHARED_BYTES) - 256 - 64
    lanes = np.arange(LANES, dtype=np.int64) * width
    kind = rng.integers(0, 3)
    if kind == 0:
        lanes[:] = 0
    elif kind == 1:
        lanes = rng.integers(0, room // width, LANES) * width
    lanes = lanes % room // width * width
    place = address.register - FIRST
    if wide:
        lanes += DEVICE_BASE
        registers[place + 1] = lanes >> 32
    registers[place] = (lanes & U32).astype(np.uint32)


def model_state(case: Case) -> State:
    """The case for a model."""
    predicates = [[bool(mask >> lane & 1) for lane in range(LANES)] for mask in case.predicates]
    x, y, _ = BLOCK
    special = {
        "SR_LANEID": list(range(LANES)),
        "SR_EQMASK": [1 << lane for lane in range(LANES)],
        "SR_LTMASK": [(1 << lane) - 1 for lane in range(LANES)],
        "SR_LEMASK": [(2 << lane) - 1 for lane in range(LANES)],
        "SR_GTMASK": [U32 ^ (2 << lane) - 1 for lane in range(LANES)],
        "SR_GEMASK": [U32 ^ (1 << lane) - 1 for lane in range(LANES)],
        "SR_TID.X": [lane % x for lane in range(LANES)],
        "SR_TID.Y": [lane // x % y for lane in range(LANES)],
        "SR_TID.Z": [lane // (x * y) for lane in range(LANES)],
    }
    special |= {name: [0] * LANES for name in ("SR_VIRTID", "SR_CTAID.X", "SR_CTAID.Y", "SR_CTAID.Z")}
    guard = case.instruction.guard
    mask = U32 if guard.index == PT else case.predicates[guard.index]
    return State(
        registers={FIRST + i: row.tolist() for i, row in enumerate(case.registers)},
        predicates=predicates,
        memory=bytearray(case.memory),
        base=DEVICE_BASE,
        shared=bytearray(case.shared),
        banks={0: launch_of(case).banks[0], 3: CONSTANTS},
        special=special,
        mask=mask ^ (U32 if guard.negate else 0),
    )


def model_outcome(state: State) -> Outcome:
    """A model's state as an outcome."""
    registers = np.array([state.registers[FIRST + i] for i in range(WINDOW)], np.uint32)
    predicates = tuple(ballot(np.array(lanes)) for lanes in state.predicates)
    return Outcome(registers, predicates, bytes(state.memory), bytes(state.shared))


def launch_of(case: Case) -> Launch:
    """A launch of the bare instruction with the case's memory."""
    kernel = Kernel(
        "case", (encode(case.instruction),), parameters=PARAMETERS, shared_bytes=SHARED_BYTES, registers=FIRST + WINDOW
    )
    memory = np.frombuffer(case.memory, np.uint32).copy()
    state = np.zeros(1, np.uint32)
    return prepare(Program((kernel,), CONSTANTS), kernel, (1,), BLOCK, {"memory": memory, "state": state})


def run_reference(case: Case) -> Outcome:
    """Execute on the reference engine's warp; asserts that nothing faults and that RZ and PT stay what they are."""
    launch = launch_of(case)
    shared = np.frombuffer(case.shared, np.uint8).copy()
    warp: Any = ReferenceWarp(launch, 0, 0, shared)
    warp.registers[FIRST : FIRST + WINDOW] = case.registers
    warp.predicates[:PREDICATES] = case.predicates
    guard = case.instruction.guard
    warp.mask = warp.predicates[guard.index] ^ (U32 if guard.negate else 0)
    warp.pc = 1
    if warp.mask:
        execute(warp, case.instruction, ConstantReader(launch.banks))
    assert warp.fault == 0
    assert not warp.registers[RZ : RZ + 4].any()
    assert warp.predicates[PT] == U32
    return Outcome(
        warp.registers[FIRST : FIRST + WINDOW].copy(),
        tuple(warp.predicates[:PREDICATES]),
        launch.memory.allocations[0].array.tobytes(),
        shared.tobytes(),
    )


QUADS = WINDOW // 4
SHARED_QUADS = SHARED_BYTES // LANES // QUAD
ROWS = QUADS + SHARED_QUADS + 1
"""128-bit rows of 32 lanes that hold one case: registers, shared memory, and predicates with RZ."""


def wrapper(body: Sequence[Instruction]) -> list[int]:
    """A kernel: load the whole state, execute the instructions, store the state back.

    R0:R1 is the lane's place in the state array, R2 its place in shared memory, R4 to R7 are scratch.
    """
    state = [Address(0, row * LANES * QUAD) for row in range(ROWS)]
    registers = [Register(FIRST + 4 * row) for row in range(QUADS)]
    shared = [Address(2, row * LANES * QUAD) for row in range(SHARED_QUADS)]
    scratch, everything, all_bits = Register(4), Marker("PR"), Immediate((1 << PREDICATES) - 1)
    words = [
        build("S2R", scratch, SpecialRegister(SpecialNumber.LANEID)),
        build("SHF.L.U32", Register(2), scratch, Immediate(4), Register(RZ)),
        build("MOV", Register(5), Immediate(QUAD)),
        build("IMAD.WIDE", Register(0), scratch, Register(5), Constant(0, PARAMETER_BASE + PARAMETERS[1].offset)),
    ]
    for row, place in enumerate(shared):
        words += [build("LDG.E.128", scratch, state[QUADS + row]), build("STS.128", place, scratch)]
    words += [build("LDG.E.128", scratch, state[-1]), build("R2P", everything, scratch, all_bits)]
    words += [build("LDG.E.128", target, place) for target, place in zip(registers, state, strict=False)]
    words += [encode(instruction) for instruction in body]
    words += [build("STG.E.128", place, source) for source, place in zip(registers, state, strict=False)]
    for row, place in enumerate(shared):
        words += [build("LDS.128", scratch, place), build("STG.E.128", state[QUADS + row], scratch)]
    words += [
        build("P2R", scratch, everything, Register(RZ), all_bits),
        build("MOV", Register(5), Register(RZ)),
        build("SEL", Register(6), Register(RZ), Immediate(1), Predicate(PT)),
        build("STG.E.128", state[-1], scratch),
        build("EXIT"),
    ]
    return words


def run_compiled(case: Case, body: Sequence[Instruction] = (), *, reference: bool = False) -> Outcome:
    """Execute on the compiled engine; asserts that RZ and PT stay what they are.

    ``body``: instructions to execute in the case's state instead of its own. ``reference``: on the other engine.
    """
    state = np.zeros((ROWS, LANES, 4), np.uint32)
    state[:QUADS] = case.registers.reshape(QUADS, 4, LANES).transpose(0, 2, 1)
    state[QUADS:-1] = np.frombuffer(case.shared, np.uint32).reshape(SHARED_QUADS, LANES, 4)
    for index, mask in enumerate(case.predicates):
        state[-1, :, 0] |= spread(mask).astype(np.uint32) << np.uint32(index)
    memory = np.frombuffer(case.memory, np.uint32).copy()
    words = tuple(wrapper(body or [case.instruction]))
    kernel = Kernel("case", words, parameters=PARAMETERS, shared_bytes=SHARED_BYTES, registers=FIRST + WINDOW)
    program = Program((kernel,), CONSTANTS)
    run_kernel(program, kernel, (1,), BLOCK, {"memory": memory, "state": state}, threads=1, reference=reference)
    assert not state[-1, :, 1:3].any(), "RZ must stay zero and PT true"
    registers = state[:QUADS].transpose(0, 2, 1).reshape(WINDOW, LANES).copy()
    predicates = tuple(ballot(state[-1, :, 0] >> np.uint32(i) & np.uint32(1) != 0) for i in range(PREDICATES))
    return Outcome(registers, predicates, memory.tobytes(), state[QUADS:-1].tobytes())


def assert_same(found: Outcome, expected: Outcome, case: Case) -> None:
    """Equal bit for bit; the message names the first register and lane that differ."""
    different = np.argwhere(found.registers != expected.registers)
    if len(different):
        row, lane = different[0].tolist()
        before, a, b = (int(r[row, lane]) for r in (case.registers, found.registers, expected.registers))
        raise AssertionError(f"R{FIRST + row}, lane {lane}: was 0x{before:08x}, 0x{a:08x} is not 0x{b:08x}; {case}")
    assert found.predicates == expected.predicates
    assert found.memory == expected.memory
    assert found.shared == expected.shared
