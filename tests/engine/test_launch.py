"""Launches that must not happen, each refused in words, and what a good one lays out."""

import struct
from typing import Any

import numpy as np
import pytest

from dstc_isa.assembler import assemble
from dstc_isa.engine.execution import decoded, needs_one_thread
from dstc_isa.engine.launch import LaunchError, prepare
from dstc_isa.isa.values import Constant, Register
from dstc_isa.program import Kernel, Parameter, Program
from tests.engine.build import build

PARAMETERS = (
    *(Parameter("x", "ptr", 0), Parameter("scale", "f32", 8), Parameter("count", "u32", 12)),
    *(Parameter("shift", "s32", 16), Parameter("mask", "u64", 24)),
)
GOOD: dict[str, Any] = {"x": np.zeros(4, np.float32), "scale": 0.5, "count": 7, "shift": -3, "mask": 1 << 63}


def launch(grid: tuple[int, ...] = (1,), block: tuple[int, ...] = (32,), changes: Any = None, **kernel: Any) -> Any:
    made = Kernel("k", (build("EXIT"),), **{"parameters": PARAMETERS, "registers": 16, **kernel})
    arguments = {name: value for name, value in {**GOOD, **(changes or {})}.items() if value is not None}
    return prepare(Program((made,), b"abcd"), made, grid, block, arguments)


def test_constant_bank_holds_sizes_and_parameters() -> None:
    made = launch((2, 3), (8, 4, 2))
    assert struct.unpack_from("<6I", made.banks[0]) == (8, 4, 2, 2, 3, 1)
    values = struct.unpack_from("<QfIi4xQ", made.banks[0], 0x160)
    assert values == (made.memory.allocations[0].address, 0.5, 7, -3, 1 << 63)
    assert made.banks[3] == b"abcd"
    assert (made.ctas, made.threads, made.warps) == (6, 64, 2)


def test_thread_ids_count_x_first() -> None:
    ids = launch(block=(5, 3, 2)).thread_ids()
    assert ids.shape == (1, 3, 32)
    assert ids[0, :, 17].tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("grid", "block", "message"),
    [
        ((), (32,), "a grid has 1 to 3 dimensions, not 0"),
        ((1,), (1, 1, 1, 1), "a block has 1 to 3 dimensions, not 4"),
        ((0,), (32,), "grid size 0 in x is outside 1 to 2147483647"),
        ((1, 65536), (32,), "grid size 65536 in y is outside 1 to 65535"),
        ((1,), (1025,), "block size 1025 in x is outside 1 to 1024"),
        ((1,), (1, 1, 65), "block size 65 in z is outside 1 to 64"),
        ((1,), (64, 32), "a block of 64x32x1 has 2048 threads; 1024 is the limit"),
    ],
)
def test_extents(grid: tuple[int, ...], block: tuple[int, ...], message: str) -> None:
    with pytest.raises(LaunchError) as error:
        launch(grid, block)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": None, "mask": None}, "kernel k also needs x (.ptr), mask (.u64)"),
        ({"scael": 1}, "kernel k has no parameter scael; did you mean scale?"),
        ({"zzz": 1}, "kernel k has no parameter zzz; it has x, scale, count, shift, mask"),
        ({"count": np.zeros(1)}, "parameter count of kernel k is .u32, a number, and was given an array of float64"),
        ({"count": 1.5}, "parameter count of kernel k is .u32 and needs an integer, not 1.5"),
        ({"count": -1}, "parameter count of kernel k is .u32, 0 to 4294967295, and cannot hold -1"),
        ({"shift": 1 << 31}, "parameter shift of kernel k is .s32, -2147483648 to 2147483647, and cannot hold"),
        ({"scale": 1e39}, "parameter scale of kernel k is .f32 and cannot hold 1e+39"),
        ({"x": np.zeros((4, 4), np.float32).T[1:]}, "x: the array must be C-contiguous"),
        ({"x": np.frombuffer(b"abcd", np.uint8)}, "x: the array is read-only"),
    ],
)
def test_arguments(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LaunchError) as error:
        launch(changes=changes)
    assert str(error.value).startswith(message)


@pytest.mark.skipif(np.finfo(np.longdouble).max == np.finfo(np.float64).max, reason="no wider numbers here")
def test_a_finite_number_does_not_become_infinite() -> None:
    with pytest.raises(LaunchError, match=r"parameter scale of kernel k cannot hold 1e\+4000"):
        launch(changes={"scale": np.longdouble("1e4000")})
    assert launch(changes={"scale": np.longdouble("inf")}).banks
    assert launch(changes={"scale": np.longdouble(2)}).banks


def test_resources() -> None:
    fixed = Kernel("k", (build("EXIT"),), block=(64, 1, 1))
    with pytest.raises(LaunchError, match="must be launched with blocks of 64,1,1, not 32,1,1"):
        prepare(Program((fixed,)), fixed, (1,), (32,), {})
    with pytest.raises(LaunchError, match="declares 98305 bytes of shared memory; 98304 is the limit"):
        launch(shared_bytes=98305)
    with pytest.raises(LaunchError, match="A block of at most 384 threads fits"):
        launch(block=(416,), registers=160)
    launch(block=(384,), registers=160)


def test_a_constant_operand_outside_its_bank_is_refused_before_the_run() -> None:
    made = launch()
    words = (build("MOV", Register(0), Constant(3, 4)), build("EXIT"))
    kernel = Kernel("k", words, parameters=PARAMETERS)
    outside = prepare(Program((kernel,), b"abcd"), kernel, (1,), (32,), GOOD)
    with pytest.raises(LaunchError, match=r"c\[0x3\]\[0x4\] is outside bank 3, which has 4 bytes"):
        decoded(outside)
    assert len(decoded(made)) == 1


def test_reductions_whose_order_shows_run_on_one_thread() -> None:
    """Sums of floats round, and the least of +0 and -0 is whichever came first; integer sums commute."""

    def alone(operation: str) -> bool:
        program = assemble(f".kernel k\nRED.E.{operation} [R2], R4\nEXIT\n.endkernel").program
        assert program is not None
        return needs_one_thread(decoded(prepare(program, program.kernels[0], (1,), (32,), {})))

    assert [alone(f"{name}.F32") for name in ("ADD", "MIN", "MAX")] == [True] * 3
    assert [alone(name) for name in ("ADD", "MIN.S32", "OR")] == [False, False, False]
