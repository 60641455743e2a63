"""``dstc-emu isa``: the manual page of an instruction in the terminal, or all instructions."""

import argparse
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstc_isa.cli.parser import nearest
from dstc_isa.cli.status import Status
from dstc_isa.cli.terminal import console, show, verbose
from dstc_isa.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from dstc_isa.gpu import Gpu
    from dstc_isa.isa.instruction import Declaration
    from dstc_isa.isa.instruction_set import Isa

EXAMPLE = """examples:
  dstc-emu isa
  dstc-emu isa LDG
  dstc-emu isa ISETP -v
"""
WIDTH = 100
INDENT = "    "


def add_isa_command(commands: Any) -> None:
    """Add the command to the parser's commands."""
    command = commands.add_parser(
        "isa", help="print an instruction's page of the manual, or list all instructions", epilog=EXAMPLE
    )
    command.add_argument(
        "names", nargs="*", metavar="NAME", help="mnemonic, with or without modifiers; -v shows the encoding too"
    )
    command.add_argument("--gpu", metavar="GPU", help="GPU whose latency is shown: a name or FILE.toml")
    command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a parameter of it")
    command.add_argument(
        "--isa", action="append", default=[], type=Path, metavar="FILE.py", help="declare further instructions"
    )
    command.set_defaults(run=run_isa)


def run_isa(options: argparse.Namespace) -> int:
    """Run the command."""
    from dstc_isa.cli.extensions import load_extensions
    from dstc_isa.gpu import DEFAULT_GPU, load_gpu

    load_extensions(options.isa)
    gpu = load_gpu(options.gpu or DEFAULT_GPU, options.set)
    if not options.names:
        show(_list(gpu.isa.declarations))
        return Status.DONE
    pages = [declaration for name in options.names for declaration in declarations_of(gpu.isa, name)]
    for number, declaration in enumerate(dict.fromkeys(pages)):
        show(*([""] if number else []), *page(declaration, gpu, encoding=verbose()))
    return Status.DONE


def declarations_of(isa: "Isa", name: str) -> "list[Declaration]":
    """The declarations in a set that a name means: a mnemonic, the first parts of one, or one with modifiers behind it.

    Raises UsageError for another name, with what was perhaps meant.
    """
    from dstc_isa.assembler.other_names import other_name
    from dstc_isa.isa.volta import VOLTA

    parts = name.upper().split(".")
    for count in range(len(parts), 0, -1):
        begun = parts[:count]
        found = [d for d in isa.declarations if d.mnemonic.split(".")[:count] == begun]
        if found:
            return found
    other = other_name(name) if isa is VOLTA else None
    if other is not None:
        hint = f"; here it is {other.example}: {other.why}" if other.example else f": {other.why}"
    else:
        hint = nearest(parts[0], dict.fromkeys(d.mnemonic.split(".")[0] for d in isa.declarations))
    raise UsageError(f"there is no instruction {name}{hint or '; dstc-emu isa lists all'}")


def page(declaration: "Declaration", gpu: "Gpu", *, encoding: bool) -> "Iterator[str | Table]":
    """The page of an instruction: what it does, its forms, operands, modifiers, pipe, semantics, and its bits."""
    from dstc_isa.isa.diagram import diagram
    from dstc_isa.isa.manual import codes, origin, semantics, title, touched
    from dstc_isa.isa.syntax_line import syntax

    yield title(declaration)
    yield _indented(declaration.description.replace("``", ""))
    yield ""
    yield from (f"{INDENT}{syntax(declaration, form)}" for form in declaration.forms)
    if declaration.operands:
        yield ""
        operands = _table("operand", "use", "accepts")
        for name, operand in zip(declaration.names, declaration.operands, strict=True):
            left_out = f"; left out: {operand.show(operand.default, {})}" if operand.optional else ""
            operands.add_row(operand.display(name), operand.use, f"{operand.accepts()}{left_out}".replace("`", ""))
        yield operands
    if declaration.modifiers:
        yield ""
        modifiers = _table("modifier", "left out", "words")
        for modifier in declaration.modifiers:
            usual = "" if modifier.default is None else modifier.kind.word_of(modifier.default)
            absent = "must be written" if modifier.default is None else f".{usual}" if usual else "none of them"
            modifiers.add_row(modifier.name, absent, " ".join(f".{word}" for word in modifier.kind.words()))
        yield modifiers
    yield ""
    yield _pipe(declaration, gpu)
    if declaration.effects:
        yield f"touches: {touched(declaration)}"
    yield f"opcodes: {codes(declaration)} ({origin(declaration)})"
    yield ""
    yield textwrap.indent(semantics(declaration), INDENT)
    if encoding:
        for form in declaration.forms:
            yield f"\n{INDENT}{syntax(declaration, form)}\n"
            yield textwrap.indent(diagram(declaration, form), INDENT)


def _pipe(declaration: "Declaration", gpu: "Gpu") -> str:
    from dstc_isa.isa.effects import MEMORY

    unit = declaration.unit
    timing = gpu.pipes[unit]
    text = f"pipe: {unit.name} ({unit.meaning})"
    text += f"; on {gpu.name} one every {timing.initiation} cycles a sub-core"
    latency = f"{timing.latency}"
    if unit.memory and declaration.effects & MEMORY:
        latency = f"{gpu.shared.latency} in shared memory, {gpu.l1.latency} in L1, {gpu.l2.latency} in L2, "
        latency += f"{gpu.dram.latency} in DRAM"
    waited = ", awaited with a scoreboard" if declaration.variable_latency else ", covered by stall counts"
    return f"{text}\nlatency in cycles: {latency}{waited}"


def _list(declared: "list[Declaration]") -> "Table":
    table = _table("instruction", "pipe", "what it does")
    for declaration in sorted(declared, key=lambda d: d.mnemonic):
        summary = " ".join(declaration.description.split("\n\n")[0].split()).replace("``", "")
        table.add_row(declaration.mnemonic, declaration.unit.name, summary)
    return table


def _table(*headings: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, no_wrap=heading != headings[-1])
    return table


def _indented(text: str) -> str:
    """Paragraphs filled and indented, to the width of a terminal at most."""
    width = max(40, min(console().width, WIDTH)) - len(INDENT)
    paragraphs = (textwrap.fill(" ".join(part.split()), width) for part in text.split("\n\n"))
    return textwrap.indent("\n\n".join(paragraphs), INDENT)
