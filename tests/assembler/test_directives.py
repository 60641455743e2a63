import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.assembler import assemble, assemble_file
from dstc_isa.object import disassemble, read_object, write_object
from dstc_isa.program import ELEMENT_SIZES, PARAMETER_SIZES, ConstantArray, Parameter, SharedArray
from tests.assembler.build import code, error, errors, in_kernel, program

CODES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}


@given(st.lists(st.sampled_from(list(PARAMETER_SIZES)), max_size=10))
def test_parameters_are_aligned_in_order(types):
    body = "\n".join(f".param .{kind} p{i}" for i, kind in enumerate(types))
    (kernel,) = program(in_kernel(body + "\nEXIT")).kernels
    assert [p.type for p in kernel.parameters] == types
    end = 0
    for parameter in kernel.parameters:
        assert end <= parameter.offset < end + parameter.size
        assert parameter.offset % parameter.size == 0
        end = parameter.offset + parameter.size


def test_a_parameter_is_a_constant():
    body = ".param .u32 n, .ptr x\nMOV R0, n\nMOV R1, x+4\nFADD R2, R3, -|n|"
    assert code(body) == ["MOV R0, c[0x0][0x160]", "MOV R1, c[0x0][0x16c]", "FADD R2, R3, -|c[0x0][0x160]|"]
    assert program(in_kernel(body)).kernels[0].parameters == (Parameter("n", "u32", 0), Parameter("x", "ptr", 8))


@given(
    st.lists(
        st.tuples(st.sampled_from(["u32", "ptr", *(f"ptr.{e}" for e in ELEMENT_SIZES)]), st.booleans()), min_size=1
    )
)
def test_a_name_without_a_type_has_that_of_the_one_before(declared):
    """``.param .ptr.f32 a, b, .u32 n``: written out or left out, the parameters are the same."""
    written = [f".{kind} p{i}" for i, (kind, _) in enumerate(declared)]
    short = [
        f"p{i}" if i and leave_out and declared[i - 1][0] == kind else text
        for i, ((kind, leave_out), text) in enumerate(zip(declared, written, strict=True))
    ]
    one, other = (
        program(in_kernel(f".param {', '.join(each)}\nEXIT")).kernels[0].parameters for each in (written, short)
    )
    assert one == other
    assert [p.written for p in one] == [kind for kind, _ in declared]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (".param .f16 x", "no parameter is .f16; a pointer to such elements is .ptr.f16"),
        (".param .u32.f32 x", ".u32 has no elements; a pointer to such numbers is .ptr.f32"),
        (".param .ptr.f8 x", "typed pointers are .ptr.u8, "),
        (".param .ptr.f32.x y", "typed pointers are .ptr.u8, "),
        (".param x", "a parameter is a type and a name, such as .u32 n"),
        (".param .ptr.f32", "a parameter is a type and a name, such as .u32 n"),
    ],
)
def test_wrong_types(body, message):
    assert error(body + "\nEXIT").startswith(message)


def test_shared_memory():
    (kernel,) = program(in_kernel(".shared a, 10\n.shared b, 4, 64\n.shared d, 1, 1\nMOV R0, b+1\nEXIT")).kernels
    assert kernel.shared == (SharedArray("a", 0, 10), SharedArray("b", 64, 4), SharedArray("d", 68, 1))
    assert kernel.shared_bytes == 69


def test_arrays_of_each_turn_have_names_of_their_own_in_the_object():
    turns = ".shared s_2, 4, 4\n.rept 3\n.shared s, 8, 4\nSTS [s], R0\n.endr\nM\nM\nSTS [s_2], R0\nEXIT"
    macro = ".macro M\n.shared s, 4, 4\n.const t, .u32, 7\nSTS [s], R0\nLDC R1, c[3][t]\n.endm"
    made = program(in_kernel(turns, macro))
    (kernel,) = made.kernels
    shared = [("s_2", 0), ("s", 4), ("s_3", 12), ("s_4", 20), ("s_5", 28), ("s_6", 32)]
    assert [(array.name, array.offset) for array in kernel.shared] == shared
    assert [array.name for array in made.constant_arrays] == ["t", "t_2"]
    assert read_object(write_object(made)) == made
    assert assemble(disassemble(made)).program is not None
    stores = [kernel.array_at(i).name for i in range(len(kernel.words)) if kernel.through[i]]
    assert stores == ["s", "s_3", "s_4", "s_5", "s_6", "s_2"]


