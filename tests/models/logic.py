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


@lane_model("prmt")
def prmt(x: Operands) -> int:
    octets = x.ra.to_bytes(4, "little") + x.rc.to_bytes(4, "little")
    picked = []
    for place in range(4):
        nibble = x.rb >> 4 * place & 15
        octet = octets[nibble & 7]
        picked.append((0xFF if octet & 0x80 else 0) if nibble & 8 else octet)
    return int.from_bytes(bytes(picked), "little")


@lane_model("plop3")
def plop3(x: Operands) -> tuple[bool, bool]:
    row = 4 * x.pp + 2 * x.pq + x.pr
    return bool(x.table >> row & 1), bool(x.table_v >> row & 1)


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
