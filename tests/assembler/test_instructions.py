import pytest
from hypothesis import given

from tests.assembler.build import code, error, in_kernel, program
from tests.strategies import controls


@given(controls())
def test_control_prefixes(control):
    (kernel,) = program(in_kernel(f"  {control} @P1 EXIT ;\n")).kernels
    assert kernel.isa.word.control.decode(kernel.words[0]) == control


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("EXIT;", "EXIT"),
        ("@P0 EXIT ;", "@P0 EXIT"),
        ("@ ! P6 EXIT", "@!P6 EXIT"),
        ("@PT EXIT", "EXIT"),
        ("@!PT EXIT", "@!PT EXIT"),
        (".pred q\n@!q EXIT", "@!P0 EXIT"),
        ("x: y: EXIT // end", "EXIT"),
        ("/* a */ EXIT /* b */ ;", "EXIT"),
    ],
)
def test_guards_and_ends(line, printed):
    assert code(line) == [printed]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("@P7 EXIT", "a guard is a predicate P0 to P6 or PT, or a name declared by .pred"),
        ("@R0 EXIT", "a guard is a predicate P0 to P6 or PT, or a name declared by .pred"),
        ("@q EXIT", "unknown name q"),
        ("B------:R-:W-:-:S16 EXIT", "a stall is 0 to 15 cycles, not 16"),
        (
            "B0-----:R8:W-:-:S01 EXIT",
            "a control prefix looks like B01----:R-:W2:Y:S04 (wait, read, write, yield, stall)",
        ),
        ("exit", "unknown instruction exit"),
        ("MOV" + "X" * 100 + " R1", "this is no instruction"),
        ("MOV " + ", ".join(["R1"] * 40), "more than 32 operands"),
    ],
)
def test_refusals(line, message):
    assert error(line) == message


@pytest.mark.parametrize(
    ("body", "registers"),
    [
        ("EXIT", 0),
        ("MOV R0, RZ", 1),
        ("LDG.E.128 R8, [R2]", 12),
        ("STG.E [R20], RZ", 22),
        ("OHMMA.8161.F32 R16, R1.H0, R2.H0, 0, 0", 48),
        ("HMMA.884.F32.F32.STEP0 R4, R6.ROW, R8.COL, R10", 12),
        (".reg x\nMOV R254, RZ\nMOV x, R254", 255),
    ],
)
def test_registers_are_counted_with_their_widths(body, registers):
    assert program(in_kernel(body)).kernels[0].registers == registers
