from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from attrs import evolve
from safetensors.numpy import save_file

from dstc_isa.cli.emu import main
from dstc_isa.cli.products import with_file_names
from dstc_isa.conv import conv2d as conv2d_module
from dstc_isa.dense import gemm as gemm_module
from dstc_isa.isa.volta import VOLTA
from dstc_isa.object import shipped
from dstc_isa.program import Kernel
from dstc_isa.sparse import spgemm as spgemm_module
from dstc_isa.sparse.random_matrix import random_matrix
from tests.cli.reports import document, facts


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    np.save("a.npy", random_matrix(20, 30, 0.2, 0))
    np.save("b.npy", random_matrix(30, 10, 0.1, 1))


def product() -> Any:
    return np.load("a.npy").astype(np.float64) @ np.load("b.npy").astype(np.float64)


@pytest.mark.parametrize("command", ["spgemm", "gemm"])
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".mtx"])
def test_a_product_is_written_as_its_name_says(command: str, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"c{suffix}"
    assert main([command, "a.npy", "b.npy", "-o", name, "--functional", "--verify", "--json", "r.json"]) == 0
    out, err = capsys.readouterr()
    read: dict[str, Any] = {".npy": np.load, ".npz": scipy.sparse.load_npz, ".mtx": scipy.io.mmread}
    c = read[suffix](name)
    dense = (c.toarray() if scipy.sparse.issparse(c) else c).astype(np.float32)
    np.testing.assert_allclose(dense, product(), atol=1e-6)
    report = facts("r.json")
    nnz = int(np.count_nonzero(product()))
    assert report["product"] == {"nnz": nnz, "density": nnz / 200}
    if suffix != ".npy":
        assert c.nnz == nnz
    if command == "spgemm":
        assert f"C has {nnz:,} non-zeros of 200, density {nnz / 200:.4g}" in out
    assert err.splitlines()[-1].startswith("verified 200 results: largest error ")
    verification = report["verification"]
    assert (verification["wrong"], verification["compared"]) == (0, 200)
    assert verification["largest_error"] == pytest.approx(abs(dense - product()).max(), rel=1e-6)


def test_values_of_a_product_come_back_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["spgemm", "a.npy", "b.npy", "-o", "c.npy", "--functional"]) == 0
    assert main(["spgemm", "a.npy", "b.npy", "-o", "c.mtx", "--functional"]) == 0
    assert main(["spgemm", "c.mtx", "c.npz", "--functional"]) == 1
    np.testing.assert_array_equal(scipy.io.mmread("c.mtx").toarray().astype(np.float32), np.load("c.npy"))


