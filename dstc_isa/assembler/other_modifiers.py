"""What disassemblers print behind the name of an instruction, and what stands for it here."""

from dstc_isa.assembler.other_names import OtherName
from dstc_isa.isa.resolve import MnemonicError, resolve
from dstc_isa.isa.volta import VOLTA

_LAYOUTS = OtherName("HMMA.884.F32.F32.STEP0 R8, R0.ROW, R2.COL, R8", "the layouts of A and B stand behind them")

LONGER_NAMES: dict[str, OtherName] = {
    **dict.fromkeys(("HMMA.884.F32.ROW", "HMMA.884.F32.COL"), _LAYOUTS),
}
"""What stands for a mnemonic whose instruction exists and lacks a modifier, by the mnemonic's first parts."""

_ACCESS = "each access takes effect at once, for all threads: scopes and hints for caches change nothing"
LEFT_OUT: dict[str, str] = {
    **dict.fromkeys(("SYS", "GPU", "CTA", "STRONG", "WEAK", "CONSTANT", "EF", "EL", "LU", "NA"), _ACCESS),
    **dict.fromkeys(("LTC64B", "LTC128B"), _ACCESS),
}
"""Modifiers that a mnemonic goes without here, and why."""


def other_modifiers(mnemonic: str) -> OtherName | None:
    """What stands for a mnemonic whose instruction exists and lacks a modifier, or None."""
    words = mnemonic.split(".")
    for count in range(len(words), 1, -1):
        longer = LONGER_NAMES.get(".".join(words[:count]))
        if longer is not None:
            return longer
    left = [word for word in words[1:] if word in LEFT_OUT]
    kept = ".".join([words[0], *(word for word in words[1:] if word not in LEFT_OUT)])
    try:
        resolve(VOLTA, kept)
    except MnemonicError:
        return None
    reasons = "; ".join(dict.fromkeys(LEFT_OUT[word] for word in left))
    return OtherName(kept, f"without {', '.join('.' + word for word in left)}: {reasons}") if left else None
