"""What instructions touch, read off what their semantics call."""

import inspect
from types import ModuleType
from typing import Any

import pytest

from dstc_isa.isa import divergence, lanes, warp
from dstc_isa.isa import lanes as operations
from dstc_isa.isa.divergence import jump, jump_each
from dstc_isa.isa.effects import PRIMITIVES, EffectError, effects_of
from dstc_isa.isa.effects import Effect as E
from dstc_isa.isa.lanes import ballot, gather, select, splat
from dstc_isa.isa.volta import VOLTA
from dstc_isa.isa.warp import Space, exchange, load, store
from dstc_isa.isa.warp import load as fetched
from dstc_isa.isa.warp import read_register as held

EXPECTED = {
    "LDG": {E.LOAD, E.GLOBAL},
    "STG": {E.STORE, E.GLOBAL},
    "LDS": {E.LOAD, E.SHARED},
    "STS": {E.STORE, E.SHARED},
    "LDC": {E.LOAD, E.CONSTANT},
    "ATOMG": {E.ATOMIC, E.GLOBAL},
    "RED": {E.ATOMIC, E.GLOBAL},
    "ATOMS": {E.ATOMIC, E.SHARED},
    "BRA": {E.JUMP, E.CONVERGENCE},
    "CALL": {E.JUMP, E.CONVERGENCE},
    "BRX": {E.INDIRECT, E.CONVERGENCE},
    "RET": {E.INDIRECT, E.CONVERGENCE},
    "EXIT": {E.EXIT, E.CONVERGENCE},
    "BSYNC": {E.CONVERGENCE},
    "BREAK": {E.CONVERGENCE},
    "WARPSYNC": {E.CONVERGENCE},
    "BAR": {E.BARRIER, E.CONVERGENCE},
    "S2R": {E.TIME},
    "CS2R": {E.TIME},
}
"""What the manual says of an instruction that does more than compute, but for other lanes and its unit's state."""


def test_every_instruction_touches_what_its_manual_page_says() -> None:
    seen = set()
    for declaration in VOLTA.declarations:
        expected = set() if declaration.unmodelled else EXPECTED.get(declaration.mnemonic, set())
        assert declaration.effects - {E.LANES, E.STATE} == expected, declaration
        seen.add(declaration.mnemonic)
    assert seen >= EXPECTED.keys()


def test_what_reads_other_lanes() -> None:
    across = {d.mnemonic for d in VOLTA.declarations if E.LANES in d.effects}
    assert across >= {"SHFL", "VOTE", "HMMA", "BOHMMA.32321", "OHMMA.8161.F32", "SPWMMA.643232.F32.PACKED"}
    assert not across & {
        "RED",
        "ATOMG",
        "ATOMS",
        "IADD3",
        "FFMA",
        "MUFU",
        "LDG",
        "STS",
        "SEL",
        "P2R",
        "HFMA2",
        "PRMT",
    }


@pytest.mark.parametrize("module", [lanes, warp, divergence])
def test_every_operation_states_what_it_touches(module: ModuleType) -> None:
    own = [f for name, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == module.__name__]
    silent = [f.__name__ for f in own if not f.__name__.startswith("_") and f not in PRIMITIVES]
    assert not silent


def deep(warp: Any, lanes: int, address: int, left: int) -> None:
    """A helper that calls itself, and far down a branch."""
    if left == 0:
        jump(warp, lanes, address, 16)
    else:
        deep(warp, lanes, address, left - 1)


def of_space(warp: Any, space: int, address: Any) -> None:
    fetched(warp, space, address, 4, 0)


def passed_on(warp: Any, which: int, address: Any) -> None:
    of_space(warp, which, address)


def test_effects_of_helpers_at_any_depth() -> None:
    def semantics(warp: Any, address: int) -> None:
        deep(warp, warp.mask, address, 3)

    assert effects_of(semantics) == {E.JUMP, E.CONVERGENCE}


