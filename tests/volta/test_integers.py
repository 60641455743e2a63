"""Integer instructions as nvdisasm prints them: names by operands, what is left out, and what is not executed."""

import pytest

from dstc_isa.isa.codec import DecodeError, decode, encode, executed, obstacle
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.volta import VOLTA
from tests.assembler.build import code, error

TEXTS = {
    0x000FE200078E00FF0000000107097824: "IMAD.MOV.U32 R9, R7, 0x1, RZ",
    0x000FE200078E00FF0000000207097824: "IMAD.SHL.U32 R9, R7, 0x2, RZ",
    0x000FE200078E00FF0001000007097824: "IMAD.U32 R9, R7, 0x10000, RZ",
    0x000FE200078E02FF8000000007097824: "IMAD R9, R7, -0x80000000, RZ",
    0x000FE200078E00FF0000000007097824: "IMAD.MOV.U32 R9, R7, 0x0, RZ",
    0x000FE200078E00140000000107097824: "IMAD.IADD.U32 R9, R7, 0x1, R20",
    0x000FE200078E04FF0000000407097824: "IMAD.U32.X R9, R7, 0x4, RZ, !PT",
    0x000FE200078E06FF80005A000C087624: "IMAD.X R8, R12, RZ, ~c[0x0][0x168], !PT",
    0x000FE200008E0414000000100C087225: "IMAD.WIDE.U32.X R8, R12, R16, R20, P1",
    0x000FE20004723310000000100C00720C: "ISETP.LE.AND.EX P1, PT, R12, R16, !P0, P1",
    0x000FE200010F0EFF000000100C087211: "LEA.HI.X.SX32 R8, R12, R16, 0x1, P2",
    0x000FE200078F7814000007A00C087411: "LEA.HI R8, R12, R20, 0x7a0, 0xf",
    0x000FE200000000000020090000087B01: "BREV R8, c[0x0][-0x7fdc]",
    0x000FE20000700214000000100C08721F: "PLOP3.LUT P0, PT, R12.SIGN, R16.SIGN, R20.SIGN, 0x2, 0x8",
    0x000FE20000000000800000A2004D7309: "POPC R77, ~R162",
    0x000FE200000064000000000000037805: "CS2R.32 R3, SR_PM0",
    0x000FE200000E8000000000000C0873A1: "MATCH.ANY R8, R12",
    0x000FE200000E0000000000000C0873A1: "MATCH.ALL PT, R8, R12",
    0x000FE200000E4000000000000008731C: "B2R.RESULT R8",
    0x000FE200000E0000000000000008731C: "B2R R8, 0x0",
}
"""Words and what nvdisasm 12.4 prints of them."""


@pytest.mark.parametrize(("word", "text"), TEXTS.items(), ids=TEXTS.values())
def test_a_word_is_printed_as_nvdisasm_prints_it_and_read_again(word: int, text: str) -> None:
    found = decode(VOLTA, word)
    assert format_instruction(found, control=False) == f"{text} ;"
    assert encode(found) == word
    assert code(f"{text}\nEXIT")[0] == text


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("MOV R1, R2, 0xf", "MOV R1, R2"),
        ("P2R R1, PR, 0x7f", "P2R R1, PR, RZ, 0x7f"),
        ("LOP3.LUT R1, R2, R3, RZ, 0xc0", "LOP3.LUT R1, R2, R3, RZ, 0xc0, !PT"),
        ("VOTE.ANY R1, P0", "VOTE.ANY R1, PT, P0"),
        ("CS2R.64 R2, SRZ", "CS2R R2, SRZ"),
        ("IADD3.X R1, R2, R3, RZ, P0", "IADD3.X R1, R2, R3, RZ, P0, !PT"),
        ("IADD3 R1, R2, c[0x0][0xfffc], RZ", "IADD3 R1, R2, c[0x0][-0x4], RZ"),
    ],
)
def test_what_may_be_left_out_is_printed(line: str, printed: str) -> None:
    assert code(f"{line}\nEXIT")[0] == printed


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("IMAD.MOV R0, R1, R2, R3", ".MOV is written where Ra or Rb is RZ"),
        ("IMAD.SHL R0, R1, 0x10000, RZ", ".SHL is written where Rb is a power of two other than 2**16 and 2**31"),
        ("IMAD.IADD R0, R1, 0x2, R3", ".IADD is written where Rb is 1"),
        ("LEA.SX32 R0, R1, R2, 0x1", "LEA: .SX32 goes with .HI only"),
        ("B2R.RESULT.WARP R0", "B2R: .RESULT and .WARP exclude each other"),
    ],
)
def test_words_that_the_operands_contradict_are_refused(line: str, message: str) -> None:
    assert message in error(f"{line}\nEXIT")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        (0x000FE200000004000000001000087202, "MOV is not executed with 0x4 as this operand"),
        (0x000FE20004723270000000100C00720C & ~(7 << 68), "ISETP is not executed with P0 as this operand"),
        (0x000FE200000E0000000000000C0873A1, "MATCH is not executed with .ALL"),
        (0x000FE200000064000000000000037805, "CS2R is not executed with SR_PM0"),
    ],
)
def test_what_is_read_and_not_executed_says_why(word: int, reason: str) -> None:
    assert obstacle(decode(VOLTA, word)) == reason
    assert executed(VOLTA, word) is None


def test_an_operand_that_is_not_there_holds_what_ptxas_leaves_in_its_bits() -> None:
    word = next(iter(TEXTS))
    with pytest.raises(DecodeError, match="operand pp: this operand does not go with these modifiers"):
        decode(VOLTA, word & ~(15 << 87))
