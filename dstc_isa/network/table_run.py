"""Run the layers of a table on random values."""

import time
from collections.abc import Sequence
from math import prod
from typing import Literal

import attrs

from dstc_isa.host_memory import require
from dstc_isa.network.device import Device, Measured
from dstc_isa.network.layers import Facts, conv_facts, product_facts
from dstc_isa.network.outcome import Keep, NetworkProgress, Outcome, chosen_layers, in_layer
from dstc_isa.network.row import LayerRow
from dstc_isa.network.table import Product, Table, TableLayer
from dstc_isa.sparse.random_matrix import random_matrix


def run_table(
    table: Table,
    device: Device,
    *,
    seed: int = 0,
    layers: Sequence[str] = (),
    keep: Keep,
    kept: Sequence[LayerRow] = (),
    watch: NetworkProgress | None = None,
) -> Outcome:
    """Run the layers of a table on random values; those of layer n have the seeds ``seed + 2n`` and ``seed + 2n + 1``.

    ``layers``: patterns of the names to run, all if empty. ``keep`` is given each row when it is there.
    ``kept``: rows of an interrupted run of the same, whose layers are not run again.
    """
    watch = watch or NetworkProgress()
    chosen = chosen_layers([layer.name for layer in table.layers], layers)
    for layer in table.layers:
        if layer.name in chosen:
            require(_bytes(layer), f"layer {layer.name}: its operands and its result")
    found = {row.layer: row for row in kept}
    watch.planned(len(chosen), len(found))
    rows = []
    device = attrs.evolve(device, advanced=watch.advanced)
    for number, layer in enumerate(table.layers):
        if layer.name not in chosen:
            continue
        if layer.name in found:
            rows.append(found[layer.name])
            watch.found(found[layer.name])
            continue
        watch.begun(layer.name)
        started = time.perf_counter()
        with in_layer(layer.name):
            measured, facts = _table_layer(layer, device, seed + 2 * number)
        row = LayerRow(
            layer=layer.name, count=layer.count, host_seconds=time.perf_counter() - started, **facts, **measured.facts
        )
        rows.append(row)
        keep(row)
        watch.ended(row)
    return Outcome(rows=tuple(rows))


def _bytes(layer: TableLayer) -> int:
    """Memory that a layer's operands of FP16 and its result of FP32 take."""
    shape = layer.shape
    if isinstance(shape, Product):
        return 2 * shape.k * (shape.m + shape.n) + 4 * shape.m * shape.n
    return 2 * (prod(shape.input_shape) + prod(shape.weight_shape)) + 4 * prod(shape.output_shape)


def _table_layer(layer: TableLayer, device: Device, seed: int) -> tuple[Measured, Facts]:
    shape = layer.shape
    if isinstance(shape, Product):
        a = random_matrix(shape.m, shape.k, layer.density_x, seed)
        b = random_matrix(shape.k, shape.n, layer.density_w, seed + 1)
        weights: Literal["b"] | None = "b" if shape.weights else None
        measured = device.multiply(a[None], b[None], weights)
        return measured, product_facts("MatMul", a.shape, b.shape, (shape.m, shape.n), weights)
    x = random_matrix(shape.images, shape.channels * shape.height * shape.width, layer.density_x, seed)
    w = random_matrix(shape.filters, shape.group_channels * shape.rows * shape.columns, layer.density_w, seed + 1)
    measured = device.convolve(x.reshape(shape.input_shape), w.reshape(shape.weight_shape), shape)
    return measured, conv_facts(shape, False)
