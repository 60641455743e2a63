import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.assembler.build import code, error, errors, in_kernel, program


@given(st.integers(-8, 8), st.integers(-8, 8), st.integers(-3, 3).filter(bool))
def test_for_counts_as_a_range(start, stop, step):
    body = f".for i, {start}, {stop}, {step}\nMOV R0, i\n.endfor\nEXIT"
    assert code(body)[:-1] == [f"MOV R0, 0x{i % (1 << 32):x}" for i in range(start, stop, step)]


@given(st.integers(0, 6), st.integers(0, 4))
def test_rept_repeats(outer, inner):
    body = f".set n, 0\n.rept {outer}\n.rept {inner}\n.set n, n + 1\n.endr\n.endr\nMOV R0, n"
    assert code(body) == [f"MOV R0, 0x{outer * inner:x}"]


@given(st.lists(st.booleans(), min_size=1, max_size=5), st.booleans())
def test_if_takes_the_first_that_holds(conditions, otherwise):
    parts = [f".{'if' if i == 0 else 'elif'} {int(c)}\nMOV R0, {i}" for i, c in enumerate(conditions)]
    if otherwise:
        parts.append(".else\nMOV R0, 99")
    chosen = next((i for i, c in enumerate(conditions) if c), 99 if otherwise else None)
    expected = [] if chosen is None else [f"MOV R0, 0x{chosen:x}"]
    assert code("\n".join(parts) + "\n.endif\nEXIT")[:-1] == expected


def test_the_branch_not_taken_is_not_evaluated():
    assert code('.if 1\nNOP\n.else\n.error "no"\n.include "none"\nMOV R0, nothing\n.endif') == ["NOP"]


def test_labels_in_a_loop_belong_to_each_turn():
    assert code(".rept 2\nx: BRA x\n.endr") == ["BRA .+0", "BRA .+0"]


def test_registers_of_a_loop_are_released():
    body = ".reg keep\nMOV keep, RZ\n.rept 9\n.reg t[100]\nMOV t, keep\nMOV keep, t[99]\n.endr"
    (kernel,) = program(in_kernel(body + "\nEXIT")).kernels
    assert kernel.registers == 101


def test_several_kernels():
    built = program(in_kernel("EXIT") + in_kernel("NOP\nEXIT").replace("kernel k", "kernel m"))
    assert [(k.name, len(k.words)) for k in built.kernels] == [("k", 1), ("m", 2)]


def test_names_of_a_kernel_end_with_it():
    text = in_kernel(".reg a\n.set N, 1\nMOV a, N\nEXIT") + in_kernel("MOV R0, N").replace("kernel k", "kernel m")
    assert errors(text) == ["10: unknown name N"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (".rept -1\n.endr", "a block is repeated 0 times or more, not -1"),
        (".rept\n.endr", "it is written .rept COUNT"),
        (".for i, 0, 1, 0\n.endfor", "the step is not 0"),
        (".for 1, 0, 1\n.endfor", "expected a plain name that is not one of the machine's"),
        (".for i, 0\n.endfor", "it is written .for NAME, START, STOP[, STEP]"),
        (".if\n.endif", ".if takes one condition"),
        (".if R1\n.endif", "expected a number, not the register R1"),
        (".kernel m\n.endkernel", "a kernel stands inside another"),
    ],
)
def test_refusals(line, message):
    assert error(f"{line}\nEXIT") == message


def test_two_kernels_of_one_name():
    assert errors(in_kernel("EXIT") * 2) == ["6: there is already a kernel k"]
    assert "it is written .kernel NAME" in errors(".kernel\nEXIT\n.endkernel")[0]
