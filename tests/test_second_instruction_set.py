"""MINI of docs/add-an-instruction-set.md, a set with words of 64 bits: all tools work with it as with Volta's."""

import pickle
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dstc_isa
from dstc_isa import KernelFault, LaunchError, load_gpu
from dstc_isa.assembler import Assembly, assemble, program_from
from dstc_isa.engine.code_rows import shipped
from dstc_isa.gpu import Gpu, GpuError
from dstc_isa.isa.codec import DecodeError, decode, encode, misplaced
from dstc_isa.isa.compiled_printer import compile_printer
from dstc_isa.isa.control import NO_SCOREBOARD, SCOREBOARDS, Control
from dstc_isa.isa.extension import load_extension
from dstc_isa.isa.fetch import Lane
from dstc_isa.isa.field import Field
from dstc_isa.isa.field_operand import SpecialRegisterOperand
from dstc_isa.isa.instruction import DeclarationError, Instruction
from dstc_isa.isa.instruction_set import Isa, IsaError, forget_beyond, isa_named, known
from dstc_isa.isa.operand import Form, Operand
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.unit import Given, Unit, UnitError
from dstc_isa.isa.values import PT, RZ, Address, Constant, Immediate, Predicate, Register, Target, Value
from dstc_isa.isa.volta import VOLTA
from dstc_isa.isa.word_format import WordFormat
from dstc_isa.object import disassemble, listing, read_object, write_object
from dstc_isa.program import Program
from dstc_isa.report.mnemonic import mnemonic_of, text_of
from tests import extensions
from tests.docs.console import BLOCK, ROOT, run
from tests.strategies import EXECUTED

REGISTERS = 63
FUNCTION_SCOPED = [HealthCheck.function_scoped_fixture]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The page's files, with the instruction set loaded."""
    place = tmp_path_factory.mktemp("mini")
    for _, name, body in BLOCK.findall((ROOT / "docs" / "add-an-instruction-set.md").read_text(encoding="utf-8")):
        if name:
            (place / name).write_text(body, encoding="utf-8")
    before, declared = [isa.contents() for isa in known()], VOLTA.contents()
    load_extension(place / "mini.py")
    yield place
    forget_beyond(before)
    extensions.forget(declared)


@pytest.fixture(scope="module")
def gpu(place: Path) -> Gpu:
    return load_gpu(place / "mini.toml")


@pytest.fixture(scope="module")
def mini(gpu: Gpu) -> Isa:
    return gpu.isa


def test_its_printer_can_be_made(mini: Isa) -> None:
    printer = compile_printer(mini)
    pick = random.Random(1).getrandbits
    codes = [each.code(form) for each in mini.declarations for form in each.forms]
    texts = set()
    for _ in range(3000):
        word = pick(mini.word.bits) & pick(mini.word.bits) & ~mini.word.opcode.mask | codes[pick(8) % len(codes)]
        try:
            instruction = decode(mini, word)
        except DecodeError:
            expected = None
        else:
            expected = None if misplaced(instruction) else format_instruction(instruction)
        assert printer.text(word) == expected
        texts.add(expected)
    assert len(texts) > 30


def assembled(body: str, gpu: Gpu) -> Assembly:
    return assemble(f".kernel k\n{body}\n.endkernel\n", "t.dasm", gpu=gpu)


def program(body: str, gpu: Gpu) -> Program:
    assembly = assembled(body, gpu)
    assert assembly.program is not None, assembly.diagnostics
    return assembly.program


