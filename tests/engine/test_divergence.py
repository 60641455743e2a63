"""Diverged warps: random structured programs give each thread what it would compute alone."""

import random
from typing import Any

import numpy as np
import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.kernels import EPILOGUE, PROLOGUE, both, per_thread

U32 = 0xFFFFFFFF
MULTIPLIER = 1103515245
DEPTH = 3


class Exited(Exception):
    """The thread is done."""


class Left(Exception):
    """A break out of the innermost loop."""


@define
class Writer:
    """Assembly text of a structured program, with the convergence instructions a compiler would place."""

    lines: list[str] = field(factory=list)
    functions: list[str] = field(factory=list)
    labels: int = 0

    def label(self) -> str:
        self.labels += 1
        return f"l{self.labels}"

    def emit(self, text: str) -> None:
        self.lines.append(text)

    def condition(self, shift: int, limit: int) -> None:
        """p = (value >> shift & 7) < limit."""
        self.emit(f"SHF.R.U32.HI other, RZ, {shift}, value")
        self.emit("LOP3.LUT other, other, 7, RZ, 0xc0")
        self.emit(f"ISETP.LT.U32.AND p, PT, other, {limit}, PT")

    def block(self, statements: list[Any], depth: int, loops: list[tuple[int, str]]) -> None:
        """``loops``: barrier and end label of the loops around, innermost last."""
        for kind, *rest in statements:
            getattr(self, f"write_{kind}")(depth, loops, *rest)

    def write_mix(self, depth: int, loops: list[Any], number: int) -> None:
        self.emit(f"IMAD value, value, multiplier, {number}")

    def write_if(self, depth: int, loops: list[Any], shift: int, limit: int, then: Any, other: Any) -> None:
        alternative, end = self.label(), self.label()
        self.condition(shift, limit)
        self.emit(f"BSSY B{depth}, {end}")
        self.emit(f"@!p BRA {alternative}")
        self.block(then, depth + 1, loops)
        self.emit(f"BRA {end}")
        self.emit(f"{alternative}:")
        self.block(other, depth + 1, loops)
        self.emit(f"{end}:")
        self.emit(f"BSYNC B{depth}")

    def write_loop(self, depth: int, loops: list[Any], shift: int, body: Any) -> None:
        again, end = self.label(), self.label()
        self.emit(f"SHF.R.U32.HI count[{depth}], RZ, {shift}, value")
        self.emit(f"LOP3.LUT count[{depth}], count[{depth}], 3, RZ, 0xc0")
        self.emit(f"BSSY B{depth}, {end}")
        self.emit(f"{again}:")
        self.emit(f"ISETP.EQ.AND p, PT, count[{depth}], 0, PT")
        self.emit(f"@p BRA {end}")
        self.emit(f"IADD3 count[{depth}], count[{depth}], -1, RZ")
        self.block(body, depth + 1, [*loops, (depth, end)])
        self.emit(f"BRA {again}")
        self.emit(f"{end}:")
        self.emit(f"BSYNC B{depth}")

    def write_break(self, depth: int, loops: list[Any], shift: int, limit: int) -> None:
        if not loops:
            return
        barrier, end = loops[-1]
        self.condition(shift, limit)
        for inner in range(barrier + 1, depth):
            self.emit(f"@p BREAK B{inner}")
        self.emit(f"@p BRA {end}")

    def write_exit(self, depth: int, loops: list[Any], shift: int, limit: int) -> None:
        self.condition(shift, limit)
        self.emit("@p STG.E [place], value")
        self.emit("@p EXIT")

    def write_switch(self, depth: int, loops: list[Any], shift: int, arms: list[Any]) -> None:
        table, end = self.label(), self.label()
        names = [self.label() for _ in arms]
        self.emit(f"SHF.R.U32.HI other, RZ, {shift}, value")
        self.emit(f"LOP3.LUT other, other, {len(arms) - 1}, RZ, 0xc0")
        self.emit("SHF.L.U32 other, other, 4, RZ")
        self.emit(f"BSSY B{depth}, {end}")
        self.emit(f"BRX other, {table}")
        self.emit(f"{table}:")
        for name in names:
            self.emit(f"BRA {name}")
        for name, arm in zip(names, arms, strict=True):
            self.emit(f"{name}:")
            self.block(arm, depth + 1, loops)
            self.emit(f"BRA {end}")
        self.emit(f"{end}:")
        self.emit(f"BSYNC B{depth}")

    def write_call(self, depth: int, loops: list[Any], number: int) -> None:
        name, behind = self.label(), self.label()
        self.emit(f"MOV link, {behind}")
        self.emit(f"CALL.REL.NOINC {name}")
        self.emit(f"{behind}:")
        self.functions += [f"{name}:", f"IMAD value, value, multiplier, {number}", "RET.REL.NODEC link"]


def evaluate(statements: list[Any], value: int) -> int:
    """What one thread computes; Exited and Left carry the value they leave with."""
    for kind, *rest in statements:
        if kind in ("mix", "call"):
            value = (value * MULTIPLIER + rest[0]) & U32
        elif kind == "if":
            shift, limit, then, other = rest
            value = evaluate(then if value >> shift & 7 < limit else other, value)
        elif kind == "switch":
            shift, arms = rest
            value = evaluate(arms[value >> shift & len(arms) - 1], value)
        elif kind == "loop":
            shift, body = rest
            try:
                for _ in range(value >> shift & 3):
                    value = evaluate(body, value)
            except Left as left:
                value = left.args[0]
        elif value >> rest[0] & 7 < rest[1]:
            raise (Exited if kind == "exit" else Left)(value)
    return value


