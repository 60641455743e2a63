import gc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.assembler import AssemblyError, assemble, assemble_file, expand, program_from
from dstc_isa.diagnostics import ERROR
from dstc_isa.isa.codec import encode
from dstc_isa.isa.text import format_instruction, format_mnemonic
from dstc_isa.isa.volta import VOLTA
from dstc_isa.program import Frame
from dstc_isa.program_files import program_directory
from tests.assembler.build import in_kernel, program, underlined
from tests.strategies import instructions

MNEMONICS = sorted(
    {format_mnemonic(d, tuple(next(iter(m.kind.words().values())) for m in d.modifiers)) for d in VOLTA.declarations}
)
TOKENS = st.sampled_from(
    [".kernel k", ".endkernel", ".macro M a, b=1", ".endm", "M", "M R1", "M a=2", ".rept 2", ".endr", ".for i, 0, 3"]
    + [".endfor", ".if", ".elif 1", ".else", ".endif", ".reg", ".reg.64 p", ".reg x[4]", ".pred q", ".set i, i+1"]
    + [".param .u32 n", ".shared s, 64", ".const t, .u32, 1, 2", ".block 32", ".word 0x1", '.include "x"', ".assert i"]
    + [
        "R1",
        "R2",
        "RZ",
        "x[1]",
        "p.lo",
        "q",
        "P0",
        "PT",
        "n",
        "[R2+4]",
        "[p]",
        "c[0][4]",
        "1.5",
        "0x10",
        "-1",
        "i",
        "l",
    ]
    + [
        ",",
        ",",
        ",",
        "\n",
        "\n",
        ";",
        "l:",
        "@P0",
        "@!q",
        "B------:R-:W-:-:S01",
        "/*",
        "*/",
        "//",
        '"',
        "SR_TID.X",
        "!",
        "|",
    ]
    + MNEMONICS
)


@settings(max_examples=150)
@given(st.lists(TOKENS, max_size=30).map(" ".join), st.booleans())
def test_any_words_assemble_or_are_refused(text, wrap):
    assembly = assemble(in_kernel(text) if wrap else text)
    failed = any(d.severity == ERROR for d in assembly.diagnostics)
    assert failed == (assembly.program is None)
    for diagnostic in assembly.diagnostics:
        assert diagnostic.render()
        assert 0 < diagnostic.column < diagnostic.end_column


@settings(max_examples=60)
@given(st.text(max_size=80))
def test_any_text_is_refused(text):
    assembly = assemble(text)
    assert assembly.program is None
    assert assembly.diagnostics


@settings(max_examples=60)
@given(st.lists(instructions(), min_size=1, max_size=12))
def test_printed_instructions_assemble_to_their_words(written):
    lines = [format_instruction(instruction) for instruction in written]
    (kernel,) = program(in_kernel("\n".join([".control manual", *lines]))).kernels
    assert list(kernel.words) == [encode(instruction) for instruction in written]


def test_the_first_kernel():
    (kernel,) = program_from(program_directory() / "hello.dasm").kernels
    assert kernel.name == "saxpy"
    assert [(p.name, p.type, p.offset) for p in kernel.parameters] == [
        ("x", "ptr", 0),
        ("y", "ptr", 8),
        ("a", "f32", 16),
        ("n", "u32", 20),
    ]
    assert kernel.registers == 9


def test_all_errors_come_in_one_run_with_their_places():
    assembly = assemble(in_kernel("MOV R300, 1\nMOV R0, (\nFOO R1\nNOP ; NOP\nBRA nowhere\n.reg 5\n.rept"), "t.dasm")
    assert sorted(d.line for d in assembly.diagnostics) == [3, 4, 5, 6, 7, 8, 9, 9]
    assert all(d.where == f"t.dasm:{d.line}:{d.column}" for d in assembly.diagnostics)


def test_carets_stand_under_what_is_wrong():
    assembly = assemble(in_kernel("MOV R300, 1\nFADD R0, R1, xyz + 1\n@R0 EXIT\nLDG.E.65 R0, [R2]\nMOV R0, 1/0"), "t")
    assert underlined(assembly) == ["R300", "xyz", "@R0", "LDG.E.65", "1/0"]


