"""What disassemblers print behind the name of an instruction, and what stands for it here."""

from dstc_isa.assembler.other_names import OtherName
from dstc_isa.isa.resolve import MnemonicError, resolve
from dstc_isa.isa.volta import VOLTA

LONGER_NAMES: dict[str, OtherName] = {
    "IMAD.MOV": OtherName("MOV R0, R1", "R0 = R1, the last operand of IMAD.MOV"),
    "IMAD.IADD": OtherName("IADD3 R0, R1, R2, RZ", "R0 = R1 + R2, the first and the last operand of IMAD.IADD"),
    "IMAD.SHL": OtherName("SHF.L.U32 R0, R1, 2, RZ", "R0 = R1 << 2; IMAD.SHL multiplies by 4 for it"),
    "IMAD.X": OtherName("IADD3.X R0, R1, R2, RZ, P0, !PT", "R0 = R1 + R2 and the carry in P0"),
    "HADD2.F32": OtherName("F2F.F32.F16 R0, R1", "FP32 from FP16"),
    "ATOMG.E.CAS": OtherName("ATOMG.CAS.E R0, [R2], R4, R5", "R5 to [R2] where it holds R4"),
    "ATOMS.CAST": OtherName("ATOMS.CAS R0, [R1], R2, R3", "it compares and swaps once; a loop tries again"),
    "HMMA.884.F32.F32": OtherName(
        "HMMA.884.F32.ROW.COL.STEP0 R8, R0, R2, R8", "sums are FP32; the layouts of A and B stand in the name"
    ),
}
"""What stands for a mnemonic whose instruction exists and lacks a modifier, by the mnemonic's first parts."""

_NO_FP64 = "the machine has no FP64 arithmetic"
MISSING: dict[str, str] = {
    "EX": "compare the higher 32 bits, and the lower ones where those are equal",
    **dict.fromkeys(("F64", "RCP64H", "RSQ64H"), _NO_FP64),
}
"""Modifiers that nothing stands for here, by the word, and why."""

_ACCESS = "each access takes effect at once, for all threads: there is no scope, and no hint for caches"
LEFT_OUT: dict[str, str] = {
    **dict.fromkeys(("SYS", "GPU", "CTA", "STRONG", "WEAK", "CONSTANT", "EF", "EL", "LU", "NA"), _ACCESS),
    **dict.fromkeys(("LTC64B", "LTC128B"), _ACCESS),
    "U": "it has no counterpart here",
    "RN": "results are rounded to nearest anyway",
    "DEFER_BLOCKING": "all threads of the CTA wait for each other anyway",
}
"""Modifiers that a mnemonic goes without here, and why."""


def other_modifiers(mnemonic: str) -> OtherName | None:
    """What stands for a mnemonic whose instruction exists and lacks a modifier, or None."""
    words = mnemonic.split(".")
    for count in range(len(words), 1, -1):
        longer = LONGER_NAMES.get(".".join(words[:count]))
        if longer is not None:
            return longer
    for word in words:
        if word in MISSING:
            return OtherName("", MISSING[word])
    left = [word for word in words[1:] if word in LEFT_OUT]
    kept = ".".join([words[0], *(word for word in words[1:] if word not in LEFT_OUT)])
    try:
        resolve(VOLTA, kept)
    except MnemonicError:
        return None
    reasons = "; ".join(dict.fromkeys(LEFT_OUT[word] for word in left))
    return OtherName(kept, f"without {', '.join('.' + word for word in left)}: {reasons}") if left else None
