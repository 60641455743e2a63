"""Models of the bit operations and of logic on predicates."""

from dstc_isa.isa.instruction import Instruction
from tests.models.state import U32, U64, Operands, State, lane_model, signed, warp_model


@lane_model("lop3")
def lop3(x: Operands) -> tuple[bool, int]:
    result = 0
    for bit in range(32):
        row = (x.ra >> bit & 1) << 2 | (x.rb >> bit & 1) << 1 | (x.rc >> bit & 1)
        result |= (x.table >> row & 1) << bit
    some = result != 0
    return (some and x.pp if x.conjunction else some or x.pp), result


@lane_model("shf")
def shf(x: Operands) -> int:
    limit = 32 if x.kind in ("S32", "U32") else 64
    amount = x.rb % limit if x.wrap else min(x.rb, limit)
    pair = x.rc << 32 | x.ra
    if x.direction == "L":
        pair = pair << amount & U64
    else:
        pair = (signed(pair, 64) if x.kind in ("S32", "S64") else pair) >> amount & U64
    return int(pair >> 32 if x.high else pair & U32)


@lane_model("popc_")
def popc(x: Operands) -> int:
    return bin(x.rb ^ U32 if x.negated("rb") else x.rb).count("1")


@lane_model("flo")
def flo(x: Operands) -> tuple[int, bool]:
    bits = x.rb ^ U32 if x.negated("rb") else x.rb
    if x.sign == "S32" and bits >> 31:
        bits ^= U32
    if bits == 0:
        return U32, False
    top = len(bin(bits)) - 3
    return 31 - top if x.as_shift else top, False


@lane_model("brev")
def brev(x: Operands) -> int:
    return int(f"{x.rb:032b}"[::-1], 2)


PERMUTATIONS = {
    "F4E": ("3210", "4321", "5432", "6543"),
    "B4E": ("5670", "6701", "7012", "0123"),
    "RC8": ("0000", "1111", "2222", "3333"),
    "ECL": ("3210", "3211", "3222", "3333"),
    "ECR": ("0000", "1110", "2210", "3210"),
    "RC16": ("1010", "3232", "1010", "3232"),
}
"""Bytes of the result, the highest first, by the two low bits of the selector (PTX ISA, prmt)."""


@lane_model("prmt")
def prmt(x: Operands) -> int:
    octets = x.ra.to_bytes(4, "little") + x.rc.to_bytes(4, "little")
    if x.mode != "IDX":
        return int.from_bytes(bytes(octets[int(place)] for place in PERMUTATIONS[str(x.mode)][x.rb & 3]), "big")
    picked = []
    for place in range(4):
        nibble = x.rb >> 4 * place & 15
        octet = octets[nibble & 7]
        picked.append((0xFF if octet & 0x80 else 0) if nibble & 8 else octet)
    return int.from_bytes(bytes(picked), "little")


@lane_model("sgxt")
def sgxt(x: Operands) -> int:
    width = x.rb % 32 if x.wrap else min(x.rb, 32)
    kept = x.ra % (1 << width)
    return signed(kept, width) & U32 if width and x.sign == "S32" else kept


@lane_model("bmsk")
def bmsk(x: Operands) -> int:
    first, count = (x.ra % 32, x.rb % 32) if x.wrap else (min(x.ra, 32), min(x.rb, 32))
    return sum(1 << bit for bit in range(first, min(first + count, 32)))


@lane_model("plop3")
def plop3(x: Operands) -> tuple[bool, bool]:
    row = 4 * x.pp + 2 * x.pq + x.pr
    return bool(x.table >> row & 1), bool(x.table_v >> row & 1)


def of_row(x: Operands, *row: int) -> tuple[bool, bool]:
    """What two truth tables hold for three bits, the first of most weight."""
    place = int("".join(map(str, map(int, row))), 2)
    return bool(x.table >> place & 1), bool(x.table_v >> place & 1)


@lane_model("plop3_b")
def plop3_b(x: Operands) -> tuple[bool, bool]:
    return of_row(x, x.pp, x.rb >> 31, x.pr)


@lane_model("plop3_bc")
def plop3_bc(x: Operands) -> tuple[bool, bool]:
    return of_row(x, x.pp, x.rb >> 31, x.rc >> 31)


@lane_model("plop3_abc")
def plop3_abc(x: Operands) -> tuple[bool, bool]:
    return of_row(x, x.ra >> 31, x.rb >> 31, x.rc >> 31)


@lane_model("p2r")
def p2r(x: Operands) -> int:
    packed = sum(x.state.predicates[i][x.lane] << i for i in range(7))
    return int((x.ra & ~x.mask | packed & x.mask) & U32)


@warp_model("r2p")
def r2p(instruction: Instruction, state: State) -> None:
    for lane in state.executing():
        x = Operands(instruction, state, lane)
        for i in range(7):
            if x.mask >> i & 1:
                state.predicates[i][lane] = bool(x.ra >> i & 1)
