"""Whatever the bytes, the reader gives the program that was written or one ObjectError, soon and in little memory."""

import struct
import time
import tracemalloc

import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dstc_isa.object import ObjectError, elf, read_object, write_object
from dstc_isa.object.note_encoding import Encoder
from dstc_isa.program import ConstantArray, Kernel, Program
from tests.object.programs import plain, sample, sealed

PROGRAM = sample()
DATA = write_object(PROGRAM)
SECTIONS_AT, SECTIONS = elf.HEADER.unpack_from(DATA)[6], elf.HEADER.unpack_from(DATA)[12]
STRUCTURE = [
    *range(elf.HEADER.size + elf.NOTE.size),
    *range(DATA.index(b"\0start\0") - 200, DATA.index(b"\0start\0") + 20),
    *range(SECTIONS_AT, len(DATA)),
]
NUMBERS = st.one_of(
    st.sampled_from([0, 1, 2, 7, 0xFF, 0xFFFF, 0xFFFFFFFF, 1 << 63, (1 << 64) - 1, len(DATA), SECTIONS_AT]),
    st.integers(0, SECTIONS + 1),
    st.integers(0, len(DATA)),
)


def accepts(data: bytes) -> bool:
    """Whether ``data`` reads as an object; then it must be what the writer makes of its program."""
    try:
        program = read_object(data)
    except ObjectError as error:
        message = str(error)
    else:
        assert write_object(program) == data
        return True
    assert message.isprintable()
    return False


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_every_changed_byte_is_noticed(at: int, turned: int) -> None:
    assert not accepts(DATA[:at] + bytes([DATA[at] ^ turned]) + DATA[at + 1 :])


@settings(deadline=None, max_examples=200)
@given(st.integers(0, len(DATA) - 1))
def test_every_truncation_is_noticed(length: int) -> None:
    assert not accepts(DATA[:length])


@settings(deadline=None, max_examples=50)
@given(st.binary(min_size=1, max_size=40))
def test_every_extension_is_noticed(more: bytes) -> None:
    assert not accepts(DATA + more)
    assert not accepts(sealed(DATA + more))


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300), st.sampled_from([0, 4, 16, elf.HEADER.size, elf.HEADER.size + elf.NOTE.size]))
def test_any_bytes(data: bytes, kept: int) -> None:
    made = DATA[:kept] + data
    assert not accepts(made)
    if len(made) > elf.CRC_OFFSET + 4:
        assert not accepts(sealed(made))


@pytest.mark.slow
@settings(deadline=None, max_examples=600)
@given(
    st.lists(st.tuples(st.sampled_from(STRUCTURE), st.sampled_from([1, 2, 4, 8]), NUMBERS), min_size=1, max_size=3),
)
@example([(SECTIONS_AT + 4 * elf.SECTION.size + 24, 8, 1 << 63)])
def test_crafted_structure_with_a_right_checksum(changes: list[tuple[int, int, int]]) -> None:
    made = bytearray(DATA)
    for at, size, value in changes:
        made[at : at + size] = (value % (1 << 8 * size)).to_bytes(size, "little")
    accepts(sealed(bytes(made[: len(DATA)])))


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(DATA) - 1), st.integers(0, 255))
def test_crafted_byte_with_a_right_checksum(at: int, value: int) -> None:
    accepts(sealed(DATA[:at] + bytes([value]) + DATA[at + 1 :]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"\x7fEL", "truncated"),
        (b".kernel axpy\n", "does not begin as an ELF file"),
        (DATA[:80], "within its header"),
        (DATA[:4] + b"\x01" + DATA[5:], "64-bit little endian"),
        (DATA[:18] + b"\x3e\x00" + DATA[20:], "another machine"),
        (DATA[:-1], "checksum"),
        (sealed(DATA[: elf.CRC_OFFSET + 4] + b"\x63" + DATA[elf.CRC_OFFSET + 5 :]), "format version 99"),
    ],
)
def test_messages(data: bytes, message: str) -> None:
    with pytest.raises(ObjectError, match=message):
        read_object(data)


def test_foreign_elf_files() -> None:
    header = elf.HEADER.pack(elf.IDENT, 1, 62, 1, 0, 0, 64, 0, 64, 0, 0, 64, 1, 0)
    with pytest.raises(ObjectError, match=r"not an object of dstc-asm: .*0x3e"):
        read_object(header + bytes(64))


def with_section_headers(headers: list[tuple[int, ...]], body: bytes) -> bytes:
    """A file with the sample's header and note, then ``body``, then these section headers; names in the last."""
    made = bytearray(DATA[: elf.HEADER.size + elf.NOTE.size] + body)
    header = list(elf.HEADER.unpack_from(made))
    header[6], header[12], header[13] = len(made), len(headers), len(headers) - 1
    elf.HEADER.pack_into(made, 0, *header)
    return sealed(bytes(made) + b"".join(elf.SECTION.pack(*section) for section in headers))


def duplicate_kernels() -> bytes:
    """An object whose note lists the same kernel 20,000 times, each with all of the code."""
    code = tuple(plain("NOP") for _ in range(2000))
    arrays = tuple(ConstantArray(f"c{index}", index, 1) for index in range(20000))
    data = write_object(Program((Kernel("k", code),), bytes(20000), arrays))
    record = Encoder()
    record.number(20000)
    for _ in range(20000):
        record.text("k")
        record.data += bytes(5)
    record.number(0)
    at = elf.HEADER.size + elf.NOTE.size
    described = struct.pack("<I", len(record.data) + elf.NOTE_FIXED)
    made = bytearray(data)
    made[elf.NOTE_OFFSET + 4 : elf.NOTE_OFFSET + 8] = described
    made[at : at + len(record.data)] = record.data
    return sealed(bytes(made))


def overlapping_sections() -> bytes:
    """2,000 sections that are each the whole body."""
    body = bytes(100_000)
    start = elf.HEADER.size + elf.NOTE.size
    one = (0, elf.SHT_PROGBITS, 0, 0, start, len(body), 0, 0, 1, 0)
    return with_section_headers([one] * 2000, body)


def endless_names() -> bytes:
    """2,000 sections named by one string of 100,000 bytes."""
    body = b"a" * 100_000 + b"\0"
    start = elf.HEADER.size + elf.NOTE.size
    named = (0, elf.SHT_PROGBITS, 0, 0, 0, 0, 0, 0, 1, 0)
    return with_section_headers([named] * 2000 + [(0, elf.SHT_STRTAB, 0, 0, start, len(body), 0, 0, 1, 0)], body)


@pytest.mark.parametrize("craft", [duplicate_kernels, overlapping_sections, endless_names])
def test_time_and_memory_follow_the_length(craft: object) -> None:
    assert callable(craft)
    data = craft()
    accepts(DATA)
    tracemalloc.start()
    started = time.process_time()
    try:
        assert not accepts(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * len(data) + (1 << 20)
    assert time.process_time() - started < 5


def test_only_the_written_form_is_read() -> None:
    moved = evolve(PROGRAM.kernels[0], labels={})
    short = write_object(evolve(PROGRAM, kernels=(moved,)))
    at = short.index(b"\0axpy\0")
    assert not accepts(sealed(short[:at] + b"\0axpz\0" + short[at + 6 :]))
