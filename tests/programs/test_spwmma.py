"""The warp-level operations of programs/include/spwmma.dasm against NumPy."""

from functools import cache
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.assembler import assemble
from dstc_isa.engine.run import run_kernel
from dstc_isa.program import Program
from dstc_isa.sparse.bitmap import encode

NAN_BITS = 0x7FFFFFFF
TILE_WORDS = (64 + 1024 + 64) // 4
SPECIALS = np.array([np.inf, -np.inf, np.nan, -0.0, 2**-24, 65504, 1], np.float16)

ACCUMULATOR = """
    .reg lane, four
    .reg.64 mine_out
    .reg acc[32]
    S2R lane, SR_LANEID
    MOV four, 4
    IMAD.WIDE.U32 mine_out, lane, four, out
    .for r, 0, 32
        LDG.E acc[r], [mine_out + 128*r]
    .endfor
"""
STORE = """
    .for r, 0, 32
        STG.E [mine_out + 128*r], acc[r]
    .endfor
    EXIT
.endkernel
"""
SPARSE = f"""
.include "spwmma.dasm"
.set TILE_WORDS, {TILE_WORDS}
.kernel sparse
.param .ptr a
.param .ptr b
.param .ptr out
.shared tile_a, 4*TILE_WORDS, 16
.shared tile_b, 4*TILE_WORDS, 16
{ACCUMULATOR}
    .reg value, target, at_a, at_b
    .reg.64 mine_a, mine_b
    IMAD.WIDE.U32 mine_a, lane, four, a
    IMAD.WIDE.U32 mine_b, lane, four, b
    SHF.L.U32 target, lane, 2, RZ
    .for i, 0, TILE_WORDS/32
        LDG.E value, [mine_a + 128*i]
        STS [target + tile_a + 128*i], value
        LDG.E value, [mine_b + 128*i]
        STS [target + tile_b + 128*i], value
    .endfor
    MOV at_a, tile_a
    MOV at_b, tile_b
    SPWMMA_32x32x16 acc, at_a, at_b, lane
{STORE}
"""
DENSE = f"""
.include "spwmma.dasm"
.kernel dense
.param .ptr a
.param .ptr b
.param .ptr out
{ACCUMULATOR}
    .reg a_part[8], b_part[8]
    .reg.64 mine_a, mine_b
    IMAD.WIDE.U32 mine_a, lane, four, a
    IMAD.WIDE.U32 mine_b, lane, four, b
    .for p, 0, 8
        LDG.E a_part[p], [mine_a + 128*p]
        LDG.E b_part[p], [mine_b + 128*p]
    .endfor
    OWMMA_16x16x16 acc, a_part, b_part
{STORE}
"""


@cache
def program_of(text: str) -> Program:
    assembly = assemble(text)
    assert assembly.program is not None, [d.render() for d in assembly.diagnostics]
    assert assembly.diagnostics == []
    return assembly.program


def run(text: str, reference: bool = False, **arguments: Any) -> int:
    """One warp; the number of OHMMA that executed."""
    program = program_of(text)
    kernel = program.kernels[0]
    _, execution = run_kernel(program, kernel, (1,), (32,), arguments, reference=reference)
    opcodes = {0x1A1, 0x1A2}
    tensor = [word & 0x1FF for word in kernel.words]
    return sum(
        int(issued - idle)
        for opcode, issued, idle in zip(tensor, execution.issued, execution.skipped, strict=True)
        if opcode in opcodes
    )


