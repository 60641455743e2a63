"""The table ``fields.tsv.xz``: what each bit and each field of an instruction does to the text that nvdisasm prints.

For every 12-bit opcode that nvdisasm knows there are up to BASES words, of different shapes where ``words.tsv.xz`` has
them. Each bit of a base is flipped. In the first base of an opcode every two bits are flipped together, too: bits whose
joint effect is not the sum of their effects, or of which one is refused without the other, are one field. A row is

  opcode  12 bits, in hex
  base    the word that was changed, guard and control neutral
  bits    of a field: ``lo-hi``, or its bits with commas if they are not neighbours; lowest first
  value   of the field, in hex; ``*`` where the row is of each bit alone
  effect  the text, in the normal form of ``vendor.disassemble``, or ``refused``, or ``same``

A base comes first with empty ``bits`` and ``value``. Then come the bits that change nothing and those that are refused
alone, in a row each, and then fields by value: all values up to ENUMERATED bits; of registers, immediates and
addresses SOME values; of wider fields each run of neighbours by itself, with one bit changed if it is wide, too, and up
to PAIRED bits with two. Values whose text is that of the base are left out.

ALD and AST, attributes of graphics, are left out: nvdisasm ends at their first word that two of its patterns match.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations

from attrs import frozen

from tests.volta import vendor
from tests.volta.table import HERE, rows_of
from tests.volta.words import pattern

HEADING = ("opcode", "base", "bits", "value", "effect")
BASES = 3
ENUMERATED, PAIRED = 8, 12
SOME = (0, 1, 2, 3, 254, 255)
TOGETHER = 16
"""Opcodes that are probed together, since each start of nvdisasm takes a fifth of a second."""

AMBIGUOUS = (0x121, 0x122)
"""Operations (bits 0-8) that nvdisasm cannot tell apart from others."""

SCANNED = 48
"""Fillings that are tried to see whether an opcode exists."""

SOUGHT = 3000
"""Fillings that are tried to find a base for an opcode that no source of ours uses."""

OPCODE = range(12)
GUARD = 7 << 12
NEUTRAL = 1 << 105 | 1 << 109 | 7 << 110 | 7 << 113
"""Control: stall 1, no yield, no scoreboard, no wait, no reuse."""

PAYLOAD = range(12, 105)
CONTROL = range(105, 128)
STALL = range(105, 110)
SLOTS = {16: 8, 24: 12, 32: 16, 64: 20}
"""Places of registers, and the registers that a base is given there."""

_CLEARED = (1 << 105) - 1 & ~(0xF << 12)
_NOT_FINITE = re.compile(r"[+-](INF|[QS]NAN)\b")
_SIGN = re.compile(r"(?<![\w.\]])-(?=1\b|0x)")
_OPERAND = re.compile(r"R\d+|RZ|P\d|PT")
_TOKEN = re.compile(r"@\S+|[A-Za-z_]\w*|0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?|\S")
_ZERO = re.compile(r"(?<![A-Z])RZ\b")
_TRUE = re.compile(r"\bPT\b")


@frozen
class Base:
    """A word whose bits are changed, and its text."""

    word: int
    text: str

    @property
    def opcode(self) -> int:
        """Operation and form."""
        return self.word & 0xFFF


def shape(text: str) -> str:
    """Which operands a text has, whatever they hold and however they are modified."""
    text = re.sub(r"^@\S+ ", "", pattern(text)).replace(".reuse", "")
    mnemonic, _, operands = text.partition(" ")
    kinds = re.sub(r"[-~!|]|\.[A-Z]\w*", "", _TRUE.sub("P", _ZERO.sub("R", operands)))
    return f"{mnemonic.partition('.')[0]} {kinds}"


def numeric(text: str) -> str:
    """The text without its numbers and their signs; RZ, PT and infinity are numbers."""
    text = _SIGN.sub("", _NOT_FINITE.sub("1", pattern(text))).replace("+-0x", "+0x")
    text = re.sub(r"\[R\]|\[0x\]|\[RZ\]", "[R+0x]", text)
    return _TRUE.sub("P", _ZERO.sub("R", text))


def fillings(opcode: int, count: int) -> list[int]:
    """Random words of an opcode with a neutral guard and neutral control, the same at every call."""
    chance = random.Random(opcode)
    words = []
    for _ in range(count):
        rest = chance.getrandbits(105)
        if chance.random() < 0.5:
            rest &= chance.getrandbits(105)
        if chance.random() < 0.5:
            rest |= 7 << 81 | 15 << 87
        words.append(rest & _CLEARED & ~0xFFF | opcode | GUARD | NEUTRAL)
    return words


def known_opcodes() -> list[int]:
    """The 12-bit opcodes of which nvdisasm prints at least one word."""
    opcodes = [opcode for opcode in range(1 << 12) if opcode & 0x1FF not in AMBIGUOUS]
    words = [word for opcode in opcodes for word in fillings(opcode, SCANNED)]
    return sorted({word & 0xFFF for word, text in zip(words, vendor.disassemble(words), strict=True) if text})


def neutral(words: Iterable[int]) -> list[Base]:
    """The words with neutral guard and control, and other registers where that changes nothing else."""
    given = [word & _CLEARED | GUARD | NEUTRAL for word in words]
    for low, register in SLOTS.items():
        changed = [word & ~(0xFF << low) | register << low for word in given]
        before, after = vendor.disassemble(given), vendor.disassemble(changed)
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            if old and new and new != old and numeric(new) == numeric(old) and f"R{register}" in new:
                given[index] = changed[index]
    texts = vendor.disassemble(given)
    return [Base(word, text) for word, text in zip(given, texts, strict=True) if text]


def bases() -> list[list[Base]]:
    """The bases of every opcode."""
    by_shape: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, text, _ in rows_of(HERE / "words.tsv.xz"):
        word = int(row, 16)
        by_shape[word & 0xFFF][shape(text)].append(word)
    chosen: list[int] = []
    for opcode in known_opcodes():
        shapes = sorted(by_shape[opcode].values(), key=lambda words: (-len(words), words[0]))
        chosen += [words[len(words) // 2] for words in shapes[:BASES]] or [plainest(fillings(opcode, SOUGHT))]
    found: dict[int, list[Base]] = defaultdict(list)
    for base in neutral(chosen):
        found[base.opcode].append(base)
    return [group for _, group in sorted(found.items())]


def plainest(words: list[int]) -> int:
    """The word with the shortest text, of those without an invalid field if there are any."""
    texts = zip(words, vendor.disassemble(words), strict=True)
    return min((("INVALID" in text or "???" in text, len(text), word) for word, text in texts if text))[2]


def tokens(text: str) -> Counter[tuple[str, str]]:
    """The words, numbers and signs of a text; registers and predicates with their places among their like."""
    found: Counter[tuple[str, str]] = Counter()
    places = {"R": 0, "P": 0}
    for token in _TOKEN.findall(text):
        kind = token[0] if _OPERAND.fullmatch(token) else ""
        # Predicates before the first register and those behind it are counted apart: the first may be left out.
        found[f"{kind}{places[kind]}{places['R'] > 0}" if kind else "", token] += 1
        if kind:
            places["P"] = 0 if kind == "R" and not places["R"] else places["P"] + (kind == "P")
            places["R"] += kind == "R"
    return found


def change(before: str, after: str) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """What a text lost and what it gained."""
    old, new = tokens(before), tokens(after)
    return old - new, new - old


def joined(base: Base, alone: dict[int, str | None], together: dict[tuple[int, int], str | None]) -> list[list[int]]:
    """The bits that do something, in fields: those whose joint effect is not the sum of their effects are one."""
    acting = [bit for bit in PAYLOAD if alone[bit] != base.text]
    group = {bit: {bit} for bit in acting}
    changes = {bit: change(base.text, text) if (text := alone[bit]) else None for bit in acting}
    for (low, high), text in together.items():
        if low not in group or high not in group or group[low] is group[high]:
            continue
        first, second = changes[low], changes[high]
        if first and second:
            lost, gained = (first[0] + second[0], first[1] + second[1])
            one = text is None or change(base.text, text) != (lost, gained)
        else:
            one = text is not None
        if one:
            merged = group[low] | group[high]
            group.update(dict.fromkeys(merged, merged))
    return sorted(sorted(bits) for bits in {id(bits): bits for bits in group.values()}.values())


def put(word: int, bits: list[int], value: int) -> int:
    """The word with a value in a field."""
    for place, bit in enumerate(bits):
        word = word & ~(1 << bit) | (value >> place & 1) << bit
    return word


def values(base: Base, bits: list[int], plain: bool) -> list[int]:
    """The values of a field that are tried; ``plain`` if it is a number."""
    width = len(bits)
    full = (1 << width) - 1
    if plain and width == 8:
        return list(SOME)
    if width <= ENUMERATED:
        return list(range(full + 1))
    here = sum((base.word >> bit & 1) << place for place, bit in enumerate(bits))
    if plain:
        return sorted({0, full, *(1 << place for place in range(width)), full >> 1, here ^ full})
    if width > PAIRED:
        return sorted(here ^ 1 << place for place in range(width))
    pairs = (here ^ 1 << low ^ 1 << high for low, high in combinations(range(width), 2))
    return sorted({*(here ^ 1 << place for place in range(width)), *pairs})


def runs(bits: list[int]) -> list[list[int]]:
    """A field, or if it is wide its runs of neighbours."""
    if len(bits) <= ENUMERATED:
        return [bits]
    parts: list[list[int]] = []
    for bit in bits:
        if parts and bit == parts[-1][-1] + 1:
            parts[-1].append(bit)
        else:
            parts.append([bit])
    return parts


def named(bits: list[int]) -> str:
    """How a field is written."""
    low, high = bits[0], bits[-1]
    if len(bits) == 1:
        return str(low)
    return f"{low}-{high}" if high - low + 1 == len(bits) else ",".join(map(str, bits))


def words_of_row(base: str, bits: str, value: str) -> list[int]:
    """The words that a row of the table is about."""
    word = int(base, 16)
    low, _, high = bits.partition("-")
    listed = list(range(int(low), int(high) + 1)) if high else [int(bit) for bit in bits.split(",") if bit]
    if value == "*":
        return [word ^ 1 << bit for bit in listed]
    return [put(word, listed, int(value or "0", 16))]


Flips = dict[int, str | None]
"""What is printed, by the bit that is flipped."""


def flips(groups: list[list[Base]]) -> list[tuple[list[Flips], list[list[int]]]]:
    """For each opcode what flipping each bit of each base does, and the fields that the first base shows."""
    pairs = list(combinations(PAYLOAD, 2))
    asked: list[int] = []
    for group in groups:
        asked += [base.word ^ 1 << bit for base in group for bit in (*PAYLOAD, *CONTROL)]
        asked += [group[0].word ^ 1 << low ^ 1 << high for low, high in pairs]
    texts = iter(vendor.disassemble(asked))
    found = []
    for group in groups:
        alone = [{bit: next(texts) for bit in (*PAYLOAD, *CONTROL)} for _ in group]
        together = {pair: next(texts) for pair in pairs}
        found.append((alone, joined(group[0], alone[0], together)))
    return found


def trials(base: Base, flipped: Flips, fields: list[list[int]]) -> list[tuple[list[int], int]]:
    """The fields of a base, with each value that is tried."""
    # What does nothing or is refused in the first base may do something in another.
    others = [[bit] for bit in PAYLOAD if flipped[bit] != base.text and not any(bit in bits for bits in fields)]
    tried = []
    for bits in sorted([*fields, *others, list(STALL), *([bit] for bit in CONTROL if bit not in STALL)]):
        plain = {numeric(text) for bit in bits if (text := flipped[bit])} <= {numeric(base.text)}
        for part in [bits] if plain else runs(bits):
            tried += [(part, value) for value in values(base, part, plain)]
    return tried


def probed(groups: list[list[Base]]) -> Iterator[tuple[str, str, str, str, str]]:
    """The rows of the bases of some opcodes."""
    found = [
        (base, flipped, trials(base, flipped, fields))
        for group, (alone, fields) in zip(groups, flips(groups), strict=True)
        for base, flipped in zip(group, alone, strict=True)
    ]
    asked = [put(base.word, bits, value) for base, _, tried in found for bits, value in tried]
    effects = iter(vendor.disassemble(asked))
    for base, flipped, tried in found:
        opcode, word = f"{base.opcode:03x}", f"{base.word:032x}"
        yield opcode, word, "", "", base.text
        for effect, answer in (("same", base.text), ("refused", None)):
            single = [bit for bit, text in flipped.items() if text == answer]
            if single:
                yield opcode, word, ",".join(map(str, single)), "*", effect
        for (bits, value), text in zip(tried, effects, strict=False):
            if text != base.text and (len(bits) > 1 or text):
                yield opcode, word, named(bits), f"{value:x}", text or "refused"


def rows() -> Iterator[tuple[str, str, str, str, str]]:
    """The rows of the table, by opcode."""
    groups = bases()
    for start in range(0, len(groups), TOGETHER):
        yield from probed(groups[start : start + TOGETHER])
