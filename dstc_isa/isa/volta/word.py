"""The 128-bit word of Volta, as its public assemblers know it."""

from dstc_isa.isa.control import ControlFields
from dstc_isa.isa.field import Field
from dstc_isa.isa.word_format import SourceFields, WordFormat

WORD = WordFormat(
    bits=128,
    opcode=Field(0, 12, name="opcode"),
    form_bits=3,
    register_form=1,
    guard=Field(12, 3, name="guard"),
    guard_negate=Field(15, 1, name="guard negate"),
    destination=Field(16, 8),
    sources={
        "a": SourceFields(Field(24, 8), Field(72, 1), Field(73, 1), Field(122, 1)),
        "b": SourceFields(Field(32, 8), Field(63, 1), Field(62, 1), Field(123, 1)),
        "c": SourceFields(Field(64, 8), Field(75, 1), Field(74, 1), Field(124, 1)),
        "e": SourceFields(Field(40, 8), Field(49, 1), Field(48, 1), Field(125, 1)),
    },
    packed={
        "a": SourceFields(Field(24, 8), Field(72, 1), Field(73, 1), Field(122, 1), Field(74, 2)),
        "b": SourceFields(Field(32, 8), Field(63, 1), Field(62, 1), Field(123, 1), Field(60, 2)),
        "c": SourceFields(Field(64, 8), Field(84, 1), Field(83, 1), Field(124, 1), Field(81, 2)),
    },
    immediate=Field(32, 32),
    constant_offset=Field(40, 14, scale=2),
    constant_bank=Field(54, 5),
    target=Field(34, 48, signed=True, scale=2),
    control=ControlFields(
        stall=Field(105, 4, name="stall"),
        no_yield=Field(109, 1, name="yield"),
        write=Field(110, 3, name="write scoreboard"),
        read=Field(113, 3, name="read scoreboard"),
        wait=Field(116, 6, name="wait mask"),
    ),
)
WORD_BYTES = WORD.size
