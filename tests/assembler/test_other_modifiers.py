"""Modifiers that disassemblers print: what stands for the whole mnemonic assembles, and is told."""

import pytest

from dstc_isa.assembler import assemble
from dstc_isa.assembler.other_modifiers import LEFT_OUT, LONGER_NAMES
from dstc_isa.isa.resolve import MnemonicError, resolve
from dstc_isa.isa.volta import VOLTA
from tests.assembler.build import in_kernel, program


@pytest.mark.parametrize("name", LONGER_NAMES)
def test_longer_names_are_told(name):
    other = LONGER_NAMES[name]
    with pytest.raises(MnemonicError):
        resolve(VOLTA, name)
    if other.example:
        program(in_kernel(f"{other.example}\nEXIT\nEXIT"))
    (found,) = assemble(in_kernel(f"{name}.FOO R0, R1")).diagnostics
    assert found.suggestion == other.suggestion
    assert other.why in found.message + found.expected


LEFT = {
    "LDG.E.LTC128B.SYS R0, [R2]": "LDG.E",
    "LDG.E.128.CONSTANT R4, [R2]": "LDG.E.128",
    "STG.E.WEAK.SYS [R2], R0": "STG.E",
    "RED.E.ADD.STRONG [R2], R0": "RED.E.ADD",
}


@pytest.mark.parametrize("line", LEFT)
def test_modifiers_that_are_left_out(line):
    written, _, operands = line.partition(" ")
    (found,) = assemble(in_kernel(f"{line}\nEXIT")).diagnostics
    assert found.suggestion == LEFT[line]
    assert all(word in found.expected for word in written.split(".") if word in LEFT_OUT)
    program(in_kernel(f"{found.suggestion} {operands}\nEXIT"))


def test_a_modifier_that_is_left_out_somewhere_is_kept_where_it_has_a_meaning():
    program(in_kernel("MEMBAR.SC.SYS\nMEMBAR.SC.CTA\nLDG.E.STRONG.GPU R0, [R2]\nEXIT"))
    (found,) = assemble(in_kernel("LDG.E.SYSS R0, [R2]\nEXIT")).diagnostics
    assert "LDG has no modifier .SYSS" in found.message


def test_no_declared_mnemonic_loses_a_part():
    assert not {d.mnemonic for d in VOLTA.declarations} & LONGER_NAMES.keys()
