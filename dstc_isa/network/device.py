"""A layer on the emulated machine: dense, with sparse weights, and with both sides sparse."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from attrs import Attribute, evolve, field, frozen

from dstc_isa.conv.dense.conv_dense import convolve_densely
from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.shape import ConvShape
from dstc_isa.conv.sparse.conv_sparse import SparseMethod, conv_sparse
from dstc_isa.conv.sparse.link import HOST, Kept, Link, convolve_linked
from dstc_isa.dense.gemm import dense_product
from dstc_isa.dense.launch import GemmResult
from dstc_isa.engine.run_options import DEFAULTS, RunOptions
from dstc_isa.gpu import Gpu
from dstc_isa.halves import rounded_to_half, underflowed
from dstc_isa.network.accuracy import UNKNOWN, Accuracy, convolution_accuracy, product_accuracy
from dstc_isa.network.kernels import Convolution, Convolved, convolved_by
from dstc_isa.network.row import VARIANTS, Cost, Variant, cost_of
from dstc_isa.options import check_kind
from dstc_isa.report.statistics import RunStatistics
from dstc_isa.sparse.spgemm import SpgemmResult, sparse_product

Array = npt.NDArray[Any]
Advanced = Callable[[float], None]
SMALLEST = np.float16(2**-24)
"""FP16's smallest value that is not zero."""


@frozen(eq=False)
class Measured:
    """``y``: output of the variant ``dual``. Densities of the operands as the machine holds them, and costs.

    Of the variant ``dual`` also ``input``, where its activations came from, and ``kept``, what it left on the device.
    ``accuracy``: how far ``y`` is from the result of the operands as they were given. ``note``: which variants ran by
    another kernel than is meant for them, or in parts, and why. ``underflowed_x``, ``underflowed_w``: non-zero values
    of the operands that FP16 rounds to zero.
    """

    y: npt.NDArray[np.float32]
    density_x: float
    density_w: float | None
    costs: Mapping[Variant, Cost]
    input: str = HOST
    kept: Kept | None = None
    note: str = ""
    accuracy: Accuracy = UNKNOWN
    underflowed_x: int = 0
    underflowed_w: int = 0

    @property
    def facts(self) -> dict[str, Any]:
        """What of it stands in a row."""
        return {
            "input": self.input,
            "density_x": self.density_x,
            "density_w": self.density_w,
            "underflowed_x": self.underflowed_x,
            "underflowed_w": self.underflowed_w,
            "note": self.note,
            "accuracy": self.accuracy,
            "costs": self.costs,
        }


def _is(kind: type, expected: str) -> Callable[[Any, "Attribute[Any]", object], None]:
    """A validator of a field that the caller gives."""

    def check(device: Any, attribute: "Attribute[Any]", value: object) -> None:
        check_kind(f"{type(device).__name__}: {attribute.name}", value, kind, expected)

    return check