def test_an_argument_says_which_memory_it_is() -> None:
    def direct(warp: Any, address: Any) -> None:
        fetched(warp, Space.SHARED, address, 4, 0)

    def through_helpers(warp: Any, address: Any) -> None:
        passed_on(warp, Space.GLOBAL, address)

    def by_keyword(warp: Any, address: Any) -> None:
        passed_on(warp, address=address, which=Space.CONSTANT)

    def both(warp: Any, address: Any) -> None:
        passed_on(warp, Space.SHARED, address)
        store(warp, Space.GLOBAL, address, 4, 0)

    def either(warp: Any, address: Any, space: int) -> None:
        exchange(warp, space, 0, address, 0, 0, 1)

    def changed(warp: Any, address: Any) -> None:
        overwritten(warp, Space.SHARED, address)

    def overwritten(warp: Any, space: int, address: Any) -> None:
        space += 1
        load(warp, space, address, 4, 0)

    assert effects_of(direct) == {E.LOAD, E.SHARED}
    assert effects_of(through_helpers) == {E.LOAD, E.GLOBAL}
    assert effects_of(by_keyword) == {E.LOAD, E.CONSTANT}
    assert effects_of(both) == {E.LOAD, E.SHARED, E.STORE, E.GLOBAL}
    assert effects_of(either) == {E.ATOMIC, E.GLOBAL, E.SHARED, E.CONSTANT}
    assert effects_of(changed) == {E.LOAD, E.GLOBAL, E.SHARED, E.CONSTANT}


def test_names_alone_are_no_effects() -> None:
    def semantics(warp: Any, ra: Any) -> Any:
        pc = splat(3)
        load, store, jump_each = pc + ra, ra, splat(1)
        return select(pc == load, store, jump_each)

    def reads(warp: Any, index: int) -> Any:
        return held(warp, index) + splat(warp.pc)

    assert effects_of(semantics) == set()
    assert effects_of(reads) == set()


def test_fields_of_the_warp_count_under_any_name() -> None:
    def branches(machine: Any) -> None:
        machine.pc = 0

    def parts(machine: Any) -> None:
        machine.lane_pc[3] = machine.pc

    def ends(machine: Any) -> None:
        machine.active &= 1

    def waits(machine: Any) -> None:
        machine.at_barrier |= 1

    def watches(machine: Any) -> Any:
        return splat(machine.issued)

    assert effects_of(branches) == {E.INDIRECT, E.CONVERGENCE}
    assert effects_of(parts) == {E.INDIRECT, E.CONVERGENCE}
    assert effects_of(ends) == {E.CONVERGENCE}
    assert effects_of(waits) == {E.BARRIER}
    assert effects_of(watches) == {E.TIME}


def put(array: Any, place: int) -> None:
    array[place] = 0


def test_an_array_of_the_warp_that_is_handed_on_may_be_written() -> None:
    def aliased(warp: Any) -> None:
        places = warp.lane_pc
        places[0] = 5

    def handed_on(warp: Any) -> None:
        put(warp.arrived, 1)

    def read(warp: Any) -> Any:
        return splat(warp.lane_pc[3])

    assert effects_of(aliased) == {E.INDIRECT, E.CONVERGENCE}
    assert effects_of(handed_on) == {E.CONVERGENCE}
    assert effects_of(read) == set()


def test_what_an_argument_is_may_not_be_known() -> None:
    def starred(warp: Any, address: Any) -> None:
        load(*(warp, Space.GLOBAL, address), 1, 4)

    def shadowed(warp: Any, space: int, address: Any) -> None:
        def inner(space: int) -> None:
            load(warp, space, address, 4, 0)

        inner(Space.GLOBAL)

    def calls(warp: Any, address: Any) -> None:
        shadowed(warp, Space.SHARED, address)

    assert effects_of(starred) >= {E.GLOBAL, E.SHARED}
    assert effects_of(calls) >= {E.GLOBAL, E.SHARED}


def test_a_function_that_is_handed_on_counts() -> None:
    def semantics(ra: Any, rb: Any) -> Any:
        return use(gather, use(operations.minimum, ra, rb), rb)

    def use(operation: Any, a: Any, b: Any) -> Any:
        return a

    def inner(warp: Any, ra: Any) -> None:
        def go() -> None:
            jump_each(warp, ballot(ra == splat(1)), ra)

        go()

    assert effects_of(semantics) == {E.LANES}
    assert effects_of(inner) == {E.INDIRECT, E.CONVERGENCE, E.LANES}


def test_a_call_of_something_unknown_is_refused() -> None:
    def semantics(ra: Any) -> Any:
        operation = gather
        return operation(ra, ra)

    def method(warp: Any) -> None:
        warp.load(0, 0, 0, 0)

    for function in (semantics, method):
        with pytest.raises(EffectError, match="cannot be told: call a function by its own name") as caught:
            effects_of(function)
        assert caught.value.file == __file__
        assert caught.value.line > function.__code__.co_firstlineno


def test_a_function_without_source_is_refused() -> None:
    space: dict[str, Any] = {}
    exec("def semantics(ra):\n    return ra", space)
    with pytest.raises(EffectError, match="read off its source, which is not there"):
        effects_of(space["semantics"])
