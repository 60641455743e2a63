"""The picture of the architecture is drawn from the import contract, and arrows go down."""

import importlib.util
from itertools import pairwise
from types import ModuleType

import pytest

from tests.docs.console import ROOT


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "docs" / "architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_arrows_go_down(drawing: ModuleType) -> None:
    height = {room: -number for number, row in enumerate(drawing.floors()) for room in row}
    arrows = drawing.arrows(list(height))
    assert all(height[upper] > height[lower] for upper, lower in arrows)
    assert {room for arrow in arrows for room in arrow} == set(height)


def test_an_import_that_others_imply_is_left_out(drawing: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    imports = {"top": {"middle.part", "low"}, "middle": {"low"}, "low": {"errors"}}
    monkeypatch.setattr(drawing, "files", lambda room: [room])
    monkeypatch.setattr(drawing, "imported", imports.__getitem__)
    assert drawing.arrows(["top", "middle", "low"]) == list(pairwise(imports))


def test_what_the_contract_excepts_is_no_arrow(drawing: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ROOT / "dstc_isa" / "timing" / "run.py"
    everything = drawing.imported(file)
    assert any(name.startswith("engine.run") for name in everything)
    monkeypatch.setattr(drawing, "excepted", lambda: [("timing.*", "engine.*"), ("timing.other", "*")])
    assert drawing.imported(file) == {name for name in everything if not name.startswith("engine.")}


def test_a_module_is_in_the_innermost_room(drawing: ModuleType) -> None:
    rooms = ["conv", "conv.sparse"]
    assert [drawing.home(name, rooms) for name in ("conv.sparse.plan", "conv.shape", "convolution")] == [
        "conv.sparse",
        "conv",
        None,
    ]
