"""NVIDIA's own compilers and disassembler for sm_70, as published on PyPI, if the running Python has them.

Their versions are those of the extra EXTRA in pyproject.toml, since what they print differs between versions and later
ones no longer know sm_70. Nothing of them is kept in the repository. Of triton, only its nvdisasm 12.4 is used.
"""

import ctypes
import os
import re
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from elftools.elf.elffile import ELFFile

EXTRA = "oracle"
ROOT = Path(__file__).resolve().parents[2]
WORD = 16
"""Bytes of an instruction."""

MOVING = (0x144, 0x145, 0x147, 0x150)
"""Operations (bits 0-8) whose text changes with the address: CALL, BSSY, BRA, RET."""

_CHUNK = 16384
_LINE = re.compile(r"^\s*/\*([0-9a-f]{4,})\*/\s+(.*?)\s*;\s*$", re.M)
_COMPLAINT = re.compile(r"^nvdisasm (?:error|fatal)\s*: .* at address 0x([0-9a-f]+)$", re.M)
_NUMBER = re.compile(r"(?<![\w\[])(-?0x[0-9a-f]+)\b")
_BLANKS = re.compile(r" (?=,)|(?<=\]) (?=\[)")
_MASK = (1 << 64) - 1


class Unavailable(Exception):
    """The pinned packages are not installed; the message says how to install them."""


class Refused(Exception):
    """A compiler does not take its input; the message is its log."""