@pytest.mark.parametrize("command", ["spgemm", "gemm", "conv"])
def test_a_wrong_result_is_found(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, field = {"spgemm": (spgemm_module, "c"), "gemm": (gemm_module, "c"), "conv": (conv2d_module, "y")}[command]
    name = {"spgemm": "spgemm", "gemm": "gemm_dense", "conv": "conv2d"}[command]
    right = getattr(module, name)

    def wrong(*operands: Any, **options: Any) -> Any:
        result = right(*operands, **options)
        getattr(result, field).flat[7] += 0.01
        return result

    monkeypatch.setattr(module, name, wrong)
    sizes = {"conv": "1,4,6,6,3,3,3"}.get(command, "9,8,7")
    run = [command, "--random", sizes, "--functional"]
    assert main(run) == 0
    assert main([*run, "--verify"]) == 4
    assert "WRONG: 1 of " in capsys.readouterr().err


@pytest.mark.parametrize("command", ["spgemm", "gemm", "conv"])
def test_a_hazard_is_found(command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    kept = shipped._kept

    def without_waits(name: str, gpu: Any) -> Any:
        def hasty(kernel: Kernel) -> Kernel:
            return evolve(kernel, words=tuple(word & ~VOLTA.word.control.wait.mask for word in kernel.words))

        program = kept(name, gpu)
        return evolve(program, kernels=tuple(hasty(kernel) for kernel in program.kernels))

    sizes = {"conv": "1,4,6,6,3,3,3"}.get(command, "9,8,7")
    run = [command, "--random", sizes, "--json", "r.json"]
    assert main([*run, "--check-hazards"]) == 0
    monkeypatch.setattr(shipped, "_loaded", {})
    monkeypatch.setattr(shipped, "_kept", without_waits)
    assert main(run) == 0
    capsys.readouterr()
    assert main([*run, "--check-hazards"]) == 4
    assert "RAW hazard: " in capsys.readouterr().err
    assert document("r.json")["status"] == "finding"
    assert facts("r.json")["timing"]["hazards"]


@pytest.mark.parametrize("options", [[], ["--relu"], ["--encoded"], ["--kernel", "conv_dense"], ["--skip", "weights"]])
def test_a_convolution_is_verified(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    np.save("bias.npy", np.linspace(-2, 2, 6))
    run = ["conv", "--random", "2,4,9,7,6,3,2", "--stride", "2,1", "--padding", "1", "--groups", "2", "--functional"]
    assert main([*run, "--bias", "bias.npy", "--verify", *options]) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("verified ")


def test_a_convolution_along_one_axis(capsys: pytest.CaptureFixture[str]) -> None:
    x, w = random_matrix(8, 40, 0.5, 0).reshape(2, 4, 40), random_matrix(24, 5, 0.5, 1).reshape(6, 4, 5)
    np.save("x.npy", x)
    np.save("w.npy", w)
    run = ["conv", "x.npy", "w.npy", "--functional", "--stride", "2", "--padding", "3,1", "--dilation", "2", "--verify"]
    assert main([*run, "-o", "y.npy"]) == 0
    wide = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (3, 1)))
    taps = np.stack([wide[:, :, tap * 2 : tap * 2 + 36 : 2] for tap in range(5)], 2)
    np.testing.assert_allclose(np.load("y.npy"), np.einsum("ncth,fct->nfh", taps, w), atol=1e-5)
    assert main(["conv", "x.npy", "w.npy", "--stride", "1,2"]) == 2
    assert "--stride of a convolution along one axis is one number, not 2" in capsys.readouterr().err
    assert main(["conv", "x.npy", "w.npy", "--padding", "1,2,3,4"]) == 2
    assert "--padding of a convolution along one axis is one number, or left and right" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["spgemm", "gemm"])
def test_matrices_of_safetensors(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    save_file({"fc.weight": np.load("a.npy"), "b": np.load("b.npy")}, "m.safetensors")
    run = [command, "--functional", "--verify", "-o", "c.npy"]
    assert main([*run, "m.safetensors:fc.weight", "m.safetensors"]) == 0
    np.testing.assert_allclose(np.load("c.npy"), product(), atol=1e-6)
    assert main([*run, "m.safetensors:fc", "b.npy"]) == 1
    assert "m.safetensors: no array fc in it; there is " in capsys.readouterr().err


@pytest.mark.parametrize("command", ["spgemm", "gemm"])
def test_errors_name_the_file(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "a.npy", "a.npy"]) == 1
    err = capsys.readouterr().err
    assert "a.npy is" in err
    assert " b " not in err.partition("expected")[0]
    np.save("large.npy", np.full((30, 1), 1e5))
    assert main([command, "a.npy", "large.npy"]) == 1
    assert capsys.readouterr().err.startswith(
        "dstc-emu: large.npy: row 0, column 0 (counted from 0): 100000.0 is beyond"
    )
    Path("cut.npy").write_bytes(Path("a.npy").read_bytes()[:-3])
    assert main([command, "cut.npy", "b.npy"]) == 1
    assert capsys.readouterr().err.startswith("dstc-emu: cut.npy: the file is truncated: ")
    assert main([command, "a.npy", "b.npy", "-o", "c.txt"]) == 2
    assert "one of .npy, .npz, .mtx" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: row 0", "A.npy: row 0"),
        ("b: a matrix has 2 dimensions", "b: a matrix has 2 dimensions"),
        ("x is empty: height is at least 1", "x is empty: height is at least 1"),
        ("w is empty: rows is at least 1", "W.npy is empty: rows is at least 1"),
        ("a is 3x4 and b is 5x6: a must have as many columns as b has rows",
         "A.npy is 3x4 and b is 5x6: A.npy must have as many columns as b has rows"),
        ("x has 3 channels, so w must have 3 in dimension 1", "x has 3 channels, so W.npy must have 3 in dimension 1"),
        ("w: filter 0", "W.npy: filter 0"),
    ],
)  # fmt: skip
def test_arguments_are_called_by_their_files(text: str, expected: str) -> None:
    assert with_file_names(text, {"a": "A.npy", "b": None, "w": "W.npy"}) == expected
