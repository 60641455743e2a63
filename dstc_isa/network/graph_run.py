"""Run a graph: layers on the machine, each in all variants, and the other operators on the host."""

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from dstc_isa.conv.sparse.link import Kept, Link
from dstc_isa.decimal_share import Share
from dstc_isa.errors import ShapeError
from dstc_isa.network.accuracy import Accuracy, accuracy_of
from dstc_isa.network.branches import holds
from dstc_isa.network.chains import Chains
from dstc_isa.network.contents import left_to_host, without_layers
from dstc_isa.network.device import Device
from dstc_isa.network.epilogue import apart
from dstc_isa.network.errors import NetworkError, NetworkNameError
from dstc_isa.network.graph import Graph, Input
from dstc_isa.network.layers import (
    convolved,
    convolved_again,
    convolved_exactly,
    multiplied,
    multiplied_again,
    multiplied_exactly,
)
from dstc_isa.network.narrow import carried, carrier, is_float, is_narrow
from dstc_isa.network.outcome import Keep, NetworkProgress, Outcome, chosen_layers, in_layer
from dstc_isa.network.prune import Scope, pruned
from dstc_isa.network.random_operators import unseeded
from dstc_isa.network.row import LayerRow
from dstc_isa.network.steps import ConvStep, DeviceStep, HostStep, Step

Array = npt.NDArray[Any]
TO_HOST = "; choose layers without this one, and the host runs it"


def checked_inputs(graph: Graph, given: Mapping[str, Array]) -> dict[str, Array]:
    """Arrays for the inputs of a graph, by name; a single array may be named "". NetworkError for what does not fit."""
    wanted = {each.name: each for each in graph.inputs}
    listed = "; ".join(f"{each.name}: {each.description}" for each in graph.inputs)
    if "" in given:
        if len(wanted) != 1 or len(given) != 1:
            raise NetworkNameError(f"{graph.path} has {len(wanted)} inputs: name each array; they are {listed}")
        given = {next(iter(wanted)): given[""]}
    for name in given:
        if name not in wanted:
            raise NetworkNameError(f"{graph.path} has no input {name}; its inputs are {listed}")
    missing = [name for name in wanted if name not in given]
    if missing:
        option = "--input X.npy" if len(wanted) == 1 else f"--input {missing[0]}=X.npy"
        expected = wanted[missing[0]].description
        raise NetworkNameError(f"{graph.path}: no array for input {missing[0]}; give {expected} with {option}")
    sizes: dict[str, int] = {}
    return {name: _checked(graph, each, np.asarray(given[name]), sizes) for name, each in wanted.items()}


def _checked(graph: Graph, wanted: Input, array: Array, sizes: dict[str, int]) -> Array:
    what = f"{graph.path}: input {wanted.name} is {wanted.description}, not {array.dtype} of shape {array.shape}"
    if is_narrow(wanted.dtype) and array.dtype == np.dtype(f"V{wanted.dtype.itemsize}"):
        # NumPy's files say only how many bytes a value of such a type has.
        array = array.view(wanted.dtype)
    if not np.can_cast(carrier(array.dtype), carrier(wanted.dtype), "same_kind"):
        raise NetworkError(f"{what}: convert the array")
    if array.ndim != len(wanted.dimensions):
        raise NetworkError(f"{what}: the array has {array.ndim} dimensions")
    for axis, (size, dimension) in enumerate(zip(array.shape, wanted.dimensions, strict=True)):
        expected = dimension if isinstance(dimension, int) else sizes.setdefault(dimension, size) if dimension else size
        if size != expected:
            raise NetworkError(f"{what}: dimension {axis} (counted from 0) must be {expected}")
    with np.errstate(over="ignore"):
        converted = array.astype(wanted.dtype, copy=False)
    _check_range(array, converted, what)
    return converted


def _check_range(array: Array, converted: Array, what: str) -> None:
    """NetworkError for a value that its new type cannot come near."""
    if converted.dtype == array.dtype or carrier(converted.dtype).kind not in "iuf":
        return
    with np.errstate(invalid="ignore"):
        if is_float(converted.dtype):
            beyond = np.isfinite(carried(array)) & ~np.isfinite(carried(converted))
        else:
            beyond = carried(converted) != carried(array)
    if beyond.any():
        place = tuple(np.argwhere(beyond)[0].tolist())
        raise NetworkError(f"{what}: {array[place]} at {place} is beyond the range of {converted.dtype}")


