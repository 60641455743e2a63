"""The PRINTs of a kernel: their record in an object, and their source text."""

from dstc_isa.isa.instruction_set import vocabulary
from dstc_isa.isa.values import Constant, Predicate, Register, SpecialRegister
from dstc_isa.isa.warp import SpecialNumber
from dstc_isa.object.line_table import put_locations, take_locations
from dstc_isa.object.note_encoding import NUMBER_LIMIT, Decoder, Encoder
from dstc_isa.program import ALWAYS_PRINTED, BANK_SHIFT, NEGATED, PRINT_KINDS, PRINT_TYPES, Print, PrintItem

BEHIND = 16
CLOCKS = (SpecialNumber.CLOCKLO, SpecialNumber.CLOCKHI)
_TYPES = tuple(PRINT_TYPES)
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})


def encode_prints(prints: tuple[Print, ...]) -> bytes:
    """Each PRINT with its items, then where they come from as in a line table."""
    record = Encoder()
    record.number(len(prints))
    previous = 0
    for each in prints:
        record.signed(each.index - previous)
        previous = each.index
        record.number(each.guard + BEHIND * each.behind)
        record.number(len(each.items))
        for item in each.items:
            record.number(PRINT_KINDS.index(item.kind))
            record.text(item.text)
            record.number(item.place)
            record.number(_TYPES.index(item.type))
    put_locations(record, tuple(each.location for each in prints))
    return bytes(record.data)


def decode_prints(data: bytes, instructions: int, what: str) -> tuple[Print, ...]:
    """The PRINTs of a kernel of so many instructions; ObjectError naming ``what`` if they are not well formed."""
    record = Decoder(data, what)
    read: list[tuple[int, int, tuple[PrintItem, ...]]] = []
    index = 0
    for _ in range(record.count()):
        index = record.near(index, instructions)
        flags = record.index(2 * BEHIND)
        items = []
        for _ in range(record.count()):
            kind, text = PRINT_KINDS[record.index(len(PRINT_KINDS))], record.text()
            place = record.index(NUMBER_LIMIT)
            items.append(PrintItem(kind, text, place, _TYPES[record.index(len(_TYPES))]))
        read.append((index, flags, tuple(items)))
    locations = take_locations(record, len(read))
    record.end()
    return tuple(
        Print(index, items, location, flags % BEHIND, flags >= BEHIND)
        for (index, flags, items), location in zip(read, locations, strict=True)
    )


def print_text(each: Print) -> str:
    """A PRINT as source that gives the same record."""
    guard = "" if each.guard == ALWAYS_PRINTED else f"@{predicate_of(each.guard)} "
    return f"{guard}PRINT {', '.join(map(_item_text, each.items))}".rstrip()


def predicate_of(number: int) -> Predicate:
    """A predicate as the number that a PRINT keeps of it."""
    return Predicate(number % NEGATED, number >= NEGATED)


def _item_text(item: PrintItem) -> str:
    quoted = f'"{item.text.translate(_ESCAPES)}"'
    if item.kind == "text":
        return quoted
    value = _value_text(item)
    return f"{quoted}={value}"


def _value_text(item: PrintItem) -> str:
    kind = "" if item.type in ("", "u32") and item.kind != "constant" else f".{item.type}"
    if item.kind == "predicate":
        return str(predicate_of(item.place))
    if item.kind == "special":
        return special_names()[item.place] + kind
    if item.kind == "constant":
        return str(Constant(item.place >> BANK_SHIFT, item.place % (1 << BANK_SHIFT))) + kind
    return str(Register(item.place)) + kind


def special_names() -> dict[int, str]:
    """Names by number of the special registers that can be shown: all but the clocks."""
    return {
        value.number: name
        for name, value in vocabulary().items()
        if isinstance(value, SpecialRegister) and value.number not in CLOCKS
    }
