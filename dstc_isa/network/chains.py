"""The chains of a graph: convolutions that feed each other on the device, with nothing else in between."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dstc_isa.conv.chain import plans_of
from dstc_isa.conv.shape import ConvShape
from dstc_isa.conv.sparse.link import Kept, Left, Link
from dstc_isa.conv.sparse.sparse_plan import SparsePlan
from dstc_isa.errors import ShapeError
from dstc_isa.network.errors import NetworkError
from dstc_isa.network.graph import Graph
from dstc_isa.network.layers import conv_shape
from dstc_isa.network.steps import ConvStep

Array = npt.NDArray[Any]


class Chains:
    """Which layers of a graph feed each other, and what they left on the device; ``chosen``: layers of the machine."""

    def __init__(self, graph: Graph, chosen: Collection[str]) -> None:
        self._next = {value: step for value, step in graph.followers.items() if step.name in chosen}
        self._plans: dict[str, SparsePlan] = {}
        self._left: dict[str, Left] = {}

    def link(self, step: ConvStep, values: Mapping[str, Array]) -> Link | None:
        """How a layer that is about to run is linked with others, None if with none. Takes away what it finds."""
        if step.name not in self._plans:
            self._plan(step, values)
        if step.name not in self._plans:
            return None
        behind = self._next.get(step.output)
        following = self._plans.get(behind.name) if behind else None
        return Link(self._plans[step.name], self._left.pop(step.x, None), following)

    def leave(self, step: ConvStep, result: Kept | None) -> None:
        """Keep what a layer left for the next one."""
        if result is not None:
            self._left[step.output] = Left(step.name, result)

    def _plan(self, head: ConvStep, values: Mapping[str, Array]) -> None:
        """Plan what follows a layer whose activations are there, up to one that cannot run: it says why in its turn."""
        names: list[str] = []
        shapes: list[ConvShape] = []
        step: ConvStep | None = head
        x = values[head.x]
        while step is not None:
            w = values[step.weights]
            # The host lays a third axis out, between any two.
            if w.ndim == 5:
                break
            try:
                shape = conv_shape(step, x, w)
                SparsePlan(shape)
            except (ShapeError, NetworkError):
                break
            names.append(step.name)
            shapes.append(shape)
            y = np.broadcast_to(x.dtype.type(0), shape.output_shape)
            x = y[:, :, 0] if w.ndim == 3 else y
            step = self._next.get(step.output)
        if len(shapes) > 1:
            self._plans.update(zip(names, plans_of(shapes), strict=True))