@given(st.sampled_from(list(CODES)), st.data())
def test_integer_constants_are_stored_little_endian(kind, data):
    bits = 8 * struct.calcsize("<" + CODES[kind])
    values = data.draw(st.lists(st.integers(-(1 << bits - 1), (1 << bits) - 1), min_size=1, max_size=6))
    built = program(in_kernel("EXIT", f".const t, .{kind}, {', '.join(map(str, values))}"))
    assert built.constants == b"".join((v % (1 << bits)).to_bytes(bits // 8, "little") for v in values)
    assert built.constant_arrays == (ConstantArray("t", 0, len(built.constants)),)


def test_constants_are_aligned():
    before = ".const t, .u8, 1\n.const u, .f32, 1, -2.5, 0f7fc00000\n.const.128 v, .u8, 2\n.const.64 w, .u8, 3"
    built = program(in_kernel("LDC R0, c[3][u+4]\nEXIT", before))
    assert built.constants == bytes.fromhex("01000000 0000803f 000020c0 0000c07f 02 00000000000000 03")
    assert [a.offset for a in built.constant_arrays] == [0, 4, 16, 24]


def test_block():
    assert program(in_kernel(".block 32, 4\nEXIT")).kernels[0].block == (32, 4, 1)
    assert program(in_kernel("EXIT")).kernels[0].block is None


def test_names_of_registers_and_predicates():
    body = ".reg a, b[2]\n.pred p, q\nISETP.LT.AND p, q, a, b[1], PT\n@!q MOV R0, a\n@p EXIT"
    assert code(body) == ["ISETP.LT.AND P0, P1, R3, R2, PT", "@!P1 MOV R0, R3", "@P0 EXIT"]


def test_a_block_keeps_predicates_of_the_machine_to_itself():
    names = "".join(f"\n@{p} EXIT" for p in "abdefgh")
    others = f".macro OTHERS\n.pred a, b, d, e, f, g, h{names}\n.endm\n"
    kept = ".macro KEPT\n.pred P0, P1, P2, P3, P4, P5, P6\nR2P PR, R1, 0x7f\n@P3 EXIT\n.endm\n"
    assert code(f"{others}{kept}OTHERS\nKEPT\nOTHERS")[7:9] == ["R2P PR, R1, 0x7f", "@P3 EXIT"]
    # A name that lives around the block keeps out of the way, also if it is older.
    body = ".pred p, q\n@p EXIT\n.macro KEPT\n.pred P0, P2\n@P0 EXIT\n@P2 EXIT\n.endm\nKEPT\n@q EXIT"
    assert code(body) == ["@P1 EXIT", "@P0 EXIT", "@P2 EXIT", "@P3 EXIT"]
    # Used elsewhere, one is taken throughout as ever.
    assert code(".pred p\n@P0 EXIT\n.rept 1\n.pred P0\n@P0 EXIT\n.endr\n@p EXIT")[-1] == "@P1 EXIT"
    message = error(f"{kept}.pred p\nKEPT\n@p EXIT")
    assert message == (
        "7 predicates do not suffice: no room for p (1); live here: "
        "P0 (1), P1 (1), P2 (1), P3 (1), P4 (1), P5 (1), P6 (1)"
    )


def test_set_and_assert():
    assert code(".set i, 3\n.set i, i * 2\n.assert i == 6\nMOV R0, i") == ["MOV R0, 0x6"]
    assert error('.assert 1 > 2, "too \\"small\\""') == 'too "small"'
    assert error('.error "no"') == "no"


def test_word():
    (kernel,) = program(in_kernel(".word 0xffffffffffffffffffffffffffffffff\nEXIT")).kernels
    assert kernel.words[0] == (1 << 128) - 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (".param .x16 x", "parameter types are .u32, .s32, .f32, .u64, .ptr"),
        (".param x", "a parameter is a type and a name, such as .u32 n"),
        (".param", "it is written .param .u32 NAME"),
        (".rept 1\n.param .u32 x\n.endr", ".param stands directly in the kernel, not in a macro or loop"),
        (".shared a, 0", "the size is at least 1 byte, not 0"),
        (".shared a, 8, 3", "an alignment is a power of two, not 3"),
        (".shared a, 98305", "98305 bytes of shared memory; a CTA has 98304"),
        (".shared a", "it is written .shared NAME, BYTES[, ALIGN]"),
        (".const a, .u8", "it is written .const NAME, .u32, VALUE, ..."),
        (".const a, .u8, 256", "256 does not fit 8 bits"),
        (".const a, .u32, 1.5", "expected an integer, not 1.5"),
        (".const a, .f32, 1e50", "1e+50 is beyond the range of FP32"),
        (".const a, .x8, 1", "constant types are .u8, .u16, .u32, .u64, .f32"),
        (".const a, .u8, R1", "expected a number"),
        (".block 0", "a block has at most 1024 threads, 64 of them along z, and at least 1"),
        (".block 32, 64", "a block has at most 1024 threads, 64 of them along z, and at least 1"),
        (".block 1\n.block 1", "the block size is already declared"),
        (".reg R5", "expected a name or NAME[COUNT]"),
        (".reg a[256]", "a takes 256 registers; there are 255"),
        (".reg.128 a[64]", "a takes 256 registers; there are 255"),
        (".reg a, a", "a is already declared here"),
        (".reg c", "c is a name of the machine"),
        (".pred a, b, d, e, f, g, h, i", "there are 7 predicates"),
        (".pred PT", "expected a plain name or P0 to P6"),
        (".pred R1", "expected a plain name or P0 to P6"),
        (".pred 3", "expected a plain name or P0 to P6"),
        (".pred P0, P0", "P0 is kept already by the block around this, at line 3"),
        (".pred P3\n.rept 1\n.pred P2, P3\n@P3 EXIT\n.endr", "P3 is kept already by the block around this, at line 3"),
        (".set a", "it is written .set NAME, EXPRESSION"),
        (".set a, R1", "expected a number that is known here"),
        (".reg a\n.set a, 1", "a is a register or label"),
        (".assert 0", "the assertion does not hold"),
        (".error 5", "expected a message in quotes"),
        (".word -1", "an instruction word is an integer of 128 bits"),
        (".foo", "unknown directive .foo"),
        (".include 5", "expected a file name in quotes"),
        ("R1: NOP", "R1 is a name of the machine"),
        ("x: NOP\nx: NOP", "label x is already at t.dasm:3"),
        (".reg x\nx: NOP", "x is already declared here"),
    ],
)
def test_refusals(line, message):
    assert error(f"{line}\nEXIT") == message


