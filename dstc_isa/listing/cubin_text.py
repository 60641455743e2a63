"""The kernels of a cubin as text, by a printer that needs no declarations."""

from collections.abc import Iterable, Iterator

from dstc_isa.listing.cubin_file import Code
from dstc_isa.listing.kernel_lines import (
    MANUAL,
    UNKNOWN_PLACE,
    kernel_lines,
    label_lines,
    labels_of,
    padding,
    place,
    raw_word,
    source_notes,
    text_of,
)
from dstc_isa.listing.printer import Printer


def cubin_text(codes: Iterable[Code], printer: Printer) -> str:
    """Source text that assembles to the same words, with comments that say which source line they are from."""
    return text_of(_lines(code, printer) for code in codes)


def _lines(code: Code, printer: Printer) -> list[str]:
    size = printer.word_bytes
    words = [int.from_bytes(code.data[at : at + size], "little") for at in range(0, len(code.data), size)]
    targets = {}
    for index, word in enumerate(words):
        distance = printer.distance(word)
        if distance is not None:
            targets[index] = (index + 1) * size + distance
    labels = labels_of(code.labels, targets.values(), len(code.data), size, {*code.labels})
    statements = []
    for index, word in enumerate(words):
        target = labels.get(targets[index]) if index in targets else None
        text = printer.text(word, target[0] if target else None)
        statements.append(raw_word(f"{word:0{2 * size}x}") if text is None else text)
    before = {
        address // size: label_lines(names)
        for address, names in labels.items()
        if address % size == 0 and 0 <= address <= len(code.data)
    }
    for index, note in source_notes(_places(code, len(words))).items():
        before.setdefault(index, []).append(note)
    directives = [MANUAL, *([padding(0, code.shared_bytes, {*code.labels})] if code.shared_bytes else [])]
    return kernel_lines(code.name, directives, statements, before)


def _places(code: Code, count: int) -> Iterator[tuple[int, str]]:
    """Index and place of the first instruction of each source line."""
    runs = list(code.runs(count))
    if code.lines and (not runs or runs[0][0] > 0):
        yield 0, UNKNOWN_PLACE
    for first, _, (file, line) in runs:
        yield first, place(file, line)
