"""The assembler: from the text of a ``.dasm`` file to a program."""

import gc
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral, Real
from os import PathLike
from pathlib import Path

from attrs import frozen

from dstc_isa.assembler.blocks import BLOCKS
from dstc_isa.assembler.control_codes import finished
from dstc_isa.assembler.directives import DIRECTIVES, MAXIMUM_FILE, load_include
from dstc_isa.assembler.emit import Emitted
from dstc_isa.assembler.errors import Abandoned
from dstc_isa.assembler.expand import Expander, Language
from dstc_isa.assembler.instructions import instruction
from dstc_isa.assembler.printing import Printing
from dstc_isa.assembler.reporting import Reporter, TooManyErrors
from dstc_isa.assembler.warnings import warn, warn_of_declarations
from dstc_isa.diagnostics import ERROR, WARNING, Diagnostic, render
from dstc_isa.errors import ArgumentTypeError, DstcError
from dstc_isa.gpu import Gpu, load_gpu
from dstc_isa.options import check_kind, check_name
from dstc_isa.overview import Overview
from dstc_isa.program import Program
from dstc_isa.syntax.names import builtin
from dstc_isa.syntax.reader import read_tree
from dstc_isa.syntax.source import Source, normal_lines, read_source
from dstc_isa.syntax.tree import Statement

_LANGUAGE = Language(instruction, DIRECTIVES, BLOCKS, load_include)
Include = str | PathLike[str] | Sequence[str | PathLike[str]]
"""A directory, or several, where ``.include`` looks."""

_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


@frozen(repr=False)
class Assembly(Overview):
    """What became of a source: the program, None if there are errors, and everything that was found."""

    program: Program | None
    diagnostics: list[Diagnostic]

    def overview(self) -> Mapping[str, object]:
        """The program, and how much was found."""
        errors = sum(found.severity == ERROR for found in self.diagnostics)
        return {"program": self.program, "errors": errors, "others": len(self.diagnostics) - errors}