def values(operand: Operand, form: Form, index: int) -> st.SearchStrategy[Value]:
    """What can stand as an operand of MINI, from the numbers in its page."""
    named = st.one_of(st.just(RZ), st.integers(0, REGISTERS - 1))
    pair = st.one_of(st.just(RZ), st.integers(0, REGISTERS // 2 - 1).map(lambda half: 2 * half))
    kind = operand.kind_in(form, index)
    return {
        Register: st.builds(Register, named),
        Constant: st.builds(Constant, st.integers(0, 15), st.integers(0, 4095).map(lambda word: 4 * word)),
        Immediate: st.builds(Immediate, st.integers(0, 0xFFFF)),
        Predicate: st.builds(Predicate, st.one_of(st.just(PT), st.integers(0, 2))),
        Target: st.builds(Target, st.integers(-(1 << 15), (1 << 15) - 1).map(lambda words: 8 * words)),
        Address: st.builds(Address, pair, st.integers(-512, 511)),
    }[kind]


@st.composite
def instructions(draw: st.DrawFn, isa: Isa) -> Instruction:
    declaration = draw(st.sampled_from(isa.declarations))
    form = draw(st.sampled_from(declaration.forms))
    operands = tuple(draw(values(operand, form, i)) for i, operand in enumerate(declaration.operands))
    guard = draw(st.builds(Predicate, st.one_of(st.just(PT), st.integers(0, 2)), st.booleans()))
    board = st.sampled_from([*range(SCOREBOARDS), NO_SCOREBOARD])
    control = draw(st.builds(Control, st.integers(0, 31), st.booleans(), board, board, st.integers(0, 63)))
    return Instruction(declaration, form, operands, (), guard, control)


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=FUNCTION_SCOPED)
@given(data=st.data())
def test_words_of_64_bits_hold_every_instruction(mini: Isa, data: st.DataObject) -> None:
    instruction = data.draw(instructions(mini))
    word = encode(instruction)
    assert 0 <= word < 1 << 64
    assert decode(mini, word) == instruction
    assert word >> 61 == 0


@settings(max_examples=200, deadline=None, suppress_health_check=FUNCTION_SCOPED)
@given(word=st.integers(0, (1 << 64) - 1), opcode=st.integers(0, 63))
def test_a_word_decodes_to_what_encodes_to_it_or_is_refused(mini: Isa, word: int, opcode: int) -> None:
    for each in (word, word & ~63 | opcode, word & (1 << 61) - 1 & ~63 | opcode):
        try:
            instruction = decode(mini, each)
        except DecodeError:
            continue
        assert encode(instruction) == each


def test_bits_are_where_the_page_says(gpu: Gpu) -> None:
    (word,) = program("@!P1 ADD RZ, R62, 0xabcd", gpu).kernels[0].words
    assert word & 63 == 0b010001
    assert (word >> 6 & 3, word >> 8 & 1) == (1, 1)
    assert (word >> 9 & 63, word >> 15 & 63, word >> 21 & 0xFFFF) == (63, 62, 0xABCD)
    (word, _) = program("LT PT, R0, c[0x3][0x10]\nHALT", gpu).kernels[0].words
    assert (word & 63, word >> 6 & 3, word >> 9 & 3) == (0b100010, 3, 3)
    assert (word >> 21 & 0xFFF, word >> 33 & 15) == (4, 3)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("ADD R63, R0, R1", "registers are R0 to R62 and RZ"),
        ("ADD R0, R0, 0x10000", "65536 is outside 0 to 65535"),
        ("ADD R0, -R1, R2", "this operand cannot be negated"),
        ("ADD R0, R1.reuse, R2", "this operand is not kept for reuse"),
        ("LT P3, R0, R1", "predicates are P0 to P2 and PT"),
        ("@P3 NOP", "a guard is a predicate P0 to P2 or PT"),
        ("B------:R-:W-:-:S32 NOP", "a stall is 0 to 31 cycles, not 32"),
        (".word 0x10000000000000000", "an instruction word is an integer of 64 bits"),
        (".reg big[64]\nNOP", "big takes 64 registers; there are 63"),
        (".reg a[32], b[32]\nADD a[0], a[31], b[0]", "63 registers do not suffice"),
        (".pred a, b, c, d\nNOP", "there are 3 predicates"),
        ("PUT [R61], R0", "R61 starts 2 registers here and must be a multiple of 2"),
        ("IADD3 R0, R1, R2, R3", "unknown instruction IADD3"),
        ("ADD R0, R1", "operand Rb is missing: it is written ADD Rd, Ra, Rb"),
    ],
)
def test_what_the_set_does_not_have_is_refused(gpu: Gpu, body: str, message: str) -> None:
    assembly = assembled(f"{body}\nHALT", gpu)
    assert assembly.program is None
    assert any(message in found.message for found in assembly.diagnostics), assembly.diagnostics


