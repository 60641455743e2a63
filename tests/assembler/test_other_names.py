"""Names of other assemblers: each stands for something that assembles here, and is told."""

import pytest

from dstc_isa.assembler import assemble
from dstc_isa.assembler.other_names import INSTRUCTIONS, SPECIAL_NAMES
from dstc_isa.isa.volta import VOLTA
from dstc_isa.syntax.names import special_names
from tests.assembler.build import in_kernel, program


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_examples_assemble_and_are_told(name):
    other = INSTRUCTIONS[name]
    assert name not in {declaration.mnemonic for declaration in VOLTA.declarations}
    if other.example:
        program(in_kernel(f"{other.example}\nEXIT\nEXIT"))
    for written in (f"{name}.FOO R0, R1", f"{name.lower()} R0, R1"):
        (found,) = assemble(in_kernel(written)).diagnostics
        assert found.message.startswith(f"unknown instruction {written.split()[0]}")
        assert found.suggestion == other.suggestion
        assert other.why in found.message + found.expected


@pytest.mark.parametrize("name", SPECIAL_NAMES)
def test_special_names(name):
    (found,) = assemble(in_kernel(f"S2R R0, {name}\nEXIT")).diagnostics
    assert found.message == f"unknown name {name}"
    assert found.suggestion == SPECIAL_NAMES[name]
    assert found.suggestion in special_names()


def test_the_programs_own_names_come_first():
    (found,) = assemble(in_kernel(".set tidy, 1\nMOV R0, tid\nEXIT")).diagnostics
    assert found.suggestion == "tidy"
    macro = ".macro SHLL x\nMOV R0, x\n.endm"
    (found,) = assemble(in_kernel("SHL 1\nEXIT", macro)).diagnostics
    assert found.suggestion == "SHLL"
