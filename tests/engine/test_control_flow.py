"""Control flow one instruction at a time: random walks of a warp against a model that knows no turns."""

from typing import Any

import numpy as np
import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.engine.code_rows import ConstantReader
from dstc_isa.engine.faults import KernelFault
from dstc_isa.engine.launch import prepare
from dstc_isa.engine.reference.execute import execute
from dstc_isa.engine.reference.warp import ReferenceWarp
from dstc_isa.isa.codec import encode
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.values import (
    ALWAYS,
    PT,
    Address,
    BarrierRegister,
    Constant,
    Immediate,
    Marker,
    Register,
    SpecialRegister,
    Target,
    Value,
)
from dstc_isa.isa.volta import VOLTA
from dstc_isa.isa.warp import BARRIER_REGISTERS, Fault, SpecialNumber
from dstc_isa.program import PARAMETER_BASE, Kernel, Parameter, Program
from tests.engine.build import build
from tests.engine.combinations import instruction_of
from tests.engine.kernels import run
from tests.models.control_flow import FLOW_MODELS, WORD_BYTES, BadTarget, Flow, MixedBarriers, step
from tests.models.state import LANES, U32, State, name_of
from tests.strategies import instructions, modifier_values

SIZE = 24
WALKS, STEPS = 400, 40
REGISTERS = 8
BARRIERS = 2
FLOW = [(d, f) for d in VOLTA.declarations if name_of(d) in FLOW_MODELS for f in d.forms if not f.constant]
MEETING = [(d, f) for d, f in FLOW if name_of(d) in ("bssy", "bsync", "bra", "break_", "warpsync")]


def fitted(value: Value, pc: int, place: int) -> Value:
    """An operand that mostly stays within the kernel, the registers and few barriers."""
    match value:
        case Target():
            return Target((place % SIZE - pc - 1) * WORD_BYTES)
        case Register():
            return Register(value.index % REGISTERS)
        case BarrierRegister():
            return BarrierRegister(value.index % BARRIERS)
        case Immediate() if value.value < BARRIER_REGISTERS:
            return Immediate(value.value % 2)
    return value