def test_printed_programs_assemble_to_their_words(place: Path, gpu: Gpu) -> None:
    made = program_from(place / "sums.dasm", gpu=gpu)
    again = assemble(disassemble(made), gpu=gpu).program
    assert again is not None
    assert again.kernels[0].words == made.kernels[0].words
    lines = listing(made).splitlines()
    assert re.match(r"  0x0008  [0-9a-f]{16}  B------:R-:W-:-:S07 ADD R\d, ", lines[3])
    assert program(".word 0x7\nHALT", gpu).kernels[0].words[0] == 7
    assert ".word 0x0000000000000007" in disassemble(program(".word 0x7\nHALT", gpu))


@pytest.mark.slow
def test_an_object_is_read_with_its_instruction_set_only(place: Path, gpu: Gpu, mini: Isa) -> None:
    data = write_object(program_from(place / "sums.dasm", gpu=gpu))
    assert read_object(data).isa is mini
    (place / "s.dobj").write_bytes(data)
    (place / "other").mkdir()
    text = (place / "mini.py").read_text(encoding="utf-8")
    (place / "other" / "mini.py").write_text(text.replace("immediate=Field(21, 16)", "immediate=Field(21, 15)"))
    assert run("dstc-asm -d s.dobj --isa mini.py", place) == disassemble(read_object(data))
    without = run("dstc-asm -d s.dobj", place)
    assert re.search(r"words of mini \[\w+\], which is not loaded.*--isa mini.py\n\[exit status 1\]", without)
    other = run("dstc-asm -d s.dobj --isa other/mini.py", place)
    assert re.search(r"made with mini \[(\w+)\], and .* are others: mini \[(?!\1)\w+\]; assemble .* again", other)


@pytest.mark.engine
@pytest.mark.parametrize("options", [{"gpu": None}, {"gpu": None, "reference": True}, {}])
@pytest.mark.parametrize("block", [1, 32, 50, 96])
def test_sums_are_those_of_numpy(place: Path, gpu: Gpu, block: int, options: dict[str, object]) -> None:
    out = np.zeros(block, np.uint32)
    made = program_from(place / "sums.dasm", gpu=gpu)
    dstc_isa.run(made, block=block, out=out, **({"gpu": gpu} | options))
    assert out.tolist() == np.cumsum(np.arange(block)).tolist()


@pytest.mark.engine
@pytest.mark.parametrize(("latency", "nops"), [(7, 0), (31, 0), (32, 1), (70, 2)])
def test_a_chain_takes_its_latencies(place: Path, latency: int, nops: int) -> None:
    gpu = load_gpu(place / "mini.toml", [f"pipes.CORE.latency={latency}"])

    def cycles(count: int) -> int:
        made = program("ADD R0, RZ, 1\n" + "ADD R0, R0, R0\n" * count + "HALT", gpu)
        assert len(made.kernels[0].words) == 2 + count + nops * count
        found = dstc_isa.run(made, gpu=gpu, check_hazards=True).report.timing
        assert found is not None
        assert found.hazards == []
        assert found.stalls.keys() >= {"dependency", "long_scoreboard"}
        return found.cycles

    assert cycles(25) - cycles(5) == 20 * latency


