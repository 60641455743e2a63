import attrs
import numpy as np
import pytest

from dstc_isa.conv.shape import ConvShape
from dstc_isa.network.errors import NetworkError
from dstc_isa.network.row import LayerRow
from dstc_isa.network.table import Product, Table, TableLayer
from dstc_isa.network.table_run import run_table
from tests.network.models import device

TABLE = Table(
    "test",
    "",
    "",
    (
        TableLayer("conv", ConvShape(1, 4, 6, 6, 8, 3, 3, groups=2), 0.5, 0.25, 2),
        TableLayer("fc", Product(8, 64, 32), 1.0, 0.25),
        TableLayer("scores", Product(8, 64, 32, weights=False), 0.5, 1.0),
    ),
)


def test_layers_of_a_table() -> None:
    kept: list[LayerRow] = []
    rows = run_table(TABLE, device(), keep=kept.append).rows
    assert rows == tuple(kept)
    assert [(row.layer, row.operator, row.count) for row in rows] == [
        ("conv", "Conv", 2),
        ("fc", "MatMul", 1),
        ("scores", "MatMul", 1),
    ]
    assert [(row.x, row.w, row.y) for row in rows] == [
        ((1, 4, 6, 6), (8, 2, 3, 3), (1, 8, 4, 4)),
        ((8, 64), (64, 32), (8, 32)),
        ((8, 64), (64, 32), (8, 32)),
    ]
    assert [row.density_x for row in rows] == pytest.approx([0.5, 1.0, 0.5], abs=0.1)
    assert [row.density_w for row in rows[:2]] == pytest.approx([0.25, 0.25], abs=0.1)
    assert rows[2].density_w is None
    assert [row.products for row in rows] == [8 * 16 * 18, 8 * 64 * 32, 8 * 64 * 32]


def ignore(row: LayerRow) -> None:
    pass


def timeless(row: LayerRow) -> LayerRow:
    return attrs.evolve(row, host_seconds=0.0)


def test_a_seed_gives_the_same_figures_whatever_else_is_run() -> None:
    whole = run_table(TABLE, device(), keep=ignore).rows
    assert [timeless(row) for row in run_table(TABLE, device(), layers=["fc"], keep=ignore).rows] == [
        timeless(whole[1])
    ]
    other = run_table(TABLE, device(), layers=["fc"], seed=9, keep=ignore).rows[0]
    assert not np.isclose(other.density_w or 0, whole[1].density_w or 0, rtol=1e-6)
    with pytest.raises(NetworkError, match="no layer is named conv_"):
        run_table(TABLE, device(), layers=["conv_*"], keep=ignore)
