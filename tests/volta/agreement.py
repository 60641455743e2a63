"""How far our decoder, printer and assembler agree with nvdisasm on the words of the tables.

``python -m tests.volta.agreement`` prints a line for each mnemonic of a table, with names only those of whose first
part they are; ``--show N`` lists N disagreements of each kind for each mnemonic. A word agrees if

  decode   we decode it exactly if nvdisasm prints it (and prints no field as INVALID), and encode it to the same bits
  text     we print it as nvdisasm does, white space aside
  parse    we assemble nvdisasm's text, with the word's control code, to the same bits

Bits that nvdisasm overlooks first get the value that ptxas gives them, mostly zero: we refuse words with another.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from attrs import frozen

from dstc_isa.assembler import assemble
from dstc_isa.diagnostics import ERROR
from dstc_isa.isa.codec import DecodeError, declared_by, decode, encode, reserved_bits
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.volta import VOLTA
from tests.volta import fields
from tests.volta.table import HERE, rows_of

TABLES = ("words", "fields", "random_words")
ASPECTS = ("decode", "text", "parse")
TOGETHER = 400
"""Instructions that are assembled as one kernel."""

FIRST_LINE = 3
"""Line of the first of them."""

UNKNOWN = ("INVALID", "???")
"""What stands in nvdisasm's text for a field whose value has no meaning."""


@frozen
class Word:
    """A word of a table, and nvdisasm's text; None if it refuses it or does not know what it means."""

    word: int
    text: str | None


def words_of(table: str) -> Iterator[Word]:
    """The words of a table."""
    if table == "words":
        for row, text, _ in rows_of(HERE / "words.tsv.xz"):
            yield Word(int(row, 16), text)
    elif table == "random_words":
        for row, idle, text in rows_of(HERE / "random_words.tsv.xz"):
            word, overlooked = int(row, 16), int(idle, 16)
            found = settled(word, _known(text), overlooked)
            yield found if printed(found.word) is not None else settled(word & ~overlooked, _known(text))
    else:
        for base, group in groupby(rows_of(HERE / "fields.tsv.xz"), itemgetter(1)):
            rows = list(group)
            flips = [
                flip
                for _, _, bits, value, effect in rows
                if effect == "same"
                for flip in fields.words_of_row(base, bits, value)
            ]
            overlooked = sum(flip ^ int(base, 16) for flip in flips)
            for _, _, bits, value, effect in rows:
                if effect != "same":
                    for word in fields.words_of_row(base, bits, value):
                        yield settled(word, _known(effect), overlooked)


def settled(word: int, text: str | None, overlooked: int = 0) -> Word:
    """A word that nvdisasm prints, with the bits of nothing that it prints as ptxas has them.

    ``overlooked``: bits that nothing depends on, which are cleared where no instruction of ours has a field.
    """
    found = declared_by(VOLTA, word)
    if found is None or text is None:
        return Word(word, text)
    declaration, form = found
    word &= ~(overlooked & reserved_bits(declaration, form))
    modifiers = {m.name: m.kind.at.extract(word) for m in declaration.modifiers}
    for fixed in declaration.held:
        word = word & ~fixed.at.mask | fixed.at.insert(fixed.value)
    for index, operand in enumerate(declaration.operands):
        if operand.idle(modifiers) and operand.kind_in(form, index) is type(operand.default):
            assert operand.default is not None
            word &= ~sum(field.mask for field in operand.fields(form, index))
            word |= operand.encode(operand.default, form, index)
    return Word(word, text)


def _known(text: str) -> str | None:
    return None if text == "refused" or any(mark in text for mark in UNKNOWN) else text


def printed(word: int) -> str | None:
    """Our text of a word, as the tables have texts; None if we refuse it."""
    try:
        return format_instruction(decode(VOLTA, word), control=False).removesuffix(" ;")
    except DecodeError:
        return None


