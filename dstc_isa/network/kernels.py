"""A convolution by the kernel that is meant for it, else with fewer images at a time, else by another kernel."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from attrs import frozen

from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.result import ConvResult
from dstc_isa.engine.run_options import RunOptions
from dstc_isa.errors import ShapeError
from dstc_isa.gpu import Gpu
from dstc_isa.report.statistics import RunStatistics

Convolution = Callable[..., ConvResult]


@frozen(eq=False)
class Convolved:
    """``launches``: those that encode, as many as ``encoding``, before those that convolve.

    ``note``: why it was not one launch of the kernel that was meant; empty if it was.
    """

    y: npt.NDArray[np.float32]
    density_x: float
    density_w: float
    launches: tuple[RunStatistics, ...]
    encoding: int
    note: str = ""

    @classmethod
    def of(cls, results: list[ConvResult], note: str = "") -> "Convolved":
        """The results of images one behind the other."""
        images = [result.shape.images for result in results]
        density_x = sum(count * result.density_x for count, result in zip(images, results, strict=True)) / sum(images)
        encoding = [launch for result in results for launch in result.launches[:-1]]
        y = results[0].y if len(results) == 1 else np.concatenate([result.y for result in results])
        launches = (*encoding, *(result.run for result in results))
        return cls(y, density_x, results[0].density_w, launches, len(encoding), note)


def convolved_by(
    kernels: Mapping[str, Convolution], problem: ConvProblem, gpu: Gpu | None, options: RunOptions
) -> Convolved:
    """Convolve by the first of ``kernels`` that takes it, tried with fewer images at a time before the next one.

    Raises ShapeError, of the first one, if none takes it.
    """
    (meant, _), *_ = kernels.items()
    refusals: list[ShapeError] = []
    for name, kernel in kernels.items():
        try:
            results = _in_turn(kernel, problem, gpu, options)
        except ShapeError as error:
            refusals.append(error)
            continue
        if refusals:
            return Convolved.of(results, f"by {name}, not {meant}: {refusals[0]}")
        if len(results) > 1:
            return Convolved.of(results, f"in {len(results)} launches, as {meant} does not take all images at once")
        return Convolved.of(results)
    raise refusals[0]


def _in_turn(kernel: Convolution, problem: ConvProblem, gpu: Gpu | None, options: RunOptions) -> list[ConvResult]:
    """The result of all images, or of halves of them for as long as they are too many."""
    images = problem.shape.images
    try:
        return [kernel(problem, gpu=gpu, options=options)]
    except ShapeError:
        if images == 1:
            raise
    halves = slice(images // 2), slice(images // 2, images)
    return [each for half in halves for each in _in_turn(kernel, problem.of_images(half), gpu, options)]
