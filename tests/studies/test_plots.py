import sys
from itertools import pairwise
from pathlib import Path

import matplotlib.image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.studies import plots
from dstc_isa.studies.plots import PlotError, apart, check_library, draw
from dstc_isa.studies.point import Row, with_speedups
from tests.studies.rows import row

DENSE = {"kernel": "gemm_dense", "density_a": None, "density_b": None, "measured_density_a": 1.0}
STUDY = with_speedups(
    [
        row(**DENSE, time_us=3.0, bound="tensor and FP16 pipe"),
        *(row(density_a=a, density_b=b, time_us=1 + a + b) for a in (1.0, 0.5, 0.1) for b in (1.0, 0.5)),
    ]
)


def texts(figure: "plots.Figure") -> str:
    from matplotlib.text import Text

    return "\n".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (STUDY, {"speedup.png", "bound.png"}),
        (STUDY[:1], {"speedup.png", "bound.png"}),
        ([row()], {"bound.png"}),
        ([row(overrides={"sm.count": n}) for n in range(1, 40)], {"bound.png"}),
        ([], set()),
    ],
)
def test_pictures(tmp_path: Path, rows: list[Row], names: set[str]) -> None:
    assert {path.name for path in draw(rows, tmp_path)} == names == {path.name for path in tmp_path.iterdir()}
    for name in names:
        height, width, _ = matplotlib.image.imread(tmp_path / name).shape
        assert 300 < height < 2000
        assert 600 < width < 2000


def test_speedup_shows_each_line_once() -> None:
    figure = plots.speedup(STUDY)
    shown = texts(figure)
    for name in ("spgemm, B 0 % zeros", "spgemm, B 50 % zeros", "gemm_dense", "sparsity of A (% zeros)"):
        assert shown.split("\n").count(name) == 1
    assert "64 x 32 x 16 on v100-dstc" in shown
    (line,) = [line for line in figure.axes[0].lines if line.get_marker() == "s"]
    assert list(line.get_xdata()) == [0, 50, 90]
    assert list(line.get_ydata()) == [each.speedup for each in STUDY if each.density_b == 0.5]


def test_bound_marks_resources_and_names_varied_parameters() -> None:
    varied = [({"shared.banks": n, "sm.count": 4}, f"resource {n}") for n in (8, 16)]
    rows = [row(overrides=each, bound=resource, share_of_bound=0.7) for each, resource in varied]
    shown = texts(plots.bound(rows)).split("\n")
    assert {"resource 8", "resource 16", "spgemm, B 0 % zeros, banks 8", "spgemm, B 0 % zeros, banks 16"} <= set(shown)
    assert "latency (barrier)" in texts(plots.bound([row(share_of_bound=0.5, stall="barrier", stall_share=0.25)]))
    assert any(line.endswith("on v100-dstc, sm.count=4") for line in shown)


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.001, 0.08))
def test_apart(wanted: list[float], step: float) -> None:
    places = apart(sorted(wanted), step)
    assert len(places) == len(wanted)
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)
    assert all(above - below >= step - 1e-9 for below, above in pairwise(places))


@given(st.lists(st.integers(0, 20), unique=True))
def test_names_that_do_not_overlap_stay(numbers: list[int]) -> None:
    wanted = sorted(number / 20 for number in numbers)
    assert apart(wanted, 0.04) == pytest.approx(wanted)


def test_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PlotError, match="pip install matplotlib"):
        check_library()
    with pytest.raises(PlotError, match="pip install matplotlib"):
        draw(STUDY, tmp_path)
