"""A kernel launch: grid, block and arguments, checked against what the kernel declares."""

import math
import struct
import warnings
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.engine.array_types import ArrayTypeWarning, doubt, refusal
from dstc_isa.engine.device_memory import DeviceMemory
from dstc_isa.errors import DstcError, UsageError
from dstc_isa.isa.lanes import LANES
from dstc_isa.options import check_kind, kind_text
from dstc_isa.overview import Overview, array_text, extent_text
from dstc_isa.program import (
    BLOCK_SIZE_OFFSET,
    CONSTANT_DATA_BANK,
    GRID_SIZE_OFFSET,
    PARAMETER_BASE,
    Kernel,
    Parameter,
    Program,
)
from dstc_isa.rounded_once import before_rounding

MAX_BLOCK = (1024, 1024, 64)
MAX_GRID = (2**31 - 1, 65535, 65535)
MAX_THREADS = 1024
MAX_SHARED_BYTES = 96 * 1024
REGISTER_FILE = 65536
"""Limits of Volta (CUDA C++ Programming Guide, technical specifications, compute capability 7.0)."""

DEFAULT_BLOCK = (LANES,)
"""Threads of a CTA where neither the launch nor the kernel says: a warp."""

AXES = "xyz"
INTEGER_RANGES = {"u32": (0, 2**32 - 1), "s32": (-(2**31), 2**31 - 1), "u64": (0, 2**64 - 1), "ptr": (0, 2**64 - 1)}
FORMATS = {"u32": "<I", "s32": "<i", "u64": "<Q", "ptr": "<Q", "f32": "<f"}


class LaunchError(DstcError, ValueError):
    """A launch that the kernel or the machine does not allow; the message says what and how to mend it."""


class LaunchArgumentError(LaunchError, UsageError):
    """A grid, a block or an argument that the kernel cannot be launched with."""


Extent = int | tuple[int, ...]
Argument = int | float | npt.NDArray[Any]


