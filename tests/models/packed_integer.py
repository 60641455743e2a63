"""Models of the integers of 8 and 16 bits in a register."""

from tests.models.state import U32, Operands, lane_model, signed


def parts(word: int, bits: int, kind: str) -> list[int]:
    """The integers in a word, the lowest first, signed if their type begins with S."""
    values = [word >> place & (1 << bits) - 1 for place in range(0, 32, bits)]
    return [signed(value, bits) for value in values] if kind.startswith("S") else values


@lane_model("idp")
def idp(x: Operands) -> int:
    *shape, type_a, type_b = str(x.kind).split(".")
    a, b = parts(x.ra, int(type_a[1:]), type_a), parts(x.rb, 8, type_b)
    if shape[0] == "2A":
        b = b[:2] if shape[1] == "LO" else b[2:]
    return (x.rc + sum(p * q for p, q in zip(a, b, strict=True))) & U32


@lane_model("vabsdiff")
def vabsdiff(x: Operands) -> tuple[int, bool]:
    a, b = (signed(x.ra), signed(x.rb)) if x.sign == "S32" else (x.ra, x.rb)
    return (x.rc + abs(a - b)) & U32, False


@lane_model("vabsdiff4")
def vabsdiff4(x: Operands) -> tuple[int, bool]:
    differences = [abs(a - b) for a, b in zip(x.ra.to_bytes(4, "little"), x.rb.to_bytes(4, "little"), strict=True)]
    if x.accumulate:
        return (x.rc + sum(differences)) & U32, False
    return int.from_bytes(bytes(differences), "little"), False
