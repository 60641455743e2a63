"""The listing of a cubin that is made without the declarations is the one that is made with them."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.isa.codec import encode
from dstc_isa.isa.compiled_printer import compile_printer
from dstc_isa.isa.volta import VOLTA
from dstc_isa.listing.cubin_file import bare_words, read_cubin
from dstc_isa.listing.cubin_text import cubin_text
from dstc_isa.object import disassemble, program_of
from tests.object.cubins import Function, cubin
from tests.strategies import FORMS, instructions, words

PRINTER = compile_printer(VOLTA)
BRANCHES = [(declaration, form) for declaration, form in FORMS if any(o.relative for o in declaration.operands)]
COUNT = 12

jumps = st.sampled_from(BRANCHES).flatmap(lambda each: instructions(*each)).map(encode)
near = st.builds(
    lambda word, distance: VOLTA.word.target.insert(distance) | word & ~VOLTA.word.target.mask,
    jumps,
    st.integers(-COUNT * 4, COUNT * 4).map(lambda words: 4 * words),
)
code = st.lists(st.one_of(words(), jumps, near), min_size=1, max_size=COUNT)
names = st.sampled_from(["k", "L_0x10", "$k$f", "a.b", "größe", "0", "pad_0x0"])
addresses = st.integers(-1, COUNT + 1).map(lambda index: 16 * index + 8 * (index % 3 == 2))
places = st.tuples(st.integers(1, 3), st.integers(1, 99))


@st.composite
def functions(draw: st.DrawFn) -> Function:
    words_of_it = draw(code)
    ends = st.integers(0, len(words_of_it)).map(lambda index: 16 * index)
    labels = draw(st.dictionaries(names, addresses.map(abs), max_size=4))
    lines = draw(st.dictionaries(ends, places, max_size=6))
    return Function(words_of_it, 8, draw(st.integers(0, 300)), labels, lines)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(names, functions(), min_size=1, max_size=3))
def test_cubins(made: dict[str, Function]) -> None:
    codes = read_cubin(cubin(made, ("a.cu", "b\t.cuh")))
    assert cubin_text(codes, PRINTER) == disassemble(program_of(codes), sources=True)


@settings(max_examples=100, deadline=None)
@given(code)
def test_bare_words(given_words: Sequence[int]) -> None:
    codes = bare_words(VOLTA.word.join(tuple(given_words)))
    assert cubin_text(codes, PRINTER) == disassemble(program_of(codes), sources=True)
