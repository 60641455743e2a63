"""Signs, complements and halves on every source of each instruction: a message, or a word that its text gives again."""

from collections.abc import Iterator

import numpy as np
import pytest

from dstc_isa.assembler import assemble
from dstc_isa.diagnostics import ERROR
from dstc_isa.isa.codec import decode
from dstc_isa.isa.instruction import Declaration, Instruction
from dstc_isa.isa.register_operand import Source
from dstc_isa.isa.text import format_instruction, format_mnemonic
from dstc_isa.isa.volta import VOLTA
from tests.assembler.build import code, error, program
from tests.engine.cases import fitted
from tests.engine.combinations import instruction_of
from tests.strategies import modifier_values

HEADER = ".kernel k\n.param .u32 n\n.control manual\n.reg v[4]\n"
PLAIN = ("R4", "RZ", "v[0]", "c[1][0x8]", "n", "n + 4", "7", "1.5", "0f3f800000", "c[1][R4]", "P1")
BEFORE = ("", "-", "~", "!", "-~", "~-", "- -")
BEHIND = ("", ".H0", ".H1_H1", ".reuse", ".lo")
TAKEN = [
    d for d in VOLTA.declarations if not d.unmodelled and any(isinstance(operand, Source) for operand in d.operands)
]
"""What is executed; what is only read and written is held to the texts of real words."""


def decorated() -> Iterator[str]:
    """What may be tried as an operand; most of it means nothing."""
    for plain in PLAIN:
        for behind in BEHIND:
            for before in BEFORE:
                yield f"{before}{plain}{behind}"
            yield f"-|{plain}{behind}|"
            yield f"~|{plain}{behind}|"


def shown(made: Instruction, names: dict[str, int]) -> list[str]:
    """The operands' texts, registers where as many as there are can begin."""
    pairs = zip(made.declaration.operands, made.operands, strict=True)
    return [operand.show(fitted(operand, value, names), names) for operand, value in pairs]


def lines(declaration: Declaration) -> Iterator[str]:
    """Lines with one source each that is decorated, in two choices of modifiers."""
    rng = np.random.default_rng(0)
    values = [modifier_values(modifier) for modifier in declaration.modifiers]
    for chosen in {tuple(each[0] for each in values), tuple(each[-1] for each in values)}:
        made = instruction_of(rng, declaration, declaration.forms[0], chosen)
        names = declaration.modifier_values(chosen)
        texts = shown(made, names)
        for index, operand in enumerate(declaration.operands):
            if isinstance(operand, Source):
                for text in decorated():
                    written = ", ".join([*texts[:index], text, *texts[index + 1 :]])
                    yield f"{format_mnemonic(declaration, chosen)} {written}"


def refused(body: list[str]) -> set[int]:
    """Which lines have an error, so few at a time that none is left out."""
    found: set[int] = set()
    for start in range(0, len(body), 200):
        text = HEADER + "\n".join(body[start : start + 200]) + "\n.endkernel\n"
        diagnostics = assemble(text, "t.dasm").diagnostics
        found |= {start + d.line - 1 - HEADER.count("\n") for d in diagnostics if d.severity == ERROR}
    return found


@pytest.mark.parametrize("declaration", TAKEN, ids=[d.mnemonic for d in TAKEN])
def test_an_operand_is_refused_or_read_again(declaration: Declaration) -> None:
    body = list(lines(declaration))
    wrong = refused(body)
    right = [line for number, line in enumerate(body) if number not in wrong]
    assert wrong
    assert right
    (kernel,) = program(HEADER + "\n".join(right) + "\n.endkernel\n").kernels
    printed = [format_instruction(decode(VOLTA, word)) for word in kernel.words]
    again = program(f".kernel k\n.control manual\n{chr(10).join(printed)}\n.endkernel\n")
    assert again.kernels[0].words == kernel.words


@pytest.mark.parametrize("declaration", TAKEN, ids=[d.mnemonic for d in TAKEN])
def test_what_the_manual_names_can_be_written(declaration: Declaration) -> None:
    """Each sign and half of an operand's row in the manual, on each kind of value that has it."""
    rng = np.random.default_rng(0)
    chosen = tuple(modifier_values(modifier)[0] for modifier in declaration.modifiers)
    made = instruction_of(rng, declaration, declaration.forms[0], chosen)
    names = declaration.modifier_values(chosen)
    texts = shown(made, names)
    for index, operand in enumerate(declaration.operands):
        if not isinstance(operand, Source):
            continue
        named = operand.accepts()
        kinds = [texts[index].lstrip("-~").removesuffix(".H0_H0").removesuffix(".H1_H1").strip("|")]
        kinds += ["c[0x1][0x8]"] if "a constant" in named else []
        for kind in kinds:
            tried = (
                [f"-{kind}"] * ("`-`" in named) + [f"~{kind}"] * ("`~`" in named) + [f"|{kind}|"] * ("`|...|`" in named)
            )
            tried += [f"{kind}.H0_H0", f"-{kind}.H1_H1"] if "`.H0_H0`" in named else []
            for text in tried:
                written = ", ".join([*texts[:index], text, *texts[index + 1 :]])
                (found,) = code(f"{format_mnemonic(declaration, chosen)} {written}")
                assert text in found


def test_a_complemented_constant_is_a_negated_one_with_a_carry() -> None:
    """The high word of a 64-bit difference with a parameter."""
    body = ".param .u32 n\nIADD3.X R1, R2, {}, R3\nEXIT"
    assert code(body.format("~n")) == code(body.format("-n"))
    assert code(body.format("~n+4")) == code(body.format("~(n+4)")) == code(body.format("-n+4"))
    assert code(body.format("~c[0x0][0x160]")) == code(body.format("~n"))
    assert (
        error(body.format("~n").replace(".X", ""))
        == "~ stands before a source of an instruction with .X only, such as IADD3.X"
    )
