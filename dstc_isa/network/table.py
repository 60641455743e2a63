"""Networks as tables of layers in TOML files: shapes and densities, without weights."""

import math
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from attrs import frozen

from dstc_isa.conv.shape import ConvShape
from dstc_isa.errors import ShapeError
from dstc_isa.network.errors import NetworkError, NetworkNameError
from dstc_isa.options import check_name

TABLES = Path(__file__).resolve().parent / "tables"
SUFFIX = ".toml"
SIZE_LIMIT = 1 << 31
_COMMON = {"name", "operator", "density_x", "density_w", "count"}
_CONV = {"input", "filters", "kernel", "stride", "padding", "dilation", "groups"}
_MATMUL = {"m", "k", "n", "weights"}
_TOP = {"name", "shapes", "densities", "layer"}


@frozen
class Product:
    """(m, k) activations times a (k, n) matrix: ``weights``, or activations as well."""

    m: int
    k: int
    n: int
    weights: bool = True


@frozen
class TableLayer:
    """A layer of which the network has ``count``, with shares of non-zeros in activations and weights."""

    name: str
    shape: ConvShape | Product
    density_x: float
    density_w: float
    count: int = 1


@frozen
class Table:
    """A network. ``shapes`` and ``densities`` say where those are from."""

    name: str
    shapes: str
    densities: str
    layers: tuple[TableLayer, ...]


def shipped_tables() -> list[str]:
    """Names of the tables that come with the package."""
    return sorted(path.stem for path in TABLES.glob(f"*{SUFFIX}"))


def load_table(name: str | PathLike[str]) -> Table:
    """Read a table: one that comes with the package, by name, or a file whose name ends in .toml.

    Raises NetworkError, which names file, layer and key, and NetworkNameError for a name that there is not.
    """
    check_name("name", name, (str, PathLike), "a network's name or a file")
    name = fspath(name)
    if name.endswith(SUFFIX):
        path = Path(name)
    elif name in shipped_tables():
        path = TABLES / f"{name}{SUFFIX}"
    else:
        close = get_close_matches(name, shipped_tables(), 1)
        hint = f"did you mean {close[0]}?" if close else f"there is {', '.join(shipped_tables())}"
        raise NetworkNameError(
            f"{name}: no network of that name, and no name of a file that ends in .onnx or .toml; {hint}"
        )
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NetworkError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NetworkError(f"{path}: not a TOML file: {error}") from None
    try:
        return _table(data, path.stem)
    except (NetworkError, ShapeError) as error:
        raise NetworkError(f"{path}: {error}") from None


def _table(data: Mapping[str, Any], stem: str) -> Table:
    _check_keys(data, _TOP)
    texts = {key: data.get(key, default) for key, default in (("name", stem), ("shapes", ""), ("densities", ""))}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise NetworkError(f"{key} is a text, not {value!r}")
    entries = data.get("layer")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise NetworkError("no layers: expected a [[layer]] for each")
    layers: list[TableLayer] = []
    for number, entry in enumerate(entries, 1):
        name = entry.get("name")
        if not isinstance(name, str) or not name:
            raise NetworkError(f"layer {number}: expected name, a text that is not empty")
        if any(layer.name == name for layer in layers):
            raise NetworkError(f"layer {name}: there are two of that name; if they are alike, count = 2 says so")
        try:
            layers.append(_layer(name, entry))
        except (NetworkError, ShapeError) as error:
            raise NetworkError(f"layer {name}: {error}") from None
    return Table(texts["name"], texts["shapes"], texts["densities"], tuple(layers))


def _layer(name: str, entry: Mapping[str, Any]) -> TableLayer:
    operator = entry.get("operator")
    if operator not in ("conv", "matmul"):
        raise NetworkError(f'operator is "conv" or "matmul", not {operator!r}')
    _check_keys(entry, _COMMON | (_CONV if operator == "conv" else _MATMUL))
    shape = _conv(entry) if operator == "conv" else _product(entry)
    _check_sizes(shape)
    return TableLayer(
        name,
        shape,
        _density(entry, "density_x"),
        _density(entry, "density_w"),
        _whole(entry, "count", 1, 1),
    )


def _conv(entry: Mapping[str, Any]) -> ConvShape:
    images, channels, height, width = _list(entry, "input", (4,))
    rows, columns = _pair(entry, "kernel", None, 1)
    return ConvShape(
        images,
        channels,
        height,
        width,
        _whole(entry, "filters", None, 1),
        rows,
        columns,
        _pair(entry, "stride", 1, 1),
        _sides(entry),
        _pair(entry, "dilation", 1, 1),
        _whole(entry, "groups", 1, 1),
    )


def _product(entry: Mapping[str, Any]) -> Product:
    weights = entry.get("weights", True)
    if not isinstance(weights, bool):
        raise NetworkError(f"weights is true or false, not {weights!r}")
    m, k, n = (_whole(entry, key, None, 1) for key in "mkn")
    return Product(m, k, n, weights)


def _check_sizes(shape: ConvShape | Product) -> None:
    tensors = (
        {"x": (shape.m, shape.k), "w": (shape.k, shape.n), "y": (shape.m, shape.n)}
        if isinstance(shape, Product)
        else {"x": shape.input_shape, "w": shape.weight_shape, "y": shape.output_shape}
    )
    for name, sizes in tensors.items():
        if math.prod(sizes) > SIZE_LIMIT:
            raise NetworkError(f"{name} is {' x '.join(map(str, sizes))}; a tensor has up to {SIZE_LIMIT} elements")


def _check_keys(entry: Mapping[str, Any], known: set[str]) -> None:
    for key in entry:
        if key not in known:
            close = get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"expected {', '.join(sorted(known))}"
            raise NetworkError(f"{key} is unknown; {hint}")


def _whole(entry: Mapping[str, Any], key: str, default: int | None, least: int) -> int:
    if key not in entry and default is None:
        raise NetworkError(f"expected {key}, a whole number from {least}")
    value = entry.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= SIZE_LIMIT:
        raise NetworkError(f"{key} is a whole number from {least} to {SIZE_LIMIT}, not {value!r}")
    return value


def _list(entry: Mapping[str, Any], key: str, lengths: tuple[int, ...], least: int = 1) -> list[int]:
    value = entry.get(key)
    if not isinstance(value, list) or len(value) not in lengths:
        raise NetworkError(f"{key} is a list of {' or '.join(map(str, lengths))} whole numbers, not {value!r}")
    return [_whole({key: number}, key, None, least) for number in value]


def _pair(entry: Mapping[str, Any], key: str, default: int | None, least: int) -> tuple[int, int]:
    if isinstance(entry.get(key), list):
        down, across = _list(entry, key, (2,), least)
        return down, across
    both = _whole(entry, key, default, least)
    return both, both


def _sides(entry: Mapping[str, Any]) -> tuple[int, int, int, int]:
    if not isinstance(entry.get("padding"), list):
        side = _whole(entry, "padding", 0, 0)
        return side, side, side, side
    sides = _list(entry, "padding", (2, 4), 0)
    above, below, left, right = sides if len(sides) == 4 else (sides[0], sides[0], sides[1], sides[1])
    return above, below, left, right


def _density(entry: Mapping[str, Any], key: str) -> float:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise NetworkError(f"{key} is a share of non-zeros from 0 to 1, not {value!r}")
    return float(value)