@frozen(kw_only=True)
class Device:
    """The machine that layers run on and its kernels. ``advanced`` is told the share of a layer that is done."""

    gpu: Gpu = field(validator=_is(Gpu, "a Gpu; load_gpu(name) gives one"))
    options: RunOptions = field(
        default=DEFAULTS, validator=_is(RunOptions, "a RunOptions, such as RunOptions(sample=0.25)")
    )
    advanced: Advanced = lambda share: None
    dense_convolution: Convolution = convolve_densely
    sparse_convolution: Convolution = conv_sparse
    dense_product: Callable[..., GemmResult] = dense_product
    sparse_product: Callable[..., SpgemmResult] = sparse_product

    def convolve(
        self,
        x: Array,
        w: Array,
        shape: ConvShape,
        bias: Array | None = None,
        relu: bool = False,
        link: Link | None = None,
    ) -> Measured:
        """Convolve; ``shape`` is that of the two arrays. Raises what the kernels raise.

        ``link``: which layers the variant ``dual`` is fed by and feeds; None for none.
        """
        problem = ConvProblem.shaped(shape, x, w, bias=bias, relu=relu)
        results: dict[Variant, Convolved] = {}
        kept: Kept | None = None
        for number, variant in enumerate(VARIANTS):
            options = self._options(number, len(VARIANTS))
            if variant == "dual":
                results[variant], kept = self._dual(problem, link, self.gpu, options)
            else:
                results[variant] = convolved_by(self._kernels(variant), problem, self.gpu, options)
        dual = results["dual"]
        costs = {variant: cost_of(result.launches, result.encoding) for variant, result in results.items()}
        note = "; ".join(f"{variant} {result.note}" for variant, result in results.items() if result.note)
        source = HOST if link is None else link.input
        accuracy = convolution_accuracy(dual.y, x, w, shape, bias, relu)
        return Measured(
            dual.y,
            dual.density_x,
            dual.density_w,
            costs,
            source,
            kept,
            note,
            accuracy,
            problem.underflowed_x,
            problem.underflowed_w,
        )

    def convolve_again(
        self,
        x: Array,
        w: Array,
        shape: ConvShape,
        bias: Array | None = None,
        relu: bool = False,
        link: Link | None = None,
    ) -> tuple[Array, Kept | None]:
        """The output of ``convolve`` and what it leaves on the device, bit for bit, without time."""
        problem = ConvProblem.shaped(shape, x, w, bias=bias, relu=relu)
        result, kept = self._dual(problem, link, None, self._untimed)
        return result.y, kept

    def _dual(
        self, problem: ConvProblem, link: Link | None, gpu: Gpu | None, options: RunOptions
    ) -> tuple[Convolved, Kept | None]:
        """The variant ``dual``, and what it leaves on the device."""
        if link is not None:
            result, kept = convolve_linked(problem, link, strict=False, gpu=gpu, options=options)
            return Convolved.of([result]), kept
        return convolved_by(self._kernels("dual"), problem, gpu, options), None

    def _kernels(self, variant: Variant) -> dict[str, Convolution]:
        """The kernel that is meant for a variant, and then the one to run in its place."""
        dense, method = self.dense_convolution, SparseMethod(skip="both" if variant == "dual" else "weights")
        kernels: dict[str, Convolution] = {"spconv": partial(self.sparse_convolution, method=method)}
        return {"conv_dense": dense, **kernels} if variant == "dense" else {**kernels, "conv_dense": dense}

    def multiply_again(self, a: Array, b: Array) -> Array:
        """The output of ``multiply``, bit for bit, without time."""
        y = np.zeros((max(len(a), len(b)), a.shape[1], b.shape[2]), np.float32)
        for each, product in enumerate(y):
            product[:] = self.sparse_product(_of(a, each), _of(b, each), gpu=None, options=self._untimed).c
        return y

    def multiply(self, a: Array, b: Array, weights: Literal["a", "b"] | None = "b") -> Measured:
        """Multiply (batch, m, k) by (batch, k, n), a launch for each of the batch; one side of it may be 1.

        ``weights``: which of the two holds them. The variant ``weights`` takes the other side as without zeros: they
        are replaced by the smallest value there is, for the cycles alone. ``density_x`` is that of the other side, or
        of ``a`` if neither has weights.
        """
        left, right = rounded_to_half(a), rounded_to_half(b)
        filled_left = left if weights == "a" else _filled(left)
        filled_right = right if weights == "b" else _filled(right)
        batch = max(len(a), len(b))
        costs: dict[Variant, Cost] = {}
        y = np.zeros((batch, a.shape[1], b.shape[2]), np.float32)
        for number, variant in enumerate(VARIANTS):
            # Nothing to fill in: the other sparse variant would be the same run once more.
            if variant == "weights" and filled_left is left and filled_right is right:
                continue
            launches: list[RunStatistics] = []
            for each in range(batch):
                options = self._options(number * batch + each, len(VARIANTS) * batch)
                if variant == "dense":
                    launches.append(self.dense_product(_of(a, each), _of(b, each), gpu=self.gpu, options=options).run)
                elif variant == "weights":
                    operands = _of(filled_left, each), _of(filled_right, each)
                    launches.append(self.sparse_product(*operands, gpu=self.gpu, options=options).report.run)
                else:
                    result = self.sparse_product(_of(a, each), _of(b, each), gpu=self.gpu, options=options)
                    y[each] = result.c
                    launches.append(result.report.run)
            costs[variant] = cost_of(launches)
        costs.setdefault("weights", costs["dual"])
        (x, given_x), (w, given_w) = ((right, b), (left, a)) if weights == "a" else ((left, a), (right, b))
        return Measured(
            y,
            _density(x),
            None if weights is None else _density(w),
            {variant: costs[variant] for variant in VARIANTS},
            accuracy=product_accuracy(y, a, b),
            underflowed_x=underflowed(given_x, x),
            underflowed_w=underflowed(given_w, w),
        )

    @property
    def _untimed(self) -> RunOptions:
        """The options of a run without time."""
        given = self.options
        return RunOptions(
            threads=given.threads, announce=given.announce, timeout=given.timeout, heartbeat=given.heartbeat
        )

    def _options(self, part: int, parts: int) -> RunOptions:
        def progress(done: int, of: int) -> None:
            self.advanced((part + done / of) / parts)

        return evolve(self.options, progress=progress)


def _of(operand: Array, each: int) -> Array:
    matrix: Array = operand[each if len(operand) > 1 else 0]
    return matrix


def _filled(values: Array) -> Array:
    """The values with their zeros replaced; the same array if it has none."""
    return values if values.all() else np.where(values == 0, SMALLEST, values)


def _density(values: Array) -> float:
    return float(np.count_nonzero(values)) / values.size if values.size else 0.0
