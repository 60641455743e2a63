"""The copy of a launch's arrays that a log is made on: arrays share bytes there as they do in the launch."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.engine.launch import prepare
from dstc_isa.trace.run import copied, overlapping
from tests.trace.kernels import logged, program

TEXT = """.kernel k
.param .ptr p
.param .ptr q
.param .ptr r
    EXIT
.endkernel"""
PIECES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), min_size=3, max_size=3)


def common(pieces: list[tuple[int, int]]) -> list[list[int]]:
    """Groups by the definition: byte by byte, until nothing joins any more."""
    groups = [({*range(start, start + size)}, [i]) for i, (start, size) in enumerate(pieces)]
    for _ in pieces:
        for one in groups:
            for other in [g for g in groups if g is not one and g[0] & one[0]]:
                one[0].update(other[0])
                one[1].extend(other[1])
                groups.remove(other)
                break
    return sorted(sorted(members) for _, members in groups)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), max_size=7))
def test_pieces_with_bytes_in_common_are_together(pieces: list[tuple[int, int]]) -> None:
    assert sorted(map(sorted, overlapping(pieces))) == common(pieces)


@given(PIECES, st.sampled_from([np.uint8, np.float16, np.uint32]))
def test_what_is_written_in_one_is_seen_in_the_others(pieces: list[tuple[int, int]], kind: type) -> None:
    base = np.arange(60).astype(kind)
    arrays = {name: base[at : at + size] for name, (at, size) in zip("pqr", pieces, strict=True)}
    made = program(TEXT)
    launch = prepare(made, made.kernels[0], (1,), (32,), arrays)
    own = copied(launch)
    for mine, theirs in zip(own.allocations, launch.memory.allocations, strict=True):
        assert not np.shares_memory(mine.array, base)
        assert mine.array.dtype == theirs.array.dtype
        assert mine.array.tolist() == theirs.array.tolist()
        assert (mine.array.ctypes.data - theirs.array.ctypes.data) % 64 == 0 or not mine.size
    before = base.copy()
    for mine, theirs in zip(own.allocations, launch.memory.allocations, strict=True):
        mine.array[...] = 99
        theirs.array[...] = 99
        for one, other in zip(own.allocations, launch.memory.allocations, strict=True):
            assert one.array.tolist() == other.array.tolist()
        mine.array[...] = before[pieces[own.allocations.index(mine)][0] :][: mine.array.size]
        theirs.array[...] = mine.array


def test_a_log_sees_what_one_array_does_to_another() -> None:
    text = """.kernel shift
.param .ptr.u32 x
.param .ptr.u32 y
.reg lane, size, v
.reg.64 at
    S2R lane, SR_TID.X
    S2R v, SR_CTAID.X
    IMAD lane, v, 32, lane
    MOV size, 4
    IMAD.WIDE.U32 at, lane, size, x
    LDG.E v, [at]
    IADD3 v, v, 1, RZ
    IMAD.WIDE.U32 at, lane, size, y
    STG.E [at], v
    EXIT
.endkernel"""
    z = np.zeros(128, np.uint32)
    lines = logged(text, (3,), (32,), [(2, 0)], x=z[:96], y=z[32:])
    assert any("STG" in line and "3" in line.split("STG")[1] for line in lines), lines
    assert not z.any()
