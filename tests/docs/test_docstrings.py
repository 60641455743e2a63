"""Docstrings begin with what they are about."""

import re

import pytest

from tests.docs.console import ROOT
from tests.docs.docstrings import SOURCES, docstrings

WITHOUT_SUBJECT = re.compile(r"(?:Of|Or|It|Its|As above|With|To|By)\b")
BARE_NUMBER = re.compile(r"\bnumber ``\w+``")
FILES = [file.relative_to(ROOT).as_posix() for file in SOURCES]


@pytest.mark.parametrize("file", FILES)
def test_a_docstring_begins_with_its_subject(file: str) -> None:
    texts = docstrings(ROOT / file)
    assert [text for text in texts if WITHOUT_SUBJECT.match(text)] == []
    assert [text for text in texts if BARE_NUMBER.search(text)] == []


def test_one_without_a_subject_is_noticed() -> None:
    for text in ("Of a CTA, as many as there are.", "It issues now.", "Its values.", "As above.", "To nearest even."):
        assert WITHOUT_SUBJECT.match(text)
    for text in ("Items of a list.", "Bytes of a CTA.", "Orders of sums.", "Without effects.", "Byte for byte."):
        assert not WITHOUT_SUBJECT.match(text)
    assert BARE_NUMBER.search("The argument number ``place``.")
    assert not BARE_NUMBER.search("The argument with the number 3 of ``places``.")
