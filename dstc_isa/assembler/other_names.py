"""What other assemblers call an instruction or a special register, where likeness of letters would mislead."""

from attrs import frozen


@frozen
class OtherName:
    """What to write in its place: ``example`` assembles, and is empty where there is nothing; ``why`` explains it."""

    example: str
    why: str

    @property
    def suggestion(self) -> str:
        """The mnemonic to write."""
        return self.example.partition(" ")[0]


_NO_FP64 = OtherName("", "the machine has no FP64 arithmetic")
_NO_LOCAL = OtherName("", "there is no local memory: a thread has registers and shared memory (LDS, STS)")
_NO_TRAP = OtherName("", "there are no traps and breakpoints")
_NO_TEXTURE = OtherName("", "there are no textures")
_LEFT = OtherName("SHF.L.U32 R0, R1, 2, RZ", "R0 = R1 << 2")
_RIGHT = OtherName("SHF.R.U32.HI R0, RZ, 2, R1", "R0 = R1 >> 2; .S32 keeps the sign")
_ADD = OtherName("IADD3 R0, R1, R2, RZ", "R0 = R1 + R2; FADD adds floats")
_SUBTRACT = OtherName("IADD3 R0, R1, -R2, RZ", "R0 = R1 - R2; FADD R0, R1, -R2 for floats")
_MULTIPLY = OtherName("IMAD R0, R1, R2, RZ", "R0 = R1 * R2; FMUL multiplies floats")
_MAD = OtherName("IMAD R0, R1, R2, R3", "R0 = R1 * R2 + R3; FFMA for floats")
_FMA = OtherName("FFMA R0, R1, R2, R3", "R0 = R1 * R2 + R3 with one rounding")
_LEAST = OtherName("IMNMX R0, R1, R2, PT", "the lesser with PT, the greater with !PT; FMNMX for floats")
_FLOAT_LEAST = OtherName("FMNMX R0, R1, R2, PT", "the lesser with PT, the greater with !PT")
_COMPARE = OtherName("ISETP.LT.AND P0, PT, R1, R2, PT", "P0 = R1 < R2; FSETP compares floats")
_AND = OtherName("LOP3.LUT R0, R1, R2, RZ, 0xc0", "R0 = R1 & R2; 0xfc is |, 0x3c is ^")
_NOT = OtherName("LOP3.LUT R0, RZ, R1, RZ, 0x33", "R0 = ~R1")
_LOAD = OtherName("LDG.E R0, [R2]", "a word from global memory, R2 and R3 its address; LDS from shared memory")
_STORE = OtherName("STG.E [R2], R0", "a word to global memory, R2 and R3 its address; STS to shared memory")
_CONVERT = OtherName("I2F R0, R1", "FP32 from an integer; F2I back, F2F between FP32 and FP16")
_JUMP = OtherName("BRA .+0x10", "a guard makes it conditional: @P0 BRA")
_END = OtherName("EXIT", "a thread ends")
_RETURN = OtherName("EXIT", "a thread ends; RET.REL.NODEC returns from CALL.REL.NOINC")
_BARRIER = OtherName("BAR.SYNC 0", "all threads of the CTA wait for each other")
_FENCE = OtherName("MEMBAR.SC.GPU", "what was stored is seen before what is stored later")
_ATOMIC = OtherName("ATOMG.ADD R0, [R2], R4", "in global memory; ATOMS in shared memory, RED without the old value")
_TENSOR = OtherName("HMMA.884.F32.ROW.COL.STEP0 R8, R0, R2, R8", "the tensor core takes 8x8x4 in four steps")
_PRINT = OtherName("PRINT R0", "shows a register where control comes by; it is no instruction and takes no time")
_FIELD = OtherName("SHF.R.U32.HI R0, RZ, 4, R1", "a bit field takes a shift, and LOP3.LUT with the mask")
_FIRST_BIT = OtherName("FLO R0, R1", "the number of the highest bit that is set")

