"""What launches of convolutions cost, as it was fitted to measurements: the file, read once and checked."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from attrs import frozen

FILE = Path(__file__).with_name("fitted.toml")
SOURCES = {
    "FIT": "fitted by benchmarks/fit_tiling.py to cycles of the timing model",
    "HAND": "fitted to cycles of the timing model by hand, before there was a script",
    "CHOSEN": "chosen by this project, see the note",
}
PARTS = {"v", "src", "note"}


@frozen
class Constant:
    """A fitted number: ``source`` is a key of SOURCES."""

    value: float
    source: str
    note: str


@frozen(kw_only=True)
class SparseCosts:
    """Cycles of a CTA of the sparse kernels (``fixed``, ``parts``, ``halves_of_parts``) and of one of its k-tiles.

    By tiles of 32 filters of a warp and parts of the sum: ``alone``, of a CTA that has its SM to itself, and
    ``beside``, of each of two. The same for filters without zeros, by tiles and whether windows are halves.
    ``l2_share``: of L2's peak rate that filters reach, by parts. The file says what the other three are.
    """

    fixed: float
    parts: float
    alone: Mapping[tuple[int, int], float]
    beside: Mapping[tuple[int, int], float]
    short_beside: float
    dense_alone: Mapping[tuple[int, bool], float]
    dense_beside: Mapping[tuple[int, bool], float]
    halves_of_parts: float
    l2_share: Mapping[int, float]
    steps_alone: float
    steps_beside: float
    dense: float
    few_more: float
    rather_dense: float

    @classmethod
    def of(cls, values: Mapping[str, float]) -> "SparseCosts":
        """The costs out of the values of the file, by dotted key."""
        tilings = [(tiles, parts) for tiles in (2, 1) for parts in (1, 2, 4)]
        windows = {
            (tiles, halves): f"{tiles}_{'halves' if halves else 'whole'}" for tiles in (2, 1) for halves in (0, 1)
        }
        return cls(
            **{name: values[f"sparse.{name}"] for name in ("fixed", "parts", "short_beside", "halves_of_parts")},
            **{name: values[f"sparse.{name}"] for name in ("steps_alone", "steps_beside")},
            **{name: values[f"sparse.rules.{name}"] for name in ("dense", "few_more", "rather_dense")},
            alone={(tiles, parts): values[f"sparse.alone.{tiles}x{parts}"] for tiles, parts in tilings},
            beside={(tiles, parts): values[f"sparse.beside.{tiles}x{parts}"] for tiles, parts in tilings},
            dense_alone={(t, bool(h)): values[f"sparse.dense_alone.{name}"] for (t, h), name in windows.items()},
            dense_beside={(t, bool(h)): values[f"sparse.dense_beside.{name}"] for (t, h), name in windows.items()},
            l2_share={parts: values[f"sparse.l2_share.{parts}"] for parts in (1, 2, 4)},
        )


@frozen
class TileCosts:
    """Cycles of a tile of the dense kernel: of a slab for a CTA that has an SM to itself and for each of two that share
    one, and what a CTA takes apart from its slabs.
    """

    slab_alone: float
    slab_shared: float
    ends: float


@frozen
class DenseCosts:
    """Costs of the dense kernel's tiles, by name, and cycles that adding up parts takes, and for each part."""

    tiles: Mapping[str, TileCosts]
    parts_end: float
    part_ends: float

    @classmethod
    def of(cls, values: Mapping[str, float]) -> "DenseCosts":
        """The costs out of the values of the file, by dotted key."""
        names = ("128x128", "128x64", "64x64")
        columns = ("slab_alone", "slab_shared", "ends")
        tiles = {name: TileCosts(*(values[f"dense.{name}.{column}"] for column in columns)) for name in names}
        return cls(tiles, values["dense.parts.end"], values["dense.parts.each"])


@cache
def sparse_costs() -> SparseCosts:
    """The costs of the sparse kernels."""
    return SparseCosts.of(_values())


@cache
def dense_costs() -> DenseCosts:
    """The costs of the dense kernel."""
    return DenseCosts.of(_values())


def _values() -> dict[str, float]:
    return {key: constant.value for key, constant in constants().items()}


@cache
def constants() -> dict[str, Constant]:
    """The constants of the file by dotted key, such as ``sparse.alone.2x1``. Raises ValueError for a damaged file."""
    return dict(read_constants(tomllib.loads(FILE.read_text(encoding="utf-8")), FILE.name))


def read_constants(tables: Mapping[str, Any], where: str) -> Iterator[tuple[str, Constant]]:
    """The constants of a file's tables, each with its dotted key; ValueError, which names it, for what is none."""
    for name, entry in tables.items():
        key = f"{where}.{name}" if where != FILE.name else name
        if key == "description":
            continue
        if not isinstance(entry, dict):
            raise ValueError(f"{FILE.name}: {key} is no table with v, src and note")
        if "v" not in entry:
            yield from read_constants(entry, key)
            continue
        value, source, note = entry["v"], entry.get("src"), entry.get("note")
        if set(entry) != PARTS or source not in SOURCES or not isinstance(note, str) or not note:
            raise ValueError(f"{FILE.name}: {key} has v, src ({' or '.join(SOURCES)}) and a note")
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ValueError(f"{FILE.name}: {key} is a number above 0, not {value!r}")
        yield key, Constant(value, source, note)
