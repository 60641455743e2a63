"""Writes the interpreter's source: one branch per declared instruction, around the semantics functions.

The text becomes an ordinary module in memory; nothing in it says what an instruction does.
"""

import inspect

from dstc_isa.engine.rows import Fetch, is_packed, layout
from dstc_isa.isa.field_operand import AddressOperand
from dstc_isa.isa.instruction import REGISTRY, Declaration, Lane

HEADER = '''"""Generated from the instruction declarations; do not edit."""

from numba import int64

from dstc_isa.engine.compiled.fetch import (
    address_constant, address_u32, address_u64, chosen_halves, half_f32, predicate, put_bool, put_f32, put_u32,
    put_u64, signed_f32, signed_halves, signed_u32, signed_u64, source_f32, source_u32, source_u64,
)
from dstc_isa.engine.compiled.jit import compiled
from dstc_isa.engine.compiled.records import load_i64, load_s32, store_i64
from dstc_isa.engine.layout import CODE_ROW, IN_TIME, TRACED_OFF, TRACED_PC, TRACED_ROWS
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
    while active != 0 and count < budget:
        if trace != 0 and count != 0 and (pc >= code_size or load_s32(code + 4 * (pc * CODE_ROW + IN_TIME)) != 0):
            break
        if pc >= code_size:
            warp.pc = pc + 1
            fail(warp, Fault.BAD_TARGET, active, pc * 16, 16)
            break
        row = code + pc * (4 * CODE_ROW)
        place = 8 * pc
        store_i64(issued + place, load_i64(issued + place) + 1)
        mask = active & (load_i64(predicates + 8 * load_s32(row + 4)) ^ load_s32(row + 8)) & FULL_MASK
        if trace != 0:
            off = TRACED_OFF if mask == 0 else 0
            store_i64(trace + 8 * count, warp.merged << TRACED_ROWS | pc << TRACED_PC | off)
        pc += 1
        count += 1
        if mask == 0:
            store_i64(skipped + place, load_i64(skipped + place) + 1)
            continue
        operation = load_s32(row)
'''

TAIL = """        else:
            warp.pc = pc
            fail(warp, Fault.UNDEFINED, mask, pc - 1, 16)
            break
    warp.pc = pc
    warp.active = active
    warp.issued = started + count
    if trace != 0:
        store_i64(trace + 8 * count, warp.merged << TRACED_ROWS | pc << TRACED_PC)
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

INDENT = " " * 12


def source() -> str:
    """The text of the interpreter module for all declared instructions."""
    imports = sorted({f"import {function_module(d)} as {alias(d)}" for d in REGISTRY})
    branches = "".join(_branch(number, declaration) for number, declaration in enumerate(REGISTRY))
    return HEADER + "\n".join(imports) + "\n" + LOOP + branches + TAIL


def function_module(declaration: Declaration) -> str:
    """Module of an instruction's semantics."""
    return declaration.function.__module__


def alias(declaration: Declaration) -> str:
    """The name that module has in the generated text."""
    return function_module(declaration).replace(".", "_")


def _branch(number: int, declaration: Declaration) -> str:
    results, parameters = layout(declaration)
    lines = [f"        {'if' if number == 0 else 'elif'} operation == {number}:  # {declaration.mnemonic}\n"]
    by_name = {f.parameter.name: f for f in parameters if f.parameter is not None}
    arguments = []
    for name in inspect.signature(declaration.function).parameters:
        if name not in by_name:
            arguments.append("warp")
            continue
        lines.append(f"{INDENT}{by_name[name].name} = {_fetched(by_name[name])}\n")
        arguments.append(by_name[name].name)
    call = f"{alias(declaration)}.{declaration.function.__name__}({', '.join(arguments)})"
    if declaration.takes_warp:
        lines.append(f"{INDENT}warp.pc = pc\n{INDENT}warp.active = active\n{INDENT}warp.mask = mask\n")
        lines.append(f"{INDENT}warp.issued = started + count\n")
    targets = ", ".join(f.name for f in results)
    lines.append(f"{INDENT}{targets} = {call}\n" if targets else f"{INDENT}{call}\n")
    if declaration.takes_warp:
        lines.append(f"{INDENT}if warp.fault != 0:\n{INDENT}    break\n")
        lines.append(f"{INDENT}pc = warp.pc\n{INDENT}active = warp.active\n")
    for fetch in results:
        base = "predicates" if fetch.lane is Lane.BOOL else "registers"
        lines.append(f"{INDENT}put_{fetch.lane.value}({base} + {_word(fetch, 0)}, {fetch.name}, mask)\n")
    if not declaration.takes_warp and not results:
        lines[-1] = f"{INDENT}pass\n"
    return "".join(lines)


def _word(fetch: Fetch, offset: int) -> str:
    return f"load_s32(row + {4 * (fetch.slot + offset)})"


def _fetched(fetch: Fetch) -> str:
    operand, lane = fetch.operand, fetch.lane
    if isinstance(operand, AddressOperand):
        kind = "constant" if operand.constant else lane.value
        return f"address_{kind}(registers + {_word(fetch, 0)}, {_word(fetch, 1)}, {_word(fetch, 2)})"
    if lane is Lane.BOOL:
        return f"predicate(predicates + {_word(fetch, 0)}, {_word(fetch, 1)})"
    if not fetch.is_source:
        return _word(fetch, 0)
    place = f"registers + {_word(fetch, 0)}"
    if fetch.halved and lane is Lane.F32:
        return f"half_f32({place}, {_word(fetch, 1)})"
    text = f"source_{lane.value}({place})"
    if fetch.halved:
        text = f"chosen_halves({text}, {_word(fetch, 1 + fetch.signed)})"
    if fetch.signed:
        kind = "halves" if is_packed(fetch) else lane.value
        text = f"signed_{kind}({text}, {_word(fetch, 1)})"
    return text
