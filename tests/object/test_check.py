"""What an object cannot hold is refused when it is written."""

import pytest
from attrs import evolve

from dstc_isa.object import ObjectError, write_object
from dstc_isa.program import ConstantArray, Frame, Kernel, Parameter, Program, SharedArray

KERNEL = Kernel("k", (1, 2))

REFUSED = {
    "two kernels are named k": Program((KERNEL, KERNEL)),
    "kernel 'a b' is no name": Program((Kernel("a b", ()),)),
    "kernel '' is no name": Program((Kernel("", ()),)),
    "instruction 1 is no 128-bit word": Program((Kernel("k", (0, 1 << 128)),)),
    "label l at byte 48": Program((evolve(KERNEL, labels={"l": 48}),)),
    "label l at byte 8": Program((evolve(KERNEL, labels={"l": 8}),)),
    "1 locations for 2 instructions": Program((evolve(KERNEL, locations=((),)),)),
    "line -1 of 'f'": Program((evolve(KERNEL, locations=((), (Frame("f", -1),))),)),
    "256 registers": Program((evolve(KERNEL, registers=256),)),
    "-1 bytes of shared memory": Program((evolve(KERNEL, shared_bytes=-1),)),
    "an extent outside 1": Program((evolve(KERNEL, block=(0, 1, 1)),)),
    "has type 'f64'": Program((evolve(KERNEL, parameters=(Parameter("p", "f64", 0),)),)),
    "has type 'ptr.f8', not one of ptr.u8": Program((evolve(KERNEL, parameters=(Parameter("p", "ptr", 0, "f8"),)),)),
    "has type 'u64.u8'": Program((evolve(KERNEL, parameters=(Parameter("p", "u64", 0, "u8"),)),)),
    "parameter p at bytes 65536": Program((evolve(KERNEL, parameters=(Parameter("p", "u32", 65536),)),)),
    "parameter q at bytes 4 to 12": Program(
        (evolve(KERNEL, parameters=(Parameter("p", "ptr", 0), Parameter("q", "ptr", 4))),)
    ),
    "shared s at bytes 0 to 8": Program((evolve(KERNEL, shared=(SharedArray("s", 0, 8),), shared_bytes=7),)),
    "constant c at bytes 1 to 4": Program((), bytes(3), (ConstantArray("c", 1, 3),)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message: str) -> None:
    with pytest.raises(ObjectError) as caught:
        write_object(REFUSED[message])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