def missing() -> list[str]:
    """The pinned packages that the running Python does not have in exactly that version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lacking = []
    for package in project["optional-dependencies"][EXTRA]:
        name, version = package.split("==")
        try:
            if distribution(name).version != version:
                lacking.append(package)
        except PackageNotFoundError:
            lacking.append(package)
    return lacking


@cache
def _place(package: str, path: str) -> Path:
    """A file of an installed package; Unavailable, with the command that installs all, if it is not there."""
    lacking = missing()
    if lacking:
        raise Unavailable(f"not installed: {', '.join(lacking)}; 'pip install -e .[{EXTRA}]' installs them")
    return Path(str(distribution(package).locate_file(path)))


def _program(package: str, path: str) -> str:
    place = _place(package, path)
    if not os.access(place, os.X_OK):
        place.chmod(0o755)
    return str(place)


def compile_cuda(source: str, name: str, options: Sequence[str] = ()) -> str:
    """The PTX of CUDA C++, which may include headers that lie beside ``name``."""
    library = ctypes.CDLL(str(_place("nvidia-cuda-nvrtc-cu12", "nvidia/cuda_nvrtc/lib/libnvrtc.so.12")))
    includes = [
        _place("nvidia-cuda-runtime-cu12", "nvidia/cuda_runtime/include"),
        _place("nvidia-cuda-nvcc-cu12", "nvidia/cuda_nvcc/include"),
        _place("nvidia-cuda-cccl-cu12", "nvidia/cuda_cccl/include"),
        Path(name).parent,
    ]
    given = ["--gpu-architecture=compute_70", "--std=c++17", *(f"-I{folder}" for folder in includes), *options]
    program = ctypes.c_void_p()
    library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), name.encode(), 0, None, None)
    encoded = (ctypes.c_char_p * len(given))(*[option.encode() for option in given])
    status = library.nvrtcCompileProgram(program, len(given), encoded)

    def text(kind: str) -> str:
        count = ctypes.c_size_t()
        getattr(library, f"nvrtcGet{kind}Size")(program, ctypes.byref(count))
        buffer = ctypes.create_string_buffer(count.value)
        getattr(library, f"nvrtcGet{kind}")(program, buffer)
        return buffer.raw.rstrip(b"\0").decode()

    try:
        if status:
            raise Refused(text("ProgramLog"))
        return text("PTX")
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))


def assemble(ptx: str, options: Sequence[str] = ()) -> bytes:
    """The cubin that ptxas makes of PTX."""
    ptxas = _program("nvidia-cuda-nvcc-cu12", "nvidia/cuda_nvcc/bin/ptxas")
    with tempfile.TemporaryDirectory() as folder:
        source, cubin = Path(folder, "a.ptx"), Path(folder, "a.cubin")
        source.write_text(ptx, encoding="utf-8")
        done = subprocess.run(
            [ptxas, "-arch=sm_70", *options, str(source), "-o", str(cubin)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Refused(done.stderr)
        return cubin.read_bytes()


def words_of(cubin: bytes) -> dict[str, list[int]]:
    """The instruction words of each kernel of a cubin."""
    with tempfile.TemporaryFile() as file:
        file.write(cubin)
        sections = ELFFile(file).iter_sections()
        return {
            section.name.removeprefix(".text."): [
                int.from_bytes(section.data()[at : at + WORD], "little") for at in range(0, section.data_size, WORD)
            ]
            for section in sections
            if section.name.startswith(".text.")
        }


def nvdisasm() -> str:
    """The file of the disassembler."""
    return _program("triton", "triton/backends/nvidia/bin/nvdisasm")


def disassemble(words: Iterable[int]) -> list[str | None]:
    """What nvdisasm prints of each word, in the normal form below; None for a word that it refuses.

    The text is nvdisasm's between address and semicolon, with single blanks, of which none stands before a comma or
    between brackets. Where it names a code address that moves with the instruction, the distance from the instruction
    in bytes stands there instead, as in the assembler: ``.+32`` or ``.-16``. No control codes, no labels.
    """
    given = list(words)
    texts: list[str | None] = []
    for start in range(0, len(given), _CHUNK):
        texts += _disassemble(given[start : start + _CHUNK])
    return texts


def _disassemble(words: list[int]) -> list[str | None]:
    shown: dict[int, tuple[int, str]] = {}
    left = list(range(len(words)))
    while bad := _listed(words, left, 0, shown):
        left = [index for index in left if index not in bad]
    texts: list[str | None] = [None] * len(words)
    for index, (_, text) in shown.items():
        texts[index] = text
    moved: dict[int, tuple[int, str]] = {}
    _listed(words, [index for index in shown if words[index] & 0x1FF in MOVING], 1 << 28, moved)
    for index, other in moved.items():
        texts[index] = _normal(*shown[index], *other)
    return texts


def _listed(words: list[int], chosen: list[int], base: int, into: dict[int, tuple[int, str]]) -> set[int]:
    """Puts addresses and texts of the chosen words into a table, or gives the indices of those that are refused."""
    if not chosen:
        return set()
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(b"".join(words[index].to_bytes(WORD, "little") for index in chosen))
        file.flush()
        command = [nvdisasm(), "-b", "SM70", "-base", hex(base), file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        bad = {chosen[(int(address, 16) - base) // WORD] for address in _COMPLAINT.findall(done.stderr)}
        if not bad:
            raise Refused(done.stderr or f"nvdisasm ended with {done.returncode}")
        return bad
    # Words of the opcodes 0x35a, 0x951, 0x95a and 0xb5a are neither refused nor printed.
    for found, text in _LINE.findall(done.stdout):
        address = int(found, 16)
        into[chosen[(address - base) // WORD]] = address, _BLANKS.sub("", " ".join(text.split()))
    return set()


def _normal(address: int, text: str, other_address: int, other_text: str) -> str:
    """The text of an instruction that was printed at two addresses, with what moves with it as a distance from it."""
    numbers, others = _NUMBER.finditer(text), _NUMBER.finditer(other_text)
    for number, other in zip(numbers, others, strict=True):
        distance = (int(number[0], 16) - address) & _MASK
        if number[0] != other[0] and distance == (int(other[0], 16) - other_address) & _MASK:
            distance -= (distance >> 63) << 64
            return f"{text[: number.start()]}.{distance:+d}{text[number.end() :]}"
    return text
