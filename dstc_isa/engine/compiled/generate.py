"""Writes the interpreter's source: one branch per declared instruction, around the semantics functions.

The text becomes an ordinary module in memory; nothing in it says what an instruction does. Instructions from files of
the user's have a module of their own, so that only that is compiled when they change.
"""

import inspect
from collections.abc import Callable
from typing import Any

from dstc_isa.engine.code_rows import Fetch, dispatch_number, fetches, foreign, shipped
from dstc_isa.engine.launch_records import UNIT_STATE
from dstc_isa.isa.fetch import Base, Fetched, Lane, Word
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.instruction_set import Isa

HEADER = '''"""Generated from the instruction declarations; do not edit."""

from numba import int64

from dstc_isa.engine.compiled.fetch import (
    address_constant, address_u32, address_u64, chosen_halves, half_f32, predicate, put_bool, put_f32, put_u32,
    put_u64, signed_f32, signed_f64, signed_halves, signed_u32, signed_u64, source_f32, source_u32, source_u64,
)
from dstc_isa.engine.compiled.jit import compiled, entry
from dstc_isa.engine.compiled.record_views import as_code, as_launch, as_warp, code_at, trace_at
from dstc_isa.engine.compiled.raw_memory import call_foreign, load_i64, load_s32, store_i64
from dstc_isa.engine.launch_records import CODE_BYTES, TRACED_OFF, TRACED_PC
from dstc_isa.isa.lanes import FULL_MASK
from dstc_isa.isa.warp import Fault, fail
'''

LOOP = '''

@compiled
def run_warp(warp, code, code_size, issued, skipped, budget, trace):
    """Run a warp until no lane is ready, it faults, or it has issued ``budget`` instructions; how many it issued.

    With a ``trace``, an address, it also stops before an instruction that must run in its time, the first one apart.
    An entry is written for each instruction, and one for the next.
    """
    registers = warp.registers
    predicates = warp.predicates
    pc = warp.pc
    active = warp.active
    started = warp.issued
    count = int64(0)
    mask = int64(0)
    while active != 0 and count < budget:
        if trace != 0 and count != 0 and (pc >= code_size or code_at(code, pc).in_time != 0):
            break
        if pc >= code_size:
            warp.pc = pc + 1
            fail(warp, Fault.BAD_TARGET, active, pc, 0)
            break
        row = code + pc * CODE_BYTES
        decoded = as_code(row)
        place = 8 * pc
        store_i64(issued + place, load_i64(issued + place) + 1)
        before = mask
        mask = active & (load_i64(predicates + 8 * decoded.guard) ^ decoded.inversion) & FULL_MASK
        if trace != 0:
            off = TRACED_OFF if mask == 0 else 0
            traced = trace_at(trace, count)
            traced.place = pc << TRACED_PC | off
            traced.state = warp.unit_state[0]
            traced.mask = before
        pc += 1
        count += 1
        if mask == 0:
            store_i64(skipped + place, load_i64(skipped + place) + 1)
            continue
        operation = decoded.operation
'''

TAIL = """        elif operation >= {foreign}:
            warp.pc = pc
            warp.active = active
            warp.mask = mask
            warp.issued = started + count
            call_foreign(as_launch(warp.launch).foreign, (warp, row))
            if warp.fault != 0:
                break
            pc = warp.pc
            active = warp.active
        else:
            warp.pc = pc
            fail(warp, Fault.UNDEFINED, mask, pc - 1, 16)
            break
    warp.pc = pc
    warp.active = active
    warp.issued = started + count
    if trace != 0:
        traced = trace_at(trace, count)
        traced.place = pc << TRACED_PC
        traced.state = warp.unit_state[0]
        traced.mask = mask
    return count
"""

ENTRY = '''"""Generated: the interpreter behind one entry point; do not edit."""

from {interpreter} import run_warp
from dstc_isa.engine.compiled.jit import entry
from {records} import {view}
from {module} import {factory}

work = {factory}(run_warp)


@entry
def {name}(address):
    """The argument is the address of a record."""
    work({view}(address))
'''

FOREIGN = '''

@compiled
def execute(warp, row):
    """Execute an instruction of a warp for the lanes of its mask."""
    registers = warp.registers
    predicates = warp.predicates
    mask = warp.mask
    operation = as_code(row).operation
    while True:
'''

