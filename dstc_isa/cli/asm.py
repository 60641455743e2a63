"""``dstc-asm``: assemble a source, or disassemble an object."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dstc_isa.diagnostics import Diagnostic

OK, FAILED, USAGE = 0, 1, 2


def arguments() -> argparse.ArgumentParser:
    """The command line of ``dstc-asm``."""
    parser = argparse.ArgumentParser(
        prog="dstc-asm",
        description="Assemble a .dasm source to an object file, or print the assembly of an object (-d).",
        epilog="Exit status: 0 assembled, 1 errors in the input (with --check also hazards), 2 wrong usage.",
    )
    parser.add_argument("input", metavar="FILE", help="source to assemble, or with -d an object")
    parser.add_argument("-o", metavar="OUT.dobj", dest="output", help="object to write (default: the source's name)")
    parser.add_argument("-I", metavar="DIR", dest="include", action="append", default=[], help="look for .include here")
    parser.add_argument(
        "-D", metavar="NAME=VALUE", dest="defines", action="append", default=[], help="define a number (default 1)"
    )
    parser.add_argument("-l", metavar="LISTING", dest="listing", help="write address, word, text and source line")
    parser.add_argument("--isa", metavar="FILE.py", action="append", default=[], help="declare further instructions")
    parser.add_argument("--gpu", metavar="GPU", help="fill in control codes for this GPU: a name or FILE.toml")
    parser.add_argument(
        "--check",
        action="store_true",
        help="report errors and warnings, write nothing; a hazard of written control codes is an error",
    )
    parser.add_argument("--json", action="store_true", help="print the diagnostics as JSON on standard output")
    parser.add_argument(
        "-d", dest="disassemble", action="store_true", help="print text that assembles to the same bytes"
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run ``dstc-asm``; returns the exit status."""
    parser = arguments()
    options = parser.parse_args(argv)
    if not extend(options.isa, options.json):
        return FAILED
    if options.disassemble:
        if options.output or options.listing or options.check or options.defines or options.include or options.gpu:
            parser.error("-d takes only an object file and --json")
        return disassemble(Path(options.input), options.json)
    defines = {}
    for text in options.defines:
        name, _, written = text.partition("=")
        value = number(written or "1")
        if value is None or not name:
            parser.error(f"-D {text}: expected NAME=NUMBER")
        defines[name] = value
    return assemble(options, defines)


def extend(paths: list[str], as_json: bool) -> bool:
    """Load the files of further instructions; whether all of them could be."""
    from dstc_isa.isa.extension import ExtensionError, load_extension

    for path in paths:
        try:
            load_extension(Path(path))
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
    from dstc_isa.assembler import assemble_file
    from dstc_isa.diagnostics import ERROR, Diagnostic
    from dstc_isa.gpu import GpuError, load_gpu

    source = Path(options.input)
    try:
        gpu = None if options.gpu is None else load_gpu(options.gpu)
    except GpuError as error:
        report([Diagnostic(ERROR, str(error), options.gpu)], options.json)
        return FAILED
    include = [Path(directory) for directory in options.include]
    assembly = assemble_file(source, include, defines, gpu, strict=options.check)
    diagnostics = list(assembly.diagnostics)
    if assembly.program is not None and not options.check:
        from dstc_isa.object import listing, write_object

        output = Path(options.output) if options.output else source.with_suffix(".dobj")
        if output.exists() and output.samefile(source):
            diagnostics.append(failure(str(output), "the object would overwrite its source; name another with -o"))
        else:
            diagnostics += write(output, write_object(assembly.program))
        if options.listing:
            text = listing(assembly.program)
            diagnostics += write(Path(options.listing), text.encode())
    report(diagnostics, options.json)
    return FAILED if any(d.severity == ERROR for d in diagnostics) else OK


def disassemble(path: Path, as_json: bool) -> int:
    """Print the assembly text of an object file."""
    from dstc_isa.object import ObjectError, read_object
    from dstc_isa.object import disassemble as text_of

    try:
        program = read_object(path.read_bytes())
    except OSError as error:
        report([failure(str(path), f"cannot read the file: {error.strerror}")], as_json)
        return FAILED
    except ObjectError as error:
        report([failure(str(path), str(error))], as_json)
        return FAILED
    show(text_of(program))
    return OK


def show(text: str) -> None:
    """Write to standard output; a reader that has gone, such as ``head``, is no error."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def failure(file: str, message: str, line: int = 0) -> "Diagnostic":
    """An error about a whole file, or about a line of it."""
    from dstc_isa.diagnostics import ERROR, Diagnostic

    return Diagnostic(ERROR, message, file, line, 1 if line else 0)


def write(path: Path, data: bytes) -> list["Diagnostic"]:
    """Write a file; what prevents it is returned."""
    from dstc_isa.whole_file import write_whole

    try:
        write_whole(path, data)
    except OSError as error:
        return [failure(str(path), str(error.strerror))]
    return []


def report(diagnostics: list["Diagnostic"], as_json: bool) -> None:
    """Print diagnostics: as JSON on standard output, or as text on standard error."""
    if as_json:
        import json

        show(json.dumps({"diagnostics": [d.as_dict() for d in diagnostics]}, indent=2) + "\n")
    elif diagnostics:
        from dstc_isa.diagnostics import render, wants_colour

        print(render(diagnostics, wants_colour(sys.stderr)), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