@pytest.mark.engine
def test_codes_of_another_gpu_are_filled_in_anew(place: Path, gpu: Gpu) -> None:
    made = program("ADD R0, RZ, 1\nADD R0, R0, R0\nADD R0, R0, R0\nHALT", gpu)
    slow = load_gpu(place / "mini.toml", ["pipes.CORE.latency=40"])
    found = dstc_isa.run(made, gpu=slow, check_hazards=True).report.timing
    assert found is not None
    assert found.hazards == []
    assert found.cycles > 80


@pytest.mark.engine
def test_programs_run_on_machines_of_their_set_only(place: Path, gpu: Gpu) -> None:
    made = program("HALT", gpu)
    with pytest.raises(LaunchError, match="kernel k has words of mini, and GPU v100-dstc executes volta"):
        dstc_isa.run(made)
    volta = assemble(".kernel k\nEXIT\n.endkernel\n").program
    assert volta is not None
    with pytest.raises(LaunchError, match="kernel k has words of volta, and GPU mini executes mini"):
        dstc_isa.run(volta, gpu=gpu)
    with pytest.raises(GpuError, match="GPU mini executes mini, and the programs of the package are of volta"):
        dstc_isa.gemm_dense(np.zeros((8, 8), np.float16), np.zeros((8, 8), np.float16), gpu=gpu)


@pytest.mark.engine
@pytest.mark.parametrize("reference", [False, True])
def test_faults_count_in_words_of_the_set(gpu: Gpu, reference: bool) -> None:
    def fault(body: str) -> str:
        with pytest.raises(KernelFault) as caught:
            dstc_isa.run(program(body, gpu), gpu=None, reference=reference)
        return str(caught.value)

    assert "instructions are at 0x0 to 0x8, 8 bytes each" in fault("GO .+800\nHALT")
    past = fault("NOP\nNOP")
    assert "control ran past the kernel's last instruction" in past
    assert "address 0x10" in past
    assert ".word 0x0000000000000007  // undefined opcode 0x007" in fault("NOP\n.word 7\nHALT")


def test_sets_are_told_apart(gpu: Gpu, mini: Isa) -> None:
    contents = [isa.contents() for isa in known()]
    with pytest.raises(IsaError, match="there is an instruction set mini already"):
        Isa("mini", "again", mini.word)
    with pytest.raises(UnitError, match="unit CORE is one of mini: declare one for volta"):
        VOLTA.add(mini.units[0])
    with pytest.raises(UnitError, match="there is a unit CORE already"):
        mini.add(Unit("CORE", "again"))
    with pytest.raises(IsaError, match="there is no instruction set vega: there is volta, mini"):
        isa_named("vega")
    assert [isa.contents() for isa in known()] == contents
    assert set(gpu.pipes) == set(mini.units)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bits": 60}, "a word is whole bytes, not 60 bits"),
        ({"guard": Field(6, 4)}, "a warp has 255 registers and 7 predicates"),
        ({"destination": Field(9, 9)}, "a warp has 255 registers and 7 predicates"),
    ],
)
def test_formats_that_the_machine_cannot_have(mini: Isa, changes: dict[str, object], reason: str) -> None:
    names = ("bits", "opcode", "guard", "guard_negate", "control", "destination", "sources")
    with pytest.raises(ValueError, match=reason):
        WordFormat(**{name: getattr(mini.word, name) for name in names} | changes)


def test_semantics_of_the_package_are_declared_anew(mini: Isa) -> None:
    contents = [isa.contents() for isa in known()]
    nop = next(each for each in VOLTA.declarations if each.mnemonic == "NOP")
    mini.instruction("IDLE", 0x7, mini.units[0])(nop.function)
    own = mini.declarations[-1]
    assert (own.shipped, nop.shipped) == (False, True)
    assert shipped() == EXECUTED
    forget_beyond(contents)
    assert own not in mini.declarations


def test_what_cannot_be_made_is_not_there(mini: Isa) -> None:
    with pytest.raises(UnitError, match="unit CORE is one of mini"):
        Isa("half", "Half", mini.word, units=(Unit("NEW", "new"), mini.units[0]))
    assert [isa.name for isa in known()] == ["volta", "mini"]


