"""The table ``random_words.tsv.xz``: random words, and what nvdisasm prints of them.

A row is a word, a mask of those of its bits that nvdisasm overlooks (see ``idle``), and its text in the normal form of
``vendor.disassemble``, or ``refused``. All opcodes that nvdisasm knows are equally likely. FLIPPED of FLIPPED + 1 words
are one of ``words.tsv.xz`` or a base of ``fields.py``, with one to FLIPS bits flipped, of which at most one is a
control bit; the others are random but for the opcode, a neutral guard and neutral control. The seed is fixed.
"""

import random
from collections.abc import Iterator

from tests.volta import vendor
from tests.volta.fields import CONTROL, GUARD, NEUTRAL, OPCODE, PAYLOAD, bases
from tests.volta.table import HERE, rows_of

HEADING = ("word", "idle", "text")
SEED = 70
COUNT = 20000
FLIPPED, FLIPS = 4, 4
UNPRINTED = range(122, 128)
"""Control bits that an instruction may lack: reuse of operands, and what lies above."""


def flipped(word: int, chance: random.Random) -> int:
    """A word with some bits flipped."""
    for bit in chance.sample(PAYLOAD, chance.randint(0, FLIPS - 1)):
        word ^= 1 << bit
    return word ^ 1 << chance.choice((*PAYLOAD, *PAYLOAD, *PAYLOAD, *CONTROL))


def scattered(word: int, chance: random.Random) -> int:
    """A random word with the opcode of a word."""
    payload = chance.getrandbits(CONTROL.start) >> len(OPCODE) + 4 << len(OPCODE) + 4
    return payload | word & (1 << len(OPCODE)) - 1 | GUARD | NEUTRAL


def words() -> list[int]:
    """The words, each once, in the order in which they were made."""
    chance = random.Random(SEED)
    known = {group[0].opcode: [base.word for base in group] for group in bases()}
    for row, _, _ in rows_of(HERE / "words.tsv.xz"):
        known[int(row[-3:], 16)].append(int(row, 16))
    made: dict[int, None] = {}
    opcodes = sorted(known)
    while len(made) < COUNT:
        word = chance.choice(known[chance.choice(opcodes)])
        made[flipped(word, chance) if chance.randint(0, FLIPPED) else scattered(word, chance)] = None
    return list(made)


def idle(words: list[int], texts: list[str | None]) -> list[int]:
    """The bits of each word that are 1 and might be 0 for all that is printed; of control only reuse and above."""
    asked = [
        [bit for bit in (*PAYLOAD, *UNPRINTED) if word >> bit & 1] if text else []
        for word, text in zip(words, texts, strict=True)
    ]
    cleared = iter(vendor.disassemble(word ^ 1 << bit for word, bits in zip(words, asked, strict=True) for bit in bits))
    return [sum(1 << bit for bit in bits if next(cleared) == text) for text, bits in zip(texts, asked, strict=True)]


def rows() -> Iterator[tuple[str, str, str]]:
    """The rows of the table, by opcode and then by word."""
    given = sorted(words(), key=lambda word: (word & 0xFFF, word))
    texts = vendor.disassemble(given)
    for word, text, mask in zip(given, texts, idle(given, texts), strict=True):
        yield f"{word:032x}", f"{mask:x}", text or "refused"
