"""Encoding diagrams: the fields of an instruction word, drawn from its declaration."""

from typing import Any

from attrs import fields as attributes
from attrs import frozen

from dstc_isa.isa.field import WORD_BITS, Field
from dstc_isa.isa.field_operand import MarkerOperand, PredicateOperand
from dstc_isa.isa.instruction import OPCODE, Declaration
from dstc_isa.isa.operand import Form, Operand
from dstc_isa.isa.register_operand import CONSTANT_BANK, CONSTANT_OFFSET, IMMEDIATE_32, PLACES, Destination, Source

ROW_BITS = 32
SHARED_FIELDS = {CONSTANT_OFFSET: "offset", CONSTANT_BANK: "bank", IMMEDIATE_32: "immediate"}
SELF_EVIDENT = ("at", "register", "literal_at")


@frozen
class Cell:
    """One field in a row of the encoding diagram: its bits, highest first, and what they hold."""

    high: int
    low: int
    text: str


def display(name: str, operand: Operand) -> str:
    """An operand's name as the descriptions use it: ``fa`` and ``ha`` are Ra."""
    match operand:
        case Source() | Destination() if len(name) == 2:
            return "R" + name[1]
        case PredicateOperand():
            return name.capitalize()
        case MarkerOperand():
            return operand.text
    return name


def _role(operand: Operand, form: Form, index: int, field: Field) -> str:
    """Which part of an operand a field holds, by the attribute that declares it."""
    if index in form.special and field in SHARED_FIELDS:
        return SHARED_FIELDS[field]
    holders: list[Any] = [operand]
    if isinstance(operand, Source):
        holders.append(PLACES["b"] if index in form.special else operand.place(form, index))
    for holder in holders:
        for attribute in attributes(type(holder)):
            if getattr(holder, attribute.name) == field:
                return "" if attribute.name in SELF_EVIDENT else attribute.name
    raise LookupError(f"no attribute of {type(operand).__name__} declares the field at bit {field.lo}")


def named_fields(declaration: Declaration, form: Form) -> list[tuple[str, Field]]:
    """Every field of the word, an operand's parts told from each other, the opcode with its value."""
    named = []
    owners = {f: i for i, operand in enumerate(declaration.operands) for f in operand.fields(form, i)}
    for name, field in declaration.fields(form):
        if field == OPCODE:
            named.append((f"{name} = 0x{declaration.code(form):03x}", field))
        elif field in owners:
            operand = declaration.operands[owners[field]]
            role = _role(operand, form, owners[field], field)
            named.append((f"{display(name, operand)} {role}".rstrip(), field))
        else:
            named.append((name, field))
    return named


def cells(declaration: Declaration, form: Form) -> list[list[Cell]]:
    """The diagram's rows, bits 127-96 first; every bit of the word is in one cell, reserved ones as ``0``."""
    ordered = sorted(named_fields(declaration, form), key=lambda item: item[1].lo)
    runs: list[tuple[int, int, str]] = []
    end = 0
    for name, field in ordered:
        if field.lo > end:
            runs.append((end, field.lo, "0"))
        end = field.lo + field.width
        runs.append((field.lo, end, name))
    if end < WORD_BITS:
        runs.append((end, WORD_BITS, "0"))
    rows = []
    for low in range(WORD_BITS - ROW_BITS, -1, -ROW_BITS):
        row = []
        for start, stop, name in reversed(runs):
            first, last = max(start, low), min(stop, low + ROW_BITS)
            if first < last:
                whole = last - first == stop - start or name == "0"
                row.append(Cell(last - 1, first, name if whole else f"{name} [{last - 1 - start}:{first - start}]"))
        rows.append(row)
    return rows


def diagram(declaration: Declaration, form: Form) -> str:
    """The encoding as four rows of boxes: bit numbers above, contents below."""
    lines = []
    for row in cells(declaration, form):
        ranges = [str(c.high) if c.high == c.low else f"{c.high}-{c.low}" for c in row]
        widths = [max(len(bits), len(cell.text)) for bits, cell in zip(ranges, row, strict=True)]
        rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
        lines.append("  " + "   ".join(bits.center(width) for bits, width in zip(ranges, widths, strict=True)).rstrip())
        boxes = " | ".join(cell.text.center(width) for cell, width in zip(row, widths, strict=True))
        lines += [rule, f"| {boxes} |", rule]
    return "\n".join(lines)