def statements(rng: random.Random, depth: int, in_loop: bool) -> list[Any]:
    """A random block."""
    block: list[Any] = [("mix", rng.randrange(2**16))]
    for _ in range(rng.randrange(1, 4)):
        kinds = ["mix", "call", "exit"] + ["break"] * (2 * in_loop)
        if depth < DEPTH:
            kinds += ["if", "loop", "switch"] * 2
        kind, shift = rng.choice(kinds), rng.randrange(4, 28)
        if kind in ("mix", "call"):
            block.append((kind, rng.randrange(2**16)))
        elif kind == "if":
            arms = statements(rng, depth + 1, in_loop), statements(rng, depth + 1, in_loop)
            block.append((kind, shift, rng.randrange(1, 8), *arms))
        elif kind == "loop":
            block.append((kind, shift, statements(rng, depth + 1, True)))
        elif kind == "switch":
            count = rng.choice([2, 4])
            block.append((kind, shift, [statements(rng, depth + 1, in_loop) for _ in range(count)]))
        else:
            block.append((kind, shift, 1 if kind == "exit" else rng.randrange(1, 5)))
    return block


def text_of(block: list[Any]) -> str:
    """The kernel of a program: every thread starts with its number times the multiplier."""
    writer = Writer()
    writer.block(block, 0, [])
    head = f"    .reg multiplier, link, count[{DEPTH + 2}]\n    MOV multiplier, {MULTIPLIER}\n"
    head += "    IMAD value, thread, multiplier, 12345\n"
    ending = EPILOGUE.replace(".endkernel", "\n".join(writer.functions) + "\n.endkernel")
    return PROLOGUE + head + "\n".join(writer.lines) + ending


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.sampled_from([1, 31, 32, 45, 64]))
def test_structured_programs(seed: int, threads: int) -> None:
    block = statements(random.Random(seed), 0, False)
    expected = []
    for thread in range(threads):
        try:
            expected.append(evaluate(block, (thread * MULTIPLIER + 12345) & U32))
        except Exited as done:
            expected.append(done.args[0])
    found = both(text_of(block), (1,), (threads,), out=np.zeros(threads, np.uint32))["out"]
    assert found.tolist() == expected


def test_threads_reconverge_at_bsync() -> None:
    """Votes behind BSYNC see all lanes, inside the branches only those that went there."""
    text = """
    .reg inside
    ISETP.LT.U32.AND p, PT, thread, 5, PT
    BSSY B0, done
    @p BRA less
    VOTE.ANY inside, PT
    BRA done
less:
    VOTE.ANY inside, PT
done:
    BSYNC B0
    VOTE.ANY value, PT
    LOP3.LUT value, value, inside, RZ, 0x3c
"""
    assert per_thread(text) == [U32 ^ 0x1F] * 5 + [0x1F] * 27


def test_spin_lock_between_lanes_of_a_warp_ends() -> None:
    """Every lane makes progress: a lane that holds a lock gets its turn while others spin on it."""
    text = """
    .shared lock, 8
    .reg old, one
    MOV one, 1
try:
    ATOMS.CAS old, [lock], RZ, one
    ISETP.NE.AND p, PT, old, 0, PT
    @p BRA try
    LDS value, [lock + 4]
    IADD3 value, value, 1, RZ
    STS [lock + 4], value
    ATOMS.EXCH old, [lock], RZ
"""
    assert sorted(per_thread(text)) == list(range(1, 33))


@pytest.mark.parametrize("order", [0, 1])
def test_parts_of_a_warp_synchronise_on_their_own(order: int) -> None:
    """The masks of two WARPSYNCs do not disturb each other: no lane passes before its own part has come."""
    text = f"""
    .reg mask, count
    .shared arrived, 8
    LOP3.LUT other, thread, 1, RZ, 0xc0
    ISETP.EQ.AND p, PT, other, {order}, PT
    MOV mask, 0x55555555
    LOP3.LUT q, RZ, thread, 1, RZ, 0xc0
    @q MOV mask, 0xaaaaaaaa
    SHF.L.U32 other, other, 2, RZ
    IADD3 other, other, arrived, RZ
    MOV count, 1
    ISETP.LT.U32.AND q, PT, thread, 16, PT
    @p BRA late
    @q BRA late
    ATOMS.ADD value, [other], count
    WARPSYNC mask
    BRA done
late:
    ATOMS.ADD value, [other], count
    NOP
    WARPSYNC mask
done:
    LDS value, [other]
"""
    assert per_thread(text) == [16] * 32


def test_warpsync_mask_lets_named_lanes_wait_only_for_each_other() -> None:
    text = """
    MOV value, 0
    ISETP.LT.U32.AND p, PT, thread, 16, PT
    @!p BRA rest
    WARPSYNC 0xffff
    VOTE.ANY value, PT
rest:
"""
    assert per_thread(text) == [0xFFFF] * 16 + [0] * 16
