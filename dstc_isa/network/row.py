"""What came of a layer: the row of figures in the files of a network, and their totals."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs
from attrs import frozen

from dstc_isa.halves import underflow_text
from dstc_isa.network.accuracy import UNKNOWN, Accuracy
from dstc_isa.report.headline import Headline, headline, highest
from dstc_isa.report.statistics import RunStatistics
from dstc_isa.studies.point import RowError

Variant = Literal["dense", "weights", "dual"]
VARIANTS: tuple[Variant, ...] = ("dense", "weights", "dual")
"""How a layer is run: every product, without those of zero weights, without those of zeros on either side."""

SPARSE_VARIANTS = VARIANTS[1:]


@frozen
class Cost:
    """Cycles of a layer's kernels one after the other, the resource that needs most of them, and what limits them.

    ``encode_cycles``: those of them that encode activations before the kernel that multiplies, ``kernel``.
    """

    cycles: int
    microseconds: float
    bound: str
    share_of_bound: float
    headline: Headline
    encode_cycles: int = 0
    kernel: str = ""


def cost_of(launches: Sequence[RunStatistics], encoding: int = 0) -> Cost:
    """Sum up timed launches; cycles of a bound are those of all. ``encoding``: how many of the first ones encode."""
    timings = [launch.timing for launch in launches if launch.timing is not None]
    if not timings or len(timings) != len(launches):
        raise ValueError("a launch without time has no cost")
    cycles = sum(timing.cycles for timing in timings)
    loads = [timing.load for timing in timings]
    resource, bound = highest([load.bounds for load in loads])
    share = bound / cycles if cycles else 0.0
    encode_cycles = sum(timing.cycles for timing in timings[:encoding])
    kernel = ", ".join(dict.fromkeys(launch.kernel for launch in launches[encoding:]))
    microseconds = sum(timing.microseconds for timing in timings)
    return Cost(cycles, microseconds, resource, share, headline(loads), encode_cycles, kernel)


@frozen(kw_only=True)
class LayerRow:
    """A layer and its costs.

    ``count``: layers of this kind in the network; totals count it so often. ``x``, ``w``, ``y``: shapes of activations,
    weights and output. ``input``: where the variant ``dual`` has its activations from: "host", or "encoded by" or
    "stored by" a layer that left them on the device. ``density_x``, ``density_w``: non-zeros per element after rounding
    to FP16; ``density_w`` is None for a product of two activations. ``products``: multiplications of the dense layer.
    ``accuracy``: of the variant ``dual``. ``note``: which variants ran by another kernel than is meant for them, or in
    parts, and why. ``host_seconds``: of this machine, for all variants. ``underflowed_x``, ``underflowed_w``: non-zero
    values that became zero in FP16.
    """

    layer: str
    operator: str
    count: int
    x: tuple[int, ...]
    w: tuple[int, ...]
    y: tuple[int, ...]
    stride: tuple[int, ...] = ()
    padding: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    groups: int = 1
    relu: bool = False
    input: str = "host"
    density_x: float
    density_w: float | None
    products: int
    note: str = ""
    accuracy: Accuracy = UNKNOWN
    costs: Mapping[Variant, Cost]
    host_seconds: float
    underflowed_x: int = 0
    underflowed_w: int = 0

    def speedup(self, variant: Variant) -> float:
        """Time of the dense variant over this one's; NaN if there is none."""
        return _ratio(self.costs["dense"].microseconds, self.costs[variant].microseconds)

    @property
    def underflow(self) -> str:
        """A warning of values that became zero in FP16; empty if none did."""
        second = "activations of the second matrix" if self.density_w is None else "weights"
        return underflow_text(
            {second: (self.underflowed_w, math.prod(self.w)), "activations": (self.underflowed_x, math.prod(self.x))}
        )

    def as_json(self) -> dict[str, Any]:
        """Plain data without tables in it, for a line of JSON and a line of CSV alike."""
        cells: dict[str, Any] = {
            "layer": self.layer,
            "operator": self.operator,
            "count": self.count,
            **{name: "x".join(map(str, getattr(self, name))) for name in ("x", "w", "y")},
            **{name: ",".join(map(str, getattr(self, name))) for name in ("stride", "padding", "dilation")},
            "groups": self.groups,
            "relu": self.relu,
            "input": self.input,
            "density_x": self.density_x,
            "density_w": self.density_w,
            "underflowed_x": self.underflowed_x,
            "underflowed_w": self.underflowed_w,
            "products": self.products,
        }
        for variant in VARIANTS:
            cost = self.costs[variant]
            cells |= {
                f"{variant}_kernel": cost.kernel,
                f"{variant}_cycles": cost.cycles,
                f"{variant}_us": cost.microseconds,
                f"{variant}_bound": cost.bound,
                f"{variant}_share_of_bound": cost.share_of_bound,
                **cost.headline.as_columns(f"{variant}_"),
            }
        cells |= {f"{variant}_encode_cycles": self.costs[variant].encode_cycles for variant in SPARSE_VARIANTS}
        cells |= {f"{variant}_speedup": _known(self.speedup(variant)) for variant in SPARSE_VARIANTS}
        cells |= self.accuracy.as_json()
        return {**cells, "note": self.note, "host_seconds": self.host_seconds}

    @classmethod
    def from_line(cls, text: bytes) -> "LayerRow":
        """The row whose ``as_json`` a line of JSON has; RowError for another line."""
        try:
            data = json.loads(text)
        except ValueError:
            raise RowError("not JSON") from None
        try:
            fields: dict[str, Any] = {name: data[name] for name in PLAIN}
            fields |= {name: _numbers(data[name], "x") for name in ("x", "w", "y")}
            fields["accuracy"] = Accuracy(*(data[field.name] for field in attrs.fields(Accuracy)))
            fields |= {name: _numbers(data[name], ",") for name in ("stride", "padding", "dilation")}
            row = cls(costs={variant: _cost(data, variant) for variant in VARIANTS}, **fields)
            if row.as_json() == data:
                return row
        except (TypeError, ValueError, KeyError, AttributeError):
            pass
        raise RowError("not a row of a network")


