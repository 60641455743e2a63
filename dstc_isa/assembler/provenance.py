"""Through which shared array's name an instruction accesses shared memory, its name followed through registers.

An address stays that of its array while numbers are added to it. What comes of two arrays, or of any other
arithmetic on an address, is held to nothing, as is what differs by the way that control came.
"""

from collections.abc import Iterator

from dstc_isa.assembler.emit import Emitted
from dstc_isa.assembler.flow import successors_of
from dstc_isa.assembler.shared_offset import MIXED, PLAIN, joined
from dstc_isa.isa.effects import Effect
from dstc_isa.isa.values import RZ, Address, Immediate, Register

State = dict[int, int]
"""Registers that hold an address in a shared array, or something made of one: its index, or MIXED."""


def arrays_accessed(emitted: list[Emitted]) -> list[int]:
    """For each instruction the index of the shared array through whose name it accesses shared memory, or PLAIN."""
    accessed = [PLAIN] * len(emitted)
    if all(e.array == PLAIN for e in emitted):
        return accessed
    states = _states(emitted)
    for index, e in enumerate(emitted):
        state = states[index] if states else None
        if e.plan is not None and Effect.SHARED in e.plan.effects:
            base = next((v.register for v in e.decoded.operands if isinstance(v, Address)), RZ)
            held = PLAIN if base == RZ else MIXED if state is None else state.get(base, PLAIN)
            accessed[index] = max(PLAIN, joined(held, e.array))
    return accessed


def _states(emitted: list[Emitted]) -> list[State | None]:
    """What registers hold before each instruction, None where control never gets; empty if it cannot be followed."""
    if any(e.plan is None or Effect.INDIRECT in e.plan.effects for e in emitted):
        return []
    states: list[State | None] = [None] * len(emitted)
    states[0] = {}
    waiting = [0]
    while waiting:
        index = waiting.pop()
        before = states[index]
        assert before is not None
        after = _after(emitted[index], before)
        for successor in successors_of(index, emitted[index]):
            if 0 <= successor < len(emitted):
                known = states[successor]
                met = after if known is None else _met(known, after)
                if met != known:
                    states[successor] = met
                    waiting.append(successor)
    return states


def _met(first: State, second: State) -> State:
    """What holds on either of two ways."""
    if first == second:
        return first
    return {register: _either(first, second, register) for register in first.keys() | second.keys()}


def _either(first: State, second: State, register: int) -> int:
    held = first.get(register, PLAIN)
    return held if held == second.get(register, PLAIN) else MIXED


def _after(e: Emitted, before: State) -> State:
    """The state behind an instruction."""
    written = list(_registers(e.writes))
    result = _result(e, before)
    if not written or (result == PLAIN and not any(register in before for register in written)):
        return before
    after = dict(before)
    for register in written:
        after.pop(register, None)
    if result != PLAIN:
        after |= dict.fromkeys(written if result == MIXED else written[:1], result)
    assert e.plan is not None
    return after if e.always and not e.plan.partial else _met(before, after)


def _result(e: Emitted, before: State) -> int:
    """What an instruction leaves in its first destination; in others it leaves no address."""
    assert e.plan is not None
    used = {register for register in before if e.reads >> register & 1}
    if e.array == PLAIN and not used:
        return PLAIN
    declaration, instruction = e.plan.declaration, e.decoded
    if any(isinstance(value, Address) for value in instruction.operands):
        return PLAIN
    held = PLAIN
    for name, operand, value in zip(declaration.names, declaration.operands, instruction.operands, strict=True):
        found = PLAIN
        if operand.slot and isinstance(value, Immediate):
            found = e.array
        elif operand.slot and isinstance(value, Register):
            found = before.get(value.index, PLAIN)
            used.discard(value.index)
        if found != PLAIN:
            stays = name in declaration.adds and not getattr(value, "negate", False)
            held = joined(held, found if stays else MIXED)
    return MIXED if used else held


def _registers(mask: int) -> Iterator[int]:
    """Numbers of the general registers in a mask, lowest first."""
    mask &= (1 << RZ) - 1
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1
