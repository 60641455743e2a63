"""The resource record in the object's note: what a launch of each kernel must provide, and the constant arrays."""

from attrs import evolve

from dstc_isa.object.records import Decoder, Encoder
from dstc_isa.program import ConstantArray, Kernel, Parameter, Program, SharedArray


def encode_resources(program: Program) -> bytes:
    """Everything of the program but code, labels, locations and constant bytes."""
    record = Encoder()
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
    _encode_arrays(record, program.constant_arrays)
    return bytes(record.data)


def decode_resources(data: bytes) -> Program:
    """The program with kernels that have no code yet; ObjectError if the record is not well formed."""
    record = Decoder(data, "resource record")
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
        kernels.append(evolve(kernel, parameters=parameters, shared=shared))
    constants = tuple(ConstantArray(*array) for array in _decode_arrays(record))
    record.end()
    return Program(tuple(kernels), constant_arrays=constants)


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