def assembled(words: Sequence[Word]) -> Iterator[tuple[int | None, str]]:
    """For each word what nvdisasm's text assembles to with its control code, or None with what is said of it."""
    for start in range(0, len(words), TOGETHER):
        lines = [f"{VOLTA.word.control.decode(word.word)} {word.text}" for word in words[start : start + TOGETHER]]
        problems: dict[int, str] = {}
        assembly = None
        while assembly is None or assembly.program is None:
            kept = ["NOP" if index in problems else line for index, line in enumerate(lines)]
            assembly = assemble("\n".join([".kernel k", ".control manual", *kept, ".endkernel"]))
            found = {d.line - FIRST_LINE: d.message for d in assembly.diagnostics if d.severity == ERROR}
            if not found.keys() <= set(range(len(lines))) or found.keys() & problems.keys():
                raise AssertionError(assembly.diagnostics)
            problems |= found
        made = assembly.program.kernels[0].words
        for index in range(len(lines)):
            yield (None, problems[index]) if index in problems else (made[index], "")


def disagreement(word: Word, aspects: Container[str]) -> tuple[str, str] | None:
    """The first aspect but parsing in which a word does not agree, and how; None if it agrees."""
    ours = printed(word.word)
    if ours is None or word.text is None:
        if ours is None and word.text is None:
            return None
        if ours is not None:
            return "decode", f"we print {ours}"
        try:
            decode(VOLTA, word.word)
        except DecodeError as error:
            return "decode", str(error)
    if "decode" in aspects and encode(decode(VOLTA, word.word)) != word.word:
        return "decode", "other bits"
    if "text" in aspects and ours != word.text:
        return "text", str(ours)
    return None


def mnemonic(word: Word) -> str:
    """By what a word is listed."""
    if word.text is None:
        return fields_by_opcode().get(word.word & 0xFFF, "none")
    head = word.text.split()
    return (head[1] if head[0].startswith("@") else head[0]).split(".")[0]


_NAMES: dict[int, str] = {}


def fields_by_opcode() -> dict[int, str]:
    """The mnemonic of each opcode that nvdisasm knows."""
    if not _NAMES:
        for opcode, _, bits, _, effect in rows_of(HERE / "fields.tsv.xz"):
            if not bits:
                _NAMES.setdefault(int(opcode, 16), effect.split()[effect.startswith("@")].split(".")[0])
    return _NAMES


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(
        prog="agreement", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mnemonics", nargs="*", metavar="MNEMONIC", help="first parts of mnemonics, or all")
    parser.add_argument("--table", choices=TABLES, default="words", help="the table, words unless given")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="disagreements to list of each kind")
    parser.add_argument("--aspects", default=",".join(ASPECTS), help="aspects that are compared, all unless given")
    given = parser.parse_args(arguments)
    aspects = given.aspects.split(",")
    chosen = [w for w in words_of(given.table) if not given.mnemonics or mnemonic(w) in given.mnemonics]
    count = Counter(map(mnemonic, chosen))
    wrong: dict[str, Counter[str]] = defaultdict(Counter)

    def report(word: Word, aspect: str, how: str) -> None:
        name = mnemonic(word)
        wrong[name][aspect] += 1
        if wrong[name][aspect] <= given.show:
            print(f"{word.word:032x}  {word.text or 'refused'}\n    {aspect}: {how}")

    agreeing = []
    for word in chosen:
        found = disagreement(word, aspects)
        if found:
            report(word, *found)
        elif word.text is not None:
            agreeing.append(word)
    if "parse" in aspects:
        for word, (made, problem) in zip(agreeing, assembled(agreeing), strict=True):
            if made != word.word:
                report(word, "parse", problem if made is None else f"other bits {made ^ word.word:x}")
    for name in sorted(count, key=lambda name: -sum(wrong[name].values())):
        if wrong[name]:
            parts = ", ".join(f"{aspect} {wrong[name][aspect]}" for aspect in ASPECTS if wrong[name][aspect])
            print(f"{name:12} {count[name]:6} words, of which disagree: {parts}")
    total, bad = sum(count.values()), sum(sum(kinds.values()) for kinds in wrong.values())
    print(f"{total - bad} of {total} words agree ({100 * (total - bad) / max(total, 1):.2f} %)")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
