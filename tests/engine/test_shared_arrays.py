"""An access through one shared array's name stays inside that array, on every engine and in time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.engine.faults import KernelFault
from dstc_isa.gpu import load_gpu
from dstc_isa.isa.fetch import Lane
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.lanes import LANES
from dstc_isa.isa.volta import VOLTA
from dstc_isa.isa.warp import Fault
from dstc_isa.object import read_object, write_object
from dstc_isa.schedule.again import reschedule
from dstc_isa.timing.run import time_kernel
from tests.engine.kernels import EPILOGUE, PROLOGUE, both, fault, program

OUT = np.zeros(32, np.uint32)
WIDE = "    IMAD.WIDE.U32 wide, thread, other, last"
ARRAYS = "    .shared first, 64\n    .shared middle, 128\n    .shared last, 64\n"


def text(access: str, address: str) -> str:
    """Each lane accesses the word at ``address`` bytes, which may name ``lane4``, 4 times its number."""
    start = "    .reg lane4, at\n    .reg.64 wide\n    SHF.L.U32 lane4, thread, 2, RZ\n"
    return PROLOGUE + ARRAYS + start + f"    {address}\n    {access}\n    MOV value, at\n" + EPILOGUE


def reason(found: KernelFault) -> str:
    return str(found).splitlines()[0]


@pytest.mark.parametrize(
    ("access", "address", "lanes", "expected"),
    [
        ("STS [at], thread", "IADD3 at, lane4, first, RZ", "16-31", "0x40 through first, which has 64 bytes from 0x0"),
        ("LDS value, [at]", "IADD3 at, lane4, first, RZ", "16-31", "4 bytes behind its end, in middle"),
        ("LDS value, [lane4+middle-4]", "MOV at, middle", "0", "4 bytes before its start, in first"),
        ("LDS value, [lane4+middle+4]", "MOV at, middle", "31", "0xc0 through middle, which has 128 bytes from 0x40"),
        ("LDS.128 value, [at+middle]", "MOV at, 128", "0-31", "16 bytes behind its end, in last"),
        ("ATOMS.ADD value, [lane4+last+32], thread", "MOV at, last", "8", "0x100 through last, which has 64 bytes"),
        ("ATOMS.ADD value, [at], thread", "IADD3 at, -lane4, middle, RZ", "1", "4 bytes before its start, in first"),
        ("LDS value, [lane4+first-4]", "MOV at, first", "0", "it begins 4 bytes before its start"),
        ("STS [wide.lo], thread", f"MOV other, 4\n{WIDE}", "16-31", "through last, which has 64"),
        ("STS.U8 [at+first], thread", "LEA at, thread, 60, 1", "2-31", "1 bytes behind its end, in middle"),
    ],
)
def test_beyond_the_array_that_is_named(access: str, address: str, lanes: str, expected: str) -> None:
    access = access.replace("LDS.128 value", "LDS.128 R8")
    found = fault(text(access, address), (2,), (32,), out=OUT)
    assert found.record.kind is Fault.SHARED_BOUNDS
    assert expected in reason(found)
    assert f"lanes {lanes}" in str(found)


def test_behind_the_last_array_no_other_is_hit() -> None:
    found = fault(text("STS [at+4], thread", "LEA at, thread, last, 2"), (1,), (32,), out=OUT)
    assert reason(found).endswith("through last, which has 64 bytes from 0xc0 on: it reaches 4 bytes behind its end")


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(["first", "middle", "last"]),
    st.integers(-20, 40),
    st.sampled_from(["LDS value, [at]", "STS [at], thread", "ATOMS.ADD value, [at], thread"]),
)
def test_every_word_of_the_array_and_no_other(name: str, first: int, access: str) -> None:
    """Lane by lane against the array's own bounds; the whole warp's access is fast where lanes are consecutive."""
    words = {"first": 16, "middle": 32, "last": 16}[name]
    outside = [lane for lane in range(LANES) if not 0 <= first + lane < words]
    kernel = text(access, f"IADD3 at, lane4, {name} + {4 * first}, RZ")
    if not outside:
        both(kernel, (1,), (32,), out=OUT)
        return
    found = fault(kernel, (1,), (32,), out=OUT)
    mask = sum(1 << lane for lane in outside)
    assert found.record.lanes == (mask & -mask if access.startswith("ATOMS") else mask)


def test_an_address_that_names_no_array_reaches_all_of_them() -> None:
    both(text("STS [at], thread", "IADD3 at, lane4, 16, RZ"), (1,), (32,), out=OUT)
    both(text("LDS value, [at]", "LOP3.LUT at, lane4, first, RZ, 0xfc"), (1,), (32,), out=OUT)


def test_in_time_from_an_object_and_for_another_gpu() -> None:
    """NOPs for long latencies move instructions, and what they may access with them."""
    source = program(text("LDS value, [at]", "IADD3 at, lane4, first, RZ"))
    made = read_object(write_object(source))
    gpu = load_gpu("v100-dstc", ["pipes.ALU.latency=60"])
    assert made.kernels[0].control is not None
    moved = reschedule(made.kernels[0], made.kernels[0].control, gpu).kernel
    assert len(moved.words) > len(made.kernels[0].words)
    for kernel, at in ((made.kernels[0], load_gpu()), (moved, gpu)):
        with pytest.raises(KernelFault, match=r"through first, .* in middle") as found:
            time_kernel(made, kernel, (1,), (32,), {"out": OUT.copy()}, gpu=at)
        assert kernel.array_at(found.value.record.pc) == source.kernels[0].shared[0]
        assert f"test.dasm:{kernel.locations[found.value.record.pc][0].line}," in str(found.value)


@pytest.mark.parametrize("declaration", [d for d in VOLTA.declarations if d.adds], ids=lambda d: d.mnemonic)
def test_what_is_said_to_be_added_is_added(declaration: Declaration) -> None:
    """More in one of the named sources is as much more in the result."""
    draws = np.random.default_rng(1)
    for name in declaration.adds:
        for _ in range(20):
            values: dict[str, object] = {}
            for parameter in declaration.parameters:
                lanes = draws.integers(0, 1 << 32, LANES, np.uint32)
                if parameter.lane is Lane.U64:
                    lanes = draws.integers(0, 1 << 63, LANES, np.uint64)
                plain = np.zeros(LANES, bool) if parameter.lane is Lane.BOOL else 0
                values[parameter.name] = lanes if parameter.lane in (Lane.U32, Lane.U64) else plain
            more = draws.integers(0, 1 << 32, LANES, np.uint32)
            before, after = (
                np.asarray(out[0] if isinstance(out, tuple) else out)
                for out in (
                    declaration.function(**values),
                    declaration.function(**values | {name: values[name] + more}),  # type: ignore[operator]
                )
            )
            np.testing.assert_array_equal(after - before, more)
