"""Floating-point instructions with what is particular to each: nvdisasm 12.4 prints these words so."""

import pytest

from dstc_isa.assembler import assemble
from dstc_isa.isa.codec import DecodeError, decode, obstacle
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.volta import VOLTA

PRINTED = [
    (0x000FE2000031E000C00000100C087220, "FMUL.FTZ.D2.RZ.SAT R8, R12, -|R16|"),
    (0x100FE20000009214802000000C087A23, "FFMA.FMZ.RP R8, |R12|, -c[0x0][-0x8000], R20.reuse"),
    (0x000FE20000004000800000000C087421, "FADD.RM R8, R12, -0.0"),
    (0x000FE2000503B800402000000C00780B, "FSETP.LEU.FTZ.XOR P1, P0, R12, 2.5, !P2"),
    (0x000FE20003817100000000100C08720A, "FSET.BF.NUM.FTZ.AND R8, -R12, R16, PT"),
    (0x040FE200018100007F8000000C087808, "FSEL.FTZ R8, R12.reuse, +INF, P3"),
    (0x000FE20000000000404000000C007902, "FCHK P0, R12, 3"),
    (0x000FE20000016014000000F10C087822, "FSWZADD.FTZ.RM.NDV R8, R12, R20, ZPZPPPPN"),
    (0x000FE200000018004008000000087908, "MUFU.RCP64H R8, 3"),
    (0x000FE200000020004040000000087908, "MUFU.SQRT R8, 3"),
    (0x000FE2000000410070005A00FF087630, "HADD2.F32 R8, -RZ, |c[0x0][0x168].H1_H1|"),
    (0x000FE20000007600B8003C000C087832, "HMUL2.F32.FMZ.SAT R8, |R12|.F32, -0.5, 1"),
    (0x040FE20000010814F00000100C087231, "HFMA2.FTZ R8, R12.reuse.H0_H0, -|R16|.H1_H1, R20"),
    (0x000FE2000381C9A0100000100C087233, "HSET2.BF.GTU.FTZ.OR R8, -R12.H0_H0, R16.F32, PT"),
    (0x000FE200047318C0C2003E000C007434, "HSETP2.LT.H_AND.FTZ.XOR P1, PT, R12.H0_H0, -3, 1.5, !P0"),
    (0x100FE20000008714000000000C087229, "DADD.RP R8, -|R12|, |R20|.reuse"),
    (0x000FE20000000814BF7000000C08782B, "DFMA R8, R12, -0.00390625, -R20"),
    (0x000FE20003F0F40000005C000C00762A, "DSETP.MAX.OR P0, PT, R12, c[0x0][0x170], PT"),
    (0x000FE200002148008000001000087304, "F2F.FTZ.F16.F32.RM R8, -R16"),
    (0x000FE200001018005000001000087310, "F2F.F64.F16 R8, |R16.H1|"),
    (0x000FE2000031B9000000001000087311, "F2I.FTZ.S64.F64.CEIL.NTZ R8, R16"),
    (0x000FE2000010C00000003E0000087905, "F2I.U8.F16.TRUNC R8, 1.5"),
    (0x000FE2000000CC003000001000087306, "I2F.F16.S8.RZ R8, R16.B3"),
    (0x000FE200001018001000001000087312, "I2F.F64.U16 R8, R16.H1"),
    (0x000FE20000201400FFFFFF8000087906, "I2F R8, -0x80"),
    (0x000FE200003058008000001000087313, "FRND.F64.FLOOR R8, -R16"),
    (0x040FE2000000A514000000100C087236, "HMMA.884.F16.F16.STEP1.SATFINITE R8, -R12.reuse.ROW, R16.COL, R20"),
    (0x000FE20000000A14800000100C087236, "HMMA.444.F16.F16 R8, R12.COL, -R16.ROW, R20"),
    (0x000FE2000000DA14000000100C087236, "HMMA.444.F32.F32.STEP1 R8, R12.COL, R16.ROW, R20"),
]

REFUSED = {
    0x000FE20000410000000000100C087220 | 1 << 76: "exclude each other",
    0x000FE20000010000000000100C087220: "undefined scale 0",
    0x000FE200002048008000001000087304 | 1 << 60: "only a 16-bit float",
    0x000FE2000010C00040003E0000087905: "a 16-bit float has 16 bits",
    0x000FE2000000CC003000001000087906: "an immediate has 32 bits, not 8",
    0x000FE2000010CC003000001000087306: ".B3 is no part of 16 bits",
    0x000FE2000020C1008000001000087311: "one of the formats has 64 bits",
}

UNMODELLED = {
    "FMUL.D2 R8, R12, R16": "FMUL is not executed with .D2",
    "FADD.RZ R8, R12, R16": "FADD is not executed with .RZ",
    "HADD2 R8, R12.F32, R16": "HADD2 is not executed with an operand with .F32",
    "HMMA.884.F32.F32.STEP0 R8, -R12.ROW, R16.COL, R20": "HMMA is not executed with a negated operand",
    "HMMA.884.F16.F16.STEP0 R8, R12.ROW, R16.COL, R20": "HMMA is not executed with .884.F16.F16.STEP0",
    "FCHK P0, R12, R16": "FCHK is not executed: ",
    "HMMA.884.F32.F32.STEP3 R8, R12.ROW, R16.COL, R20": None,
    "F2F.F32.F16 R8, -R12.H1": None,
}


def words(*lines: str) -> tuple[int, ...]:
    """What lines assemble to, with a plain control code."""
    program = assemble("\n".join([".kernel k", ".control manual", *lines, ".endkernel"])).program
    assert program is not None
    return program.kernels[0].words


@pytest.mark.parametrize(("word", "text"), PRINTED)
def test_words_are_printed_and_read_as_nvdisasm_prints_them(word: int, text: str) -> None:
    found = decode(VOLTA, word)
    assert format_instruction(found, control=False) == f"{text} ;"
    assert words(f"{found.control} {text}") == (word,)


@pytest.mark.parametrize(("word", "reason"), REFUSED.items())
def test_fields_without_a_meaning_are_refused(word: int, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode(VOLTA, word)


@pytest.mark.parametrize(("line", "reason"), UNMODELLED.items())
def test_what_has_no_semantics_says_so(line: str, reason: str | None) -> None:
    said = obstacle(decode(VOLTA, words(line)[0]))
    assert said is None if reason is None else str(said).startswith(reason)
