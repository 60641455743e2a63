"""The ISA reference manual, generated from the declarations: ``python -m dstc_isa.isa.manual DIR [--check]``."""

import argparse
import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from dstc_isa.isa import lanes, warp
from dstc_isa.isa.control import Control
from dstc_isa.isa.diagram import diagram
from dstc_isa.isa.effects import Effect
from dstc_isa.isa.extension import load_extension
from dstc_isa.isa.fetch import Lane
from dstc_isa.isa.identity import EXTENSION_PREFIX
from dstc_isa.isa.instruction import Declaration, Parameter
from dstc_isa.isa.instruction_set import Isa, IsaError, isa_named
from dstc_isa.isa.syntax_line import syntax
from dstc_isa.isa.volta import VOLTA

LINE_LENGTH = 120
PRIMITIVES = (lanes, warp)
HEADER = "<!-- Generated from the declarations by `python -m dstc_isa.isa.manual`; do not edit. -->"


def reading(isa: Isa) -> str:
    """How a page is to be read."""
    word = isa.word
    return f"""\
## How to read a page

Every instruction is one word of {word.bits} bits. Its section gives:

- the **syntax** of each form. `.<name>` stands for one word of the modifier of that name, `{{...}}` for something that
  may be left out; a guard `@P0` or `@!P0` may stand before any instruction.
- the **operands**: what each place accepts, and which signs (`-` negates, `|...|` takes the absolute value, `!`
  inverts a predicate). A register source may carry `.reuse`. Registers are R0 to R{word.registers - 1} and RZ, which
  reads as zero.
- the **modifiers** with the value that each word stores.
- the **encoding** of each form, rows of 32 bits from bit {word.bits - 1} down to bit 0. Bits marked `0` are
  reserved: a word that sets one of them is not an instruction. A fixed number is shown after `=`.
- the **semantics**, as the text that both engines execute. Its arguments are 32 lanes each (type after the colon;
  `index` is a register's number, `scalar` one integer for the warp, `modifier` a stored value, `derived` a number
  computed from the operands when the word is decoded, by a function at the end of the page); what it returns goes to
  the destinations in the executing lanes. Functions it uses stand at the end of the page, the operations on lanes and
  warp state below.

**Fixed latency** means that a result is ready after a number of cycles that depends on the pipe, so stall counts
cover it; **variable latency** that a scoreboard must be waited for.
"""


SOURCES = """\
## Where the encoding comes from

The layout of the word is Volta's as its public assemblers know it: opcode in bits 0-8, operand form in bits 9-11,
guard in bits 12-15, registers, immediates and constants from bit 16 on, scheduling from bit 105 on, operand reuse
from bit 122 on. An opcode marked *Volta* is the one those assemblers list; one marked *own* belongs to an instruction
that Volta does not have. The places and values of modifiers follow the same sources where these give them and are this
project's choice elsewhere, so words are not meant to run on a GPU.
"""


def _text(function: Callable[..., Any]) -> tuple[ast.FunctionDef, list[str]]:
    """A function's syntax tree and the source lines of its body without the docstring."""
    source = textwrap.dedent(inspect.getsource(function))
    tree = ast.parse(source).body[0]
    assert isinstance(tree, ast.FunctionDef)
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    lines = source.splitlines()
    after = tree.body[0].end_lineno if body is not tree.body else body[0].lineno - 1
    return tree, lines[after : tree.end_lineno] if body else []


def _typed(parameter: Parameter) -> str:
    if parameter.modifier >= 0:
        return f"{parameter.name}: modifier"
    if parameter.derived:
        return f"{parameter.name}: derived"
    return parameter.name if parameter.lane is Lane.WARP else f"{parameter.name}: {parameter.lane.value}"


def semantics(declaration: Declaration) -> str:
    """The semantics' text, its signature written with the types of lanes."""
    _, body = _text(declaration.function)
    parameters = [_typed(parameter) for parameter in declaration.parameters]
    results = ", ".join(f"{declaration.names[i]}: {declaration.lanes[i].value}" for i in declaration.results)
    arrow = f" -> ({results})" if results else ""
    name = declaration.function.__name__.rstrip("_")
    header = f"def {name}({', '.join(parameters)}){arrow}:"
    if len(header) > LINE_LENGTH:
        header = "\n".join([f"def {name}(", *(f"    {each}," for each in parameters), f"){arrow}:"])
    return "\n".join([header, *(body or ["    pass"])])


def helper_text(function: Callable[..., Any]) -> str:
    """A helper's source with its docstring, its annotations left out."""
    tree, body = _text(function)
    names = ", ".join(argument.arg for argument in tree.args.args)
    said = ast.get_docstring(tree) or ""
    doc = textwrap.indent(f'"""{said}\n"""' if "\n" in said else f'"""{said}"""', "    ") if said else ""
    return "\n".join([f"def {function.__name__}({names}):", *([doc] if doc else []), *body])


