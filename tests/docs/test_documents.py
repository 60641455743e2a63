"""What the documents show is what happens, and their links lead somewhere."""

import re
from pathlib import Path

import pytest

from dstc_isa.isa.manual import anchor
from tests.docs.console import BLOCK, ROOT, executed, masked

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


@pytest.mark.parametrize("name", ["tutorial.md", "add-an-instruction.md", "sparse-convolution.md"])
def test_commands_print_what_is_shown(name: str, tmp_path: Path) -> None:
    shown = (DOCS / name).read_text(encoding="utf-8")
    assert executed(shown, tmp_path) == shown, f"see python tests/docs/console.py docs/{name}"


def test_the_example_is_the_one_in_the_text() -> None:
    text = (DOCS / "add-an-instruction.md").read_text(encoding="utf-8")
    files = {name: body for _, name, body in BLOCK.findall(text) if name}
    assert files["avg.py"] == (ROOT / "tests" / "example_extension.py").read_text(encoding="utf-8")
    assert len(files["avg.py"].splitlines()) < 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, section in LINK.findall(page.read_text(encoding="utf-8")):
        file = (page.parent / target) if target else page
        assert file.exists(), target
        if section:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert section in map(anchor, headings), section


def test_the_map_names_every_page() -> None:
    named = {target for target, _ in LINK.findall((DOCS / "index.md").read_text(encoding="utf-8"))}
    assert named == {page.name for page in PAGES if page.parent == DOCS and page.name != "index.md"} | {"isa/index.md"}


def test_timings_are_masked_and_nothing_else() -> None:
    first = "k: 64 warp instructions in 0.001 s on 1 thread\n      113,572 warp instructions/s\nMOV  4\n"
    second = "k: 64 warp instructions in 1.250 s on 2 threads\n      1.5 million warp instructions/s\nMOV  4\n"
    assert masked(first) == masked(second)
    assert masked(first) != masked(first.replace("64", "65"))
    assert masked(first) != masked(first.replace("MOV  4", "MOV  5"))


def test_a_changed_output_is_put_into_the_document(tmp_path: Path) -> None:
    text = "```text a.txt\none\n```\n```console\n$ cat a.txt\ntwo\n$ echo three\nthree\n```\n"
    assert executed(text, tmp_path) == text.replace("two", "one")