INSTRUCTIONS: dict[str, OtherName] = {
    **dict.fromkeys(("SHL", "ISHL", "SLL", "LSL"), _LEFT),
    **dict.fromkeys(("SHR", "ISHR", "SRL", "SRA", "LSR", "ASR"), _RIGHT),
    **dict.fromkeys(("ADD", "IADD", "IADD2", "IADD32I", "UIADD3", "VIADD"), _ADD),
    **dict.fromkeys(("SUB", "ISUB"), _SUBTRACT),
    **dict.fromkeys(("MUL", "IMUL", "IMUL32I"), _MULTIPLY),
    **dict.fromkeys(("MAD", "XMAD", "IMAD32I"), _MAD),
    **dict.fromkeys(("FMA", "FMAD"), _FMA),
    **dict.fromkeys(("MIN", "MAX", "IMIN", "IMAX"), _LEAST),
    **dict.fromkeys(("FMIN", "FMAX"), _FLOAT_LEAST),
    **dict.fromkeys(("SETP", "CMP", "ICMP", "ISET"), _COMPARE),
    **dict.fromkeys(("AND", "OR", "XOR", "LOP", "LOP32I", "ULOP3"), _AND),
    "NOT": _NOT,
    "NEG": OtherName("IADD3 R0, -R1, RZ, RZ", "R0 = -R1"),
    **dict.fromkeys(("LD", "LDU", "LDE"), _LOAD),
    "ST": _STORE,
    **dict.fromkeys(("LDL", "STL"), _NO_LOCAL),
    "ISCADD": OtherName("LEA R0, R1, R2, 2", "R0 = (R1 << 2) + R2"),
    "LDSM": OtherName("LDS R0, [R1]", "each lane loads its own part of a matrix from shared memory"),
    "LDGSTS": OtherName("LDG.E R0, [R2]", "global memory to shared memory goes through registers, with STS behind"),
    "ULDC": OtherName("LDC R0, c[0][R1]", "there are no uniform registers"),
    **dict.fromkeys(("VOTEU", "MATCH"), OtherName("VOTE.ANY P0, P1", "over all lanes; MATCH takes a loop of SHFL.IDX")),
    "UMOV": OtherName("MOV R0, R1", "there are no uniform registers"),
    "S2UR": OtherName("S2R R0, SR_CTAID.X", "there are no uniform registers"),
    "MOV32I": OtherName("MOV R0, 0x12345678", "MOV takes 32 bits"),
    "CVT": _CONVERT,
    "F2FP": OtherName("F2F.F16.F32 R0, R1", "FP16 from FP32"),
    "SELP": OtherName("SEL R0, R1, R2, P0", "R1 where P0 holds, else R2"),
    "RCP": OtherName("MUFU.RCP R0, R1", "1 / R1"),
    "SQRT": OtherName("MUFU.RSQ R0, R1", "1 / the square root, to be multiplied with R1"),
    "RSQRT": OtherName("MUFU.RSQ R0, R1", "1 / the square root"),
    "EX2": OtherName("MUFU.EX2 R0, R1", "2 to the power of R1"),
    "LG2": OtherName("MUFU.LG2 R0, R1", "the logarithm to base 2"),
    "DIV": OtherName("MUFU.RCP R0, R1", "1 / R1, to be multiplied with; integers need a routine"),
    **dict.fromkeys(("DADD", "DMUL", "DFMA", "DSETP", "DMNMX", "DMMA"), _NO_FP64),
    **dict.fromkeys(("HMMA", "IMMA", "BMMA", "QGMMA", "HGMMA", "WMMA", "MMA", "WGMMA"), _TENSOR),
    **dict.fromkeys(("BPT", "TRAP", "BRKPT", "BREAKPOINT"), _NO_TRAP),
    **dict.fromkeys(("TEX", "TLD", "TLD4", "SULD", "SUST"), _NO_TEXTURE),
    **dict.fromkeys(("JMP", "JUMP", "JMX", "J", "B"), _JUMP),
    **dict.fromkeys(("END", "HALT", "STOP"), _END),
    **dict.fromkeys(("RET", "RETURN"), _RETURN),
    "CALL": OtherName("CALL.REL.NOINC .+0x10", "the return address is put in a register beforehand"),
    "SSY": OtherName("BSSY B0, .+0x10", "where the lanes that part meet again"),
    "SYNC": OtherName("BSYNC B0", "waits for the lanes that BSSY expects; BAR.SYNC 0 for all threads of the CTA"),
    "SYNCTHREADS": _BARRIER,
    "BAR": _BARRIER,
    "BARRIER": _BARRIER,
    "SYNCWARP": OtherName("WARPSYNC R0", "the lanes of the mask wait for each other"),
    **dict.fromkeys(("MEMBAR", "FENCE", "ERRBAR", "THREADFENCE"), _FENCE),
    **dict.fromkeys(("ATOM", "ATOMICADD"), _ATOMIC),
    "NANOSLEEP": OtherName("", "a warp does not sleep; a loop that waits may look again at once"),
    **dict.fromkeys(("CCTL", "CCTLL", "CCTLT"), OtherName("", "loads see what was stored: caches need no care")),
    "BMOV": OtherName("", "a barrier register is written by BSSY, and cannot be saved"),
    "KILL": _END,
    **dict.fromkeys(("LEPC", "RPCMOV"), OtherName("", "the address of a label is a number: MOV R0, LABEL")),
    "QSPC": OtherName("", "an address is of global memory, shared memory has its own instructions"),
    "FSET": OtherName("FSETP.LT.AND P0, PT, R1, R2, PT", "P0 = R1 < R2; FSEL makes a number of it"),
    "I2I": OtherName("PRMT R0, R1, 0x4410, RZ", "the lower 16 bits of R1"),
    "FRND": OtherName("F2I.FLOOR R0, R1", "an integer, and I2F makes a float of it"),
    "FCHK": OtherName("", "a division is MUFU.RCP and FMUL, and no operand needs a check"),
    **dict.fromkeys(("IDP", "IDP4A", "VABSDIFF", "VABSDIFF4"), OtherName("", "there are no operations on bytes")),
    **dict.fromkeys(("HSETP2", "HMNMX2", "HSET2"), OtherName("F2F.F32.F16 R0, R1", "FP16 is compared as FP32")),
    "BFE": _FIELD,
    "UBFE": _FIELD,
    **dict.fromkeys(("CLZ", "BFIND", "FFS"), _FIRST_BIT),
    "DEPBAR": OtherName("", "scoreboards are waited for in the control code: B01----:R-:W-:-:S01"),
    **dict.fromkeys(("PRINT", "PRINTF", "VPRINTF", "DUMP", "TRACE"), _PRINT),
    "YIELD": OtherName("", "a warp yields by the Y of its control code: B------:R-:W-:Y:S01"),
}
"""Other assemblers' names by their first part, in capitals: ``SHL`` stands for ``shl.b32`` too."""

SPECIAL_NAMES: dict[str, str] = {
    **{name: f"{name}.X" for name in ("SR_TID", "SR_CTAID", "SR_NTID", "SR_NCTAID")},
    "SR_LANE": "SR_LANEID",
    "SR_CLOCK": "SR_CLOCKLO",
    **dict.fromkeys(("tid", "threadIdx"), "SR_TID.X"),
    **dict.fromkeys(("ctaid", "blockIdx"), "SR_CTAID.X"),
    **dict.fromkeys(("ntid", "blockDim"), "SR_NTID.X"),
    **dict.fromkeys(("nctaid", "gridDim"), "SR_NCTAID.X"),
    "laneid": "SR_LANEID",
    "warpid": "SR_WARPID",
    "URZ": "RZ",
    "UPT": "PT",
}


def other_name(mnemonic: str) -> OtherName | None:
    """What another assembler's mnemonic is here, or None."""
    return INSTRUCTIONS.get(mnemonic.partition(".")[0].upper())
