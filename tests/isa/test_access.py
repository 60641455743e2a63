"""What an instruction reads and writes, against the model of the control codes' rules."""

from hypothesis import given

from dstc_isa.isa.access import Access, accessed, accessed_by, accumulator, addends, results, sources
from dstc_isa.isa.codec import decode, encode
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.masks import PREDICATE_SHIFT, bits_of, place_name
from dstc_isa.isa.values import PT
from dstc_isa.isa.volta import VOLTA
from tests.engine.build import build
from tests.models.hazards import Place, places
from tests.strategies import instructions


def named(mask: int) -> set[Place]:
    """The places of a mask as the model has them."""
    return {(name[0], int(name[1:])) for name in map(place_name, bits_of(mask))}


@given(instructions())
def test_masks_are_the_models_places(instruction: Instruction) -> None:
    reads, added, writes, tile = places(instruction)
    guard = {("P", instruction.guard.index)} - {("P", PT)}
    access = accessed(instruction)
    assert named(access.reads) == reads | guard
    assert named(access.writes) == writes
    assert named(addends(instruction)) == added
    kept = accumulator(instruction)
    assert tile == ({("R", kept[0] + i) for i in range(kept[1])} if kept else set())
    assert accessed_by(VOLTA, encode(instruction)) == access


@given(instructions())
def test_registers_of_sources_and_results_are_among_them(instruction: Instruction) -> None:
    access = accessed(instruction)
    wide = [(value.index, span) for _, value, span in sources(instruction) if value.index != 255]
    assert all(access.reads >> first + i & 1 for first, span in wide for i in range(span))
    written = {first + i for first, span, _ in results(instruction) for i in range(span)}
    assert written == {bit for bit in bits_of(access.writes) if bit < PREDICATE_SHIFT}


def test_a_word_that_is_no_instruction_accesses_nothing() -> None:
    assert accessed_by(VOLTA, 0xFFF) == Access()
    assert accessed_by(VOLTA, build("NOP")) == accessed(decode(VOLTA, build("NOP"))) == Access()
