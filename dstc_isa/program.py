"""An assembled program: what the assembler makes, the object file stores and the emulator loads."""

from collections.abc import Mapping

from attrs import field, frozen

from dstc_isa.gpu.schema import ScheduledFor
from dstc_isa.isa.control import LEAST_BITS
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.volta import VOLTA
from dstc_isa.isa.word_format import BITS_A_BYTE
from dstc_isa.listing.kernel_lines import UNKNOWN_PLACE, place
from dstc_isa.overview import Overview

CONSTANT_DATA_BANK = 3
PARAMETER_BASE = 0x160
PARAMETER_SIZES = {"u32": 4, "s32": 4, "f32": 4, "u64": 8, "ptr": 8}
_INTEGERS = {f"{sign}{8 * size}": size for size in (1, 2, 4, 8) for sign in "usb"}
ELEMENT_SIZES = _INTEGERS | {"f16": 2, "f16x2": 4, "f32": 4, "f64": 8}
"""What a typed pointer points to, and its bytes: b is any number of so many bits, f16x2 two FP16 numbers in a word."""

BLOCK_SIZE_OFFSET = 0x0
GRID_SIZE_OFFSET = 0xC


@frozen
class Frame:
    """A place in a source file; ``macro`` names the macro whose body it is in, or is empty."""

    file: str
    line: int
    macro: str = ""

    def __str__(self) -> str:
        where = place(self.file, self.line)
        return f"{where} (in macro {self.macro})" if self.macro else where


Location = tuple[Frame, ...]
"""Where an instruction comes from: the innermost line first, then the uses of the macros that led to it."""


@frozen
class Parameter:
    """A kernel parameter: ``type`` is a key of PARAMETER_SIZES, ``offset`` counts from PARAMETER_BASE in bank 0.

    ``element``: what a typed pointer points to, a key of ELEMENT_SIZES; empty for any other parameter.
    """

    name: str
    type: str
    offset: int
    element: str = ""

    @property
    def size(self) -> int:
        """Bytes."""
        return PARAMETER_SIZES[self.type]

    @property
    def written(self) -> str:
        """The type as the source has it, without its first dot: ``f32``, ``ptr``, ``ptr.f32``."""
        return f"{self.type}.{self.element}" if self.element else self.type


@frozen
class SharedArray:
    """A named piece of a CTA's shared memory, in bytes."""

    name: str
    offset: int
    size: int


MAXIMUM_INSTRUCTIONS = 1 << 20
"""The most instructions that a kernel has."""

LEAST_SHIFT = BITS_A_BYTE - LEAST_BITS
ALL_WRITTEN = (1 << LEAST_SHIFT) - 1
RAW = ALL_WRITTEN
PADDING = 0


@frozen
class ControlRecord:
    """Whose a kernel's control codes are, so that they can be filled in for another GPU.

    ``written``: a byte for each instruction. Bits 0 to 3: wait, read scoreboard, write scoreboard and stall are as the
    author wrote them; bits 4 to 7: the least stall. RAW is a ``.word``, PADDING a NOP that the assembler put in.
    ``landings``: the instructions, by index, to which an indirect branch may go, if there is one. ``movable``: only
    branches depend on where an instruction stands.
    """

    written: bytes
    landings: tuple[int, ...] = ()
    movable: bool = False


PRINT_TYPES = {"": 0, "u32": 1, "s32": 1, "x": 1, "f32": 1, "f16x2": 1, "H0": 1, "H1": 1, "u64": 2, "s64": 2, "x64": 2}
"""How PRINT shows registers, and how many: integers, hexadecimal, floats, two FP16 numbers or the one in a half. The
empty one is for what is no register or constant."""

PRINT_KINDS = ("text", "register", "constant", "special", "predicate")
MAXIMUM_PRINTED = 1000
"""Characters of a text or a name in a PRINT."""

NEGATED = 8
"""Added to the number of a predicate: where it does not hold."""

BANK_SHIFT = 32
ALWAYS_PRINTED = 7


@frozen
class PrintItem:
    """One thing that a PRINT shows: ``text`` alone, or a value under that name.

    ``place``: number of the first register, of the predicate or of the special register; of a constant its byte, and
    its bank above BANK_SHIFT bits. ``type``: a key of PRINT_TYPES.
    """

    kind: str
    text: str
    place: int = 0
    type: str = ""