@pytest.mark.parametrize("line", [".param .u32 n", ".shared a, 4", ".block 1", ".reg a", ".pred p", ".word 0"])
def test_declarations_of_a_kernel_stand_in_one(line):
    assert errors(f"{line}\n{in_kernel('EXIT')}") == [f"1: {line.split()[0]} stands inside a kernel"]


def test_instructions_and_labels_stand_in_a_kernel():
    assert errors(f"x: NOP\n{in_kernel('EXIT')}") == ["1: label x is outside a kernel", "1: NOP is outside a kernel"]


def test_registers_do_not_suffice():
    message = error(".reg a[200], b[50]\nMOV a, R0\nMOV b, R7\nMOV a[199], R3\nMOV R1, R2")
    assert message == (
        "255 registers do not suffice: no room for b (50); live here: a (200), R0-R3, R7 named directly (5)"
    )
    message = error(".pred a, b, d, e, f, g\n@P0 EXIT\n@P1 EXIT\n" + "\n".join(f"@{p} EXIT" for p in "abdefg"))
    assert message.startswith("7 predicates do not suffice: no room for g (1); live here: a (1), b (1)")


def test_includes_are_looked_for_beside_the_file_then_in_the_directories(tmp_path):
    for name, value in [("a", 1), ("b", 2)]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.inc").write_text(f".set N, {value}\n")
    (tmp_path / "b" / "y.inc").write_text('.include "x.inc"\n')
    main = tmp_path / "a" / "main.dasm"
    main.write_text('.include "x.inc"\n.kernel k\nMOV R0, N\n.include "y.inc"\nMOV R0, N\nEXIT\n.endkernel\n')
    built = assemble_file(main, [tmp_path / "b"]).program
    assert built is not None
    assert [word >> 32 & 0xFFFFFFFF for word in built.kernels[0].words[:2]] == [1, 2]
    (problem,) = assemble_file(main).diagnostics
    assert problem.message.startswith("there is no file 'y.inc' in ")
    assert str(tmp_path / "a") in problem.message


def test_the_shipped_includes_are_found():
    assert assemble('.include "spwmma.dasm"\n' + in_kernel("EXIT")).program is not None


def test_a_file_that_includes_itself(tmp_path):
    main = tmp_path / "main.dasm"
    main.write_text('.include "main.dasm"\n.kernel k\nEXIT\n.endkernel\n')
    messages = [d.message for d in assemble_file(main).diagnostics]
    assert f"{main} includes itself" in messages
