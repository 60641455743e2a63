import math
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.image
import pytest
from matplotlib.text import Text

from dstc_isa.network.plot import draw, picture
from dstc_isa.network.row import VARIANTS
from dstc_isa.printable import printable
from tests.network.rows import cost, row


@pytest.mark.slow
@pytest.mark.parametrize("layers", [1, 54])
def test_a_picture(layers: int, tmp_path: Path) -> None:
    files = draw([row(layer=f"layer{n}") for n in range(layers)], "net on v100", tmp_path)
    assert {file.name for file in files} == {"layers.png", "layers.svg"} == {each.name for each in tmp_path.iterdir()}
    height, width, _ = matplotlib.image.imread(tmp_path / "layers.png").shape
    assert 600 < height < 1000
    assert 700 < width < 5000


@pytest.mark.slow
@pytest.mark.parametrize("name", ["$", "$x$", r"$\frac$", "a$b$c_{", "\x1b[31mred", "a\nb\x00", "<&>", "%", "_x"])
def test_any_name(name: str, tmp_path: Path) -> None:
    draw([row(layer=name), row(layer="conv2", count=2)], f"{name} on v100", tmp_path)
    assert ElementTree.parse(tmp_path / "layers.svg").getroot().tag.endswith("svg")
    texts = {text.get_text() for text in picture([row(layer=name)], name).findobj(Text)}  # type: ignore[call-overload]
    assert printable(name) in texts


def test_bars_show_times_and_speedups() -> None:
    rows = [row(dense=4000, weights=2000, dual=1000), row(layer="n" * 60, count=3, dense=1000, weights=1000, dual=2000)]
    figure = picture(rows, "net on v100")
    above, all_above, below, all_below = figure.axes
    assert [bar.get_height() for bar in above.patches] == [4, 3, 2, 3, 1, 6]
    assert [bar.get_height() for bar in all_above.patches] == [7, 5, 7]
    assert [bar.get_height() for bar in below.patches] == pytest.approx([2, 1, 4, 0.5])
    assert [bar.get_height() for bar in all_below.patches] == pytest.approx([7 / 5, 1])
    assert below.get_ylim() == all_below.get_ylim()
    texts = {text.get_text() for text in figure.findobj(Text)}  # type: ignore[call-overload]
    assert {"conv1", "all layers", "net on v100", "both sides sparse"} <= texts
    assert any(text.startswith("3 x ...n") and len(text) < 40 for text in texts)


def test_every_bar_has_its_value_and_room_for_it() -> None:
    figure = picture([row(dense=12_345_678, weights=98_765, dual=1234), row(dense=432, weights=40, dual=10)], "net")
    above, all_above, below, _ = figure.axes
    assert [text.get_text() for text in above.texts] == ["12,346", "0.43", "98.8", "0.04", "1.23", "0.01"]
    assert [text.get_text() for text in below.texts] == ["125", "10.8", "10,005", "43.2"]
    for axes in figure.axes:
        assert len(axes.texts) == len(axes.patches)
        assert axes.get_ylim()[1] > 1.1 * max(bar.get_height() for bar in axes.patches)
    assert [text.get_text() for text in all_above.texts] == ["12,346", "98.8", "1.24"]


def test_no_slot_is_empty() -> None:
    figure = picture([row(), row(layer="conv2")], "net")
    for axes in figure.axes:
        slots = {round(bar.get_x() + bar.get_width() / 2) for bar in axes.patches}
        assert slots == set(axes.get_xticks())


def test_bars_that_no_resource_limits_are_hatched() -> None:
    shares = {"dense": 0.7, "weights": 0.5, "dual": 0.7}
    rows = [row(costs={name: cost(9, shares[name]) for name in VARIANTS})]
    figure = picture(rows, "net")
    assert [bool(bar.get_hatch()) for bar in figure.axes[0].patches] == [False, True, False]
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert "hatched: limited by latency" in legend
    plain = picture([row(costs={name: cost(9, 0.7) for name in VARIANTS})], "net")
    assert not any("hatched" in text.get_text() for text in plain.legends[0].get_texts())


def test_a_layer_without_time_has_bars_without_values() -> None:
    nothing = row(dense=0, weights=0, dual=0)
    assert math.isnan(nothing.speedup("dual"))
    below = picture([nothing], "net").axes[2]
    assert [text.get_text() for text in below.texts] == ["", ""]
