"""What a CTA finds is the same whatever ran before it on the same host thread."""

import numpy as np

from tests.engine.kernels import both

CTAS = 5


def of_each_cta(text: str, words: int, block: int = 32) -> None:
    """On one host thread and on both engines, every CTA leaves the same words in its part of ``out``."""
    out = np.full((CTAS, words), 0xAAAAAAAA, np.uint32)
    found = both(text, (CTAS,), (block,), out=out, threads=1)["out"]
    np.testing.assert_array_equal(found, np.repeat(found[:1], CTAS, axis=0))
    assert (found != 0xAAAAAAAA).all()


PLACE = """
.kernel fresh
.param .ptr out
    .reg thread, cta, at, four, value, other
    .reg.64 place
    S2R thread, SR_TID.X
    S2R cta, SR_CTAID.X
    IMAD at, cta, {words}, thread
    MOV four, 4
    IMAD.WIDE.U32 place, at, four, out
"""


def test_predicates() -> None:
    text = PLACE.format(words=32) + "    P2R value, PR, RZ, 0x7f\n    MOV other, 0x7f\n    R2P PR, other, 0x7f\n"
    of_each_cta(text + "    STG.E [place], value\n    EXIT\n.endkernel\n", 32)


def test_registers() -> None:
    text = PLACE.format(words=32) + "    .reg never\n    IADD3 value, never, 7, RZ\n    MOV never, 9\n"
    of_each_cta(text + "    STG.E [place], value\n    EXIT\n.endkernel\n", 32)


def test_shared_memory_to_its_last_word() -> None:
    """Three words, so that the last one is half of eight bytes."""
    body = """
    .shared cells, 12
    .pred p
    ISETP.GE.U32.AND p, PT, thread, 3, PT
    @p EXIT
    SHF.L.U32 at, thread, 2, RZ
    LDS value, [at]
    MOV other, 0x55
    STS [at], other
    STG.E [place], value
    EXIT
.endkernel
"""
    of_each_cta(PLACE.format(words=3) + body, 3)


def test_the_turn_of_parted_lanes() -> None:
    """Three groups of lanes; the numbers that they take show whose turn came first. Lane 15 ends last."""
    body = """
    .shared counter, 4
    .pred p, q, last
    .reg one
    MOV one, 1
    ISETP.EQ.U32.AND p, PT, thread, 9, PT
    ISETP.EQ.U32.AND q, PT, thread, 21, PT
    MOV other, 3
    ISETP.EQ.U32.AND last, PT, thread, 15, PT
    @p BRA take
    @q BRA elsewhere
again:
    IADD3 other, other, -1, RZ
    ISETP.NE.AND p, PT, other, 0, PT
    @p BRA again
take:
    ATOMS.ADD value, [RZ], one
    STG.E [place], value
    @last BRA late
    EXIT
elsewhere:
    NOP
    BRA take
late:
    IADD3 other, other, 1, RZ
    ISETP.NE.AND p, PT, other, 2, PT
    @p BRA late
    EXIT
.endkernel
"""
    of_each_cta(PLACE.format(words=32) + body, 32)