FOREIGN_ENTRY = '''        break


@entry
def run_foreign(address, row):
    """The same of a warp whose record is at an address, with an exception as a fault; always 0."""
    warp = as_warp(address)
    try:
        execute(warp, row)
    except Exception:
        fail(warp, Fault.SEMANTICS, warp.mask, 0, 0)
    return 0
'''

INDENT = " " * 12
BEFORE = "".join(
    f"{INDENT}warp.{field} = {value}\n"
    for field, value in {"pc": "pc", "active": "active", "mask": "mask", "issued": "started + count"}.items()
)
BEHIND = f"{INDENT}pc = warp.pc\n{INDENT}active = warp.active\n"
FAULTED = f"{INDENT}if warp.fault != 0:\n{INDENT}    break\n"


def source() -> str:
    """The text of the interpreter module for the instructions that the package declares."""
    branches = "".join(_branch(d, number == 0, BEFORE, BEHIND) for number, d in enumerate(shipped()))
    return HEADER + _imports(shipped()) + LOOP + branches + TAIL.replace("{foreign}", str(len(shipped())))


def foreign_source(isa: Isa) -> str:
    """The text of the module that executes the instructions of a set that were declared outside the package."""
    declared = foreign(isa)
    branches = "".join(_branch(d, number == 0, "", "") for number, d in enumerate(declared))
    return HEADER + _imports(declared) + FOREIGN + branches + FOREIGN_ENTRY


def _imports(declared: list[Declaration]) -> str:
    functions = [function for d in declared for function in (d.function, *d.fetchers)]
    return "\n".join(sorted({f"import {f.__module__} as {alias(f)}" for f in functions})) + "\n"


def alias(function: Callable[..., Any]) -> str:
    """The name that a function's module has in the generated text."""
    return function.__module__.replace(".", "_")


def _branch(declaration: Declaration, first: bool, before: str, behind: str) -> str:
    """The branch of an instruction; ``before`` and ``behind`` bring the warp's record up to date, and read it."""
    results, parameters = fetches(declaration)
    number = dispatch_number(declaration)
    lines = [f"        {'if' if first else 'elif'} operation == {number}:  # {declaration.mnemonic}\n"]
    by_name = {fetch.parameter.name: fetch for fetch in parameters if fetch.parameter is not None}
    arguments = []
    for name in inspect.signature(declaration.function).parameters:
        if name not in by_name:
            arguments.append("warp")
            continue
        fetch = by_name[name]
        lines.append(f"{INDENT}{fetch.name} = {_text(fetch.fetched, fetch)}\n")
        arguments.append(fetch.name)
    if declaration.unit.state_words:
        lines.append(f"{INDENT}for word in range({declaration.unit.state_words}):\n")
        lines.append(f"{INDENT}    warp.{UNIT_STATE}[word] = 0\n")
    call = f"{_name(declaration.function)}({', '.join(arguments)})"
    if declaration.takes_warp:
        lines.append(before)
    elif before and declaration.unit.cost_function is not None:
        lines.append(f"{INDENT}warp.mask = mask\n")
    targets = ", ".join(fetch.name for fetch in results)
    lines.append(f"{INDENT}{targets} = {call}\n" if targets else f"{INDENT}{call}\n")
    if declaration.takes_warp:
        lines += [FAULTED, behind]
    for fetch in results:
        base = Base.PREDICATES if fetch.lane is Lane.BOOL else Base.REGISTERS
        lines.append(f"{INDENT}put_{fetch.lane.value}({_text(Word(0, base), fetch)}, {fetch.name}, mask)\n")
    if not declaration.takes_warp and not results:
        lines[-1] = f"{INDENT}pass\n"
    return "".join(lines)


def _text(fetched: Fetched, fetch: Fetch) -> str:
    """An expression over the words of a row, those of one result or parameter."""
    if isinstance(fetched, Word):
        base = f"{fetched.base.value} + " if fetched.base.value else ""
        return f"{base}load_s32(row + {4 * (fetch.slot + fetched.number)})"
    return f"{_name(fetched.function)}({', '.join(_text(argument, fetch) for argument in fetched.arguments)})"


def _name(function: str | Callable[..., Any]) -> str:
    return function if isinstance(function, str) else f"{alias(function)}.{function.__name__}"
