import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.assembler.evaluate import pure_value
from dstc_isa.isa.values import Address, Constant, Predicate, Register, SpecialRegister
from dstc_isa.syntax.tree import Bits
from tests.assembler.build import code, error

SIGNED = st.integers(-(1 << 31), (1 << 32) - 1)


@given(SIGNED)
def test_integers_are_stored_modulo_two_to_the_32(number):
    assert code(f"MOV R0, {number}") == [f"MOV R0, 0x{number % (1 << 32):x}"]


BEYOND = "this number is beyond the range of floating point, some 1.8e308 on either side of zero"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("R7", Register(7)),
        ("-R7", Register(7, negate=True)),
        ("|R7|", Register(7, absolute=True)),
        ("-|R7.reuse|", Register(7, negate=True, absolute=True, reuse=True)),
        ("R7.H1", Register(7, suffix="H1")),
        ("-R7.H0_H0", Register(7, negate=True, suffix="H0_H0")),
        ("!P3", Predicate(3, negate=True)),
        ("c[0x0][0x160]", Constant(0, 0x160)),
        ("-c[1][2 * 4]", Constant(1, 8, negate=True)),
        ("[R2.64+0x10]", Address(2, 16, wide=True)),
        ("[R2-4]", Address(2, -4)),
        ("[4 + R2 + 4]", Address(2, 8)),
        ("[0x20]", Address(255, 32)),
        ("SR_TID.Y", SpecialRegister(0x22)),
        ("1 + 2 * 3", 7),
        ("-0f3f800000", Bits(0xBF800000)),
        ("1.5 * 2", 3.0),
        ("7 / 2", 3),
        ("-7 % 4", -3),
        ("1 << 4 | 1", 17),
        ("2 > 1 && !0", 1),
    ],
)
def test_values_without_names(text, value):
    assert pure_value(text) == value
    assert type(pure_value(text)) is type(value)


