"""What the documents show is what happens, and their links lead somewhere."""

import re
from pathlib import Path

import pytest

from dstc_isa.isa.manual import anchor
from tests.docs.console import BLOCK, ROOT, executed, masked

DOCS = ROOT / "docs"
FOLDERS = ("docs", "benchmarks", "examples", "findings")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.engine
@pytest.mark.parametrize("page", [page for page in PAGES if "```console" in page.read_text()], ids=lambda p: p.name)
def test_commands_print_what_is_shown_and_end_as_is_shown(page: Path, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    shown = page.read_text(encoding="utf-8")
    assert executed(shown, tmp_path) == shown, f"see python tests/docs/console.py {page.relative_to(ROOT)}"


def test_a_failure_is_shown_by_its_status(tmp_path: Path) -> None:
    text = "```console\n$ echo no && false\nno\n$ cat < /dev/null | false | cat\n$ exit 3\n[exit status 3]\n```\n"
    expected = text.replace("no\n$ cat", "no\n[exit status 1]\n$ cat").replace("| cat\n", "| cat\n[exit status 1]\n")
    assert executed(text, tmp_path) == expected


def test_output_can_be_shown_in_part(tmp_path: Path) -> None:
    text = "```console\n$ seq 3\n1\n...\n```\n"
    assert executed(text, tmp_path) == text
    assert executed(text.replace("1\n", "2\n"), tmp_path) == text.replace("...\n", "2\n3\n")


def test_the_example_is_the_one_in_the_text() -> None:
    text = (DOCS / "add-an-instruction.md").read_text(encoding="utf-8")
    files = {name: body for _, name, body in BLOCK.findall(text) if name}
    assert files["avg.py"] == (ROOT / "tests" / "example_extension.py").read_text(encoding="utf-8")
    assert len(files["avg.py"].splitlines()) < 20


def anchors(text: str) -> list[str]:
    """What headings can be linked by, in order; code is not looked at."""
    return [anchor(heading) for heading in re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, section in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        file = (page.parent / target) if target else page
        assert file.exists(), target
        if section:
            assert section in anchors(file.read_text(encoding="utf-8")), section


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_cell_of_a_table_is_one_clause(page: Path) -> None:
    if page.is_relative_to(DOCS / "isa"):
        return
    text = re.sub(r"`[^`\n]*`|\]\([^)\s]*\)", "", FENCED.sub("", page.read_text(encoding="utf-8")))
    for row in re.findall(r"^\|(.*)\|$", text, re.MULTILINE):
        for cell in re.split(r"(?<!\\)\|", row):
            assert not re.search(r"; |[a-z)]\. [A-Z]", cell), cell


def named_by(map_page: Path) -> set[Path]:
    """The pages that a page has links to."""
    return {(map_page.parent / target).resolve() for target, _ in LINK.findall(map_page.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("folder", ["decisions", "."])
def test_the_map_names_every_page(folder: str) -> None:
    index = (DOCS / folder / "index.md").resolve()
    below = {page.resolve() for page in index.parent.glob("*/index.md")}
    assert named_by(index) == {page for page in PAGES if page.parent == index.parent and page != index} | below


@pytest.mark.parametrize("page", sorted((DOCS / "decisions").glob("*.md")), ids=lambda page: page.stem)
def test_a_decision_has_a_heading_of_its_own_one_paragraph_and_what_was_rejected(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(set(anchors(text))) == len(anchors(text))
    for section in text.split("\n## ")[1:]:
        assert re.fullmatch(r"[^\n]+\n\n?(?:[^\n]+\n)+\n?", section + "\n"), section
        assert "Rejected" in section


def test_timings_are_masked_and_nothing_else() -> None:
    first = "k: 64 warp instructions in 0.001 s on 1 thread\n      113,572 warp instructions/s\nMOV  4\n"
    second = "k: 64 warp instructions in 1.250 s on 2 threads\n      1.5 million warp instructions/s\nMOV  4\n"
    assert masked(first) == masked(second)
    assert masked(first) != masked(first.replace("64", "65"))
    assert masked(first) != masked(first.replace("MOV  4", "MOV  5"))


def test_a_changed_output_is_put_into_the_document(tmp_path: Path) -> None:
    text = "```text a.txt\none\n```\n```console\n$ cat a.txt\ntwo\n$ echo three\nthree\n```\n"
    assert executed(text, tmp_path) == text.replace("two", "one")
