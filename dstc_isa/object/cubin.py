"""Cubins, and bare instruction words, as programs."""

from dstc_isa.isa.volta import VOLTA
from dstc_isa.listing.cubin_file import Code
from dstc_isa.program import Frame, Kernel, Location, Program


def program_of(codes: list[Code]) -> Program:
    """The kernels of a cubin as a program, without constants."""
    return Program(tuple(map(_kernel, codes)))


def _kernel(code: Code) -> Kernel:
    words = VOLTA.word.split(code.data)
    return Kernel(
        name=code.name,
        words=words,
        labels=dict(code.labels),
        locations=_locations(code, len(words)),
        shared_bytes=code.shared_bytes,
        registers=code.registers,
    )


def _locations(code: Code, count: int) -> tuple[Location, ...]:
    """The source line of each instruction; nothing if there is none."""
    if not code.lines:
        return ()
    found: list[Location] = [()] * count
    for first, end, (file, line) in code.runs(count):
        found[first:end] = [(Frame(file, line),)] * (end - first)
    return tuple(found)