def matrix(shape: tuple[int, int], density: float, specials: float, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    values = generator.uniform(-2, 2, shape).astype(np.float16)
    chosen = generator.random(shape) < specials
    values[chosen] = generator.choice(SPECIALS, np.count_nonzero(chosen))
    values[generator.random(shape) >= density] = 0
    return values


def tile(dense_tile: np.ndarray, side: Any) -> np.ndarray:
    """Bitmap words, then the condensed values; NaN stands where no value may be used."""
    words = np.zeros(TILE_WORDS, np.uint32)
    words[16:] = np.full(2 * (TILE_WORDS - 16), np.nan, np.float16).view(np.uint32)
    words[:16] = encode(dense_tile, side).element_bitmap[0]
    steps = dense_tile.T if side == "a" else dense_tile
    condensed = steps[steps != 0]
    words.view(np.float16)[32 : 32 + len(condensed)] = condensed
    return words


def accumulated(c: np.ndarray, a: np.ndarray, b: np.ndarray, skip_zeros: bool) -> np.ndarray:
    """Bits of c + a b, one rounding a product in k order."""
    for column, row in zip(a.T.astype(np.float32), b.astype(np.float32), strict=True):
        takes_part = (column != 0)[:, None] & (row != 0) if skip_zeros else True
        with np.errstate(invalid="ignore"):
            c = np.where(takes_part, c + column[:, None] * row, c)
    return np.where(np.isnan(c), np.uint32(NAN_BITS), c.view(np.uint32))


@settings(max_examples=40)
@given(
    density_a=st.sampled_from([0.0, 0.05, 0.25, 0.5, 0.9, 1.0]),
    density_b=st.sampled_from([0.0, 0.05, 0.25, 0.5, 0.9, 1.0]),
    specials=st.sampled_from([0.0, 0.1]),
    seed=st.integers(0, 2**32),
)
def test_sparse_tiles(density_a: float, density_b: float, specials: float, seed: int) -> None:
    a, b = matrix((32, 16), density_a, specials, seed), matrix((16, 32), density_b, specials, seed + 1)
    c = np.random.default_rng(seed).uniform(-5, 5, (32, 32)).astype(np.float32)
    expected = accumulated(c, a, b, skip_zeros=True)
    executed = run(SPARSE, a=tile(a, "a"), b=tile(b, "b"), out=c)
    np.testing.assert_array_equal(c.view(np.uint32), expected)
    of_a, of_b = np.count_nonzero(a, axis=0), np.count_nonzero(b, axis=1)
    assert executed == (-(-of_a // 8) * -(-of_b // 16)).sum()


def test_dense_tiles_take_128_outer_products() -> None:
    a, b = np.ones((32, 16), np.float16), np.ones((16, 32), np.float16)
    c = np.zeros((32, 32), np.float32)
    assert run(SPARSE, a=tile(a, "a"), b=tile(b, "b"), out=c) == 128
    assert (c == 16).all()


@settings(max_examples=25)
@given(density=st.sampled_from([0.3, 1.0]), specials=st.sampled_from([0.0, 0.1]), seed=st.integers(0, 2**32))
def test_dense_fragments(density: float, specials: float, seed: int) -> None:
    a, b = matrix((16, 16), density, specials, seed), matrix((16, 16), density, specials, seed + 1)
    c = np.random.default_rng(seed).uniform(-5, 5, (32, 32)).astype(np.float32)
    expected = c.view(np.uint32).copy()
    expected[:16, :16] = accumulated(c[:16, :16], a, b, skip_zeros=False)
    assert run(DENSE, a=fragment(a), b=fragment(b.T), out=c) == 32
    np.testing.assert_array_equal(c.view(np.uint32), expected)


def fragment(lanes_by_k: np.ndarray) -> np.ndarray:
    """Eight registers of 32 lanes; lane i of half h of register p holds [i][2p + h], lanes 16 to 31 NaN."""
    halves = np.full((8, 32, 2), np.nan, np.float16)
    halves[:, :16] = lanes_by_k.reshape(16, 8, 2).transpose(1, 0, 2)
    return halves


def test_reference_engine_agrees() -> None:
    a, b = matrix((32, 16), 0.5, 0.1, 1), matrix((16, 32), 0.5, 0.1, 2)
    for text, arguments in (
        (SPARSE, {"a": tile(a, "a"), "b": tile(b, "b")}),
        (DENSE, {"a": fragment(a[:16]), "b": fragment(b[:, :16].T)}),
    ):
        fast, readable = np.ones((2, 32, 32), np.float32)
        assert run(text, **arguments, out=fast) == run(text, True, **arguments, out=readable)
        np.testing.assert_array_equal(fast.view(np.uint32), readable.view(np.uint32))
