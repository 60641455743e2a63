"""The tables of what NVIDIA's tools make and print: whole, in order, from sources that are here, of one mind."""

from collections.abc import Iterator

import pytest

from tests.volta import fields, oracle, random_words, vendor, words
from tests.volta.table import HERE, rows_of

WORDS = list(rows_of(HERE / "words.tsv.xz"))
FIELDS = list(rows_of(HERE / "fields.tsv.xz"))
RANDOM = list(rows_of(HERE / "random_words.tsv.xz"))


def answers() -> Iterator[tuple[int, str]]:
    """Every word of every table with what is printed."""
    yield from ((int(word, 16), text) for word, text, _ in WORDS)
    yield from ((int(word, 16), text) for word, _, text in RANDOM)
    text_of_base = ""
    for _, base, bits, value, effect in FIELDS:
        text_of_base = text_of_base if bits else effect
        for word in fields.words_of_row(base, bits, value):
            yield word, text_of_base if effect == "same" else effect


def test_every_word_stands_once_and_in_order() -> None:
    keys = [(words.pattern(text), int(word, 16)) for word, text, _ in WORDS]
    assert keys == sorted(set(keys))
    assert len({word for word, _, _ in WORDS}) == len(WORDS)


def test_every_source_is_here() -> None:
    assert {source.split()[0] for _, _, source in WORDS} == {path.name for path in words.sources()}


def test_random_words_are_as_many_as_they_should_be() -> None:
    assert len({word for word, _, _ in RANDOM}) == random_words.COUNT


def test_no_two_rows_contradict_each_other() -> None:
    said: dict[int, str] = {}
    assert [(f"{word:032x}", text, said[word]) for word, text in answers() if said.setdefault(word, text) != text] == []


def test_without_the_tools_the_command_says_how_to_install_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    vendor._place.cache_clear()
    monkeypatch.setattr(vendor, "missing", lambda: ["ptxas==1"])
    assert oracle.main(["words", "--check"]) == 2
    assert "not installed: ptxas==1; 'pip install -e .[oracle]' installs them" in capsys.readouterr().err
    vendor._place.cache_clear()
