"""PRINT: what it takes, what it refuses, and that the kernel is the same without it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.assembler import assemble
from dstc_isa.gpu import load_gpu
from dstc_isa.isa.codec import decode
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.volta import VOLTA
from dstc_isa.program import NEGATED, PRINT_TYPES, Kernel, PrintItem
from dstc_isa.timing.retarget import scheduled_for
from tests.assembler.build import error, in_kernel, program, underlined, warnings

HEAD = """
.param .ptr.f32 x
.param .u32 n
.param .f32 a
.reg lane, value, acc[4]
.reg.64 p, pairs[2]
.reg.128 q
.pred done
"""
BODY = """    S2R lane, SR_LANEID
    IMAD value, lane, n, lane
    IMAD.WIDE.U32 p, lane, lane, x
    IMAD.WIDE.U32 pairs[1], lane, lane, x
    LDG.E.128 q, [p]
    ISETP.GT.AND done, PT, value, 3, PT
again:
    FADD acc[0], acc[1], acc[2]
    FADD acc[3], acc[0], a
    STG.E [p], acc[3]
    @done BRA again
    STG.E.128 [pairs[1]], q
    EXIT
"""
PRINTS = (
    "PRINT",
    'PRINT "here", lane',
    "@done PRINT value.s32, !done",
    "@!P3 PRINT acc, acc[1:3].f32, n, a, x",
    "PRINT p, p.lo.x, q.f32, pairs[1].x, SR_TID.X",
    "PRINT sum=acc[2].f16x2, acc[0].H1.f16, R3.u64, . + 16",
)


def kernel(body: str, head: str = HEAD) -> Kernel:
    return program(in_kernel(head + body)).kernels[0]


def shown(line: str) -> list[PrintItem]:
    """What a PRINT shows before the last instruction; registers are counted from that of its first register."""
    (each,) = kernel(BODY.replace("    EXIT", f"    {line}\n    EXIT")).prints
    return list(each.items)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from(PRINTS)), max_size=6))
def test_a_kernel_is_the_same_without_its_prints(where):
    lines = BODY.splitlines()
    for at, text in sorted(where, reverse=True):
        lines.insert(at, f"    {text}")
    plain, printing = kernel(BODY), kernel("\n".join(lines))
    assert printing.words == plain.words
    assert (printing.registers, printing.labels, printing.control) == (plain.registers, plain.labels, plain.control)
    assert len(printing.prints) == len(where)


def test_names_and_types():
    assert [(item.text, item.type) for item in shown("PRINT lane, value.f32, p, p.x, R5.u64, x, n, a, n.x")] == [
        ("lane", "u32"),
        ("value", "f32"),
        ("p", "u64"),
        ("p", "x64"),
        ("R5", "u64"),
        ("x", "x64"),
        ("n", "u32"),
        ("a", "f32"),
        ("n", "x"),
    ]


def test_arrays_are_shown_element_by_element():
    items = shown("PRINT acc, acc[1:3].x, acc[:2].f32, tile=acc[3:]")
    names = [f"acc[{i}]" for i in (0, 1, 2, 3, 1, 2, 0, 1)]
    assert [item.text for item in items] == [*names, "tile[3]"]
    assert [item.place - items[0].place for item in items] == [0, 1, 2, 3, 1, 2, 0, 1, 3]
    assert [item.type for item in items] == ["u32"] * 4 + ["x"] * 2 + ["f32"] * 2 + ["u32"]


def test_wide_names_are_shown_in_parts_of_the_type():
    assert [
        (item.text, PRINT_TYPES[item.type]) for item in shown("PRINT q.f32, q.u64, p.f32, q.x, q.x.x, pairs[0:2]")
    ] == [
        *((f"q.{part}", 1) for part in "xyzw"),
        ("q.lo", 2),
        ("q.hi", 2),
        ("p.lo", 1),
        ("p.hi", 1),
        ("q.x", 1),
        ("q.x", 1),
        ("pairs[0]", 2),
        ("pairs[1]", 2),
    ]


def test_predicates_numbers_and_texts():
    done, other, text, number, named = shown('PRINT done, !P3, "a, b; c", 3 * 4, turn=2')
    assert (done.kind, other.kind, other.place) == ("predicate", "predicate", 3 + NEGATED)
    assert [item.text for item in (text, number, named)] == ["a, b; c", "12", "turn = 2"]


def test_a_label_between_parts_those_who_jump_from_those_who_come():
    text = BODY.replace("again:", "    PRINT lane\nagain:\n    PRINT value")
    first, second = kernel(text).prints
    assert first.index == second.index == 6
    assert (first.behind, second.behind) == (True, False)


def test_a_macro_is_named_with_its_use():
    (each,) = kernel("    SHOW lane\n" + BODY, '.macro SHOW r\n    PRINT "r", r\n.endm\n' + HEAD).prints
    assert each.items[1].text == "r"
    assert each.place.endswith(f"(in macro SHOW), from t.dasm:{HEAD.count(chr(10)) + 6}")


REFUSED = {
    "PRINT valeu": ("unknown name valeu", "valeu"),
    "PRINT value.f64": ("there is no type .f64", ".f64"),
    "PRINT done.f32": ("no type goes here: a predicate is shown as 0 or 1", "done.f32"),
    "PRINT value.u64": (".u64 takes two registers, and value ends with this one", "value.u64"),
    "PRINT R254.u64": (".u64 takes two registers, and there is none behind R254", "R254.u64"),
    "PRINT R300": ("registers are R0 to R254 and RZ", "R300"),
    "PRINT -value": ("a register is shown as it is, without a sign or .reuse", "-value"),
    "PRINT value.f16": (".f16 is a half of a register", "value.f16"),
    "PRINT value.H0.f32": ("a half of a register is .f16, not .f32", "value.H0.f32"),
    "PRINT acc[2:9]": ("acc has elements 0 to 3, and 2:9 is no part of them", "2:9"),
    "PRINT RZ[0:2]": ("the register RZ has no elements", "RZ"),
    "PRINT SR_TID.X.f32": ("a special register is no .f32", "SR_TID.X"),
    "PRINT acc[i:9]": ("unknown name i", "i"),
    "PRINT acc[4]": ("acc has elements 0 to 3, not 4", "acc[4]"),
    "PRINT [p]": ("PRINT shows no value of an address in brackets", "[p]"),
    "PRINT SR_CLOCKLO": ("a clock has no value here: what PRINT shows is taken without time", "SR_CLOCKLO"),
    "PRINT n.u64": (".u64 takes two words, and n has one", "n.u64"),
    "PRINT a.x64": (".x64 takes two words, and a has one", "a.x64"),
    "PRINT -n": ("a constant is shown as it is, without a sign or a half", "-n"),
    "PRINT n.H1": ("a constant is shown as it is, without a sign or a half", "n.H1"),
    "PRINT c[0x0][0x160].H0_H0": ("a constant is shown as it is, without a sign or a half", "c[0x0][0x160].H0_H0"),
    "PRINT x.f16": ("a constant is no .f16", "x.f16"),
    "PRINT n.f64": ("there is no type .f64", ".f64"),
    "PRINT unused": ("no instruction names unused, so that there is nothing to show", "unused"),
    "@valeu PRINT": ("unknown name valeu", "@valeu"),
    "B------:R-:W-:-:S01 PRINT": (
        "PRINT takes no control prefix: it is no instruction, and takes no time",
        "B------:R-:W-:-:S01",
    ),
    "PRINTF value": ("unknown instruction PRINTF", "PRINTF"),
    "PRINT.F32 value": ("unknown instruction PRINT.F32", "PRINT.F32"),
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_is_refused_and_where(line):
    message, place = REFUSED[line]
    text = in_kernel(HEAD + ".reg unused\n" + BODY.replace("    EXIT", f"    {line}\n    EXIT"))
    assembly = assemble(text, "t.dasm")
    assert [d.message for d in assembly.diagnostics] == [message]
    assert underlined(assembly) == [place]


@pytest.mark.parametrize("word", ["PRINTF", "print", "printf", "Print"])
def test_other_spellings_are_told(word):
    (found,) = assemble(in_kernel(f"    {word} R0\n    EXIT"), "t.dasm").diagnostics
    assert found.suggestion == "PRINT"


def test_places_that_make_no_sense():
    assert (
        error("    MOV R0, 1\n    EXIT\n    PRINT R0")
        == "no instruction follows, before which PRINT could show anything"
    )
    (found,) = assemble("PRINT R0\n.kernel k\n    EXIT\n.endkernel\n", "t.dasm").diagnostics
    assert found.message == "PRINT stands inside a kernel"
    assert error("    EXIT", ".macro PRINT a\n.endm") == "PRINT is an instruction"


def test_what_is_shown_counts_as_read():
    assert warnings(".reg a\n    MOV a, 1\n    PRINT a\n    EXIT") == []
    assert warnings(".reg a\n    MOV a, 1\n    EXIT") == ["what MOV computes is never used"]
    assert warnings("    PRINT R7, P2\n    EXIT") == ["R7 is read but never written", "P2 is read but never written"]


def test_prints_stay_before_their_instructions_where_nops_come_in():
    text = in_kernel(HEAD + BODY.replace("    FADD acc[3]", "    PRINT acc[0].f32\n    FADD acc[3]"))
    slow = load_gpu("v100-dstc", ["pipes.FMA.latency=40"])
    made = [assemble(text, gpu=gpu).program for gpu in (slow, load_gpu())]
    assert made[0] is not None
    assert made[1] is not None
    (padded,), (plain,) = made[0].kernels, made[1].kernels
    assert len(padded.words) > len(plain.words)
    again = scheduled_for(made[1], plain, slow, lambda _: None)
    assert again.words == padded.words
    for kernel in (padded, plain, again):
        behind = [
            format_instruction(decode(VOLTA, word), control=False) for word in kernel.words[kernel.prints[0].index :]
        ]
        assert next(line for line in behind if line != "NOP ;").startswith("FADD")
        assert next(line for line in behind if line != "NOP ;").endswith("c[0x0][0x16c] ;")
