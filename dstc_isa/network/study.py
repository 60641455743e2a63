"""What tells the rows of one run of a network from those of another: all that they depend on, by name."""

import hashlib
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from dstc_isa.gpu import Gpu
from dstc_isa.network.graph import Graph
from dstc_isa.network.table import Table
from dstc_isa.studies.sweep import NOT_MODELLED, model_digest

DIGITS = 16
"""Digits of a hash, as it is written."""


def machine_study(gpu: Gpu, sample: float | None) -> dict[str, Any]:
    """Identity of the machine: its parameters, the share that is timed, and the versions of the programs."""
    return {
        "sample": sample,
        "gpu": gpu.name,
        "version": version("dstc-isa"),
        "model": model_digest([part for part in NOT_MODELLED if part != "network"]),
        **{row.key: row.value for row in gpu.rows},
    }


def graph_study(graph: Graph, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """Identity of a graph: its file and constants, those of other files included, and the arrays that it is given."""
    content = hashlib.sha256(graph.path.read_bytes())
    for name, value in sorted(graph.constants.items()):
        content.update(f"{name}={array_digest(value)};".encode())
    return {
        "network": graph.path.stem,
        "content of the network": content.hexdigest()[:DIGITS],
        **{f"content of input {name}": array_digest(value) for name, value in inputs.items()},
    }


def table_study(table: Table, seed: int) -> dict[str, Any]:
    """Identity of a table: its layers and what their values are drawn from."""
    content = hashlib.sha256(repr(table.layers).encode()).hexdigest()[:DIGITS]
    return {"network": table.name, "content of the network": content, "seed": seed}


def array_digest(array: npt.NDArray[Any]) -> str:
    """A hash of an array's type, shape and values."""
    digest = hashlib.sha256(f"{array.dtype.name}{array.shape}".encode())
    digest.update(repr(array.tolist()).encode() if array.dtype.hasobject else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:DIGITS]
