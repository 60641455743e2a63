"""Rows of sweeps that were not run, and what must hold of a directory of rows."""

import csv
import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from dstc_isa.report.headline import Headline, Load, headline
from dstc_isa.studies.point import PointRow

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, min_value=0)
COUNTS = st.integers(0, 2**60)
DENSITIES = st.none() | st.floats(0, 1)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=12)


def row(**changes: Any) -> PointRow:
    """A row with some fields changed."""
    plain: dict[str, Any] = {
        "m": 64,
        "n": 32,
        "k": 16,
        "density_a": 0.5,
        "density_b": 1.0,
        "measured_density_a": 0.51,
        "measured_density_b": 1.0,
        "seed": 0,
        "kernel": "spgemm",
        "gpu": "v100-dstc",
        "overrides": {},
        "cycles": 1000,
        "time_us": 2.0,
        "warp_instructions": 10,
        "issue_slots": 9,
        "ohmma_issued": 3,
        "bound": "issue slots",
        "bound_cycles": 500.0,
        "share_of_bound": 0.5,
        "bounds": {"issue slots": 500.0, "DRAM bandwidth": 20.0},
        "stall": "barrier",
        "stall_share": 0.25,
        "dram_bytes": 640,
        "host_seconds": 0.125,
        "speedup": None,
    }
    cells = plain | changes
    return PointRow(**{"headline": limit(cells["share_of_bound"], cells["bound"], cells["stall"]), **cells})


def limit(share: float, resource: str, wait: str = "barrier") -> Headline:
    """The headline of a launch whose highest bound is this share of its time, and that waits for this alone."""
    load = Load(
        cycles=1000,
        access_cycles=10,
        bounds={resource: 1000 * share},
        busy={},
        sms=80,
        gpu_sms=80,
        stalls={wait: 25},
        warp_cycles=100,
    )
    return headline([load])


def rows() -> st.SearchStrategy[list[PointRow]]:
    """Rows of different points."""
    one = st.builds(
        row,
        kernel=NAMES | st.sampled_from(["spgemm", "gemm_dense"]),
        density_a=DENSITIES,
        density_b=DENSITIES,
        overrides=st.dictionaries(NAMES, st.integers() | NUMBERS | NAMES, max_size=2),
        cycles=COUNTS,
        time_us=st.floats(0.001, 1e9),
        bound=NAMES,
        bounds=st.dictionaries(NAMES, NUMBERS, max_size=3),
        host_seconds=NUMBERS,
    )
    return st.lists(one, max_size=5, unique_by=lambda each: each.key)


def check_directory(directory: Path) -> list[dict[str, Any]]:
    """The points of ``points.jsonl``, once it is sure that none is there twice and ``points.csv`` has the same."""
    lines = (directory / "points.jsonl").read_bytes().split(b"\n")
    assert lines.pop() == b""
    found = [json.loads(line) for line in lines]
    points = [json.dumps([r["kernel"], r["density_a"], r["density_b"], r["overrides"]], sort_keys=True) for r in found]
    assert len(set(points)) == len(points)
    with (directory / "points.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(found)
    for cells, values in zip(table, found, strict=True):
        filled = {name for name, cell in cells.items() if cell != ""}
        for name, value in values.items():
            for column, one in (
                [(f"{name}.{k}", v) for k, v in value.items()] if isinstance(value, dict) else [(name, value)]
            ):
                assert cells[column] == ("" if one is None else str(one))
                filled.discard(column)
        assert not filled
    return found
