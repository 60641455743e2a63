"""Run a graph: layers on the machine, each in all variants, and the other operators on the host."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from dstc_isa.network.chains import Chains
from dstc_isa.network.device import Device
from dstc_isa.network.errors import NetworkError
from dstc_isa.network.graph import ConvStep, DeviceStep, Graph, HostStep, Input
from dstc_isa.network.layers import convolved, multiplied
from dstc_isa.network.outcome import Keep, Outcome, Watch, chosen_layers, in_layer
from dstc_isa.network.prune import Scope, pruned
from dstc_isa.network.row import LayerRow

Array = npt.NDArray[Any]
TO_HOST = "; choose layers without this one, and the host runs it"


def checked_inputs(graph: Graph, given: Mapping[str, Array]) -> dict[str, Array]:
    """Arrays for the inputs of a graph, by name; a single array may be named "". NetworkError for what does not fit."""
    wanted = {each.name: each for each in graph.inputs}
    listed = "; ".join(f"{each.name}: {each.description}" for each in graph.inputs)
    if "" in given:
        if len(wanted) != 1 or len(given) != 1:
            raise NetworkError(f"{graph.path} has {len(wanted)} inputs: name each array; they are {listed}")
        given = {next(iter(wanted)): given[""]}
    for name in given:
        if name not in wanted:
            raise NetworkError(f"{graph.path} has no input {name}; its inputs are {listed}")
    missing = [name for name in wanted if name not in given]
    if missing:
        option = "--input X.npy" if len(wanted) == 1 else f"--input {missing[0]}=X.npy"
        expected = wanted[missing[0]].description
        raise NetworkError(f"{graph.path}: no array for input {missing[0]}; give {expected} with {option}")
    sizes: dict[str, int] = {}
    return {name: _checked(graph, each, given[name], sizes) for name, each in wanted.items()}


def _checked(graph: Graph, wanted: Input, array: Array, sizes: dict[str, int]) -> Array:
    what = f"{graph.path}: input {wanted.name} is {wanted.description}, not {array.dtype} of shape {array.shape}"
    if not np.can_cast(array.dtype, wanted.dtype, "same_kind"):
        raise NetworkError(f"{what}: convert the array")
    if array.ndim != len(wanted.dimensions):
        raise NetworkError(f"{what}: the array has {array.ndim} dimensions")
    for axis, (size, dimension) in enumerate(zip(array.shape, wanted.dimensions, strict=True)):
        expected = dimension if isinstance(dimension, int) else sizes.setdefault(dimension, size) if dimension else size
        if size != expected:
            raise NetworkError(f"{what}: dimension {axis} (counted from 0) must be {expected}")
    return array.astype(wanted.dtype, copy=False)


def run_graph(
    graph: Graph,
    inputs: Mapping[str, Array],
    device: Device,
    *,
    prune: float = 0.0,
    scope: Scope = "layer",
    layers: Sequence[str] = (),
    chain: bool = True,
    keep: Keep,
    watch: Watch | None = None,
) -> Outcome:
    """Run a graph on ``inputs`` as ``checked_inputs`` gives them; outputs of the variant ``dual`` feed the next layer.

    ``prune``: share of the weights of Conv, Gemm and MatMul that become zero, by ``scope``. ``layers``: patterns of
    the layers for the machine, all if empty; the host runs the others. ``chain``: convolutions feed each other on the
    device where they can; outputs are the same if not. ``keep`` is given each row when it is there.
    """
    watch = watch or Watch()
    chosen = chosen_layers([step.name for step in graph.layers], layers)
    if not chosen:
        raise NetworkError(f"{graph.path} has no Conv with constant weights, Gemm or MatMul: nothing for the machine")
    watch.planned(len(chosen))
    device = attrs.evolve(device, advanced=watch.advanced)
    values: dict[str, Array] = {**graph.constants, **inputs}
    if prune:
        values |= pruned(graph.weights, prune, scope)
    chains = Chains(graph, chosen if chain else ())
    rows: list[LayerRow] = []
    on_host: Counter[str] = Counter()
    fused: Counter[str] = Counter()
    for step in graph.steps:
        if isinstance(step, HostStep) or step.name not in chosen or not _suits(step, values):
            for node in step.nodes if isinstance(step, ConvStep) else [step.node]:
                values |= graph.host.run(node, values)
                on_host[node.op_type] += 1
            continue
        watch.begun(step.name)
        started = time.perf_counter()
        with in_layer(step.name, TO_HOST):
            if isinstance(step, ConvStep):
                values[step.output], measured, facts = convolved(step, values, device, chains.link(step, values))
                chains.leave(step, measured.kept)
                fused.update(node.op_type for node in step.nodes[1:])
            else:
                values[step.output], measured, facts = multiplied(step, values, device)
        row = LayerRow(layer=step.name, count=1, host_seconds=time.perf_counter() - started, **facts, **measured.facts)
        rows.append(row)
        keep(row)
        watch.ended(row)
    outputs = {name: values[name] for name in graph.outputs}
    return Outcome(rows=tuple(rows), outputs=outputs, on_host=dict(on_host), fused=dict(fused))


def _suits(step: DeviceStep, values: Mapping[str, Array]) -> bool:
    """Whether the machine can run the step on what its operands turned out to be."""
    operands = [values[step.x]] if isinstance(step, ConvStep) else [values[step.a], values[step.b]]
    return all(operand.dtype.kind == "f" and operand.size for operand in operands)
