"""Encoding diagrams: the fields of an instruction word, drawn from its declaration."""

from attrs import frozen

from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.operand import Form

ROW_BITS = 32


@frozen
class Cell:
    """One field in a row of the encoding diagram: its bits, highest first, and what they hold."""

    high: int
    low: int
    text: str


def named_fields(declaration: Declaration, form: Form) -> list[tuple[str, Field]]:
    """Every field of the word, an operand's parts told from each other, the opcode with its value."""
    roles: dict[Field, str] = {}
    for index, (name, operand) in enumerate(zip(declaration.names, declaration.operands, strict=True)):
        for part in operand.parts(form, index):
            if part.at is not None:
                roles[part.at] = f"{operand.display(name)} {part.role}".rstrip()
    code = f" = 0x{declaration.code(form):03x}"
    return [
        (roles.get(f, name) + (code if f == declaration.word.opcode else "") + part, piece)
        for name, f in declaration.fields(form)
        for piece, part in zip(f.pieces, ("", " (high)") if f.rest else ("",), strict=True)
    ]


def cells(declaration: Declaration, form: Form) -> list[list[Cell]]:
    """The diagram's rows of 32 bits, highest first; every bit of the word is in one cell, reserved ones as ``0``."""
    ordered = sorted(named_fields(declaration, form), key=lambda item: item[1].lo)
    runs: list[tuple[int, int, str]] = []
    end = 0
    for name, field in ordered:
        if field.lo > end:
            runs.append((end, field.lo, "0"))
        end = field.lo + field.width
        runs.append((field.lo, end, name))
    bits = declaration.word.bits
    if end < bits:
        runs.append((end, bits, "0"))
    rows = []
    for low in range((bits - 1) // ROW_BITS * ROW_BITS, -1, -ROW_BITS):
        row = []
        for start, stop, name in reversed(runs):
            first, last = max(start, low), min(stop, low + ROW_BITS)
            if first < last:
                whole = last - first == stop - start or name == "0"
                row.append(Cell(last - 1, first, name if whole else f"{name} [{last - 1 - start}:{first - start}]"))
        rows.append(row)
    return rows


def diagram(declaration: Declaration, form: Form) -> str:
    """The encoding as rows of boxes: bit numbers above, contents below."""
    lines = []
    for row in cells(declaration, form):
        ranges = [str(c.high) if c.high == c.low else f"{c.high}-{c.low}" for c in row]
        widths = [max(len(bits), len(cell.text)) for bits, cell in zip(ranges, row, strict=True)]
        rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
        lines.append("  " + "   ".join(bits.center(width) for bits, width in zip(ranges, widths, strict=True)).rstrip())
        boxes = " | ".join(cell.text.center(width) for cell, width in zip(row, widths, strict=True))
        lines += [rule, f"| {boxes} |", rule]
    return "\n".join(lines)
