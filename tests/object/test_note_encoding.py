"""The number and string encoding is its own inverse and refuses everything else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.object.error import ObjectError
from dstc_isa.object.note_encoding import Decoder, Encoder

UNSIGNED = st.integers(0, (1 << 64) - 1)
SIGNED = st.integers(-(1 << 63), (1 << 63) - 1)
TEXTS = st.text(st.characters(exclude_categories=()))


@settings(deadline=None)
@given(st.lists(st.one_of(UNSIGNED, SIGNED.map(str), TEXTS.map(lambda text: (text,)))))
def test_decoder_inverts_encoder(items: list[int | str | tuple[str]]) -> None:
    encoder = Encoder()
    for item in items:
        match item:
            case int():
                encoder.number(item)
            case str():
                encoder.signed(int(item))
            case (text,):
                encoder.text(text)
    decoder = Decoder(bytes(encoder.data), "test")
    for item in items:
        match item:
            case int():
                assert decoder.number() == item
            case str():
                assert decoder.signed() == int(item)
            case (text,):
                assert decoder.text() == text
    decoder.end()


@pytest.mark.parametrize(
    ("data", "read", "message"),
    [
        (b"", "number", "byte 0: the data ends too early"),
        (b"\x80", "number", "byte 1: the data ends too early"),
        (b"\xff" * 20, "number", "too large"),
        (b"\x80" * 20, "number", "too large"),
        (b"\x05abc", "text", "5 records do not fit the 3 bytes left"),
        (b"\x01\xff", "text", "not UTF-8"),
        (b"a", "end", "1 bytes left over"),
    ],
)
def test_malformed_records(data: bytes, read: str, message: str) -> None:
    with pytest.raises(ObjectError, match=message):
        getattr(Decoder(data, "test"), read)()


@settings(deadline=None)
@given(st.integers(-5, 5), st.integers(0, 5))
def test_within_is_a_range_check(value: int, limit: int) -> None:
    if 0 <= value < limit:
        assert Decoder(b"", "test").within(value, limit) == value
    else:
        with pytest.raises(ObjectError):
            Decoder(b"", "test").within(value, limit)
