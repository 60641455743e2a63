"""A point of a sweep: what is run, and the row of figures that comes of it."""

from collections.abc import Sequence
from typing import Any

import attrs
from attrs import field, frozen
from attrs.validators import deep_mapping, instance_of, optional

from dstc_isa.errors import DstcError
from dstc_isa.gpu import Gpu
from dstc_isa.report.headline import Headline

BASELINE = "gemm_dense"
"""The kernel that speed-ups are relative to."""

Setting = int | float | str
Key = tuple[str, float | None, float | None, tuple[tuple[str, Setting], ...]]


@frozen(kw_only=True)
class Point:
    """A kernel on ``gpu``, an (m, k) matrix times a (k, n) matrix of these densities.

    A density is None for a kernel that does not depend on it. ``overrides``: the parameters in which ``gpu``
    differs from the one of that name.
    """

    m: int
    n: int
    k: int
    seed: int
    kernel: str
    density_a: float | None
    density_b: float | None
    overrides: dict[str, Setting]
    gpu: Gpu
    sample: float | None = None

    @property
    def key(self) -> Key:
        """What tells a point from the others of its study."""
        return key(self.kernel, self.density_a, self.density_b, self.overrides)

    @property
    def label(self) -> str:
        """The point in a line."""
        return label(self.kernel, self.density_a, self.density_b, self.overrides)


class RowError(DstcError, ValueError):
    """Data that is not a row."""


def _number(kind: type) -> Any:
    return field(validator=instance_of(kind))


def _number_or_none() -> Any:
    return field(validator=optional(instance_of(float)))


def _table(kinds: Any) -> Any:
    return field(validator=deep_mapping(instance_of(str), instance_of(kinds), instance_of(dict)))


@frozen(kw_only=True)
class PointRow:
    """What came of a point; the columns of the files.

    ``density_a`` and ``density_b`` were asked for, the measured ones are those of the matrices. ``bound``: the
    resource that needs most cycles, ``bound_cycles``, which are ``share_of_bound`` of ``cycles``; ``bounds`` has all
    of them. ``stall``: what warps waited for most, and ``stall_share`` of warp cycles. ``host_seconds``: of the whole
    point. ``speedup``: time of the dense kernel on the same GPU over this one's, None while that has not been run.
    ``headline``: of the launch; in files ``limit``, ``headline`` and ``headline_text``.
    """

    m: int = _number(int)
    n: int = _number(int)
    k: int = _number(int)
    density_a: float | None = _number_or_none()
    density_b: float | None = _number_or_none()
    measured_density_a: float = _number(float)
    measured_density_b: float = _number(float)
    seed: int = _number(int)
    kernel: str = field(validator=instance_of(str))
    gpu: str = field(validator=instance_of(str))
    overrides: dict[str, Setting] = _table((int, float, str))
    cycles: int = _number(int)
    time_us: float = _number(float)
    warp_instructions: int = _number(int)
    issue_slots: int = _number(int)
    ohmma_issued: int = _number(int)
    bound: str = field(validator=instance_of(str))
    bound_cycles: float = _number(float)
    share_of_bound: float = _number(float)
    bounds: dict[str, float] = _table(float)
    stall: str = field(validator=instance_of(str))
    stall_share: float = _number(float)
    dram_bytes: int = _number(int)
    host_seconds: float = _number(float)
    speedup: float | None = _number_or_none()
    headline: Headline = field(validator=instance_of(Headline))

    @property
    def key(self) -> Key:
        """The key of its point."""
        return key(self.kernel, self.density_a, self.density_b, self.overrides)

    @property
    def label(self) -> str:
        """The point in a line."""
        return label(self.kernel, self.density_a, self.density_b, self.overrides)

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``json.dump``."""
        plain = attrs.asdict(self, filter=lambda attribute, _: attribute.name != "headline")
        return {**plain, **self.headline.as_columns()}

    @classmethod
    def from_json(cls, data: Any) -> "PointRow":
        """The row that ``as_json`` gave; RowError for other data."""
        try:
            found = Headline.of_columns(data)
            return cls(**{name: data[name] for name in data if name not in found.as_columns()}, headline=found)
        except (TypeError, KeyError, ValueError):
            raise RowError("not a row of a sweep") from None


def key(kernel: str, density_a: float | None, density_b: float | None, overrides: dict[str, Setting]) -> Key:
    """What tells a point from the others of its study."""
    return kernel, density_a, density_b, tuple(sorted(overrides.items()))


def label(kernel: str, density_a: float | None, density_b: float | None, overrides: dict[str, Setting]) -> str:
    """Kernel, densities where it depends on them, and overrides, in a line."""
    densities = [f"{name} {value:g}" for name, value in (("A", density_a), ("B", density_b)) if value is not None]
    return ", ".join([kernel, *densities, *(f"{name}={value}" for name, value in overrides.items())])


def with_speedups(rows: Sequence[PointRow]) -> list[PointRow]:
    """The rows, each with its speed-up over the dense kernel with the same overrides if that is among them."""
    dense = {tuple(sorted(row.overrides.items())): row.time_us for row in rows if row.kernel == BASELINE}
    times = [dense.get(tuple(sorted(row.overrides.items()))) for row in rows]
    return [
        attrs.evolve(row, speedup=None if time is None else time / row.time_us)
        for row, time in zip(rows, times, strict=True)
    ]


def varied_parameters(rows: Sequence[PointRow | Point]) -> list[str]:
    """The parameters in which rows or points differ."""
    names = dict.fromkeys(name for row in rows for name in row.overrides)
    return [name for name in names if len({row.overrides.get(name) for row in rows}) > 1]