def test_suggestions():
    (unknown, modifier, name) = assemble(
        in_kernel(".reg value\nFAD R0, R1, R2\nLDG.E.SIS R0, [R2]\nMOV R1, vlaue")
    ).diagnostics
    assert unknown.suggestion == "FADD"
    assert modifier.suggestion.startswith("LDG.E")
    assert name.suggestion == "value"


def test_the_way_through_macros_and_includes_is_told(tmp_path):
    (tmp_path / "inner.dasm").write_text(".macro IN a\n  MOV R0, a\n  MOV R300, a\n.endm\n")
    (tmp_path / "outer.dasm").write_text('.include "inner.dasm"\n.macro OUT\n  IN 1\n.endm\n')
    main = tmp_path / "main.dasm"
    main.write_text('.include "outer.dasm"\n.kernel k\n  OUT\n.endkernel\n')
    (wrong,) = assemble_file(main).diagnostics
    inner, outer = str(tmp_path / "inner.dasm"), str(tmp_path / "outer.dasm")
    assert wrong.where == f"{inner}:3:7"
    assert wrong.includes == (Frame(outer, 1), Frame(str(main), 1))
    assert wrong.expansion == (Frame(outer, 3, "OUT"), Frame(str(main), 3))
    (tmp_path / "inner.dasm").write_text(".macro IN a\n  MOV R0, a\n.endm\n")
    (kernel,) = program_from(main).kernels
    assert kernel.locations == ((Frame(inner, 2, "IN"), Frame(outer, 3, "OUT"), Frame(str(main), 3)),)


def test_an_included_line_in_a_kernel_has_the_include_in_its_location(tmp_path):
    (tmp_path / "body.dasm").write_text("end: EXIT\n")
    text = '.kernel k\nBRA end\n.include "body.dasm"\n.endkernel\n'
    assembly = assemble(text, str(tmp_path / "t.dasm"))
    assert assembly.program is not None
    assert assembly.program.kernels[0].locations[1] == (
        Frame(str(tmp_path / "body.dasm"), 1),
        Frame(str(tmp_path / "t.dasm"), 3),
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"NOP \xff", "not UTF-8"),
        (b"\0", "NUL"),
        (b"/* a", "never closed"),
        (b"", "no kernel"),
        (b".kernel k\n.endkernel", "no instructions"),
    ],
)
def test_unusable_files_are_diagnostics(tmp_path, data, message):
    path = tmp_path / "t.dasm"
    path.write_bytes(data)
    assembly = assemble_file(path)
    assert assembly.program is None
    assert any(message in d.message for d in assembly.diagnostics)


def test_missing_files_are_diagnostics(tmp_path):
    for path in (tmp_path / "none.dasm", tmp_path):
        (problem,) = assemble_file(path).diagnostics
        assert "cannot read" in problem.message
    with pytest.raises(AssemblyError, match="cannot read"):
        program_from(tmp_path / "none.dasm")


def test_defines():
    text = in_kernel("MOV R0, N\nEXIT")
    words = assemble(text, defines={"N": 7}).program
    assert words == assemble(text.replace("N", "7")).program
    (problem,) = assemble(text, defines={"R1": 7, "N": 1}).diagnostics
    assert "R1" in problem.message


def test_thousands_of_errors_end():
    assembly = assemble(in_kernel("\n".join(f"FOO{i}" for i in range(2000))))
    assert assembly.program is None
    assert 100 < len(assembly.diagnostics) <= 500


@pytest.mark.parametrize(
    "body",
    [
        ".rept 1000000000\n.endr",
        ".for i, 0, 1 << 40\n.endfor",
        ".rept 1 << 20\n.rept 4\nNOP\n.endr\n.endr",
        "A" + ".A" * 20000,
        "MOV " + "," * 100_000,
        "MOV R0, " + "1+" * 50_000 + "1",
        "a:" * 5000,
        '"' * 10_000,
    ],
)
def test_excess_ends_soon_with_an_error(body, monkeypatch):
    monkeypatch.setattr(expand, "MAXIMUM_STEPS", 1 << 16)
    assembly = assemble(in_kernel(body))
    assert assembly.program is None
    assert all(len(d.render()) < 2000 for d in assembly.diagnostics)


def test_the_cycle_collector_is_left_as_it_was():
    assert gc.isenabled()
    assemble("x")
    assert gc.isenabled()
    gc.disable()
    try:
        assemble("x")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_same_text_same_program():
    text = Path(program_directory() / "hello.dasm").read_text()
    assert assemble(text).program == assemble(text).program
