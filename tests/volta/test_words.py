"""The table of words that NVIDIA's tools make and print: whole, in order, from sources that are here."""

import pytest

from tests.volta import oracle, vendor, words
from tests.volta.table import HERE, rows_of

ROWS = list(rows_of(HERE / "words.tsv.xz"))


def test_every_word_stands_once_and_in_order() -> None:
    keys = [(words.pattern(text), int(word, 16)) for word, text, _ in ROWS]
    assert keys == sorted(set(keys))
    assert len({word for word, _, _ in ROWS}) == len(ROWS)


def test_every_source_is_here() -> None:
    assert {source.split()[0] for _, _, source in ROWS} == {path.name for path in words.sources()}


def test_without_the_tools_the_command_says_how_to_install_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    vendor._place.cache_clear()
    monkeypatch.setattr(vendor, "missing", lambda: ["ptxas==1"])
    assert oracle.main(["words", "--check"]) == 2
    assert "not installed: ptxas==1; 'pip install -e .[oracle]' installs them" in capsys.readouterr().err
    vendor._place.cache_clear()