@frozen
class Print:
    """What is shown when control comes to an instruction, before that executes.

    ``index``: the instruction's. ``guard``: number of a predicate. ``behind``: only for lanes that come from the
    instruction before it, not those that jump to a label between.
    """

    index: int
    items: tuple[PrintItem, ...]
    location: Location = ()
    guard: int = ALWAYS_PRINTED
    behind: bool = False

    @property
    def place(self) -> str:
        """``file:line``, with the macro uses that led to it."""
        return place_of(self.location)


def place_of(location: Location) -> str:
    """A location as text, the innermost line first."""
    return ", from ".join(str(frame) for frame in location) or UNKNOWN_PLACE


@frozen(repr=False)
class Kernel(Overview):
    """One kernel: code and what a launch must provide.

    ``words``: the instruction words, of ``isa``. ``labels``: name -> byte address. ``locations``: one per word.
    ``registers``: general registers a thread needs. ``block``: the block size it must be launched with, or
    None for any. ``control``: whose the control codes are, None if that is not known. ``through``: for each word
    one more than the index of the shared array that it accesses by its name, 0 for none; empty if it is 0 for all.
    ``prints``: in the order of their instructions.
    """

    name: str
    words: tuple[int, ...]
    labels: dict[str, int] = field(factory=dict)
    locations: tuple[Location, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    shared: tuple[SharedArray, ...] = ()
    shared_bytes: int = 0
    registers: int = 0
    block: tuple[int, int, int] | None = None
    control: ControlRecord | None = None
    through: tuple[int, ...] = ()
    prints: tuple[Print, ...] = ()
    isa: Isa = VOLTA

    def overview(self) -> Mapping[str, object]:
        """Name, size, parameters and needs."""
        block = {} if self.block is None else {"block": "x".join(map(str, self.block))}
        parameters = ", ".join(f"{p.name}: {p.written}" for p in self.parameters)
        return {
            "name": self.name,
            "instructions": len(self.words),
            "parameters": f"[{parameters}]",
            "registers": self.registers,
            "shared_bytes": self.shared_bytes,
            **block,
        }

    def array_at(self, index: int) -> SharedArray | None:
        """The shared array that an instruction accesses by its name, outside of which it may not reach."""
        number = self.through[index] if self.through else 0
        return self.shared[number - 1] if number else None

    def shared_range(self, index: int) -> tuple[int, int]:
        """First byte of shared memory that an instruction may access, and the one behind the last."""
        array = self.array_at(index)
        return (0, self.shared_bytes) if array is None else (array.offset, array.offset + array.size)

    def place(self, index: int) -> str:
        """``file:line`` of an instruction, with the macro uses that led to it."""
        return place_of(self.locations[index] if self.locations else ())


@frozen
class ConstantArray:
    """A named piece of the constant data bank, in bytes."""

    name: str
    offset: int
    size: int


@frozen(repr=False)
class Program(Overview):
    """The kernels of one source file, with their constant data (bank 3).

    ``target``: what control codes are filled in for, None if that is not known.
    """

    kernels: tuple[Kernel, ...]
    constants: bytes = b""
    constant_arrays: tuple[ConstantArray, ...] = ()
    target: ScheduledFor | None = None

    @property
    def isa(self) -> Isa:
        """The instruction set of its kernels."""
        return self.kernels[0].isa if self.kernels else VOLTA

    def overview(self) -> Mapping[str, object]:
        """The kernels of the program, and the bytes of its constants."""
        kernels = ", ".join(f"{kernel.name}: {len(kernel.words)} instructions" for kernel in self.kernels)
        return {"kernels": f"[{kernels}]", "constant_bytes": len(self.constants)}

    def kernel(self, name: str | None) -> Kernel:
        """The kernel of that name, or the only one; KeyError with the names there are."""
        if name is None and len(self.kernels) == 1:
            return self.kernels[0]
        for kernel in self.kernels:
            if kernel.name == name:
                return kernel
        raise KeyError(", ".join(kernel.name for kernel in self.kernels))
