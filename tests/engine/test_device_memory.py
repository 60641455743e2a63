"""Device memory, and where registers lie."""

import itertools

import numpy as np
import pytest

from dstc_isa.engine.device_memory import ALIGNMENT, DEVICE_BASE, GUARD_BYTES, DeviceMemory
from dstc_isa.engine.execution import decoded, needs_one_thread
from dstc_isa.engine.launch import prepare
from dstc_isa.engine.register_rows import POOL_ROW, PREDICATE_SINK, PREDICATE_SLOTS, SINK_ROW
from dstc_isa.isa.values import PT, RZ, Address, Register
from dstc_isa.program import Kernel, Program
from tests.engine.build import build


def test_allocations_are_aligned_and_apart() -> None:
    memory = DeviceMemory()
    sizes = [1, 4096, 0, 257]
    made = [memory.allocate(f"a{i}", np.zeros(size, np.uint8)) for i, size in enumerate(sizes)]
    assert made[0].address == DEVICE_BASE
    for first, second in itertools.pairwise(made):
        assert second.address % ALIGNMENT == 0
        assert second.address - first.end >= GUARD_BYTES - ALIGNMENT
    assert [a.size for a in made] == sizes
    table = memory.table()
    assert table["start"].tolist() == [a.address for a in made]
    assert table["end"].tolist() == [a.end for a in made]
    assert (table["start"] + table["host"]).tolist() == [a.array.ctypes.data for a in made]


def test_addresses_are_described_from_the_nearest_array() -> None:
    memory = DeviceMemory()
    assert memory.describe(5) == "there are no allocations"
    first = memory.allocate("a", np.zeros(16, np.uint8))
    second = memory.allocate("b", np.zeros(16, np.uint8))
    assert memory.describe(first.address - 3).startswith("3 bytes before a (0x7f0000000000, 16 bytes)")
    assert memory.describe(first.end).startswith("0 bytes behind the end of a")
    assert memory.describe(first.end + 9).startswith("9 bytes behind the end of a")
    assert memory.describe(second.address - 1).startswith("1 bytes before b")
    assert memory.describe(second.end - 4).startswith("4 bytes before the end of b")


def test_arrays_that_cannot_be_mapped() -> None:
    memory = DeviceMemory()
    with pytest.raises(ValueError, match="x: the array must be C-contiguous"):
        memory.allocate("x", np.zeros((4, 4))[:, 1])
    frozen = np.zeros(4)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="x: the array is read-only"):
        memory.allocate("x", frozen)


def test_sinks_are_behind_what_is_read() -> None:
    assert SINK_ROW >= RZ + 4
    assert POOL_ROW >= SINK_ROW + 4
    assert PT < PREDICATE_SINK < PREDICATE_SLOTS


@pytest.mark.parametrize(
    ("mnemonic", "operands", "alone"),
    [
        ("ATOMG.E.ADD", (Register(8), Address(2, 0), Register(4)), True),
        ("ATOMG.CAS.E", (Register(8), Address(2, 0), Register(4), Register(5)), True),
        ("RED.E.ADD", (Address(2, 0), Register(4)), False),
        ("RED.E.ADD.F32", (Address(2, 0), Register(4)), True),
        ("RED.E.MAX.S32", (Address(2, 0), Register(4)), False),
        ("ATOMS.ADD", (Register(8), Address(2, 0), Register(4)), False),
    ],
)
def test_which_atomics_need_one_thread(mnemonic: str, operands: tuple[Register | Address, ...], alone: bool) -> None:
    kernel = Kernel("k", (build(mnemonic, *operands), 0xFFF, build("EXIT")))
    instructions = decoded(prepare(Program((kernel,)), kernel, (1,), (32,), {}))
    assert instructions[1] is None
    assert needs_one_thread(instructions) is alone