def helpers(declared: list[Declaration]) -> list[FunctionType]:
    """The functions that declarations use, directly or not, apart from the operations on lanes and warp state."""
    derived = [p.derived.compute for d in declared for p in d.parameters if p.derived]
    found = {function.__code__: function for function in derived if isinstance(function, FunctionType)}
    waiting: list[Callable[..., Any]] = [*derived, *(d.function for d in declared)]
    primitive = {module.__name__ for module in PRIMITIVES}
    while waiting:
        function = waiting.pop()
        tree, _ = _text(function)
        names = {node.id for statement in tree.body for node in ast.walk(statement) if isinstance(node, ast.Name)}
        for name in names:
            used = getattr(function, "__globals__", {}).get(name)
            if isinstance(used, FunctionType) and used.__module__ not in primitive and used.__code__ not in found:
                found[used.__code__] = used
                waiting.append(used)
    return list(found.values())


def _source_order(function: Callable[..., Any]) -> tuple[str, int]:
    return function.__module__, inspect.getsourcelines(function)[1]


def origin(declaration: Declaration) -> str:
    """Whose opcode an instruction has: that of the architecture which its set follows, or our own."""
    return declaration.isa.title if declaration.public else "own"


def codes(declaration: Declaration) -> str:
    """The opcodes of its forms, bits of the form included."""
    return ", ".join(f"0x{declaration.code(form):03x}" for form in declaration.forms)


def title(declaration: Declaration) -> str:
    """The heading of a declaration's section; two of one mnemonic are told apart by their opcode."""
    alike = [d for d in declaration.isa.declarations if d.mnemonic == declaration.mnemonic]
    return declaration.mnemonic if len(alike) == 1 else f"{declaration.mnemonic} (0x{declaration.opcode:03x})"


def anchor(heading: str) -> str:
    """The link target that Markdown renderers make of a heading."""
    return "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def touched(declaration: Declaration) -> str:
    """What an instruction touches beside its operands."""
    return ", ".join(effect.value for effect in Effect if effect in declaration.effects)


def section(declaration: Declaration) -> Iterator[str]:
    """The lines of one instruction's section."""
    latency = "variable" if declaration.variable_latency else "fixed"
    yield f"## {title(declaration)}\n"
    yield f"{declaration.description}\n"
    yield f"Pipe: {declaration.unit.name} ({declaration.unit.meaning}). Latency: {latency}."
    if declaration.effects:
        yield f"Touches: {touched(declaration)}."
    yield f"Opcodes ({origin(declaration)}): {codes(declaration)}.\n"
    yield "```text\n" + "\n".join(syntax(declaration, form) for form in declaration.forms) + "\n```\n"
    if declaration.operands:
        yield "| operand | use | accepts |\n| --- | --- | --- |"
        for name, operand in zip(declaration.names, declaration.operands, strict=True):
            left_out = f"; left out: {operand.show(operand.default, {})}" if operand.optional else ""
            alone = "; executed with its default only" if getattr(operand, "unmodelled", None) is True else ""
            accepted = operand.accepts().replace("|", "&#124;") + alone
            yield f"| {operand.display(name)} | {operand.use} | {accepted}{left_out} |"
        yield ""
    if declaration.modifiers:
        yield "| modifier | words = stored value | left out |\n| --- | --- | --- |"
        for modifier in declaration.modifiers:
            words = ", ".join(
                f".{word} = {value}" + " (not executed)" * (value in modifier.kind.unmodelled)
                for word, value in modifier.kind.words().items()
            )
            if modifier.default is None:
                absent = "must be written"
            else:
                word = modifier.kind.word_of(modifier.default)
                absent = f".{word}" if word else f"stores {modifier.default}"
            yield f"| {modifier.name} | {words} | {absent} |"
        yield ""
    yield "Encoding:\n"
    for form in declaration.forms:
        yield f"```text\n{syntax(declaration, form)}\n\n{diagram(declaration, form)}\n```\n"
    if declaration.unmodelled:
        yield f"It is read and written, and faults when it is reached: {declaration.unmodelled}.\n"
    else:
        yield f"Semantics:\n\n```python\n{semantics(declaration)}\n```\n"


def family_name(family: ModuleType) -> str:
    """The name of a page: that of the module, or of a user's file, without what stands before it."""
    return family.__name__.rpartition(".")[2].removeprefix(EXTENSION_PREFIX)


