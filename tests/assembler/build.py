"""Shorthand to assemble kernel bodies in tests."""

from dstc_isa.assembler import Assembly, assemble
from dstc_isa.diagnostics import ERROR, WARNING, render
from dstc_isa.isa.codec import decode
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.volta import VOLTA
from dstc_isa.program import Program


def program(text: str) -> Program:
    """The program of a text that has no errors."""
    assembly = assemble(text, "t.dasm")
    assert assembly.program is not None, render(assembly.diagnostics)
    return assembly.program


def in_kernel(body: str, before: str = "") -> str:
    """A file with one kernel of that body."""
    return f"{before}\n.kernel k\n{body}\n.endkernel\n"


def code(body: str, before: str = "") -> list[str]:
    """What a kernel body assembles to with control codes left as they are, disassembled."""
    (kernel,) = program(in_kernel(f".control manual\n{body}", before)).kernels
    return [format_instruction(decode(VOLTA, w)).removesuffix(" ;") for w in kernel.words]


def errors(text: str) -> list[str]:
    """``line: message`` of every error of a text, which has no program."""
    assembly = assemble(text, "t.dasm")
    found = [f"{d.line}: {d.message}" for d in assembly.diagnostics if d.severity == ERROR]
    assert (assembly.program is None) == bool(found)
    return found


def error(body: str, before: str = "") -> str:
    """The only error of a kernel body."""
    (message,) = errors(in_kernel(body, before))
    return message.partition(": ")[2]


def warnings(body: str) -> list[str]:
    """The warnings of a kernel body that assembles."""
    assembly = assemble(in_kernel(body), "t.dasm")
    assert assembly.program is not None, render(assembly.diagnostics)
    return [d.message for d in assembly.diagnostics if d.severity == WARNING]


def underlined(assembly: Assembly) -> list[str]:
    """The source text that each diagnostic's carets stand under."""
    return [d.text[d.column - 1 : d.end_column - 1] for d in assembly.diagnostics]