class AssemblyError(DstcError):
    """A source that does not assemble; its text is the rendered diagnostics."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__(render(diagnostics))
        self.diagnostics = diagnostics


def assemble(
    text: str,
    file: str = "<text>",
    include: Include = (),
    defines: Mapping[str, int | float] | None = None,
    gpu: Gpu | None = None,
) -> Assembly:
    """Assemble a text. ``file`` names it in messages, ``include`` are directories, ``defines`` set names.

    Control codes are filled in for the latencies of ``gpu``, the default one if None.
    Raises ArgumentTypeError for an argument of another kind; what is wrong with the text is a diagnostic.
    """
    check_kind("text", text, str, "the text of a source")
    check_kind("file", file, str, "a name for messages")
    _check_options(defines, gpu)
    return _assemble(Source(file, normal_lines(text)), [], directories(include), _plain(defines), gpu)


def assemble_file(
    path: str | PathLike[str],
    include: Include = (),
    defines: Mapping[str, int | float] | None = None,
    gpu: Gpu | None = None,
    *,
    strict: bool = False,
) -> Assembly:
    """Assemble a file; one that cannot be read is a diagnostic. ``strict``: hazards of written codes are errors."""
    check_name("path", path, (str, PathLike), "a file's name")
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAXIMUM_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Assembly(None, [Diagnostic(ERROR, f"cannot read the file: {reason}", str(path))])
    return assemble_bytes(data, str(path), include, defines, gpu, strict=strict)


def assemble_bytes(
    data: bytes,
    file: str,
    include: Include = (),
    defines: Mapping[str, int | float] | None = None,
    gpu: Gpu | None = None,
    *,
    strict: bool = False,
) -> Assembly:
    """Assemble what a file holds; ``file`` names it in messages, other arguments are those of ``assemble_file``."""
    check_kind("data", data, bytes, "what a file holds, as bytes")
    _check_options(defines, gpu)
    if len(data) > MAXIMUM_FILE:
        return Assembly(None, [Diagnostic(ERROR, f"the file is longer than {MAXIMUM_FILE} bytes", file)])
    source, problems = read_source(data, file)
    return _assemble(source, problems, directories(include), _plain(defines), gpu, strict)


def program_from(
    path: str | PathLike[str],
    include: Include = (),
    defines: Mapping[str, int | float] | None = None,
    gpu: Gpu | None = None,
) -> Program:
    """The program of a file; AssemblyError if it has errors."""
    assembly = assemble_file(path, include, defines, gpu)
    if assembly.program is None:
        raise AssemblyError(assembly.diagnostics)
    return assembly.program


def directories(include: Include) -> list[Path]:
    """The directories of an argument ``include``, one or several."""
    given = [include] if isinstance(include, str | PathLike) else include
    check_kind("include", given, Sequence, "a directory or a sequence of them")
    for each in given:
        check_name("include: each of it", each, (str, PathLike), "a directory")
    return [Path(each) for each in given]


def _check_options(defines: Mapping[str, int | float] | None, gpu: Gpu | None) -> None:
    if defines is not None:
        check_kind("defines", defines, Mapping, "a mapping of names to numbers, or None")
        for name, value in defines.items():
            check_kind("defines: each name", name, str, "a text")
            check_kind(f"defines: {name}", value, Real, "a number")
            if isinstance(value, bool):
                raise ArgumentTypeError(f"defines: {name} is a number, not a bool: 1 or 0")
    if gpu is not None:
        check_kind("gpu", gpu, Gpu, "a Gpu or None; load_gpu(name) gives one")


def _own(value: Real) -> int | float:
    return int(value) if isinstance(value, Integral) else float(value)


def _plain(defines: Mapping[str, int | float] | None) -> dict[str, int | float]:
    """The numbers as Python's own, which NumPy's are not."""
    return {name: value if isinstance(value, int | float) else _own(value) for name, value in (defines or {}).items()}


def _assemble(
    source: Source,
    problems: list[Diagnostic],
    include: Sequence[Path],
    defines: Mapping[str, int | float],
    gpu: Gpu | None,
    strict: bool = False,
) -> Assembly:
    reporter = Reporter()
    gpu = gpu or load_gpu()
    expander = Expander(_LANGUAGE, gpu.isa, include, reporter)
    with _collector_paused():
        try:
            for problem in problems:
                reporter.add(problem)
            for directory in include:
                if not directory.is_dir():
                    message = "there is no such directory, so .include finds nothing in it"
                    reporter.add(Diagnostic(WARNING, message, str(directory)))
            _define(expander, source, defines)
            tree = read_tree(source)
            expander.body = tree.body
            for problem in tree.problems:
                reporter.add(problem)
            try:
                expander.execute(tree.body)
            except Abandoned as error:
                if str(error):
                    reporter.add(source.diagnostic(str(error), 1, 1, 1))
            program = _finish(expander, source, gpu, ERROR if strict else WARNING)
        except TooManyErrors:
            program = None
        except RecursionError:
            reporter.add(source.diagnostic("macros and blocks nest too deeply", 1, 1, 1))
            program = None
    return Assembly(program, _in_order(reporter.diagnostics))


def definable(name: str) -> bool:
    """Whether ``defines`` may give a name a number: it is a name, and none of the language's own."""
    return bool(_NAME.fullmatch(name)) and builtin(name) is None


def _define(expander: Expander, source: Source, defines: Mapping[str, int | float]) -> None:
    for name, value in defines.items():
        if not definable(name):
            expander.reporter.add(Diagnostic(ERROR, f"cannot define {name!r}: it is no free name", source.name))
        else:
            expander.scope.names[name] = value


def _finish(expander: Expander, source: Source, gpu: Gpu, hazard: str) -> Program | None:
    reporter = expander.reporter

    def report(place: Emitted | Printing | Statement, error: Exception) -> None:
        if not isinstance(place, Statement):
            uses = tuple(place.location[1:])
            reporter.at_operand(place.statement, getattr(error, "index", 1 << 30), error, uses)
        else:
            reporter.at_word(place, str(error))

    for kernel in expander.kernels:
        kernel.complete(report)
    if not expander.kernels and not reporter.failed:
        reporter.add(source.diagnostic("the file has no kernel", 1, 1, 1, expected=".kernel NAME"))
    if reporter.failed:
        return None
    warn_of_declarations(expander.kernels, reporter)
    for kernel in expander.kernels:
        kernel.follow_arrays()
        warn(kernel, reporter)
    kernels = tuple(finished(kernel, gpu, reporter, hazard) for kernel in expander.kernels)
    if reporter.failed:
        return None
    return Program(
        kernels,
        bytes(expander.constants),
        tuple(expander.constant_arrays),
        gpu.target,
    )


def _in_order(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Errors of one file in the order of its lines; files in the order in which they were first met."""
    files = {diagnostic.file: place for place, diagnostic in reversed(list(enumerate(diagnostics)))}
    return sorted(diagnostics, key=lambda d: (files[d.file], d.line, d.column))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the cycle collector from running: the tree only grows, and scanning it doubles the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
