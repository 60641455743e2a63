"""The generated reference manual."""

import ast
import re
from pathlib import Path

import pytest

from dstc_isa.isa.diagram import cells, diagram, named_fields
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.manual import anchor, families, main, pages, semantics, stale, syntax, title
from dstc_isa.isa.operand import Form
from dstc_isa.isa.resolve import resolve
from dstc_isa.isa.volta import VOLTA
from tests.strategies import FORM_NAMES, FORMS

every_form = pytest.mark.parametrize(("declaration", "form"), FORMS, ids=FORM_NAMES)


@pytest.fixture(scope="module")
def manual() -> dict[str, str]:
    return pages()


def test_one_page_per_family_and_an_index(manual: dict[str, str]) -> None:
    assert set(manual) == {"index.md", *(family.__name__.rpartition(".")[2] + ".md" for family in families(VOLTA))}


@every_form
def test_a_diagram_shows_every_bit_once(declaration: Declaration, form: Form) -> None:
    rows = cells(declaration, form)
    bits = [bit for row in rows for cell in row for bit in range(cell.high, cell.low - 1, -1)]
    assert bits == list(range(VOLTA.word.bits - 1, -1, -1))
    fields = declaration.fields(form)
    for cell in (cell for row in rows for cell in row):
        inside = [name for name, field in fields if field.mask >> cell.low & 1]
        assert bool(inside) == (cell.text != "0")


@every_form
def test_fields_of_one_form_have_names_of_their_own(declaration: Declaration, form: Form) -> None:
    names = [name for name, _ in named_fields(declaration, form)]
    assert len(set(names)) == len(names)
    assert f"opcode = 0x{declaration.code(form):03x}" in names


@every_form
def test_lines_of_a_diagram_are_aligned(declaration: Declaration, form: Form) -> None:
    lines = diagram(declaration, form).splitlines()
    assert len(lines) == 16
    for row in range(0, 16, 4):
        rule, boxes, closing = lines[row + 1 : row + 4]
        assert rule == closing
        assert [i for i, c in enumerate(rule) if c == "+"] == [i for i, c in enumerate(boxes) if c == "|"]


@pytest.mark.parametrize("declaration", VOLTA.declarations, ids=lambda d: f"{d.mnemonic}-0x{d.opcode:03x}")
def test_a_section_tells_everything(declaration: Declaration, manual: dict[str, str]) -> None:
    page = manual[f"{declaration.family}.md"]
    heading = f"\n## {title(declaration)}\n"
    assert page.count(heading) == 1
    section = page.split(heading)[1].split("\n## ")[0]
    assert declaration.description in section
    assert declaration.unit.name in section
    assert ("Opcodes (Volta)" in section) == declaration.public
    for form in declaration.forms:
        assert syntax(declaration, form) in section
        assert diagram(declaration, form) in section
    for modifier in declaration.modifiers:
        for word, value in modifier.kind.words().items():
            assert f".{word} = {value}" in section
    assert declaration.unmodelled in section if declaration.unmodelled else semantics(declaration) in section


@pytest.mark.parametrize("declaration", VOLTA.declarations, ids=lambda d: f"{d.mnemonic}-0x{d.opcode:03x}")
def test_semantics_are_the_functions_own_text(declaration: Declaration) -> None:
    header, _, body = semantics(declaration).partition(":\n")
    assert header.startswith("def ")
    assert ast.parse(f"def shown():\n{body}")
    for parameter in declaration.parameters:
        assert parameter.name in header


def test_syntax_of_each_kind_of_operand() -> None:
    def lines(written: str) -> list[str]:
        declaration = resolve(VOLTA, written)[0][0]
        return [syntax(declaration, form) for form in declaration.forms]

    assert lines("IADD3") == [
        "IADD3{.X} Rd{, Pu}{, Pv}, Ra, Rb, Rc{, Pp}{, Pq}",
        "IADD3{.X} Rd{, Pu}{, Pv}, Ra, imm32, Rc{, Pp}{, Pq}",
        "IADD3{.X} Rd{, Pu}{, Pv}, Ra, c[bank][offset], Rc{, Pp}{, Pq}",
    ]
    assert lines("BRA") == ["BRA{.<depth>}{.<taken>} {Pp, }label"]
    assert lines("NOP") == ["NOP"]
    assert lines("LDC") == ["LDC{.<size>}{.<indexing>} Rd, c[bank][Ra+offset]"]
    assert lines("VOTE.ANY") == ["VOTE.<how> {Rd, }{Pu, }Pp"]
    assert lines("SHFL.UP")[3] == "SHFL.<how> Pu, Rd, Ra, imm5, imm13"


def test_links_lead_to_headings(manual: dict[str, str]) -> None:
    links = re.findall(r"\]\(([a-z_]+\.md)(?:#([^)]*))?\)", manual["index.md"])
    assert len(links) == len(VOLTA.declarations) + len(families(VOLTA))
    for page, target in links:
        headings = [anchor(line.lstrip("# ")) for line in manual[page].splitlines() if line.startswith("#")]
        assert not target or headings.count(target) == 1


def test_rows_of_a_table_have_as_many_cells_as_its_head(manual: dict[str, str]) -> None:
    for text in manual.values():
        outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        for table in re.findall(r"(?:^\|.*\n)+", outside, flags=re.MULTILINE):
            assert len({row.count("|") for row in table.splitlines()}) == 1


def test_check_names_stale_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    assert main([str(tmp_path), "--check"]) == 0
    assert stale(tmp_path) == []
    assert capsys.readouterr().out == ""
    (tmp_path / "integer.md").write_text("old", encoding="utf-8")
    (tmp_path / "tensor.md").unlink()
    (tmp_path / "vector.md").write_text("gone", encoding="utf-8")
    assert main([str(tmp_path), "--check"]) == 1
    said = capsys.readouterr().out
    assert [name for name in ("integer.md", "tensor.md", "vector.md", "float.md") if name in said] == [
        "integer.md",
        "tensor.md",
        "vector.md",
    ]
    assert (tmp_path / "integer.md").read_text(encoding="utf-8") == "old"
