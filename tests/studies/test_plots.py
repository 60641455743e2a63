import sys
from pathlib import Path
from typing import Any

import attrs
import matplotlib.image
import pytest

from dstc_isa.gpu import load_gpu
from dstc_isa.studies import plots
from dstc_isa.studies.figure_files import PlotError
from dstc_isa.studies.plots import draw
from dstc_isa.studies.point import Point, PointRow, with_speedups
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (STUDY, {"speedup", "bound"}),
        (STUDY[:1], {"speedup", "bound"}),
        ([row()], {"bound"}),
        ([row(overrides={"sm.count": n}) for n in range(1, 40)], {"bound"}),
        ([], set()),
    ],
)
def test_pictures(tmp_path: Path, rows: list[PointRow], names: set[str]) -> None:
    files = {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    assert {path.name for path in draw(rows, tmp_path)} == files == {path.name for path in tmp_path.iterdir()}
    for name in names:
        height, width, _ = matplotlib.image.imread(tmp_path / f"{name}.png").shape
        assert 300 < height < 2000
        assert 600 < width < 2000


def test_speedup_shows_each_line_once() -> None:
    figure = plots.speedup(STUDY)
    shown = texts(figure)
    for name in ("spgemm, B 0 % zeros", "spgemm, B 50 % zeros", "gemm_dense", "sparsity of A (% zeros)"):
        assert shown.split("\n").count(name) == 1
    assert "64 x 32 x 16 on v100-dstc" in shown
    (line,) = lines(figure, "C1")
    assert list(line.get_xdata()) == [0, 50, 90]
    assert list(line.get_ydata()) == [each.speedup for each in STUDY if each.density_b == 0.5]


def lines(figure: "plots.Figure", colour: str) -> list[Any]:
    """Lines of a colour over the axes, without marks and leaders to names."""
    (axes,) = figure.axes
    unmarked = [each for each in axes.lines if each.get_color() == colour and each.get_marker() == "None"]
    return [each for each in unmarked if each.get_transform() != axes.transAxes]


def marks(figure: "plots.Figure") -> dict[tuple[float, float], list[Any]]:
    """Marks by their place, in the order of drawing."""
    found: dict[tuple[float, float], list[Any]] = {}
    for each in sorted(figure.axes[0].lines, key=lambda line: line.get_zorder()):
        if each.get_marker() != "None":
            ((x,), (y,)) = each.get_xdata(), each.get_ydata()
            found.setdefault((round(x, 6), round(y, 6)), []).append(each)
    return found


def test_bound_marks_resources_and_names_varied_parameters() -> None:
    varied = [({"shared.banks": n, "sm.count": 4}, f"resource {n}") for n in (8, 16)]
    rows = [row(overrides=each, bound=resource, share_of_bound=n / 10) for n, (each, resource) in enumerate(varied, 7)]
    shown = texts(plots.bound(rows)).split("\n")
    named = {"spgemm, B 0 % zeros, shared.banks=8", "spgemm, B 0 % zeros, shared.banks=16"}
    assert {"resource 8", "resource 16"} | named <= set(shown)
    assert "latency (barrier)" in texts(plots.bound([row(share_of_bound=0.5, stall="barrier", stall_share=0.25)]))
    assert any(line.endswith("on v100-dstc, sm.count=4") for line in shown)


def test_lines_that_coincide_are_seen_and_said() -> None:
    rows = [row(**DENSE, time_us=3.0, overrides={"sm.count": n}) for n in (20, 80)] + [
        row(density_a=a, time_us=2 - a, overrides={"sm.count": n}) for n in (20, 80) for a in (1.0, 0.5)
    ]
    for figure in (plots.speedup(with_speedups(rows)), plots.bound(rows)):
        assert texts(figure).count("sm.count=20 (coincides)") == texts(figure).count("sm.count=80 (coincides)") > 0
        drawn = [line for n in range(2) for line in lines(figure, f"C{n}")]
        under, over = sorted(drawn, key=lambda line: line.get_zorder())
        assert list(under.get_ydata()) == list(over.get_ydata())
        assert under.get_linewidth() > 1.5 * over.get_linewidth()
        for there in marks(figure).values():
            sizes = [each.get_markersize() for each in there]
            assert sizes == sorted(set(sizes), reverse=True)
    apart = [attrs.evolve(each, share_of_bound=0.1 * place) for place, each in enumerate(rows)]
    assert "coincides" not in texts(plots.bound(apart))


def test_marks_say_whether_a_resource_is_the_limit() -> None:
    rows = with_speedups([row(**DENSE), row(density_a=1.0, share_of_bound=0.8), row(share_of_bound=0.3, time_us=1.0)])
    for figure, names in ((plots.speedup(rows), {"a resource", "latency"}), (plots.bound(rows), {"latency (barrier)"})):
        assert names <= set(texts(figure).split("\n"))
        faces = {
            each.get_xdata()[0]: each.get_markerfacecolor()
            for there in marks(figure).values()
            for each in there
            if each.get_color() == "C0"
        }
        assert faces == {0: "C0", 50: "white"}


def point(density_a: float, density_b: float = 1.0) -> Point:
    return Point(
        m=64,
        n=32,
        k=16,
        seed=0,
        kernel="spgemm",
        density_a=density_a,
        density_b=density_b,
        overrides={},
        gpu=load_gpu(),
    )


def test_points_that_failed_are_crosses() -> None:
    failed = [point(0.2), point(0.2, 0.25)]
    for figure in (plots.speedup(STUDY, failed), plots.bound(STUDY, failed)):
        under, over = marks(figure)[80, 0]
        assert under.get_marker() == over.get_marker() == "x"
        assert under.get_markersize() > over.get_markersize()
        assert {"none: the point failed", "spgemm, B 75 % zeros"} <= set(texts(figure).split("\n"))
    assert "failed" not in texts(plots.bound(STUDY))


def test_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PlotError, match="pip install matplotlib"):
        draw(STUDY, tmp_path)
    assert not list(tmp_path.iterdir())
