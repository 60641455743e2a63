"""Load a program from a file: an object, or source that is assembled to an object first."""

from collections.abc import Callable, Sequence
from pathlib import Path

from dstc_isa.assembler import AssemblyError, assemble_file
from dstc_isa.diagnostics import Diagnostic
from dstc_isa.gpu import Gpu
from dstc_isa.object import ObjectError, read_object, write_object
from dstc_isa.program import Program

SOURCE_SUFFIX = ".dasm"


def load_file(
    path: Path,
    include: Sequence[Path] = (),
    warn: Callable[[list[Diagnostic]], None] | None = None,
    gpu: Gpu | None = None,
) -> Program:
    """The program in a ``.dasm`` or ``.dobj`` file.

    Source goes the whole way through an object as well, with control codes for ``gpu``; ``warn`` is given its warnings,
    if there are any.
    Raises AssemblyError, and ObjectError for an object that cannot be read either.
    """
    if path.suffix == SOURCE_SUFFIX:
        assembly = assemble_file(path, include=include, gpu=gpu)
        if assembly.program is None:
            raise AssemblyError(assembly.diagnostics)
        if warn and assembly.diagnostics:
            warn(assembly.diagnostics)
        return read_object(write_object(assembly.program))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ObjectError(error.strerror or str(error)) from None
    return read_object(data)