def fitted_operands(instruction: Instruction, pc: int, place: int) -> tuple[Value, ...]:
    """The operands; WARPSYNC gets a register of masks, one that jumps a register of addresses."""
    operands = tuple(fitted(value, pc, place) for value in instruction.operands)
    odd = name_of(instruction.declaration) == "warpsync"
    return tuple(Register(v.index // 2 * 2 + odd) if isinstance(v, Register) else v for v in operands)


@frozen
class Move:
    """An instruction, a place in the kernel to jump to, and a seed of register contents."""

    instruction: Instruction
    place: int
    seed: int

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Hypothesis prints a falsifying walk by this."""
        printer.text(f"Move({format_instruction(self.instruction)}, {self.place}, {self.seed})")


@st.composite
def walks(draw: st.DrawFn) -> list[Move]:
    """Instructions to issue one after the other, mostly those that part lanes and let them meet."""
    chosen = st.sampled_from([*FLOW, *MEETING * 6])
    move = chosen.flatmap(
        lambda d: st.builds(Move, instructions(*d, executed=True), st.integers(0, SIZE - 1), st.integers(0, 2**20))
    )
    return draw(st.lists(move, min_size=10, max_size=40))


def new_warp(threads: int) -> Any:
    """A warp of a kernel of SIZE instructions."""
    kernel = Kernel("walk", (0,) * SIZE, registers=REGISTERS)
    launch = prepare(Program((kernel,)), kernel, (1,), (threads,), {})
    return ReferenceWarp(launch, 0, 0, np.zeros(0, np.uint8))


def lanes_of(warp: Any) -> list[tuple[int, bool, bool]]:
    """Per lane: next instruction, whether it waits, whether it is gone."""
    found = []
    for lane in range(LANES):
        gone = not warp.live >> lane & 1
        waits = bool(warp.blocked >> lane & 1) and not gone
        pc = warp.pc if warp.active >> lane & 1 else warp.lane_pc[lane]
        found.append((0 if gone else pc, waits, gone))
    return found


def contents(warp: Any, rng: np.random.Generator) -> None:
    """Even registers hold code addresses, odd ones lane masks, predicates anything."""
    targets = rng.integers(0, SIZE, 2)
    for register in range(REGISTERS):
        masks = np.full(LANES, rng.choice([U32, 0xF, 0xF0, 0xFF00, int(rng.integers(0, 2**32))]), np.uint32)
        places = (rng.choice(targets, LANES) * WORD_BYTES).astype(np.int64)
        warp.registers[register] = masks if register % 2 else places
    for index in range(PT):
        warp.predicates[index] = int(rng.integers(0, 2**32))


def check_invariants(warp: Any, flow: Flow) -> None:
    """Both see the same lanes, and if any lane can run, some do, all at one place."""
    assert lanes_of(warp) == [(lane.pc, lane.waits is not None, lane.exited) for lane in flow.lanes]
    runnable = sum(1 << lane for lane in flow.runnable())
    assert warp.active & ~runnable == 0
    assert bool(warp.active) == bool(runnable)


@pytest.mark.slow
@settings(max_examples=100)
@given(walks(), st.integers(1, LANES))
def test_random_walks(moves: list[Move], threads: int) -> None:
    walk(moves, threads)


@pytest.mark.slow
def test_many_walks() -> None:
    """The same over seeds that are always these, so that what needs several steps to be seen is."""
    rng = np.random.default_rng(5)
    for _ in range(WALKS):
        moves = []
        for _ in range(STEPS):
            declaration, form = [*FLOW, *MEETING * 6][rng.integers(len(FLOW) + 6 * len(MEETING))]
            known = [sorted({*modifier_values(m)} - m.kind.unmodelled) for m in declaration.modifiers]
            chosen = tuple(int(rng.choice(values)) for values in known)
            made = instruction_of(rng, declaration, form, chosen)
            moves.append(Move(made, int(rng.integers(SIZE)), int(rng.integers(2**20))))
        walk(moves, int(rng.choice([LANES, LANES, int(rng.integers(1, LANES + 1))])))


def walk(moves: list[Move], threads: int) -> None:
    """Issue instructions until the warp ends, leaves the kernel or faults, and compare after each."""
    warp = new_warp(threads)
    flow = Flow(SIZE)
    for lane in range(threads, LANES):
        flow.lanes[lane] = evolve(flow.lanes[lane], exited=True)
    for move in moves:
        if not warp.active or warp.pc >= SIZE:
            break
        operands = fitted_operands(move.instruction, warp.pc, move.place)
        guard = move.instruction.guard if move.seed % 3 else ALWAYS
        instruction = evolve(move.instruction, operands=operands, guard=guard)
        contents(warp, np.random.default_rng(move.seed))
        if not one_step(warp, flow, instruction):
            return
        check_invariants(warp, flow)


def one_step(warp: Any, flow: Flow, instruction: Instruction) -> bool:
    """Issue on both; False after a fault that both agree on."""
    running = {lane for lane in range(LANES) if warp.active >> lane & 1}
    guard = instruction.guard
    warp.mask = warp.active & (warp.predicates[guard.index] ^ (U32 if guard.negate else 0))
    registers = {i: warp.registers[i].tolist() for i in range(REGISTERS)}
    predicates = [[bool(mask >> lane & 1) for lane in range(LANES)] for mask in warp.predicates[:PT]]
    state = State(registers, predicates, bytearray(), 0, bytearray(), {}, {}, warp.mask)
    warp.pc += 1
    if warp.mask:
        execute(warp, instruction, ConstantReader({}))
    try:
        step(flow, instruction, running, state)
    except BadTarget:
        assert warp.fault == Fault.BAD_TARGET
        return False
    except MixedBarriers:
        assert warp.fault == Fault.BARRIER
        return False
    assert warp.fault == 0
    return True


STATE, PLACE, FACTOR, COUNT = (Register(index) for index in (12, 14, 16, 17))
"""Pairs R12 and R14: the table of contents and the lane's word of the result; R17: what the lane went through."""


def program_of(moves: list[Move]) -> Kernel:
    """Random control flow as a kernel: registers and predicates from a table, a count stored after every step."""
    lane, predicates = Register(18), Register(19)
    head = [build("S2R", lane, SpecialRegister(SpecialNumber.LANEID)), build("MOV", FACTOR, Immediate(4))]
    for pair, offset in ((STATE, 0), (PLACE, 8)):
        head.append(build("IMAD.WIDE.U32", pair, lane, FACTOR, Constant(0, PARAMETER_BASE + offset)))
    row = 4 * LANES
    for index in range(REGISTERS):
        head.append(build("LDG.E", Register(index), Address(STATE.index, row * index)))
    head.append(build("LDG.E", predicates, Address(STATE.index, row * REGISTERS)))
    head.append(build("R2P", Marker("PR"), predicates, Immediate(0x7F)))
    step_words = 3
    body: list[int] = []
    for number, move in enumerate(moves):
        pc = number * step_words
        operands = fitted_operands(move.instruction, pc, move.place % len(moves) * step_words)
        operands = tuple(
            Target((move.place % len(moves) * step_words - pc - 1) * WORD_BYTES) if isinstance(value, Target) else value
            for value in operands
        )
        guard = move.instruction.guard if move.seed % 3 else ALWAYS
        body.append(encode(evolve(move.instruction, operands=operands, guard=guard)))
        body.append(build("IMAD", COUNT, COUNT, FACTOR, Immediate(number + 1)))
        body.append(build("STG.E", Address(PLACE.index, 0), COUNT))
    parameters = (Parameter("state", "ptr", 0), Parameter("out", "ptr", 8))
    return Kernel("walk", (*head, *body, build("EXIT")), parameters=parameters, registers=32)


@settings(max_examples=100)
@given(walks(), st.sampled_from([1, 32, 50]), st.integers(0, 2**20))
def test_engines_take_the_same_way(moves: list[Move], threads: int, seed: int) -> None:
    """Arbitrary control flow, structured or not: same results, same counts, same fault."""
    kernel = program_of(moves)
    rng = np.random.default_rng(seed)
    state = np.zeros((REGISTERS + 1, LANES), np.uint32)
    for index in range(REGISTERS):
        masks = rng.choice([U32, 0xF, 0xF0, 0xFF00, int(rng.integers(0, 2**32))])
        starts = rng.integers(0, len(kernel.words), LANES) * WORD_BYTES
        state[index] = masks if index % 2 else starts[rng.integers(0, 3, LANES)]
    state[-1] = rng.integers(0, 128, LANES)
    outcomes = []
    for reference in (True, False):
        arguments = {"state": state, "out": np.zeros(LANES, np.uint32), "max_instructions": 500}
        outcomes.append(run(Program((kernel,)), (1,), (threads,), reference=reference, **arguments))
    (first, expected), (second, found) = outcomes
    np.testing.assert_array_equal(second["out"], first["out"])
    if isinstance(expected, KernelFault) or isinstance(found, KernelFault):
        assert str(found) == str(expected)
    else:
        np.testing.assert_array_equal(found.issued, expected.issued)
        np.testing.assert_array_equal(found.skipped, expected.skipped)
