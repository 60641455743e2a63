from typing import Any

import numpy as np
import pytest
from attrs import evolve

from dstc_isa.conv.conv2d import conv2d
from dstc_isa.conv.problem import ConvProblem
from dstc_isa.conv.shape import ConvShape, shape_of
from dstc_isa.conv.sparse.activations import EncodedActivations
from dstc_isa.conv.sparse.link import Left, Link, convolve_linked
from dstc_isa.conv.sparse.sparse_plan import SparsePlan
from dstc_isa.engine.run_options import RunOptions
from tests.network.models import SMALL_GPU, sparse

X, W = sparse(1, 3, 6, 7), sparse(4, 3, 3, 3, seed=1)
PLAN = SparsePlan(shape_of(X, W, padding=1))
BEHIND = ConvShape(1, 4, 6, 7, 2, 1, 1)


def run(link: Link, x: Any = X, w: Any = W) -> Any:
    problem = ConvProblem.shaped(link.plan.shape, x, w, relu=True)
    return convolve_linked(problem, link, strict=False, gpu=SMALL_GPU, options=RunOptions(threads=1))


def following(shape: ConvShape) -> SparsePlan:
    plan = PLAN.followed_by(shape)
    assert plan is not None
    return plan


def test_from_the_host_and_to_it() -> None:
    result, kept = run(Link(PLAN))
    alone = conv2d(X, W, padding=1, relu=True, gpu=SMALL_GPU, threads=1)
    assert kept is None
    assert result.y.tobytes() == alone.y.tobytes()
    assert (result.cycles, result.density_x, result.density_w) == (alone.cycles, alone.density_x, alone.density_w)
    assert Link(PLAN).input == "host"


def test_a_result_is_encoded_for_the_next_layer() -> None:
    first, encoded = run(Link(PLAN, following=following(BEHIND)))
    alone = conv2d(X, W, padding=1, relu=True, gpu=None)
    assert isinstance(encoded, EncodedActivations)
    assert np.array_equal(first.y, alone.y.astype(np.float16))
    w = sparse(2, 4, 1, 1, seed=2)
    link = Link(following(BEHIND), Left("first", encoded))
    assert link.input == "encoded by first"
    # All values come from the device: those given are counted, and not read.
    second, kept = run(link, np.zeros_like(first.y), w)
    assert kept is None
    assert second.y.tobytes() == conv2d(alone.y, w, relu=True, gpu=None).y.tobytes()
    assert (len(second.launches), second.density_x) == (1, 0)


@pytest.mark.parametrize("factor", [1, 4000])
def test_a_result_is_stored_that_is_not_encoded(factor: int) -> None:
    x, w = X * np.float32(factor), W * np.float32(factor)
    strided = SparsePlan(ConvShape(1, 4, 6, 7, 2, 1, 1, stride=(2, 2)))
    plan = strided if factor == 1 else following(BEHIND)
    result, stored = run(Link(PLAN, following=plan), x, w)
    assert stored.y is result.y
    assert result.y.tobytes() == conv2d(x, w, padding=1, relu=True, gpu=None).y.tobytes()
    link = Link(plan, Left("first", stored))
    assert link.input == "stored by first"
    within = np.minimum(result.y, 2)
    behind, _ = run(Link(plan, Left("first", evolve(stored, y=within))), within, sparse(2, 4, 1, 1, seed=2))
    alone = conv2d(within, sparse(2, 4, 1, 1, seed=2), stride=plan.shape.stride, relu=True, gpu=None)
    assert behind.y.tobytes() == alone.y.tobytes()
    assert len(behind.launches) == 2
