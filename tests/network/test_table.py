from pathlib import Path

import pytest

from dstc_isa.conv.shape import ConvShape
from dstc_isa.network.errors import NetworkError
from dstc_isa.network.table import Product, Table, load_table, shipped_tables

CONV = 'name = "a"\noperator = "conv"\ninput = [1, 4, 8, 8]\nfilters = 6\nkernel = 3\ndensity_x = 0.5\ndensity_w = 1\n'
MATMUL = 'name = "b"\noperator = "matmul"\nm = 2\nk = 3\nn = 4\ndensity_x = 1\ndensity_w = 0.25\n'


def products(table: Table) -> int:
    return sum(
        layer.count * (s.m * s.k * s.n if isinstance(s := layer.shape, Product) else s.products)
        for layer in table.layers
    )


def weights(table: Table) -> int:
    total = 0
    for layer in table.layers:
        s = layer.shape
        each = s.k * s.n * s.weights if isinstance(s, Product) else s.filters * s.group_channels * s.rows * s.columns
        total += layer.count * each
    return total


@pytest.mark.parametrize(
    ("name", "layers", "million_weights", "billion_products"),
    [
        ("vgg16", 16, 138, 15.5),  # parameters: Simonyan and Zisserman, table 2
        ("resnet18", 21, 11.7, 1.8),  # multiply-adds: He et al., table 1
        ("resnet50", 54, 25.5, 3.8),
        ("bert-base", 12 * (6 + 2 * 12), 85, 11.2),  # 12 (4 x 768^2 + 2 x 768 x 3072) weights
    ],
)
def test_shipped_networks(name: str, layers: int, million_weights: float, billion_products: float) -> None:
    table = load_table(name)
    assert sum(layer.count for layer in table.layers) == layers
    assert weights(table) / 1e6 == pytest.approx(million_weights, rel=0.01)
    assert products(table) / 1e9 == pytest.approx(billion_products, rel=0.02)
    assert "arXiv" in table.shapes
    assert table.densities.startswith(("CHOSEN: ", "RECALL: "))


def test_all_shipped_networks_are_tested() -> None:
    assert shipped_tables() == ["bert-base", "resnet18", "resnet50", "vgg16"]


def test_the_densities_of_vgg16_agree_with_the_products_that_the_source_counts() -> None:
    # Column FLOP% of the table that they are quoted from: the density of weights times that of activations.
    counted = [58, 12, 30, 29, 43, 16, 29, 21, 14, 15, 12, 9, 11, 1, 2, 9]
    found = [100 * layer.density_x * layer.density_w for layer in load_table("vgg16").layers]
    assert found == pytest.approx(counted, abs=1)


def test_a_table(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        f"[[layer]]\n{CONV}stride = [2, 1]\npadding = [1, 2]\ngroups = 2\ncount = 3\n"
        f"[[layer]]\n{MATMUL}weights = false\n"
    )
    table = load_table(str(path))
    assert (table.name, table.shapes) == ("mine", "")
    conv, product = table.layers
    assert conv.shape == ConvShape(1, 4, 8, 8, 6, 3, 3, (2, 1), (1, 1, 2, 2), (1, 1), 2)
    assert (conv.count, conv.density_x, conv.density_w) == (3, 0.5, 1.0)
    assert (product.shape, product.count) == (Product(2, 3, 4, False), 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no layers"),
        ("name = 1", "name is a text, not 1"),
        ("layers = []", "layers is unknown; did you mean layer?"),
        ("[[layer]]", "layer 1: expected name"),
        ("[[layer", "not a TOML file"),
        ('[[layer]]\nname = "a"', 'layer a: operator is "conv" or "matmul", not None'),
        (f"[[layer]]\n{CONV}[[layer]]\n{CONV}", "layer a: there are two of that name"),
        (f"[[layer]]\n{CONV}strides = 2", "layer a: strides is unknown; did you mean stride?"),
        (f"[[layer]]\n{CONV}m = 2", "layer a: m is unknown"),
        (f"[[layer]]\n{CONV}stride = 0", "layer a: stride is a whole number from 1"),
        (f"[[layer]]\n{CONV}stride = [1, 2, 3]", "layer a: stride is a list of 2 whole numbers"),
        (f"[[layer]]\n{CONV}padding = -1", "layer a: padding is a whole number from 0"),
        (f"[[layer]]\n{CONV}dilation = 9", "layer a: the output is empty"),
        (f"[[layer]]\n{CONV}groups = 3", "layer a: 3 groups do not divide 4 channels"),
        (f"[[layer]]\n{CONV}count = true", "layer a: count is a whole number from 1"),
        (f"[[layer]]\n{CONV.replace('[1, 4, 8, 8]', '[4, 8, 8]')}", "layer a: input is a list of 4 whole numbers"),
        (f"[[layer]]\n{CONV.replace('0.5', '1.5')}", "layer a: density_x is a share of non-zeros from 0 to 1, not 1.5"),
        (f"[[layer]]\n{MATMUL.replace('k = 3', '')}", "layer b: expected k, a whole number from 1"),
        (
            f"[[layer]]\n{CONV.replace('[1, 4, 8, 8]', '[2147483648, 4, 8, 8]')}",
            "layer a: x is 2147483648 x 4 x 8 x 8; a tensor has up to 2147483648 elements",
        ),
        (f"[[layer]]\n{MATMUL.replace('n = 4', 'n = 2147483647')}", "layer b: w is 3 x 2147483647; a tensor has up"),
        (f"[[layer]]\n{CONV}padding = 99999", "layer a: y is 1 x 6 x 200004 x 200004; a tensor has up to"),
        (f"[[layer]]\n{MATMUL}weights = 1", "layer b: weights is true or false, not 1"),
        (f"[[layer]]\n{MATMUL.replace('density_x = 1', '')}", "layer b: density_x is a share of non-zeros"),
    ],
)
def test_a_wrong_table(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(NetworkError) as caught:
        load_table(str(path))
    assert str(caught.value).startswith(f"{path}: {message}")


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(NetworkError, match=r"resnet5: no network of that name.*did you mean resnet50\?"):
        load_table("resnet5")
    with pytest.raises(NetworkError, match="there is bert-base, resnet18, resnet50, vgg16"):
        load_table("xyz")
    with pytest.raises(NetworkError, match=r"no\.toml: cannot be read: No such file"):
        load_table("no.toml")
