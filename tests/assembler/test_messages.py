"""One error for each cause, at its own place, in words that help."""

import pytest

from dstc_isa.assembler import assemble
from dstc_isa.assembler.expand import MAXIMUM_STEPS
from dstc_isa.isa.volta import VOLTA
from tests.assembler.build import error, errors, in_kernel, warnings


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("IADD3 R0, R1, R2", "operand Rc is missing: it is written IADD3 Rd, Ra, Rb, Rc"),
        ("LDG.E.64 R0", "operand [Ra+offset] is missing: it is written LDG.E.64 Rd, [Ra+offset]"),
        ("BRA", "operand label is missing: it is written BRA label"),
        ("BSSY B0", "operand label is missing: it is written BSSY B, label"),
        ("MOV R0, R1, R2", "too many operands: there are 3, and it is written MOV Rd, Rb{, mask}"),
    ],
)
def test_the_form_of_an_instruction_is_shown(body, message):
    assert error(body) == message


BARE = {d.mnemonic for d in VOLTA.declarations if all(o.optional or o.only for o in d.operands)} | {"DEPBAR"}
"""What can be written without operands, in one of its forms."""


@pytest.mark.parametrize("declaration", [d for d in VOLTA.declarations if d.mnemonic not in BARE])
def test_a_missing_operand_is_named_for_every_instruction(declaration):
    words = [declaration.mnemonic]
    words += [next(iter(m.kind.words())) for m in declaration.modifiers if m.default is None]
    assert ".".join(words) + " " in error(".".join(words)).partition(" is missing: it is written ")[2]


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (".shared s, 200000\nLDS R0, [s]\nSTS [s+4], R0", "200000 bytes of shared memory; a CTA has 98304"),
        (".param .x32 n, m\nMOV R0, n\nMOV R1, m", "parameter types are"),
        (".reg a[400], b\nMOV a[0], b\nIADD3 b, a[1], 2*b, RZ", "a takes 400 registers; there are 255"),
        (".pred q.x\n@q EXIT", "expected a plain name or P0 to P6"),
        (".set n, vlaue\n.if n > 2\nMOV R0, n\n.endif\n.rept n\nNOP\n.endr", "unknown name vlaue"),
        (".const t, .u8, 999\nLDC R0, c[3][t+4]", "999 does not fit 8 bits"),
        (".macro M x, y=x\nMOV R0, y\n.endm\n.shared s, 0\nM s", "the size is at least 1 byte, not 0"),
    ],
)
def test_a_refused_declaration_is_one_error(body, cause):
    assert error(body + "\nEXIT").startswith(cause)


def test_a_name_that_is_never_declared_is_reported_where_it_is_used():
    assert errors(in_kernel(".shared s, 8\nLDS R0, [s]\nLDS R1, [t]\nEXIT")) == ["5: unknown name t"]


def test_a_macro_that_comes_too_late(tmp_path):
    after = in_kernel("STEP R0\nEXIT") + ".macro STEP x\nMOV x, 1\n.endm\n"
    assert errors(after) == [
        "3: unknown instruction STEP: macro STEP is defined at t.dasm:6; a macro is defined before it is used"
    ]
    left_out = ".if 0\n.macro STEP x\nMOV x, 1\n.endm\n.endif\n"
    assert error("STEP R0\nEXIT", left_out).endswith("macro STEP is defined at t.dasm:2; that part was left out")
    (tmp_path / "steps.inc").write_text(".macro STEP x\nMOV x, 1\n.endm\n")
    text = in_kernel("STEP R0\nEXIT") + '.include "steps.inc"\n'
    (found,) = assemble(text, "t.dasm", [tmp_path]).diagnostics
    assert f"macro STEP is defined at {tmp_path}/steps.inc:1; a macro is defined before it is used" in found.message


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("NOP\n.rept 100000000\nNOP\n.endr\nEXIT", 4),
        (".for i, 0, 3\n.rept 9999999\n.endr\n.endfor", 3),
        ("NOP\n" + ".rept 2\n" * 21 + "NOP\n" + ".endr\n" * 21 + "EXIT", 4),
        (".macro M\n.for i, 0, 1 << 40\nNOP\n.endfor\n.endm\nM", 4),
    ],
)
def test_what_is_too_long_is_reported_at_the_loop(body, line):
    (found,) = errors(in_kernel(body))
    assert found.startswith(f"{line}: loops and macros make more than {MAXIMUM_STEPS} lines to carry out")


