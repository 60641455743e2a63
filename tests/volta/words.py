"""The table ``words.tsv.xz``: instructions that ptxas makes of the sources in ``cuda/``, and how nvdisasm prints them.

A row is a word, its text in the normal form of ``vendor.disassemble``, and the source, kernel and options that it is
from. Instructions are grouped by pattern, which is the text with its numbers left out. Of each pattern, some words are
kept, and beyond them those that show a bit or a control field with a value which no word before them has.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.volta import vendor
from tests.volta.table import HERE

HEADING = ("word", "text", "source")
FEWEST, MOST = 10, 40
"""Words that are kept of one pattern, whatever they show and at most."""

SCATTER = 0x9E3779B97F4A7C15F39CC0605CEDC835
"""Words are looked at in the order of their products with this; those that come first then have little in common."""

CONTROL = {
    "stall": (105, 4),
    "yield": (109, 1),
    "write": (110, 3),
    "read": (113, 3),
    "wait": (116, 6),
    "reuse": (122, 4),
}
"""Control fields: their lowest bit and width."""

FRONT = {"": (), "fast": ("-use_fast_math",), "debug": ("-G",)}
"""What NVRTC is told, by a name for it; PTX sources are made into code without it."""

BACK = {
    "": (
        "-O3",
        "-O2",
        "-O1",
        "-O0",
        "-O3 -maxrregcount=32",
        "-O3 -dlcm=cg -dscm=cs",
        "-O1 -sp-bounds-check -disable-optimizer-consts",
        "-O3 -pic=true -dlcm=cv -dscm=wt",
        "-O0 -device-stack-protector=true",
    ),
    "fast": ("-O3",),
    "debug": ("-O0 -g",),
}
"""What ptxas is told for each of FRONT."""

_NUMBERS = (
    (re.compile(r"\bR\d+"), "R"),
    (re.compile(r"\bP\d\b"), "P"),
    (re.compile(r"\bB\d+\b"), "B"),
    (re.compile(r"\.[+-]\d+"), ".+"),
    (re.compile(r"(?<![\w.])(-?)0x[0-9a-f]+"), r"\g<1>0x"),
    (re.compile(r"(?<![\w.])(-?)\d+(\.\d+)?(e[+-]?\d+)?(?![\w.])"), r"\g<1>1"),
)


def pattern(text: str) -> str:
    """The text without the numbers of registers, predicates, barriers, distances and immediates."""
    for number, mark in _NUMBERS:
        text = number.sub(mark, text)
    return text


def sources() -> list[Path]:
    """The sources, in order."""
    return sorted(path for path in (HERE / "cuda").iterdir() if path.suffix in (".cu", ".ptx"))


def compiled(path: Path) -> Iterator[tuple[str, bytes]]:
    """The cubins of a source, each with its options."""
    text = path.read_text(encoding="utf-8")
    for name, front in FRONT.items():
        if path.suffix == ".ptx" and name:
            continue
        ptx = vendor.compile_cuda(text, str(path), front) if path.suffix == ".cu" else text
        for back in BACK[name]:
            yield " ".join((*front, back)), vendor.assemble(ptx, back.split())


def origins() -> dict[int, str]:
    """Every distinct word of the sources, with the place where it came first."""
    found: dict[int, str] = {}
    for path in sources():
        for options, cubin in compiled(path):
            for kernel, words in vendor.words_of(cubin).items():
                for word in words:
                    found.setdefault(word, f"{path.name} {kernel} {options}")
    return found


def shows(word: int) -> set[tuple[object, int]]:
    """Everything a word shows: the value of each bit and of each control field."""
    fields: set[tuple[object, int]] = {(bit, word >> bit & 1) for bit in range(128)}
    return fields | {(name, word >> low & (1 << width) - 1) for name, (low, width) in CONTROL.items()}


def chosen(words: list[int]) -> list[int]:
    """Those of the words of one pattern that are kept, in order."""
    seen: set[tuple[object, int]] = set()
    kept = []
    for word in sorted(words, key=lambda word: (word * SCATTER) % (1 << 128)):
        if len(kept) < FEWEST or (len(kept) < MOST and not shows(word) <= seen):
            seen |= shows(word)
            kept.append(word)
    return sorted(kept)


def rows() -> Iterator[tuple[str, str, str]]:
    """The rows of the table, by pattern and then by word."""
    found = origins()
    patterns: dict[str, list[int]] = defaultdict(list)
    texts = dict(zip(found, vendor.disassemble(found), strict=True))
    for word, text in texts.items():
        if text is None:
            raise vendor.Refused(f"nvdisasm refuses {word:032x} of {found[word]}")
        patterns[pattern(text)].append(word)
    for _, words in sorted(patterns.items()):
        for word in chosen(words):
            yield f"{word:032x}", str(texts[word]), found[word]
