from pathlib import Path

import numpy as np
import pytest

from dstc_isa.cli.emu import main
from dstc_isa.dense.structured import prune
from dstc_isa.sparse.random_matrix import random_matrix
from tests.cli.reports import facts


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", random_matrix(20, 50, 1, 1))
    np.save("b.npy", random_matrix(50, 30, 1, 2))
    np.save("empty.npy", np.zeros((50, 0), np.float16))


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["gemm_dense", "gemm_sparse24"])
def test_files(kernel: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--kernel", kernel, "--prune24", "-o", "c.npy", "--json", "r.json", "--gpu", "v100"]
    assert main(["gemm", "a.npy", "b.npy", *options]) == 0
    a, b = prune(np.load("a.npy")), np.load("b.npy")
    np.testing.assert_allclose(np.load("c.npy"), a.astype(np.float64) @ b.astype(np.float64), atol=1e-5)
    report = facts("r.json")
    assert (report["m"], report["n"], report["k"]) == (20, 30, 50)
    assert report["warp_instructions"] > 0
    out = capsys.readouterr().out
    assert out.startswith("C (20x30) = A (20x50) * B (50x30)")
    assert kernel in out


def test_random_matrices_without_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gemm", "--random", "9,8,7", "--seed", "3", "--functional", "-o", "c.npy"]) == 0
    a, b = random_matrix(9, 7, 1, 3), random_matrix(7, 8, 1, 4)
    np.testing.assert_allclose(np.load("c.npy"), a.astype(np.float64) @ b.astype(np.float64), atol=1e-5)
    assert "cycles" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "message", "arguments"),
    [
        (1, "row 0, columns 0 to 3 have 4 values", ["a.npy", "b.npy", "--kernel", "gemm_sparse24"]),
        (1, "a.npy is (20, 50) and a.npy is (20, 50): expected (m, k) and (k, n)", ["a.npy", "a.npy"]),
        (1, "a.npy is 20x50 and empty.npy is 50x0: nothing to multiply", ["a.npy", "empty.npy"]),
        (2, "gemm takes two matrices", ["a.npy"]),
        (2, "--random 0,5,5: sizes are 1 to", ["--random", "0,5,5"]),
        (2, "--seed goes with --random", ["a.npy", "b.npy", "--seed", "1"]),
        (2, "not both", ["a.npy", "b.npy", "--random", "1,1,1"]),
        (2, "--gpu and --set go with a timed run", ["a.npy", "b.npy", "--functional", "--gpu", "v100"]),
        (2, "ends in one of .npy, .npz, .mtx", ["a.npy", "b.npy", "-o", "c.txt"]),
    ],
)
def test_refused(status: int, message: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gemm", *arguments]) == status
    assert message in capsys.readouterr().err
