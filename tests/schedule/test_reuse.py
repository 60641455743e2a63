"""Reuse bits against their definition, and how often instructions are looked at for them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.isa.access import Access, accessed, sources
from dstc_isa.isa.codec import decode
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.masks import REGISTER_MASK, registers
from dstc_isa.isa.values import RZ
from dstc_isa.isa.volta import VOLTA
from dstc_isa.schedule.reuse import with_reuse
from tests.schedule.test_schedule import LINES, plain

OTHERS = [
    *("NOP", "MOV R1, 5", "PLOP3.LUT P0, PT, P1, P2, PT, 0x80, 0x0", "@P0 MOV R4, RZ"),
    *("FFMA R3, R0, R1, R2", "FFMA R0, R0, R1, R2", "IADD3 R5, R0, R1, RZ", "@P1 FFMA R2, R0, R4, R2"),
]


def kept(code: list[Instruction], index: int) -> list[bool]:
    """Of each source of an instruction whether the next one that reads registers finds it in its slot, unchanged."""
    changed = accessed(code[index]).writes
    for after in code[index + 1 :]:
        if accessed(after).reads & REGISTER_MASK:
            there = {(slot, value.index) for slot, value, _ in sources(after)} - {(slot, RZ) for slot in "abc"}
            return [
                (slot, value.index) in there and not changed & registers(value.index, width)
                for slot, value, width in sources(code[index])
            ]
        changed |= accessed(after).writes
    return [False] * len(sources(code[index]))


def reused(lines: list[str]) -> tuple[list[list[bool]], list[list[bool]]]:
    """The reuse bits of each line, and which of them may be set."""
    code = [decode(VOLTA, word) for word in plain(lines).words]
    return [[v.reuse for _, v, _ in sources(each)] for each in code], [kept(code, i) for i in range(len(code))]


@settings(max_examples=60)
@given(st.lists(st.one_of(LINES, st.sampled_from(OTHERS)), min_size=1, max_size=12))
def test_what_is_reused_is_there(lines: list[str]) -> None:
    for found, allowed in zip(*reused(lines), strict=True):
        assert all(may for bit, may in zip(found, allowed, strict=True) if bit)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(OTHERS), min_size=1, max_size=12))
def test_sources_of_one_register_are_reused_wherever_they_can_be(lines: list[str]) -> None:
    found, allowed = reused(lines)
    assert found == allowed


class Counted(list[Access]):
    """Accesses that count how often one is asked for."""

    asked = 0

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        found = super().__getitem__(index)
        self.asked += len(found) if isinstance(index, slice) else 1
        return found

    def __iter__(self):  # type: ignore[no-untyped-def]
        for each in super().__iter__():
            self.asked += 1
            yield each


def test_a_long_run_that_reads_no_register_is_gone_through_once() -> None:
    words = list(plain(["FFMA R3, R0, R1, R2", *["NOP", "MOV R4, 5"] * 500, "FFMA R4, R0, R1, R2"]).words)
    accesses = Counted(accessed(decode(VOLTA, word)) for word in words)
    assert with_reuse(VOLTA, words, accesses, bytes([1] * len(words)), set()) == tuple(words)
    assert accesses.asked <= 2 * len(words)
