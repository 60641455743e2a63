"""Kernels that are looked at as they run, and the log's values read back."""

import re
from typing import Any

import numpy as np

from dstc_isa.assembler import assemble
from dstc_isa.program import Program
from dstc_isa.trace.place import Cta
from dstc_isa.trace.run import trace

COLUMNS = 6
"""Warp, count, address, place, lanes, instruction; then what was written."""


def program(text: str) -> Program:
    """The program of a text without errors."""
    assembly = assemble(text, "t.dasm")
    assert assembly.program is not None, [str(d) for d in assembly.diagnostics]
    return assembly.program


def logged(
    text: str, grid: tuple[int, ...], block: tuple[int, ...], warps: list[tuple[Cta, int]], **arguments: Any
) -> list[str]:
    """The lines of a log."""
    made = program(text)
    lines: list[str] = []
    trace(made, made.kernels[0], grid, block, arguments, None, log=warps, write=lines.append, show=lines.append)
    return lines


def columns(line: str) -> list[str]:
    """The parts of a line."""
    return re.split(r" {2,}", line)


def writes(line: str) -> dict[str, str]:
    """What a line says was written, by name."""
    parts = columns(line)[COLUMNS:]
    return dict(part.split(" = ", 1) for part in parts[0].split("; ")) if parts else {}


def lanes_of(text: str) -> list[int]:
    """Lanes that are named as ``0-3,8``."""
    lanes: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        lanes += range(int(first), int(last or first) + 1)
    return lanes


def values_of(text: str, executing: list[int]) -> dict[int, int]:
    """The integers of a register in the lanes that are shown; ``executing``: those of a value that stands alone."""
    if (match := re.fullmatch(r"([\d,-]+): (\w+) to (\w+) by (-?\d+)", text)) is not None:
        lanes, first, last, step = lanes_of(match[1]), int(match[2], 0), int(match[3], 0), int(match[4])
        assert first + step * (len(lanes) - 1) == last
        return {lane: first + step * place for place, lane in enumerate(lanes)}
    if (match := re.fullmatch(r"([\d,-]+): \[(.*)\]", text)) is not None:
        return dict(zip(lanes_of(match[1]), (int(word, 0) for word in match[2].split()), strict=True))
    if ":" not in text:
        return dict.fromkeys(executing, int(text, 0))
    groups = re.findall(r"([\d,-]+): (\w+)(?:, |$)", text)
    return {lane: int(value, 0) for lanes, value in groups for lane in lanes_of(lanes)}


def as_row(values: dict[int, int]) -> np.ndarray:
    """Values of lanes, those that are not named as zero."""
    row = np.zeros(32, np.uint32)
    for lane, value in values.items():
        row[lane] = value
    return row