def family_page(isa: Isa, family: ModuleType) -> str:
    """The page of one family's instructions, with the functions that their semantics use."""
    declared = [d for d in isa.declarations if d.function.__module__ == family.__name__]
    name = family_name(family)
    parts = [f"{HEADER}\n\n# {name.replace('_', ' ').capitalize()}\n\n{inspect.cleandoc(family.__doc__ or '')}\n"]
    parts += [line for declaration in declared for line in section(declaration)]
    used = sorted(helpers(declared), key=_source_order)
    if used:
        parts.append("## Functions used\n\n```python\n" + "\n\n\n".join(helper_text(f) for f in used) + "\n```\n")
    return "\n".join(parts)


def _primitive_table(module: ModuleType) -> Iterator[str]:
    yield "| operation | meaning |\n| --- | --- |"
    for name, function in vars(module).items():
        if isinstance(function, FunctionType) and function.__module__ == module.__name__ and name[0] != "_":
            arguments = ", ".join(inspect.signature(function).parameters)
            summary = " ".join(inspect.cleandoc(function.__doc__ or "").split("\n\n")[0].split())
            yield f"| `{name}({arguments})` | {summary.replace('``', '`').replace('|', '&#124;')} |"
    yield ""


def families(isa: Isa) -> list[ModuleType]:
    """The modules that declare instructions of a set, the files that a user added last."""
    return list({d.function.__module__: sys.modules[d.function.__module__] for d in isa.declarations}.values())


def index_page(isa: Isa) -> str:
    """The index: all instructions, control bits, how to read a page, where the encoding comes from."""
    parts = [f"{HEADER}\n\n# Instruction set reference\n", reading(isa)]
    parts += [SOURCES] if isa is VOLTA else []
    parts.append("## Instructions\n")
    for family in families(isa):
        name = family_name(family)
        parts.append(f"### [{name.replace('_', ' ').capitalize()}]({name}.md)\n")
        parts.append(
            "| instruction | opcodes | from | pipe | latency | what it does |\n| --- | --- | --- | --- | --- | --- |"
        )
        for d in (d for d in isa.declarations if d.function.__module__ == family.__name__):
            summary = " ".join(d.description.split("\n\n")[0].split()).replace("|", "&#124;")
            link = f"[{d.mnemonic}]({name}.md#{anchor(title(d))})"
            latency = "variable" if d.variable_latency else "fixed"
            parts.append(f"| {link} | {codes(d)} | {origin(d)} | {d.unit.name} | {latency} | {summary} |")
        parts.append("")
    parts.append(f"## Control bits\n\n{inspect.cleandoc(Control.__doc__ or '').replace('``', '`')}\n")
    parts.append(f"The control prefix writes them before an instruction; left out, it is `{Control()}`.\n")
    parts.append("| field | bits |\n| --- | --- |")
    for field in isa.word.control.fields:
        parts.append(f"| {field.name} | {field.lo + field.width - 1}-{field.lo} |")
    parts.append(f"\nA yield bit of 0 prefers another warp. General registers: R0 to R{isa.word.registers - 1}.\n")
    parts.append("## Operations on lanes\n")
    parts += _primitive_table(lanes)
    parts.append("## Operations on warp state\n")
    parts += _primitive_table(warp)
    return "\n".join(parts)


def pages(isa: Isa = VOLTA) -> dict[str, str]:
    """The manual of an instruction set: file name -> Markdown, one page per family and ``index.md``."""
    manual = {f"{family_name(family)}.md": family_page(isa, family) for family in families(isa)}
    return {"index.md": index_page(isa), **manual}


def stale(directory: Path, isa: Isa = VOLTA) -> list[str]:
    """Names of the pages in ``directory`` that are missing, differ from the declarations or have none any more."""
    wanted = pages(isa)
    there = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.md")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def main(arguments: list[str] | None = None) -> int:
    """Write the manual, or with ``--check`` name the stale pages and return 1 if there are any."""
    parser = argparse.ArgumentParser(prog="python -m dstc_isa.isa.manual", description=__doc__)
    parser.add_argument("directory", type=Path, help="where the pages are")
    parser.add_argument("--isa", type=Path, action="append", default=[], metavar="FILE.py", help="further instructions")
    parser.add_argument("--of", default=VOLTA.name, metavar="NAME", help="whose manual: the name of an instruction set")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is not current")
    chosen = parser.parse_args(arguments)
    for path in chosen.isa:
        load_extension(path)
    try:
        isa = isa_named(chosen.of)
    except IsaError as error:
        parser.error(str(error))
    if chosen.check:
        old = stale(chosen.directory, isa)
        for name in old:
            print(f"{chosen.directory / name} is not current: run python -m dstc_isa.isa.manual {chosen.directory}")
        return 1 if old else 0
    chosen.directory.mkdir(parents=True, exist_ok=True)
    for name, text in pages(isa).items():
        (chosen.directory / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
