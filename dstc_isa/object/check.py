"""What a program must fulfil to be written to an object; the reader holds what it reads against the same rules."""

import re
from collections.abc import Iterable

from dstc_isa.isa.values import REGISTERS, RZ
from dstc_isa.object.error import ObjectError
from dstc_isa.object.prints import special_names
from dstc_isa.program import (
    BANK_SHIFT,
    ELEMENT_SIZES,
    MAXIMUM_PRINTED,
    NEGATED,
    PARAMETER_BASE,
    PARAMETER_SIZES,
    PRINT_TYPES,
    ConstantArray,
    ControlRecord,
    Kernel,
    Parameter,
    PrintItem,
    Program,
    SharedArray,
)

NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.]*")
LABEL = re.compile(r"[A-Za-z_$.][A-Za-z0-9_$.@]*")
"""Labels that macros make may have names that no source can write."""

NAME_LIMIT = 1000
BANKS = 1 << 5
KERNELS_LIMIT = 30_000
SIZE_LIMIT = 1 << 32
BANK_BYTES = 1 << 16


def check_program(program: Program) -> None:
    """ObjectError, with what is wrong where, if an object cannot hold the program or it contradicts itself."""
    if len(program.kernels) > KERNELS_LIMIT:
        raise ObjectError(f"{len(program.kernels)} kernels are more than an object holds ({KERNELS_LIMIT})")
    _check_names("kernel", (kernel.name for kernel in program.kernels), "the program")
    for kernel in program.kernels:
        if kernel.isa is not program.isa:
            raise ObjectError(f"kernel {kernel.name} is of {kernel.isa.name} and others are of {program.isa.name}")
        _check_kernel(kernel)
    for text in (program.target.name, program.target.digest) if program.target else ():
        if len(text) > NAME_LIMIT or not text.isprintable():
            raise ObjectError(f"the program is made for a GPU with a name of more than {NAME_LIMIT} printed characters")
    _check_pieces("constant", program.constant_arrays, len(program.constants), "the program")


def _check_kernel(kernel: Kernel) -> None:
    where = f"kernel {kernel.name}"
    code_bytes = len(kernel.words) * kernel.isa.word.size
    for index, word in enumerate(kernel.words):
        if not 0 <= word < 1 << kernel.isa.word.bits:
            raise ObjectError(f"{where}: instruction {index} is no {kernel.isa.word.bits}-bit word")
    _check_names("label", kernel.labels, where, LABEL)
    for name, address in kernel.labels.items():
        if not 0 <= address <= code_bytes or address % kernel.isa.word.size:
            raise ObjectError(f"{where}: label {name} at byte {address} is no instruction's address")
    if kernel.locations and len(kernel.locations) != len(kernel.words):
        raise ObjectError(f"{where}: {len(kernel.locations)} locations for {len(kernel.words)} instructions")
    for location in set(kernel.locations):
        for frame in location:
            if not 0 <= frame.line < SIZE_LIMIT:
                raise ObjectError(f"{where}: line {frame.line} of {frame.file[:80]!r} is outside 0 to {SIZE_LIMIT - 1}")
    if kernel.through and len(kernel.through) != len(kernel.words):
        raise ObjectError(f"{where}: {len(kernel.through)} accesses for {len(kernel.words)} instructions")
    if not all(0 <= number <= len(kernel.shared) for number in kernel.through):
        raise ObjectError(f"{where}: an access goes through a shared array that there is not")
    _check_prints(kernel, where)
    if kernel.control is not None:
        _check_control(kernel.control, len(kernel.words), where)
    if not 0 <= kernel.registers <= REGISTERS:
        raise ObjectError(f"{where}: {kernel.registers} registers are outside 0 to {REGISTERS}")
    if not 0 <= kernel.shared_bytes < SIZE_LIMIT:
        raise ObjectError(f"{where}: {kernel.shared_bytes} bytes of shared memory are outside 0 to {SIZE_LIMIT - 1}")
    if kernel.block is not None and not all(0 < extent < SIZE_LIMIT for extent in kernel.block):
        raise ObjectError(f"{where}: block size {kernel.block} has an extent outside 1 to {SIZE_LIMIT - 1}")
    for parameter in kernel.parameters:
        if parameter.type not in PARAMETER_SIZES:
            known = ", ".join(PARAMETER_SIZES)
            raise ObjectError(
                f"{where}: parameter {parameter.name[:40]!r} has type {parameter.type[:40]!r}, not one of {known}"
            )
        if parameter.element and (parameter.type != "ptr" or parameter.element not in ELEMENT_SIZES):
            known = ", ".join(f"ptr.{element}" for element in ELEMENT_SIZES)
            raise ObjectError(
                f"{where}: parameter {parameter.name[:40]!r} has type {parameter.written[:40]!r}, not one of {known}"
            )
    _check_pieces("parameter", kernel.parameters, BANK_BYTES - PARAMETER_BASE, where)
    _check_pieces("shared", kernel.shared, kernel.shared_bytes, where)