def test_unused_parameters_and_shared_arrays():
    head = ".param .u32 n, .ptr x, .u64 w, .u32 q\n.shared s, 64\n.shared t, 64\n"
    body = "MOV R0, n\nSTS [s], R0\nMOV R2, c[0x0][0x16c]\nMOV R3, R2\nSTG.E [R2], R0\nEXIT"
    assert warnings(head + body) == [
        "parameter w is never used",
        "parameter q is never used",
        "shared array t is never used",
    ]


@pytest.mark.parametrize(
    "body",
    [
        ".param .u32 n, m\nMOV R0, n\nMOV R2, m\nMOV R3, m\nSTG.E [R2], R0\nEXIT",
        ".param .u64 n\nMOV R2, c[0x0][0x164]\nMOV R3, R2\nSTG.E [R2], R3\nEXIT",
        ".param .u32 a, b\nS2R R0, SR_LANEID\nLDC R2, c[0][R0+0x160]\nMOV R3, R2\nSTG.E [R2], R2\nEXIT",
        ".shared s, 64\n.shared t, 64\nMOV R0, 3\nSTS [0x20], R0\nEXIT",
        ".macro STORE at\nSTS [at], R0\n.endm\n.shared s, 64\nMOV R0, 3\nSTORE s\nEXIT",
    ],
)
def test_no_warning_of_what_may_be_used(body):
    assert warnings(body) == []


def test_a_line_of_two_kernels_is_used_if_one_of_them_uses_it(tmp_path):
    (tmp_path / "head.inc").write_text(".param .u32 n, m\n")
    text = "".join(
        f'.kernel {name}\n.include "head.inc"\nMOV R2, {used}\nMOV R3, 0\nSTG.E [R2], R2\nEXIT\n.endkernel\n'
        for name, used in (("a", "n"), ("b", "3"))
    )
    found = assemble(text, "t.dasm", [tmp_path]).diagnostics
    assert [(d.message, d.line) for d in found] == [("parameter m is never used", 1)]


@pytest.mark.parametrize(
    ("body", "word", "expected"),
    [
        ("MOV R0, größe", "öße", ""),
        ("größe: EXIT", "öße", ""),
        ("MOV R0\uff0c R1", "\uff0c", "','"),
        ("LDS R0, [R1\u20134]", "\u2013", ""),
    ],
)
def test_names_are_ascii(body, word, expected):
    (found,) = assemble(in_kernel(body + "\nEXIT")).diagnostics
    assert found.message == (
        f"unexpected {word!r}: names are ASCII, and other characters stand in strings and comments only"
    )
    assert found.expected == expected


@pytest.mark.parametrize(
    "body",
    [
        "SPWMMA.323232.F32.WINDOW R0, R16, R40, R60, R62",
        "SPWMMA.323232.F32.WINDOW R0, R32, R48, R31, R64",
        ".reg d[32], w[2]\nSPWMMA.323232.F32.WINDOW d, d[16], R100, R120, w",
        ".reg d[64], w[2]\nSPWMMA.643232.F32.PACKED d, R160, R200, w, d[63]",
    ],
)
def test_a_source_in_what_is_written_while_it_is_read(body):
    assert "which are written while it is read" in error(body)
    assert not errors(in_kernel("OHMMA.8161.F32 R0, R0.H0, R1.H1, R2, 0, 1"))


def test_sources_beside_what_is_written_while_they_are_read():
    assert not errors(in_kernel("SPWMMA.323232.F32.WINDOW R0, R32, R48, R64, R66\nEXIT"))
