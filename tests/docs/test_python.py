"""The examples of the page on the Python interface run, and it names every function."""

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


@pytest.mark.parametrize("name", [name for name in dstc_isa.__all__ if name[0].islower() or name.endswith("Error")])
def test_every_function_and_error_is_named(name: str) -> None:
    assert name in PAGE
