"""Our decoder, printer and assembler against nvdisasm, word by word, by the tables; and opcodes of our own."""

import pytest

from dstc_isa.isa.volta import VOLTA
from tests.volta.agreement import Word, assembled, disagreement, mnemonic, words_of
from tests.volta.table import HERE, rows_of

GRAPHICS = frozenset({"AL2P", "IPA", "ISBERD", "OUT", "PIXLD"})
"""What compute code does not have, and what is refused here."""

TEXTURES = frozenset({"TEX", "TLD", "TLD4", "TMML", "TXD", "TXQ"})
UNPRINTED = sum(source.reuse.mask for source in VOLTA.word.sources.values() if source.reuse is not None)
"""Reuse bits, which nvdisasm does not print of texture instructions."""

FREE_FORMS = (0, 6)

ALLOWED = {"words": 4, "fields": 130, "random_words": 2}
"""Words that may disagree for other reasons: bits of textures, and fields of instructions that are not executed."""


REFUSED_STALLS = frozenset({0, 12, 13, 14, 15})
"""Stall counts with which nvdisasm refuses a word that does not yield."""

NEUTRAL = 7
"""No scoreboard."""


def reason(word: Word, how: str) -> str:
    """Why a word may disagree; empty for none of the reasons that docs/volta.md lists."""
    codes = VOLTA.word.control
    if mnemonic(word) in GRAPHICS and how.startswith("undefined opcode"):
        return "graphics"
    if "scoreboard 6 does not exist" in how:
        return "scoreboard 6"
    if word.text is None:
        late = codes.no_yield.extract(word.word) and codes.stall.extract(word.word) in REFUSED_STALLS
        boards = {codes.write.extract(word.word), codes.read.extract(word.word)} - {NEUTRAL}
        return "control code" if late or boards else ""
    if "NAN" in word.text and "0f" in how:
        return "NaN"
    if ".reuse" in word.text:
        return "second reuse bit"
    if word.text.partition(" ")[0].startswith(("IADD3", "@")) and " PT, P" in how:
        return "second carry"
    return ""


@pytest.mark.parametrize("table", ["words", "fields", "random_words"])
def test_words_are_read_and_printed_as_nvdisasm_does(table: str) -> None:
    words = list(words_of(table))
    found = [(word, disagreement(word, ("decode", "text"))) for word in words]
    other = [(f"{w.word:032x}", w.text, how) for w, how in found if how is not None and not reason(w, how[1])]
    assert len(other) <= ALLOWED[table], other[:40]


def test_texts_of_real_code_are_assembled_to_the_same_bits() -> None:
    words = [word for word in words_of("words") if word.text is not None and "QNAN" not in word.text]
    wrong = [
        (word.text, problem or f"{made:032x}")
        for word, (made, problem) in zip(words, assembled(words), strict=True)
        if made is None or (made ^ word.word) & ~(UNPRINTED if mnemonic(word) in TEXTURES else 0)
    ]
    assert wrong == []


def test_no_code_of_ours_is_one_of_voltas() -> None:
    known = {int(opcode, 16) for opcode, _, _, _, _ in rows_of(HERE / "fields.tsv.xz")}
    assert {opcode >> VOLTA.word.opcode.width - VOLTA.word.form_bits for opcode in known}.isdisjoint(FREE_FORMS)
    own = {
        declaration.code(form)
        for declaration in VOLTA.declarations
        for form in declaration.forms
        if not declaration.public
    }
    assert own
    assert own.isdisjoint(known)
    assert {opcode >> VOLTA.word.opcode.width - VOLTA.word.form_bits for opcode in own} <= set(FREE_FORMS)