def _check_prints(kernel: Kernel, where: str) -> None:
    order = [(each.index, not each.behind) for each in kernel.prints]
    if order != sorted(order) or any(not 0 <= index < len(kernel.words) for index, _ in order):
        raise ObjectError(f"{where}: PRINTs are not in the order of instructions, or beyond them")
    for each in kernel.prints:
        if not 0 <= each.guard < 2 * NEGATED:
            raise ObjectError(f"{where}: the guard of a PRINT is no predicate")
        for item in each.items:
            if not _can_be_shown(item):
                raise ObjectError(f"{where}: a PRINT shows {item.text[:40]!r}, which there cannot be")


def _can_be_shown(item: PrintItem) -> bool:
    if len(item.text) > MAXIMUM_PRINTED or not all(c.isprintable() or c in "\n\t" for c in item.text):
        return False
    size = PRINT_TYPES.get(item.type, -1)
    match item.kind:
        case "text":
            return item.place == size == 0
        case "predicate":
            return 0 <= item.place < 2 * NEGATED and size == 0
        case "special":
            return item.type in ("u32", "s32", "x") and item.place in special_names()
        case "register":
            return size > 0 and item.place >= 0 and (item.place + size <= REGISTERS or (item.place == RZ and size == 1))
        case "constant":
            bank, offset = item.place >> BANK_SHIFT, item.place % (1 << BANK_SHIFT)
            return size > 0 and item.type not in ("H0", "H1") and 0 <= bank < BANKS and offset % 4 == 0
    return False


def _check_control(control: ControlRecord, instructions: int, where: str) -> None:
    if len(control.written) != instructions:
        raise ObjectError(f"{where}: {len(control.written)} control codes for {instructions} instructions")
    if any(not 0 <= landing <= instructions for landing in control.landings):
        raise ObjectError(f"{where}: an indirect branch goes to an instruction that there is not")


def _check_names(kind: str, names: Iterable[str], where: str, pattern: re.Pattern[str] = NAME) -> None:
    seen = set()
    for name in names:
        if len(name) > NAME_LIMIT or not pattern.fullmatch(name):
            raise ObjectError(f"{where}: {kind} {name[:40]!r} is no name of 1 to {NAME_LIMIT} letters and digits")
        if name in seen:
            raise ObjectError(f"{where}: two {kind}s are named {name}")
        seen.add(name)


def _check_pieces(
    kind: str,
    pieces: tuple[Parameter, ...] | tuple[SharedArray, ...] | tuple[ConstantArray, ...],
    size: int,
    where: str,
) -> None:
    """Check names, and that the pieces follow each other without overlap inside ``size`` bytes."""
    _check_names(kind, (piece.name for piece in pieces), where)
    end = 0
    for piece in pieces:
        if piece.offset < end or piece.size < 0 or piece.offset + piece.size > size:
            raise ObjectError(
                f"{where}: {kind} {piece.name} at bytes {piece.offset} to {piece.offset + piece.size}"
                f" is not inside {end} to {size}"
            )
        end = piece.offset + piece.size
