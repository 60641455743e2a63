"""Values that FP16 rounds to zero are counted and told by every product."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dstc_isa.cli.emu import main
from dstc_isa.conv.chain import Layer, run_layers
from dstc_isa.conv.conv2d import conv2d
from dstc_isa.dense.gemm import gemm_dense
from dstc_isa.dense.structured import gemm_sparse24
from dstc_isa.sparse.spgemm import spgemm

TINY = np.float32(2**-25)
"""Half of FP16's smallest number; a tie goes to the even neighbour, 0."""

MEND = "became 0 in FP16, whose smallest number is 6e-08: scale them up, and the result down"


def operands(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[Any, Any]:
    """Two values of one that FP16 loses, one that it keeps; three of the other; zeros are no loss."""
    a, b = np.zeros(left, np.float32), np.zeros(right, np.float32)
    a.flat[[0, 5, 10]] = TINY, -TINY, np.nextafter(TINY, np.float32(1))
    b.flat[[0, 1, 2]] = TINY / 2
    return a, b


@pytest.mark.parametrize("multiply", [gemm_dense, gemm_sparse24])
def test_dense_products(multiply: Callable[..., Any]) -> None:
    result = multiply(*operands((3, 4), (4, 5)), gpu=None)
    found = result.as_json()
    assert (result.underflowed_a, result.underflowed_b) == (found["underflowed_a"], found["underflowed_b"]) == (2, 3)
    assert f"2 of 12 values of A and 3 of 20 values of B {MEND}" in result.report.heading
    whole = multiply(np.ones((2, 4)) * [1, 0, 1, 0], np.ones((4, 2)), gpu=None)
    assert not any("FP16" in line for line in whole.report.heading)


def test_a_sparse_product() -> None:
    report = spgemm(*operands((3, 4), (4, 5)), gpu=None).report
    assert report.underflowed == report.as_json()["underflowed"] == 5
    assert f"5 of 32 inputs {MEND}" in report.headed_run.heading


@pytest.mark.parametrize("kernel", ["spconv", "spconv_ohmma", "conv_dense"])
def test_convolutions(kernel: Any) -> None:
    x, w = operands((1, 2, 3, 3), (4, 2, 1, 1))
    result = conv2d(x, w, kernel=kernel, gpu=None)
    found = result.as_json()
    assert (result.underflowed_x, result.underflowed_w) == (found["underflowed_x"], found["underflowed_w"]) == (2, 3)
    assert f"3 of 8 weights and 2 of 18 activations {MEND}" in result.report.heading


def test_layers_that_feed_each_other() -> None:
    x, w = operands((1, 2, 3, 3), (4, 2, 1, 1))
    first, second = run_layers(x, [Layer(w=w), Layer(w=np.full((1, 4, 1, 1), TINY))], gpu=None)
    assert (first.underflowed_x, first.underflowed_w) == (2, 3)
    assert (second.underflowed_x, second.underflowed_w) == (0, 4)


@pytest.mark.parametrize(
    ("command", "lost"),
    [
        (["gemm"], "2 of 12 values of A and 3 of 20 values of B"),
        (["gemm", "--kernel", "gemm_sparse24"], "2 of 12 values of A and 3 of 20 values of B"),
        (["spgemm"], "5 of 32 inputs"),
        (["conv"], "3 of 8 weights and 2 of 18 activations"),
    ],
)
@pytest.mark.parametrize("quiet", [["-q", "-o", "y.npy"], ["--json", "-"], ["-q", "--json", "-"], ["-o", "y.npy"]])
def test_commands_warn_whatever_they_show(
    command: list[str],
    lost: str,
    quiet: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    shapes = ((1, 2, 3, 3), (4, 2, 1, 1)) if command == ["conv"] else ((3, 4), (4, 5))
    for name, array in zip("ab", operands(*shapes), strict=True):
        np.save(f"{name}.npy", array)
    name, *options = command
    assert main([name, "a.npy", "b.npy", *options, *quiet, "--functional"]) == 0
    out, err = capsys.readouterr()
    if quiet == ["-o", "y.npy"]:
        assert f"{lost} {MEND}" in out
        assert "warning" not in err
    else:
        assert err.count(f"dstc-emu: warning: {lost} {MEND}\n") == 1
        assert f"{lost} {MEND}" not in out
