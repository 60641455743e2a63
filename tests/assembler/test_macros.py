import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.assembler.build import code, error, errors, in_kernel, program

ADD = ".macro ADD d, a, b=R9, n=1\nIADD3 d, a, b, n\n.endm"


@given(st.integers(0, 99), st.integers(0, 99))
def test_arguments_are_values_not_text(a, b):
    assert code(f"M {a} + {b}", ".macro M x\nMOV R0, x * 2\n.endm") == [f"MOV R0, 0x{2 * (a + b):x}"]


@pytest.mark.parametrize("use", ["ADD R1, R2, R3, RZ", "ADD R1, R2, n=RZ, b=R3", "ADD a=R2, d=R1, n=RZ, b=R3"])
def test_arguments_by_place_and_by_name(use):
    assert code(use, ADD) == ["IADD3 R1, R2, R3, RZ"]


def test_arguments_of_every_kind():
    macro = ".macro M r, p, m, k, v, l\n@p LDG.E r, m\nFADD r, -v[1], k\nBRA l\n.endm"
    body = ".reg v[4]\n.param .f32 f\nend: M R1, !P2, [R2.64+8], f, v, end\nM v[1], P0, [R4], -f, R8, end"
    assert code(body, macro) == [
        "@!P2 LDG.E.SYS R1, [R2+0x8]",
        "FADD R1, -R11, c[0x0][0x160]",
        "BRA .-32",
        "@P0 LDG.E.SYS R11, [R4]",
        "FADD R11, -R9, -c[0x0][0x160]",
        "BRA .-80",
    ]


def test_defaults_see_earlier_parameters():
    assert code("M 3", ".macro M a, b=a + 1\nMOV R0, b\n.endm") == ["MOV R0, 0x4"]


def test_labels_are_local():
    (kernel,) = program(in_kernel("start: M\nM\nBRA start", ".macro M\nloop: BRA loop\n.endm")).kernels
    assert kernel.labels == {"start": 0}


def test_the_names_of_the_caller_are_seen_and_not_changed():
    macro = ".macro M\n.set i, i + 5\nMOV R0, i\nMOV R1, n\n.endm"
    body = ".param .u32 n\n.set i, 1\nM\nMOV R2, i"
    assert code(body, macro) == ["MOV R0, 0x6", "MOV R1, c[0x0][0x160]", "MOV R2, 0x1"]


def test_registers_are_released_at_the_end():
    (kernel,) = program(in_kernel("M\n" * 20 + "EXIT", ".macro M\n.reg t[40]\nMOV t, 1\nMOV R0, t[39]\n.endm")).kernels
    assert kernel.registers == 41


def test_macros_in_macros():
    before = ".macro A x\nMOV R0, x\n.endm\n.macro B x\n.for i, 0, x\nA i\n.endfor\n.endm"
    assert code("B 3", before) == ["MOV R0, 0x0", "MOV R0, 0x1", "MOV R0, 0x2"]


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("ADD R1", "parameter a is not given: ADD d, a, b=, n="),
        ("ADD R1, R2, R3, 1, 2", "ADD takes 4 arguments: ADD d, a, b=, n="),
        ("ADD R1, a=R2, R3", "an argument without a name stands before the named ones"),
        ("ADD R1, R2, d=R3", "parameter d is given twice"),
        ("ADD R1, R2, x=R3", "ADD has no parameter x: ADD d, a, b=, n="),
        ("ADD R1, x", "unknown name x"),
        ("@P0 ADD R1, R2", "a macro takes no guard or control prefix"),
        ("ADF R1, R2", "unknown instruction ADF"),
    ],
)
def test_refusals_where_it_is_used(use, message):
    found = errors(in_kernel(use, ADD + "\n.macro ADDX\n.endm"))
    assert message in [each.partition(": ")[2] for each in found]


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("", "it is written .macro NAME a, b=1"),
        ("MOV a", "MOV is an instruction"),
        ("ISETP a", "ISETP is an instruction"),
        ("M a, a", "parameter a stands twice"),
        ("M R1", "R1 is a name of the machine"),
        ("M a b", "unexpected 'b'"),
    ],
)
def test_refusals_where_it_is_defined(head, message):
    assert errors(f".macro {head}\n.endm\n{in_kernel('EXIT')}") == [f"1: {message}"]


def test_a_macro_is_defined_once():
    assert error("EXIT", ".macro M\n.endm\n.macro M\n.endm") == "macro M is already at t.dasm:1"


def test_recursion_is_bounded():
    found = errors(in_kernel("M 1\nEXIT", ".macro M n\nM n + 1\n.endm"))
    assert found == ["2: macros and includes nest more than 64 deep"]
    deep = ".macro M n\n" + ".if 1\n" * 30 + "M n + x\n" + ".endif\n" * 30 + ".endm"
    assert errors(in_kernel("M x\nx: EXIT", deep))


def test_recursion_that_ends():
    assert code("M 3", ".macro M n\n.if n\nMOV R0, n\nM n - 1\n.endif\n.endm") == [
        "MOV R0, 0x3",
        "MOV R0, 0x2",
        "MOV R0, 0x1",
    ]
