"""Scoreboards of long kernels: what is kept for each instruction."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.assembler import assemble
from dstc_isa.schedule.scoreboards import FEW, SHORT, _packed, _unpacked
from tests.assembler.build import in_kernel


@given(st.sets(st.integers(0, 4 * SHORT), max_size=2 * FEW))
def test_a_mask_is_kept_whole(bits: set[int]) -> None:
    mask = sum(1 << bit for bit in bits)
    kept = _packed(mask)
    assert _unpacked(kept) == mask
    assert (kept == mask) == (mask < 1 << SHORT or len(bits) > FEW)


def peak(loads: int) -> int:
    """Bytes that assembling so many loads takes, each used at once, behind one that is used at the end."""
    body = f"LDS R9, [R0]\n.rept {loads}\nLDS R2, [R0+4]\nIADD3 R1, R1, R2, RZ\n.endr\nIADD3 R1, R1, R9, RZ\nEXIT"
    tracemalloc.start()
    try:
        assert assemble(in_kernel(body)).program is not None
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_memory_grows_with_the_loads_and_not_with_their_square() -> None:
    peak(10)
    assert peak(8000) < 5 * peak(2000)