def test_named_parts():
    body = """
    .reg.64 p
    .reg.128 v[2]
    .reg a[3]
    .reg.64 q
    MOV p.lo, R0
    MOV p.hi, R0
    MOV v[1].z, a[1 + 1]
    IMAD.WIDE v[1].hi, R0, R0, q
    IADD3 R0, a[0], -a[1].reuse, RZ
    LDG.E.128 v[0], [p + 16]
    """
    assert code(body) == [
        "MOV R2, R0",
        "MOV R3, R0",
        "MOV R10, R16",
        "IMAD.WIDE R10, R0, R0, R12",
        "IADD3 R0, R14, -R15.reuse, RZ",
        "LDG.E.128.SYS R4, [R2+0x10]",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("MOV R0, a[3]", "a has elements 0 to 2, not 3"),
        ("MOV R0, a[-1]", "a has elements 0 to 2, not -1"),
        ("MOV R0, a[1.0]", "expected an integer, not 1.0"),
        ("MOV R0, a.lo", "the register a has no part .lo"),
        ("MOV R0, p", "p is 2 registers and this operand is 1: name its .lo or .hi"),
        ("IMAD.WIDE a, R0, R0, RZ", None),
        ("IMAD.WIDE a[1], R0, R0, RZ", "this operand starts 2 registers at a multiple of 2 elements"),
        ("IMAD.WIDE a[2], R0, R0, RZ", "this operand is 2 registers and a has 1 here: declare it .reg.64"),
        ("LDG R0, [p]", "the base is one 32-bit register here"),
        ("MOV R0, [R1]", "this operand does not fit"),
        ("MOV R0, R1 + 1", "this operand does not fit"),
        ("MOV R0, R1 * 2", "* does not apply to the register R1 and 2"),
        ("LDG R0, [R1 + R2]", "+ does not apply to the register R1 and the register R2"),
        ("LDG R0, [-R1]", "the base of an address is a plain register"),
        ("LDG R0, [P1]", "the predicate P1 is no address"),
        ("MOV R0, !R1", "! does not apply to the register R1"),
        ("MOV R0, ~R1", "~ stands before a source of an instruction with .X only, such as IADD3.X"),
        ("MOV R0, ~c[0][0x160]", "~ stands before a source of an instruction with .X only, such as IADD3.X"),
        ("IADD3 R0, R1, ~c[0][0x160], RZ", "~ stands before a source of an instruction with .X only, such as IADD3.X"),
        ("IADD3.X R0, ~c[0][0x160], R1, RZ, P0", "this operand does not fit"),
        ("IADD3.X R0, R1, ~-c[0][0x160], RZ, P0", "an operand is negated or complemented, not both"),
        ("IADD3.X R0, ~-R1, R1, RZ, P0", "an operand is negated or complemented, not both"),
        ("IADD3.X R0, R1, ~|c[0][0x160]|, RZ, P0", "this operand has no absolute value"),
        ("IADD3.X R0, R1, -~c[0][0x160], RZ, P0", "- does not apply to a complement"),
        ("IADD3.X R0, R1, ~c[0][0x160].H0, RZ, P0", "this operand is a whole constant"),
        ("MOV R0, ~c[0][R1]", "~ does not apply to an address in brackets"),
        ("MOV R0, c[0][0x160].H1_H1", "this operand is a whole constant"),
        ("HADD2 R0, R1, c[0][0x160].lo", "the constant c[0x0][0x160] has no part .lo"),
        ("HADD2 R0, R1, c[0][0x160].H0_H0 + 4", "+ does not apply to the constant c[0x0][0x160].H0_H0 and 4"),
        ("LDC R0, c[0][R1].H0", "an address in brackets has no part .H0"),
        ("LDC R0, c[0][0x160].H0", "a constant in memory is loaded as it is, without .H0"),
        ("MOV R0, R254.hi", "there is no register R255"),
        ("MOV R254.hi, R0", "there is no register R255"),
        ("HADD2 R0, R1, c[0]", "a constant is written c[bank][offset]"),
        ("MOV R0, -P1", "- does not apply to the predicate P1"),
        ("MOV R0, |-R1|", "unexpected '-'"),
        ("MOV R0, x", "unknown name x"),
        ("MOV R0, .u32", ".u32 does not stand here"),
        ("MOV R0, x=1", "x= does not stand here"),
        ("MOV R0, 1 << 70", "a shift is by 0 to 64 bits, not 70"),
        ("MOV R0, 99999999999999999999999", "this number does not fit 64 bits"),
        ("MOV R0, 4294967296", "4294967296 does not fit 32 bits: -2147483648 to 4294967295"),
        ("MOV R0, 1.5", "expected an integer, not 1.5; its FP32 bits are 0f3fc00000"),
        ("FADD R0, R1, 1e39", "1e+39 is beyond the range of FP32"),
        ("FADD R0, R1, 1e309", BEYOND),
        ("FADD R0, R1, -1e999", BEYOND),
        ("HADD2 R0, R1, 70000", "70000 is beyond the range of FP16"),
        ("FADD R0, R1, R255", "registers are R0 to R254 and RZ"),
        ("LDG.E R0, [R3]", "R3 starts 2 registers here and must be a multiple of 2"),
        ("MOV R0, c[0][6]", "offset 6 is not a multiple of 4 from 0 to 65532"),
        ('MOV R0, "a"', "this operand does not fit"),
    ],
)
def test_what_has_no_value(line, message):
    body = f".reg a[3]\n.reg.64 p\n{line}"
    if message is None:
        assert len(code(body)) == 1
    else:
        assert error(body) == message


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("FADD R0, R1, 1", "FADD R0, R1, 1"),
        ("FADD R0, R1, -0.0", "FADD R0, R1, -0.0"),
        ("FADD R0, R1, 0.0", "FADD R0, R1, 0"),
        ("FADD R0, R1, 0f7fc00000", "FADD R0, R1, +QNAN"),
        ("HADD2 R0, R1, 1.5", "HADD2 R0, R1, 1.5, 1.5"),
        ("HADD2 R0, R1, 0f3c004000", "HADD2 R0, R1, 1, 2"),
        ("MOV R0, 0f3f800000", "MOV R0, 0x3f800000"),
        ("IADD3.X R0, ~R1, R2, RZ, P0", "IADD3.X R0, ~R1, R2, RZ, P0, !PT"),
        ("IADD3.X R0, R1, ~c[0][0x160], RZ, P0", "IADD3.X R0, R1, ~c[0x0][0x160], RZ, P0, !PT"),
        ("HADD2 R0, R1, c[0][0x160].H0_H0", "HADD2 R0, R1, c[0x0][0x160].H0_H0"),
        ("HMUL2 R0, R1.H1_H1, -|c[1][4].H1_H1|", "HMUL2 R0, R1.H1_H1, -|c[0x1][0x4].H1_H1|"),
        ("HFMA2 R0, R1, R2.H0_H0, c[0][0x160].H1_H1", "HFMA2 R0, R1, R2.H0_H0, c[0x0][0x160].H1_H1"),
        ("LDC R0, c[3][4]", "LDC R0, c[0x3][0x4]"),
        ("LDC R0, c[3][R1+4]", "LDC R0, c[0x3][R1+0x4]"),
    ],
)
def test_literals_by_what_the_operand_wants(line, printed):
    assert code(line) == [printed]


def test_labels_and_addresses():
    body = "BRA end\nMOV R0, end - start\nMOV R1, .\nstart: BRA .+0x20\nBRA 0\nend: EXIT\nBRA start"
    assert code(body) == ["BRA .+80", "MOV R0, 0x20", "MOV R1, 0x20", "BRA .+32", "BRA .-64", "EXIT", "BRA .-48"]


def test_a_label_in_a_part_left_out():
    assert error("BRA x\n.if 0\nx: NOP\n.endif") == "label x is in a part that was left out"


def test_late_arithmetic_is_checked():
    assert error("MOV R0, 1 / (x - x)\nx: NOP") == "division by zero"
    assert error(".if x\n.endif\nx: NOP") == "the address of a label further down is not known here"
