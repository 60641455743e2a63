import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.image
import pytest
from matplotlib.figure import Figure

from dstc_isa.studies.figure_files import FORMATS, PlotError, check_library, picture_files, save_figure


def figure() -> Figure:
    made = Figure(figsize=(2, 1))
    made.subplots().plot([1, 2, 3])
    return made


def test_a_picture_is_there_for_screens_and_for_papers(tmp_path: Path) -> None:
    files = save_figure(figure(), tmp_path, "p")
    assert [file.name for file in files] == list(picture_files("p")) == ["p.png", "p.svg"]
    assert matplotlib.image.imread(files[0]).ndim == 3
    assert ElementTree.parse(files[1]).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_the_same_picture_gives_the_same_bytes(tmp_path: Path) -> None:
    first, again = ([file.read_bytes() for file in save_figure(figure(), tmp_path, "p")] for _ in range(2))
    assert first == again


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_is_replaced_whole_or_not_at_all(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in picture_files("p"):
        (tmp_path / name).write_bytes(b"earlier")
    made, drawn = figure(), Figure.savefig

    def breaks_off(self: Figure, file: object, **options: object) -> None:
        drawn(self, file, **options)  # type: ignore[arg-type]
        if options["format"] == kind:
            raise MemoryError

    monkeypatch.setattr(Figure, "savefig", breaks_off)
    with pytest.raises(MemoryError):
        save_figure(made, tmp_path, "p")
    assert {path.name for path in tmp_path.iterdir()} == set(picture_files("p"))
    assert (tmp_path / f"p.{kind}").read_bytes() == b"earlier"


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    check_library()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PlotError, match=r"no Matplotlib .*: pip install matplotlib, or the extra \[plot\]"):
        check_library()