@frozen(eq=False, repr=False)
class Launch(Overview):
    """A checked launch. ``banks``: the bytes of the constant banks; ``memory``: the mapped arrays."""

    program: Program
    kernel: Kernel
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    memory: DeviceMemory
    banks: dict[int, bytes]

    def overview(self) -> Mapping[str, object]:
        """Kernel, grid, block and the arrays."""
        arrays = {each.name: array_text(each.array) for each in self.memory.allocations}
        extents = {"grid": extent_text(self.grid), "block": extent_text(self.block)}
        return {"kernel": self.kernel.name, **extents, **arrays}

    @property
    def ctas(self) -> int:
        """CTAs of the grid."""
        return self.grid[0] * self.grid[1] * self.grid[2]

    @property
    def threads(self) -> int:
        """Threads of a CTA."""
        return self.block[0] * self.block[1] * self.block[2]

    @property
    def warps(self) -> int:
        """Warps of a CTA."""
        return -(-self.threads // LANES)

    def thread_ids(self) -> npt.NDArray[np.uint32]:
        """Thread coordinates, shape (warps, 3, 32); lanes behind the block's end count on."""
        linear = np.arange(self.warps * LANES, dtype=np.uint32).reshape(self.warps, LANES)
        x, y, _ = self.block
        return np.stack([linear % x, linear // x % y, linear // (x * y)], axis=1).astype(np.uint32)


def prepare(
    program: Program,
    kernel: Kernel,
    grid: Extent,
    block: Extent,
    arguments: Mapping[str, Argument],
) -> Launch:
    """Check a launch and lay out its constant bank; LaunchError says what does not fit.

    ``arguments``: parameter name -> number, or a C-contiguous array for a ``.ptr`` parameter, whose elements must be
    those of a typed one. Warns with ArrayTypeWarning of numbers that an untyped one may read in the wrong width.
    """
    check_kind("program", program, Program, "a Program")
    check_kind("kernel", kernel, Kernel, "a Kernel of the program")
    check_kind("arguments", arguments, Mapping, "a mapping of parameters to values")
    full_grid = _full_extent("grid", extent("grid", grid), MAX_GRID)
    full_block = _full_extent("block", extent("block", block), MAX_BLOCK)
    _check_resources(kernel, full_block)
    memory = DeviceMemory()
    bank = bytearray(PARAMETER_BASE + max((p.offset + p.size for p in kernel.parameters), default=0))
    struct.pack_into("<3I", bank, BLOCK_SIZE_OFFSET, *full_block)
    struct.pack_into("<3I", bank, GRID_SIZE_OFFSET, *full_grid)
    _check_names(kernel, arguments)
    for parameter in kernel.parameters:
        value = _number(kernel, parameter, arguments[parameter.name], memory)
        struct.pack_into(FORMATS[parameter.type], bank, PARAMETER_BASE + parameter.offset, value)
    banks = {0: bytes(bank), CONSTANT_DATA_BANK: program.constants}
    return Launch(program, kernel, full_grid, full_block, memory, banks)


def extent(name: str, given: Extent) -> tuple[int, ...]:
    """The sizes of a grid or a block, from an int or a sequence of ints; ``name``: what errors call it."""
    sizes = given if isinstance(given, tuple | list) else (given,)
    for size in sizes:
        if isinstance(size, bool | np.bool_) or not isinstance(size, int | np.integer):
            raise LaunchArgumentError(f"{name} is a whole number or up to three of them, not {given!r}")
    return tuple(int(size) for size in sizes)


def _full_extent(what: str, given: tuple[int, ...], limits: tuple[int, int, int]) -> tuple[int, int, int]:
    if not 1 <= len(given) <= len(limits):
        raise LaunchArgumentError(f"a {what} has 1 to 3 dimensions, not {len(given)}")
    x, y, z = (*given, *([1] * (3 - len(given))))
    for axis, size, limit in zip(AXES, (x, y, z), limits, strict=True):
        if not 1 <= size <= limit:
            raise LaunchArgumentError(f"{what} size {size} in {axis} is outside 1 to {limit}")
    return x, y, z


def _check_resources(kernel: Kernel, block: tuple[int, int, int]) -> None:
    threads = block[0] * block[1] * block[2]
    if threads > MAX_THREADS:
        raise LaunchArgumentError(
            f"a block of {block[0]}x{block[1]}x{block[2]} has {threads} threads; {MAX_THREADS} is the limit"
        )
    if kernel.block is not None and kernel.block != block:
        wanted = ",".join(map(str, kernel.block))
        raise LaunchArgumentError(
            f"kernel {kernel.name} must be launched with blocks of {wanted}, not {','.join(map(str, block))}"
        )
    if kernel.shared_bytes > MAX_SHARED_BYTES:
        raise LaunchError(
            f"kernel {kernel.name} declares {kernel.shared_bytes} bytes of shared memory; "
            f"{MAX_SHARED_BYTES} is the limit"
        )
    needed = kernel.registers * -(-threads // LANES) * LANES
    if needed > REGISTER_FILE:
        fits = REGISTER_FILE // (kernel.registers * LANES) * LANES
        raise LaunchArgumentError(
            f"kernel {kernel.name} needs {kernel.registers} registers for each of {threads} threads, {needed} in all; "
            f"the register file has {REGISTER_FILE}. A block of at most {fits} threads fits"
        )


def _check_names(kernel: Kernel, arguments: Mapping[str, Argument]) -> None:
    names = [p.name for p in kernel.parameters]
    for name in arguments:
        if name not in names:
            near = get_close_matches(name, names, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(names) or 'none'}"
            raise LaunchArgumentError(f"kernel {kernel.name} has no parameter {name}{hint}")
    missing = [f"{p.name} (.{p.written})" for p in kernel.parameters if p.name not in arguments]
    if missing:
        raise LaunchArgumentError(f"kernel {kernel.name} also needs {', '.join(missing)}")


def _number(kernel: Kernel, parameter: Parameter, value: Argument, memory: DeviceMemory) -> float:
    where = f"parameter {parameter.name} of kernel {kernel.name}"
    if isinstance(value, np.ndarray):
        if parameter.type != "ptr":
            raise LaunchArgumentError(
                f"{where} is .{parameter.type}, a number, and was given an array of {value.dtype}"
            )
        refused = refusal(parameter, value)
        if refused:
            raise LaunchError(f"{where} {refused}")
        doubted = doubt(parameter, value)
        if doubted:
            warnings.warn(f"{where} {doubted}", ArrayTypeWarning, stacklevel=4)
        try:
            return memory.allocate(parameter.name, value).address
        except ValueError as error:
            raise LaunchError(str(error)) from None
    value = number_of(value, where)
    if parameter.type == "f32":
        try:
            number = before_rounding(value)
            struct.pack("<f", number)
        except OverflowError:
            raise LaunchArgumentError(f"{where} is .f32 and cannot hold {value}") from None
        return number
    if isinstance(value, float):
        raise LaunchArgumentError(f"{where} is .{parameter.type} and needs an integer, not {value}")
    low, high = INTEGER_RANGES[parameter.type]
    if not low <= int(value) <= high:
        raise LaunchArgumentError(f"{where} is .{parameter.type}, {low} to {high}, and cannot hold {value}")
    return int(value)


def number_of(value: Any, where: str) -> int | float:
    """A number of Python's; LaunchArgumentError for what is none, ``where`` says of which parameter."""
    if isinstance(value, bool | np.bool_ | np.integer):
        return int(value)
    if isinstance(value, np.floating):
        number = float(value)
        # A wider type holds finite numbers that a float does not.
        if math.isinf(number) and not np.isinf(value):
            raise LaunchArgumentError(f"{where} cannot hold {value!s}")
        return number
    if not isinstance(value, int | float):
        raise LaunchArgumentError(f"{where} takes a number, not {kind_text(value)}")
    return value
