"""The functions of ``isa.warp`` on warp records, and the registration of all semantics with Numba."""

import importlib
import inspect
from functools import cache
from types import ModuleType
from typing import Any

from numba import int64
from numba.extending import overload, register_jitable

from dstc_isa.engine.compiled import lane_functions, memory_access, raw_memory, record_views
from dstc_isa.engine.compiled.jit import BARE, INLINE, inlined
from dstc_isa.engine.compiled.lane_types import U32
from dstc_isa.engine.register_rows import POOL_ROW, PREDICATE_SLOTS, ROW_BYTES, WORD_BYTES
from dstc_isa.isa import divergence, warp
from dstc_isa.isa.instruction_set import known
from dstc_isa.isa.lanes import FULL_MASK, ballot, splat, spread
from dstc_isa.isa.modifier import SIZE_BYTES
from dstc_isa.isa.warp import AXES, Fault, Space, fail

load_i64, store_i64 = raw_memory.load_i64, raw_memory.store_i64
load_lanes_u32, store_lanes_u32 = raw_memory.load_lanes_u32, raw_memory.store_lanes_u32
store_lanes_where = raw_memory.store_lanes_where


@inlined
def there(warp: Any, index: Any, count: Any) -> Any:
    """Whether a warp has so many rows of registers from one on; a fault if it has not."""
    if index >= 0 and index + count <= POOL_ROW:
        return True
    fail(warp, Fault.REGISTER, warp.mask, index, count)
    return False


@inlined
def predicate_there(warp: Any, index: Any) -> Any:
    """Whether there is a predicate of that number; a fault if there is none."""
    if index >= 0 and index < PREDICATE_SLOTS:
        return True
    fail(warp, Fault.PREDICATE, warp.mask, index, 1)
    return False


@inlined
def registers_of(size: Any) -> Any:
    """Registers that a memory access of a size moves."""
    return max(1, SIZE_BYTES[int64(size)] // WORD_BYTES)


def _read_register(warp: Any, index: Any) -> Any:
    if there(warp, index, 1):
        return load_lanes_u32(warp.registers + index * ROW_BYTES)
    return splat(0)


def _write_register(warp: Any, index: Any, value: Any) -> Any:
    if not there(warp, index, 1):
        return
    place = warp.registers + index * ROW_BYTES
    if warp.mask == FULL_MASK:
        store_lanes_u32(place, value)
    else:
        store_lanes_where(place, value, spread(warp.mask))


def _write_whole_register(warp: Any, index: Any, value: Any) -> Any:
    if there(warp, index, 1):
        store_lanes_u32(warp.registers + index * ROW_BYTES, value)


def _predicate_lanes(warp: Any, index: Any) -> Any:
    if predicate_there(warp, index):
        return spread(load_i64(warp.predicates + 8 * index))
    return spread(int64(0))


def _set_predicate_lanes(warp: Any, index: Any, value: Any) -> Any:
    if not predicate_there(warp, index):
        return
    place = warp.predicates + 8 * index
    store_i64(place, (load_i64(place) & ~warp.mask & FULL_MASK) | (ballot(value) & warp.mask))


def _thread_ids(warp: Any, axis: Any) -> Any:
    return load_lanes_u32(warp.threads + axis % AXES * ROW_BYTES)


load_global, load_shared, load_constant = (
    memory_access.load_global,
    memory_access.load_shared,
    memory_access.load_constant,
)
store_global, store_shared = memory_access.store_global, memory_access.store_shared
exchange_word, compare_exchange_word = memory_access.exchange_word, memory_access.compare_exchange_word


# A size may be a member of an enumeration, which cannot be an index.
def _load(warp: Any, space: Any, address: Any, size: Any, destination: Any) -> Any:
    def wide(warp: Any, space: Any, address: Any, size: Any, destination: Any) -> Any:
        if not there(warp, destination, registers_of(size)):
            return
        if space == Space.GLOBAL:
            load_global(warp, address, int64(size), destination)
        else:
            load_constant(warp, address, int64(size), destination)

    def narrow(warp: Any, space: Any, address: Any, size: Any, destination: Any) -> Any:
        if there(warp, destination, registers_of(size)):
            load_shared(warp, address, int64(size), destination)

    return narrow if address == U32 else wide


def _store(warp: Any, space: Any, address: Any, size: Any, source: Any) -> Any:
    def wide(warp: Any, space: Any, address: Any, size: Any, source: Any) -> Any:
        if there(warp, source, registers_of(size)):
            store_global(warp, address, int64(size), source)

    def narrow(warp: Any, space: Any, address: Any, size: Any, source: Any) -> Any:
        if there(warp, source, registers_of(size)):
            store_shared(warp, address, int64(size), source)

    return narrow if address == U32 else wide


def _exchange(warp: Any, space: Any, lane: Any, address: Any, operation: Any, kind: Any, value: Any) -> Any:
    return exchange_word(warp, space, lane, address, operation, kind, value)


def _compare_exchange(warp: Any, space: Any, lane: Any, address: Any, expected: Any, value: Any) -> Any:
    return compare_exchange_word(warp, space, lane, address, expected, value)


def plain_functions(module: ModuleType) -> list[Any]:
    """The functions a module defines itself, those that only serve declarations left out."""
    return [
        function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    ]


@cache
def register_machine() -> None:
    """Make lanes and warp state known to Numba."""
    lane_functions.register()
    record_views.register()
    direct = {
        warp.read_register: _read_register,
        warp.write_register: _write_register,
        warp.write_whole_register: _write_whole_register,
        warp.predicate_lanes: _predicate_lanes,
        warp.set_predicate_lanes: _set_predicate_lanes,
        warp.thread_ids: _thread_ids,
        warp.exchange: _exchange,
        warp.compare_exchange: _compare_exchange,
    }
    for function, body in direct.items():
        overload(function, jit_options=INLINE, strict=False)(lambda *arguments, body=body: body)
    overload(warp.load, jit_options=BARE)(_load)
    overload(warp.store, jit_options=BARE)(_store)
    register_jitable(**BARE)(warp.fail)


_registered: set[Any] = set()


@cache
def _register_once(module: str) -> None:
    """Let a unit's own module make its operations known to Numba."""
    importlib.import_module(module).register()


def register_all() -> None:
    """Make lanes, warp state and every instruction's semantics known to Numba; what is known already stays.

    Semantics that only turn lanes into lanes are expanded in place: every result that a call returns through memory is
    cleared whenever the interpreter is entered, which the timing model does for each stretch of instructions.
    """
    register_machine()
    record_views.add_unit_fields()
    for unit in (unit for isa in known() for unit in isa.units):
        if unit.compiled is not None:
            _register_once(unit.compiled)
    declared = [d for isa in known() for d in isa.declarations if not d.unmodelled]
    apart = {d.function for d in declared if d.takes_warp}
    called = [function for d in declared for function in (d.function, *d.fetchers)]
    modules = {divergence, *map(inspect.getmodule, called)}
    for module in sorted(modules, key=str):
        if module is not None:
            for function in plain_functions(module):
                if function in _registered:
                    continue
                _registered.add(function)
                register_jitable(**(BARE if function in apart or module is divergence else INLINE))(function)
