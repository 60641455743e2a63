"""The resource record in the object's note: what a launch of each kernel must provide, and the constant arrays."""

from collections.abc import Sequence
from itertools import groupby

from attrs import evolve

from dstc_isa.gpu.schema import ScheduledFor
from dstc_isa.isa.identity import Parts, parts_of
from dstc_isa.object.note_encoding import Decoder, Encoder
from dstc_isa.program import MAXIMUM_INSTRUCTIONS, ConstantArray, ControlRecord, Kernel, Parameter, Program, SharedArray


def encode_resources(program: Program) -> bytes:
    """Everything of the program but code, labels, locations and constant bytes."""
    record = Encoder()
    record.text(program.isa.name)
    _encode_parts(record, parts_of(program.isa, (word for kernel in program.kernels for word in kernel.words)))
    record.number(program.target is not None)
    if program.target is not None:
        record.text(program.target.name)
        record.text(program.target.digest)
    record.number(len(program.kernels))
    for kernel in program.kernels:
        record.text(kernel.name)
        record.number(kernel.registers)
        record.number(kernel.shared_bytes)
        record.number(0 if kernel.block is None else len(kernel.block))
        for extent in kernel.block or ():
            record.number(extent)
        record.number(len(kernel.parameters))
        for parameter in kernel.parameters:
            record.text(parameter.name)
            record.text(parameter.written)
            record.number(parameter.offset)
        _encode_arrays(record, kernel.shared)
        _encode_runs(record, kernel.through)
        _encode_control(record, kernel.control)
    _encode_arrays(record, program.constant_arrays)
    return bytes(record.data)


def decode_resources(data: bytes) -> tuple[Program, str, Parts]:
    """The program with kernels that have no code yet, the name of its instruction set and what it was made with.

    ObjectError if the record is not well formed.
    """
    record = Decoder(data, "resource record")
    isa = record.text()
    parts = {record.text(): record.text() for _ in range(record.count())}
    target = ScheduledFor(record.text(), record.text()) if record.index(2) else None
    kernels = []
    for _ in range(record.count()):
        kernel = Kernel(record.text(), (), registers=record.number(), shared_bytes=record.number())
        extents = tuple(record.number() for _ in range(record.count()))
        if extents:
            if len(extents) != 3:
                raise record.fail(f"a block size has 3 extents, not {len(extents)}")
            kernel = evolve(kernel, block=(extents[0], extents[1], extents[2]))
        parameters = tuple(_decode_parameter(record) for _ in range(record.count()))
        shared = tuple(SharedArray(*array) for array in _decode_arrays(record))
        through = tuple(_decode_runs(record, len(shared) + 1))
        control = _decode_control(record)
        kernels.append(evolve(kernel, parameters=parameters, shared=shared, through=through, control=control))
    constants = tuple(ConstantArray(*array) for array in _decode_arrays(record))
    record.end()
    return Program(tuple(kernels), constant_arrays=constants, target=target), isa, parts


def _encode_parts(record: Encoder, parts: Parts) -> None:
    record.number(len(parts))
    for name, digest in parts.items():
        record.text(name)
        record.text(digest)


def _encode_control(record: Encoder, control: ControlRecord | None) -> None:
    record.number(control is not None)
    if control is None:
        return
    record.number(control.movable)
    record.number(len(control.landings))
    previous = 0
    for landing in control.landings:
        record.signed(landing - previous)
        previous = landing
    _encode_runs(record, control.written)


def _decode_control(record: Decoder) -> ControlRecord | None:
    if not record.index(2):
        return None
    movable = bool(record.index(2))
    landings = []
    previous = 0
    for _ in range(record.count()):
        previous = record.near(previous, MAXIMUM_INSTRUCTIONS + 1)
        landings.append(previous)
    return ControlRecord(bytes(_decode_runs(record, 256)), tuple(landings), movable)


def _encode_runs(record: Encoder, values: Sequence[int]) -> None:
    """A number for each instruction, those in a row that are alike together."""
    runs = [(value, len(list(same))) for value, same in groupby(values)]
    record.number(len(runs))
    for value, count in runs:
        record.number(value)
        record.number(count)


def _decode_runs(record: Decoder, limit: int) -> list[int]:
    """What ``_encode_runs`` wrote, each number below ``limit``."""
    values: list[int] = []
    for _ in range(record.count()):
        value, count = record.index(limit), record.number()
        if len(values) + count > MAXIMUM_INSTRUCTIONS:
            raise record.fail(f"more than {MAXIMUM_INSTRUCTIONS} instructions")
        values += [value] * count
    return values


def _decode_parameter(record: Decoder) -> Parameter:
    name, written, offset = record.text(), record.text(), record.number()
    kind, _, element = written.partition(".")
    return Parameter(name, kind, offset, element)


def _encode_arrays(record: Encoder, arrays: tuple[SharedArray, ...] | tuple[ConstantArray, ...]) -> None:
    record.number(len(arrays))
    for array in arrays:
        record.text(array.name)
        record.number(array.offset)
        record.number(array.size)


def _decode_arrays(record: Decoder) -> list[tuple[str, int, int]]:
    return [(record.text(), record.number(), record.number()) for _ in range(record.count())]
