"""``dstc-asm``: assemble a source, or disassemble an object."""

import argparse
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from dstc_isa.cli.entry import run_command, status_of
from dstc_isa.cli.files_read import overwritten
from dstc_isa.cli.parser import CommandParser, add_version, parse
from dstc_isa.cli.status import Status
from dstc_isa.cli.terminal import say, wants_colour
from dstc_isa.cli.used_files import used_twice
from dstc_isa.errors import DstcError, UsageError
from dstc_isa.whole_file import STANDARD_OUTPUT, check_writable

if TYPE_CHECKING:
    from dstc_isa.cli.printer import PrinterStore
    from dstc_isa.diagnostics import Diagnostic

PROGRAM = "dstc-asm"


def arguments() -> CommandParser:
    """The command line of ``dstc-asm``."""
    parser = CommandParser(
        prog=PROGRAM,
        description="Assemble a .dasm source to an object file, or print the assembly of an object or a cubin (-d).",
        top=True,
    )
    add_version(parser)
    parser.add_argument(
        "input", metavar="FILE", nargs="?", help="source to assemble, or with -d an object; - is standard input"
    )
    parser.add_argument(
        "-o",
        metavar="OUT",
        dest="output",
        help="object to write (default: the source's name with .dobj), with -d the text; - is standard output",
    )
    parser.add_argument("-I", metavar="DIR", dest="include", action="append", default=[], help="look for .include here")
    parser.add_argument(
        "-D", metavar="NAME=VALUE", dest="defines", action="append", default=[], help="define a number (default 1)"
    )
    parser.add_argument(
        "-l", metavar="LISTING", dest="listing", help="write address, word, text and source line; - is standard output"
    )
    parser.add_argument("--isa", metavar="FILE.py", action="append", default=[], help="declare further instructions")
    parser.add_argument("--gpu", metavar="GPU", help="fill in control codes for this GPU: a name or FILE.toml")
    parser.add_argument(
        "--check",
        action="store_true",
        help="report errors and warnings, write nothing; a hazard of written control codes is an error (status 4)",
    )
    parser.add_argument("--json", action="store_true", help="print the diagnostics as JSON on standard output")
    parser.add_argument(
        "-d",
        dest="disassemble",
        action="store_true",
        help="print text that assembles to the same bytes; FILE is an object, or a cubin for sm_70",
    )
    parser.add_argument(
        "--raw", action="store_true", help="with -d: FILE is nothing but instruction words, 16 bytes each"
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run ``dstc-asm``; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    parser = arguments()
    options = parse(parser, argv)
    return run_command(PROGRAM, lambda: run(parser, options), parser)


def run(parser: CommandParser, options: argparse.Namespace) -> int:
    """Do what the command line says."""
    if options.input is None:
        parser.error("FILE is missing: a source to assemble, or with -d an object")
    for what, name in (("FILE", options.input), ("-o", options.output), ("-l", options.listing)):
        if name == "":
            parser.error(f"{what} is an empty name")
    if options.disassemble and (options.listing or options.check or options.defines or options.include or options.gpu):
        parser.error("-d takes only an object file, -o, --raw, --isa and --json")
    if options.raw and not options.disassemble:
        parser.error("--raw goes with -d only: it says what FILE is that is disassembled")
    if options.input == STANDARD_OUTPUT and not (options.output or options.check or options.disassemble):
        parser.error("what standard input assembles to has no name: give one with -o, or -o - for standard output")
    if not options.check:
        twice = _used_twice(options)
        if twice:
            parser.error(twice)
    text_asked_for = options.json or (options.disassemble and options.output is None)
    if text_asked_for or STANDARD_OUTPUT in (options.output, options.listing):
        check_writable(Path(STANDARD_OUTPUT))
    defines = {}
    for text in options.defines:
        from dstc_isa.assembler import definable

        name, _, written = text.partition("=")
        value = number(written or "1")
        if value is None or not name:
            parser.error(f"-D {text}: expected NAME=NUMBER")
        if not definable(name):
            parser.error(f"-D {text}: cannot define {name!r}: it is no free name")
        defines[name] = value
    if not extend(options.isa, options.json):
        return Status.REFUSED
    if options.disassemble:
        return disassemble(options.input, _output(options), options.json, raw=options.raw)
    return assemble(options, defines)


def _output(options: argparse.Namespace) -> str:
    """The file that is written: the one given, or beside the source."""
    if options.output is not None:
        return str(options.output)
    if options.disassemble:
        return STANDARD_OUTPUT
    source = Path(options.input)
    return str(source.with_suffix(".dobj") if source.name else source / "a.dobj")


def _used_twice(options: argparse.Namespace) -> str:
    """Which file the command line would read or write twice, or empty."""
    output = _output(options)
    diagnostics = ("the diagnostics", STANDARD_OUTPUT if options.json else None)
    declared = [("further instructions", path) for path in options.isa]
    if options.gpu is not None:
        from dstc_isa.gpu import is_file

        if is_file(options.gpu):
            declared.append(("the GPU", options.gpu))
    if options.disassemble:
        return used_twice([("the object", options.input), *declared], [("the text", output), diagnostics])
    written = [("the object", output), ("the listing", options.listing), diagnostics]
    return used_twice([("the source", options.input), *declared], written)


def extend(paths: list[str], as_json: bool) -> bool:
    """Load the files of further instructions; whether all of them could be."""
    if not paths:
        return True
    from dstc_isa.cli.extensions import load_extensions
    from dstc_isa.isa.extension import ExtensionError

    for path in paths:
        try:
            load_extensions([path])
        except ExtensionError as error:
            report([failure(path, error.reason, error.line)], as_json)
            return False
    return True


def number(text: str) -> int | float | None:
    """A number as it is written in assembly, or None."""
    from dstc_isa.assembler.evaluate import pure_value

    value = pure_value(text)
    return value if isinstance(value, int | float) else None


def assemble(options: argparse.Namespace, defines: dict[str, int | float]) -> int:
    """Assemble ``options.input`` and write what was asked for."""
    from dstc_isa.assembler import assemble_bytes, assemble_file
    from dstc_isa.diagnostics import ERROR, Diagnostic
    from dstc_isa.gpu import GpuError, load_gpu

    try:
        gpu = None if options.gpu is None else load_gpu(options.gpu)
    except GpuError as error:
        if isinstance(error, UsageError) and not options.json:
            raise
        report([Diagnostic(ERROR, str(error), options.gpu)], options.json)
        return status_of(error)
    include = [Path(directory) for directory in options.include]
    if options.input == STANDARD_OUTPUT:
        assembly = assemble_bytes(sys.stdin.buffer.read(), "<stdin>", include, defines, gpu, strict=options.check)
    else:
        assembly = assemble_file(options.input, include, defines, gpu, strict=options.check)
    diagnostics = list(assembly.diagnostics)
    if assembly.program is not None and not options.check:
        lost = overwritten([("the object", _output(options)), ("the listing", options.listing)])
        if lost:
            raise UsageError(lost)
        from dstc_isa.object import listing, write_object

        diagnostics += write(_output(options), write_object(assembly.program))
        if options.listing:
            diagnostics += write(options.listing, listing(assembly.program).encode(errors="surrogateescape"))
    report(diagnostics, options.json)
    return outcome(diagnostics)


def outcome(diagnostics: list["Diagnostic"]) -> Status:
    """The exit status that errors ask for: a hazard is a finding if nothing else is wrong."""
    from dstc_isa.diagnostics import ERROR, HAZARD

    kinds = {diagnostic.kind for diagnostic in diagnostics if diagnostic.severity == ERROR}
    if not kinds:
        return Status.DONE
    return Status.FINDING if kinds == {HAZARD} else Status.REFUSED


def disassemble(path: str, output: str, as_json: bool, *, raw: bool) -> int:
    """Write the assembly text of an object file, of a cubin, or if it is ``raw`` of a file of words."""
    from dstc_isa.cli.printer import PrinterStore

    store = PrinterStore()
    try:
        data = sys.stdin.buffer.read() if path == STANDARD_OUTPUT else Path(path).read_bytes()
        text = assembly_text(data, store, raw=raw)
    except DstcError as error:
        report([failure(path, str(error))], as_json)
        return Status.REFUSED
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        report([failure(path, f"cannot read the file: {reason}")], as_json)
        return Status.REFUSED
    problems = []
    if output == STANDARD_OUTPUT:
        show(text)
    else:
        problems = write(output, text.encode())
        report(problems, as_json)
    store.fill()
    return Status.REFUSED if problems else Status.DONE


def assembly_text(data: bytes, store: "PrinterStore", *, raw: bool) -> str:
    """The text of an object file, of a cubin, or of bare words; raises CubinError and ObjectError."""
    from dstc_isa.listing.cubin_file import bare_words, is_cubin, read_cubin

    if not raw and not is_cubin(data):
        from dstc_isa.object import disassemble as text_of
        from dstc_isa.object import read_object

        return text_of(read_object(data))
    codes = bare_words(data) if raw else read_cubin(data)
    printer = store.find()
    if printer is not None:
        from dstc_isa.listing.cubin_text import cubin_text

        return cubin_text(codes, printer)
    from dstc_isa.object import disassemble as text_of
    from dstc_isa.object import program_of

    return text_of(program_of(codes), sources=True)


def show(text: str) -> None:
    """Write to standard output."""
    sys.stdout.write(text)
    sys.stdout.flush()


def failure(file: str, message: str, line: int = 0) -> "Diagnostic":
    """An error about a whole file, or about a line of it."""
    from dstc_isa.diagnostics import ERROR, Diagnostic

    return Diagnostic(ERROR, message, file, line, 1 if line else 0)


def write(path: str | Path, data: bytes) -> list["Diagnostic"]:
    """Write a file; what prevents it is returned."""
    from dstc_isa.whole_file import write_whole

    try:
        write_whole(path, data)
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        name = "standard output" if path == STANDARD_OUTPUT else str(path)
        return [failure(name, getattr(error, "strerror", None) or str(error))]
    return []


def report(diagnostics: list["Diagnostic"], as_json: bool) -> None:
    """Print diagnostics: as JSON on standard output, or as text on standard error."""
    if as_json:
        import json

        show(json.dumps({"diagnostics": [d.as_dict() for d in diagnostics]}, indent=2) + "\n")
    elif diagnostics:
        from dstc_isa.diagnostics import render

        say(render(diagnostics, wants_colour()), painted=True)


if __name__ == "__main__":
    sys.exit(main())
