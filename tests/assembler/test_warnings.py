import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.assembler import assemble
from tests.assembler.build import in_kernel, warnings

STORE = "STG.E [RZ], R1\nEXIT"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("x: EXIT", ["label x is never used"]),
        ("x: BRA x", []),
        ("MOV R0, x\nSTG [RZ], R0\nx: EXIT", []),
        (".reg a\nEXIT", ["register a is never used"]),
        (".pred a\nEXIT", ["predicate a is never used"]),
        (".reg a\nSTG [RZ], a\nEXIT", ["register a is read but never written"]),
        ("STG [RZ], R7\nEXIT", ["R7 is read but never written"]),
        ("@P3 EXIT\nEXIT", ["P3 is read but never written"]),
        ("STG.E [R2], RZ\nEXIT", ["R2 is read but never written", "R3 is read but never written"]),
        ("EXIT\nNOP\nMOV R1, 1\nEXIT", ["control never gets here"]),
        ("BRA x\nx: EXIT\nNOP\nNOP", []),
        ("NOP", ["control runs off the end of the kernel"]),
        ("@PT EXIT", []),
        ("MOV R1, 1\nMOV R1, 2\n" + STORE, ["what MOV computes is never used"]),
        ("MOV R1, 1\nP2R R2, PR, 0x7f\nISETP.EQ.AND P0, PT, R1, R2, PT\n@P0 MOV R1, 2\n" + STORE, []),
        ("MOV R1, 1\nISETP.EQ.AND P0, PT, R1, RZ, PT\nEXIT", ["what ISETP.EQ.AND computes is never used"]),
        ("LDG R1, [RZ]\nEXIT", []),
        ("MOV R0, RZ\nx: IADD3 R0, R0, 1, RZ\nISETP.LT.AND P0, PT, R0, 9, PT\n@P0 BRA x\nEXIT", []),
        ("MOV R1, RZ\nVOTE.ALL R3, PT\nSHFL.IDX PT, R4, R1, 0, 0x1f\nMOV R1, R3\nSTG [RZ], R4\nEXIT", []),
        ("MOV R20, back\nCALL.REL.NOINC f\nback: EXIT\nf: MOV R5, 1\nRET.REL.NODEC R20", []),
        ("MOV R1, 1\n.word 0x1\nEXIT", []),
        ("BRA !PT, x\nEXIT\nx: EXIT", []),
    ],
)
def test_warnings(body, found):
    assert warnings(body) == found


def test_accumulators_are_not_dead():
    body = ".reg acc[32], a\nMOV a, RZ\nOHMMA.8161.F32 acc, a.H0, a.H0, 0, 0\nSTG [RZ], acc[3]\nEXIT"
    assert warnings(body) == []


def test_a_line_expanded_often_is_reported_once_and_only_if_all_of_it_is_lost():
    lost = assemble(in_kernel("M R1\nM R2\nEXIT", ".macro M r\nMOV r, 1\n.endm")).diagnostics
    assert [d.message for d in lost] == ["what MOV computes is never used"]
    kept = assemble(in_kernel("M R1\nM R2\nSTG [RZ], R2\nEXIT", ".macro M r\nMOV r, 1\n.endm")).diagnostics
    assert kept == []


def test_names_of_a_macro_are_judged_together():
    text = in_kernel("M 0\nM 1\nEXIT", ".macro M n\n.reg t\n.if n\nMOV t, 1\nSTG [RZ], t\n.endif\n.endm")
    assert assemble(text).diagnostics == []


@given(
    st.lists(st.sampled_from(["BRA a", "@P0 BRA b", "a: NOP", "b: NOP", "EXIT", "@P0 EXIT", "MOV R1, 2"]), max_size=8)
)
def test_warnings_never_hinder(lines):
    text = in_kernel("ISETP.EQ.AND P0, PT, RZ, RZ, PT\n" + "\n".join(dict.fromkeys(lines)) + "\nx: y: EXIT")
    assembly = assemble(text)
    messages = [d.message for d in assembly.diagnostics]
    if not any("unknown name" in message for message in messages):
        assert assembly.program is not None
        assert "label x is never used" in messages