PLAIN = (
    "layer",
    "operator",
    "count",
    "groups",
    "relu",
    "input",
    "density_x",
    "density_w",
    "underflowed_x",
    "underflowed_w",
    "products",
    "note",
    "host_seconds",
)
"""Columns of a row that are as in its line."""


def _numbers(text: str, between: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(between))) if text else ()


def _cost(data: Mapping[str, Any], variant: Variant) -> Cost:
    cycles, microseconds, bound, share, kernel = (
        data[f"{variant}_{name}"] for name in ("cycles", "us", "bound", "share_of_bound", "kernel")
    )
    found = Headline.of_columns(data, f"{variant}_")
    return Cost(cycles, microseconds, bound, share, found, data.get(f"{variant}_encode_cycles", 0), kernel)


@frozen
class Totals:
    """Sums over layers, each as often as it occurs. ``encode_cycles``: the part of ``cycles`` that encodes inputs."""

    layers: int
    products: int
    cycles: Mapping[Variant, int]
    encode_cycles: Mapping[Variant, int]
    microseconds: Mapping[Variant, float]

    def speedup(self, variant: Variant) -> float:
        """Time of the dense variant over this one's; NaN if there is none."""
        return _ratio(self.microseconds["dense"], self.microseconds[variant])

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``json.dump``."""
        return {
            "layers": self.layers,
            "products": self.products,
            **{f"{variant}_cycles": self.cycles[variant] for variant in VARIANTS},
            **{f"{variant}_us": self.microseconds[variant] for variant in VARIANTS},
            **{f"{variant}_encode_cycles": self.encode_cycles[variant] for variant in SPARSE_VARIANTS},
            **{f"{variant}_speedup": _known(self.speedup(variant)) for variant in SPARSE_VARIANTS},
        }


def totals(rows: Sequence[LayerRow]) -> Totals:
    """Sum up the layers of a network."""
    return Totals(
        layers=sum(row.count for row in rows),
        products=sum(row.count * row.products for row in rows),
        cycles={v: sum(row.count * row.costs[v].cycles for row in rows) for v in VARIANTS},
        encode_cycles={v: sum(row.count * row.costs[v].encode_cycles for row in rows) for v in SPARSE_VARIANTS},
        microseconds={v: math.fsum(row.count * row.costs[v].microseconds for row in rows) for v in VARIANTS},
    )


def _ratio(dense: float, other: float) -> float:
    return dense / other if other else math.nan


def _known(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value