def run_graph(
    graph: Graph,
    inputs: Mapping[str, Array],
    device: Device,
    *,
    prune: Share = 0.0,
    scope: Scope = "layer",
    layers: Sequence[str] = (),
    chain: bool = True,
    keep: Keep,
    kept: Sequence[LayerRow] = (),
    watch: NetworkProgress | None = None,
) -> Outcome:
    """Run a graph on ``inputs`` as ``checked_inputs`` gives them; outputs of the variant ``dual`` feed the next layer.

    ``prune``: share of the weights of Conv, Gemm and MatMul that become zero, by ``scope``. ``layers``: patterns of
    the layers for the machine, all if empty; the host runs the others. ``chain``: convolutions feed each other on the
    device where they can; outputs are the same if not. ``keep`` is given each row when it is there. ``kept``: rows of
    an interrupted run of the same: their layers' outputs are computed again, without time.
    """
    watch = watch or NetworkProgress()
    chosen = chosen_layers([step.name for step in graph.layers], layers)
    if not chosen:
        raise NetworkError(without_layers(graph))
    found = {row.layer: row for row in kept}
    if found:
        _check_repeatable(graph, {**graph.constants, **inputs})
    watch.planned(len(chosen), len(found))
    device = attrs.evolve(device, advanced=watch.advanced)
    values: dict[str, Array] = {**graph.constants, **inputs}
    if prune:
        values |= pruned(graph.weights, prune, scope)
    chains = Chains(graph, chosen if chain else ())
    rows: list[LayerRow] = []
    on_host: Counter[str] = Counter()
    fused: Counter[str] = Counter()
    for step in _as_they_run(graph, values):
        if isinstance(step, HostStep) or step.name not in chosen or not _suits(step, values):
            for node in step.nodes if isinstance(step, ConvStep) else [step.node]:
                values |= graph.host.run(node, values)
                on_host[node.op_type] += 1
            continue
        with in_layer(step.name, TO_HOST):
            link = chains.link(step, values) if isinstance(step, ConvStep) else None
            if (row := found.get(step.name)) is not None:
                values[step.output], left = _again(step, values, device, link)
                watch.found(row)
            else:
                row, values[step.output], left = _measured(step, values, device, link, watch)
                keep(row)
                watch.ended(row)
        if isinstance(step, ConvStep):
            chains.leave(step, left)
            fused.update(node.op_type for node in step.nodes[1:])
        rows.append(row)
    outputs = {name: values[name] for name in graph.outputs}
    names = {row.layer for row in rows}
    given = {name: values[name] for name in (*graph.constants, *inputs)}
    return Outcome(
        rows=tuple(rows),
        outputs=outputs,
        accuracy=_accuracy(graph, given, names, outputs),
        on_host=dict(on_host),
        fused=dict(fused),
        beside=tuple(left_to_host(graph)),
    )


def _as_they_run(graph: Graph, values: Mapping[str, Array]) -> Iterator[Step]:
    """The steps whose guards hold; ``values``, to which each step's results are added before the next is asked for."""
    for step in graph.steps:
        if holds(step.guards, values):
            yield from apart(step, values[step.x]) if isinstance(step, ConvStep) else [step]


def _accuracy(
    graph: Graph, values: dict[str, Array], layers: Collection[str], outputs: Mapping[str, Array]
) -> dict[str, Accuracy]:
    """How far outputs are from those of the network whose ``layers`` round nothing to FP16.

    ``values``: what was given. Empty for operators that draw random numbers, and if the other values take a way through
    the network that does not end.
    """
    if _draws(graph, values):
        return {}
    try:
        for step in _as_they_run(graph, values):
            if isinstance(step, HostStep) or step.name not in layers:
                for node in step.nodes if isinstance(step, ConvStep) else [step.node]:
                    values |= graph.host.run(node, values)
            elif isinstance(step, ConvStep):
                values[step.output] = convolved_exactly(step, values)
            else:
                values[step.output] = multiplied_exactly(step, values)
    except (NetworkError, ShapeError):
        return {}
    return {
        name: accuracy_of(carried(output), carried(values[name]))
        for name, output in outputs.items()
        if name in values and is_float(output.dtype) and values[name].shape == output.shape
    }


def _measured(
    step: DeviceStep, values: Mapping[str, Array], device: Device, link: Link | None, watch: NetworkProgress
) -> tuple[LayerRow, Array, Kept | None]:
    """Run a layer in all variants: its row, its output, and what it leaves on the device."""
    watch.begun(step.name)
    started = time.perf_counter()
    if isinstance(step, ConvStep):
        y, measured, facts = convolved(step, values, device, link)
    else:
        y, measured, facts = multiplied(step, values, device)
    seconds = time.perf_counter() - started
    return LayerRow(layer=step.name, count=1, host_seconds=seconds, **facts, **measured.facts), y, measured.kept


def _again(
    step: DeviceStep, values: Mapping[str, Array], device: Device, link: Link | None
) -> tuple[Array, Kept | None]:
    """The output of a layer that has a row, and what it leaves on the device."""
    if isinstance(step, ConvStep):
        return convolved_again(step, values, device, link)
    return multiplied_again(step, values, device), None


def _check_repeatable(graph: Graph, given: Mapping[str, Array]) -> None:
    """NetworkError for a graph whose host operators give something else each time."""
    operator = _draws(graph, given)
    if operator:
        raise NetworkError(
            f"{graph.path}: {operator} without a seed draws other numbers than before, so the interrupted run cannot "
            "go on; start it anew with --overwrite"
        )


def _draws(graph: Graph, given: Mapping[str, Array]) -> str:
    """An operator of the host that draws random numbers without a seed; empty if there is none."""
    drawing = (unseeded(step.node, given) for step in graph.steps if isinstance(step, HostStep))
    return next(filter(None, drawing), "")


def _suits(step: DeviceStep, values: Mapping[str, Array]) -> bool:
    """Whether the machine can run the step on what its operands turned out to be."""
    names = (step.x, step.weights) if isinstance(step, ConvStep) else (step.a, step.b)
    return all(is_float(operand.dtype) and operand.size for operand in map(values.__getitem__, names))
