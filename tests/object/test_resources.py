"""The resource record keeps what a launch needs."""

from contextlib import suppress

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.isa.identity import parts_of
from dstc_isa.isa.volta import VOLTA
from dstc_isa.object.error import ObjectError
from dstc_isa.object.resources import decode_resources, encode_resources
from dstc_isa.program import Program
from tests.object.programs import programs


@settings(deadline=None, max_examples=50)
@given(programs())
def test_resources_survive(program: Program) -> None:
    kernels = tuple(evolve(kernel, words=(), labels={}, locations=(), prints=()) for kernel in program.kernels)
    expected = evolve(program, kernels=kernels, constants=b"")
    words = (word for kernel in program.kernels for word in kernel.words)
    assert decode_resources(encode_resources(program)) == (expected, "volta", parts_of(VOLTA, words))


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_resources_or_refused(data: bytes) -> None:
    with suppress(ObjectError):
        program, isa, parts = decode_resources(data)
        assert len(program.kernels) + len(isa) + len(parts) <= len(data)