def test_without_a_nop_scoreboards_cover_long_latencies(mini: Isa, tmp_path: Path) -> None:
    contents = [isa.contents() for isa in known()]
    slow = {"latency": Given(400, "CHOSEN"), "initiation": Given(1, "CHOSEN"), "port": Given("core", "CHOSEN")}
    bare = Isa("bare", "Bare", mini.word, units=(Unit("CORE", "slow", given=slow),))
    functions = {each.mnemonic: each.function for each in mini.declarations}
    bare.instruction("ADD", 0x1, bare.units[0])(functions["ADD"])
    bare.instruction("STOP", 0x6, bare.units[0])(functions["HALT"])
    (tmp_path / "bare.toml").write_text('extends = "v100"\nisa = "bare"\n', encoding="utf-8")
    gpu = load_gpu(tmp_path / "bare.toml")
    body = "ADD R1, R0, R0\nADD R2, R1, R1\n"
    made = assembled(body + "STOP", gpu)
    open_end = [each.expected for each in assembled(body, gpu).diagnostics]
    assert made.program is not None, made.diagnostics
    words = made.program.kernels[0].words
    first, second = (decode(bare, word).control for word in words[:2])
    forget_beyond(contents)
    assert len(words) == 3
    assert first.write != NO_SCOREBOARD
    assert second.wait == 1 << first.write
    assert "STOP" in open_end


def test_timings_of_another_set_s_unit_are_not_taken_over(mini: Isa, tmp_path: Path) -> None:
    contents = [isa.contents() for isa in known()]
    own = {"latency": Given(9, "CHOSEN"), "initiation": Given(3, "CHOSEN"), "port": Given("core", "CHOSEN")}
    like = Isa("like", "Like", mini.word, units=(Unit("ALU", "named as one of Volta's", given=own),))
    (tmp_path / "like.toml").write_text('extends = "v100"\nisa = "like"\n', encoding="utf-8")
    timing = load_gpu(tmp_path / "like.toml").pipes[like.units[0]]
    kept = pickle.dumps(like.units[0])
    assert pickle.loads(kept) is like.units[0]
    like.forget()
    with pytest.raises(IsaError, match="like has no ALU: load the files that declare it"):
        pickle.loads(kept)
    forget_beyond(contents)
    assert (timing.latency, timing.initiation, timing.port) == (9, 3, "core")


def test_what_is_declared_later_is_seen(mini: Isa, gpu: Gpu) -> None:
    contents = [isa.contents() for isa in known()]
    functions = {each.mnemonic: each.function for each in mini.declarations}
    word = 0x7 | mini.word.unguarded | mini.word.control.encode(Control())
    assert text_of(mini, word) == mnemonic_of(mini, word) == "undefined"
    assert not assembled("IDLE\nHALT", gpu).program
    mini.instruction("IDLE", 0x7, mini.units[0])(functions["NOP"])
    assert text_of(mini, word) == "IDLE ;"
    assert mnemonic_of(mini, word) == "IDLE"
    assert assembled("IDLE\nHALT", gpu).program
    forget_beyond(contents)
    assert mnemonic_of(mini, word) == "undefined"
    assert not assembled("IDLE\nHALT", gpu).program


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ({33: "SR_LANEID"}, "SR_LANEID means something else already"),
        ({0: "LANE"}, "what it calls LANE is SR_LANEID already"),
    ],
)
def test_words_have_one_meaning_in_all_sets(mini: Isa, names: dict[int, str], reason: str) -> None:
    def own(number: Annotated[Any, Lane.SCALAR, SpecialRegisterOperand(Field(24, 8), names)]) -> None:
        """Take a special register."""

    with pytest.raises(DeclarationError, match=reason):
        mini.instruction("TAKE", 0x7, mini.units[0])(own)
    assert all(each.mnemonic != "TAKE" for each in mini.declarations)
