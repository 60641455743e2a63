"""The examples of the page on the Python interface run, and it names all that is public."""

import re

import pytest

import dstc_isa
from tests.docs.console import ROOT

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


def test_examples_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    examples = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 5
    for example in examples:
        exec(compile(example, "docs/python.md", "exec"), names)


@pytest.mark.parametrize("name", dir(dstc_isa))
def test_every_public_name_is_explained(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGE)
