"""What can be written though Volta does not have it: the instructions that it becomes, and what they compute."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.assembler import assemble
from dstc_isa.diagnostics import ERROR
from dstc_isa.engine.run import run_kernel
from tests.assembler.build import code, in_kernel, program, underlined

WORDS = st.one_of(st.integers(0, (1 << 32) - 1), st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]))
PAIRS = st.lists(st.tuples(WORDS, WORDS), min_size=32, max_size=32)


def computed(lines: list[str], pairs: list[tuple[int, int]], constant: int = 0) -> list[int]:
    """What each lane has in ``result`` after some lines, on the readable engine; ``a`` and ``b`` are its pair."""
    body = [
        ".param .ptr.u32 x, .ptr.u32 y".replace(", ", "\n.param "),
        ".param .u32 number",
        ".reg lane, a, b, result, four",
        ".reg.64 at",
        "S2R lane, SR_LANEID",
        "MOV four, 4",
        "IMAD.WIDE.U32 at, lane, four, x",
        "LDG.E a, [at]",
        "LDG.E b, [at+0x80]",
        *lines,
        "IMAD.WIDE.U32 at, lane, four, y",
        "STG.E [at], result",
        "EXIT",
    ]
    made = assemble("\n".join([".kernel k", *body, ".endkernel"])).program
    assert made is not None
    x = np.array([pair[0] for pair in pairs] + [pair[1] for pair in pairs], np.uint32)
    y = np.zeros(32, np.uint32)
    run_kernel(made, made.kernels[0], (1,), (32,), {"x": x, "y": y, "number": constant}, reference=True)
    return [int(value) for value in y]


def signed(word: int, bits: int = 32) -> int:
    """The two's complement number of a word."""
    return word - (1 << bits) if word >> (bits - 1) else word


@settings(max_examples=15, deadline=None)
@given(PAIRS)
def test_minimum_and_maximum(pairs: list[tuple[int, int]]) -> None:
    lines = ["ISETP.LT.U32.AND P1, PT, lane, 16, PT"]
    assert computed(["IMNMX.U32 result, a, b, PT"], pairs) == [min(pair) for pair in pairs]
    assert computed(["IMNMX result, a, b, !PT"], pairs) == [max(pair, key=signed) for pair in pairs]
    chosen = [min(p, key=signed) if lane < 16 else max(p, key=signed) for lane, p in enumerate(pairs)]
    assert computed([*lines, "IMNMX.S32 result, a, b, P1"], pairs) == chosen
    assert computed([*lines, "MOV result, a", "@P1 IMNMX.U32 result, result, 9, PT"], pairs) == [
        min(a, 9) if lane < 16 else a for lane, (a, _) in enumerate(pairs)
    ]


@settings(max_examples=15, deadline=None)
@given(PAIRS, WORDS)
def test_high_words_of_products(pairs: list[tuple[int, int]], number: int) -> None:
    lines = [".reg.64 added", "MOV added.lo, b", "MOV added.hi, a"]
    assert computed(["IMAD.HI.U32 result, a, b, RZ"], pairs) == [a * b >> 32 for a, b in pairs]
    assert computed([*lines, "IMAD.HI result, a, b, added"], pairs) == [
        (signed(a) * signed(b) + (a << 32 | b)) >> 32 & 0xFFFFFFFF for a, b in pairs
    ]
    assert computed([f"IMAD.HI.U32 result, a, b, {number}"], pairs) == [
        (a * b + signed(number)) >> 32 & 0xFFFFFFFF for a, b in pairs
    ]


@settings(max_examples=10, deadline=None)
@given(PAIRS, WORDS)
def test_a_number_is_added_to_a_wide_product(pairs: list[tuple[int, int]], number: int) -> None:
    lines = [".reg.64 wide", f"IMAD.WIDE wide, a, b, {number}", "LOP3.LUT result, wide.lo, wide.hi, RZ, 0x3c"]
    totals = [signed(a) * signed(b) + signed(number) for a, b in pairs]
    assert computed(lines, pairs) == [(total ^ total >> 32) & 0xFFFFFFFF for total in totals]


def test_extents_are_constants() -> None:
    names = [f"{name}.{axis}" for name in ("SR_NTID", "SR_NCTAID") for axis in "XYZ"]
    expected = [f"MOV R1, c[0x0][0x{4 * place:x}]" for place in range(6)]
    assert [line for name in names for line in code(f"S2R R1, {name}")] == expected
    assert [line for name in names for line in code(f"MOV R1, {name}")] == expected


def test_the_number_of_a_warp_is_a_part_of_a_register() -> None:
    assert code("S2R R1, SR_WARPID") == [
        "S2R R1, SR_VIRTID",
        "SHF.R.U32.HI R1, RZ, 0x8, R1",
        "LOP3.LUT R1, R1, 0x7f, RZ, 0xc0, !PT",
    ]
    source = """
.kernel k
.param .ptr.u32 y
.reg lane, warp, thread, size
.reg.64 at
S2R thread, SR_TID.X
S2R warp, SR_WARPID
MOV size, 4
IMAD.WIDE.U32 at, thread, size, y
STG.E [at], warp
EXIT
.endkernel
"""
    made = program(source)
    y = np.zeros(96, np.uint32)
    run_kernel(made, made.kernels[0], (1,), (96,), {"y": y}, reference=True)
    assert y.tolist() == [thread // 32 for thread in range(96)]


def test_registers_of_its_own_are_given_back() -> None:
    lines = [".reg a[200]", *(f"MOV a[{i}], {i}" for i in range(200)), *["IMAD.HI a[0], a[1], a[2], 5"] * 100]
    lines += ["IMNMX a[0], a[1], a[2], PT"] * 100
    made = program(in_kernel("\n".join(lines)))
    assert made.kernels[0].registers <= 206


@pytest.mark.parametrize(
    ("line", "message", "under"),
    [
        ("IMNMX R0, R1, R2", "it is written IMNMX{.U32} Rd, Ra, Rb, Pp", "IMNMX"),
        ("IMNMX R0, R1, R2, R3", "this operand does not fit", "R3"),
        ("IMNMX R0, R1, [R2], PT", "this operand does not fit", "[R2]"),
        ("IMAD.HI R0, R1, R2", "it is written IMAD.HI{.U32} Rd, Ra, Rb, Rc", "IMAD.HI"),
        ("IMAD.HI.X R0, R1, R2, R4", "it is written IMAD.HI{.U32} Rd, Ra, Rb, Rc", "IMAD.HI.X"),
        ("IMAD.HI R0, R1, R2, R3", "R3 starts 2 registers here and must be a multiple of 2", "R3"),
        ("B------:R-:W-:-:S02 IMNMX R0, R1, R2, PT", "IMNMX becomes 2 instructions", "B------:R-:W-:-:S02"),
    ],
)
def test_what_is_wrong_is_said_of_what_was_written(line: str, message: str, under: str) -> None:
    assembly = assemble(in_kernel(line))
    (found,) = [each for each in assembly.diagnostics if each.severity == ERROR]
    assert message in found.message
    assert underlined(assembly) == [under]
