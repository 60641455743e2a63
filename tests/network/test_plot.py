from pathlib import Path

import matplotlib.image
import pytest
from matplotlib.text import Text

from dstc_isa.network.plot import draw, picture
from tests.network.rows import row


@pytest.mark.parametrize("layers", [1, 54])
def test_a_picture(layers: int, tmp_path: Path) -> None:
    draw([row(layer=f"layer{n}") for n in range(layers)], "net on v100", tmp_path / "layers.png")
    height, width, _ = matplotlib.image.imread(tmp_path / "layers.png").shape
    assert 600 < height < 1000
    assert 700 < width < 5000


def test_bars_show_times_and_speedups() -> None:
    rows = [row(dense=4000, weights=2000, dual=1000), row(layer="n" * 60, count=3, dense=1000, weights=1000, dual=2000)]
    figure = picture(rows, "net on v100")
    above, below = figure.axes
    assert [bar.get_height() for bar in above.patches] == [4, 3, 2, 3, 1, 6]
    assert [bar.get_height() for bar in below.patches] == pytest.approx([2, 1, 7 / 5, 4, 0.5, 1])
    texts = {text.get_text() for text in figure.findobj(Text)}  # type: ignore[call-overload]
    assert {"conv1", "all layers", "net on v100", "both sides sparse"} <= texts
    assert any(text.startswith("3 x ...n") and len(text) < 40 for text in texts)
