import json
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from dstc_isa import conv2d
from dstc_isa.cli.emu import main
from dstc_isa.sparse.random_matrix import random_matrix
from tests.cli.reports import document, facts


def random(seed: int, density: float, *shape: int) -> np.ndarray:
    return random_matrix(shape[0] * shape[1], shape[2] * shape[3], density, seed).reshape(shape)


X, W, B = random(1, 0.5, 2, 6, 9, 8), random(2, 0.4, 4, 3, 3, 2), np.linspace(-1, 1, 4)


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    np.save("w.npy", W)
    np.save("b.npy", B)
    np.savez("both.npz", x=X, w=W, bias=B)
    np.savez("one.npz", anything=X)
    save_file({"conv.weight": W, "conv.bias": B}, "model.safetensors")
    save_file({"w": W}, "one.safetensors")


OPTIONS = ["--stride", "2,1", "--padding", "1,0,2,1", "--dilation", "1,2", "--groups", "2"]
SAME = {"stride": (2, 1), "padding": (1, 0, 2, 1), "dilation": (1, 2), "groups": 2}


@pytest.mark.parametrize("skip", ["both", "weights"])
def test_files(skip: str, capsys: pytest.CaptureFixture[str]) -> None:
    written = ["-o", "y.npy", "--json", "r.json"]
    assert main(["conv", "x.npy", "w.npy", *OPTIONS, "--bias", "b.npy", "--relu", "--skip", skip, *written]) == 0
    expected = conv2d(X, W, bias=B, relu=True, skip=skip, **SAME)  # type: ignore[arg-type]
    np.testing.assert_array_equal(np.load("y.npy"), expected.y)
    report = facts("r.json")
    assert (report["input"], report["weights"], report["output"]) == ([2, 6, 9, 8], [4, 3, 3, 2], [2, 4, 4, 9])
    assert report["cycles"] == expected.cycles
    assert [launch["kernel"] for launch in document("r.json")["launches"]] == ["encode", expected.run.kernel]
    timing = expected.run.timing
    assert timing is not None
    assert expected.cycles is not None
    lines = capsys.readouterr().out.splitlines()
    density_x, density_w = np.count_nonzero(X) / X.size, np.count_nonzero(W) / W.size
    assert lines[0] == f"y (2x4x4x9) = x (2x6x9x8, density {density_x:.4g}) * w (4x3x3x2, density {density_w:.4g})"
    # 2 groups of 2 filters, one of 8, by 2 images of 4 x 9 outputs, 5 of 16, for 3 x 3 x 2 elements of a filter.
    dense = 2 * 5 * 3 * 3 * 2
    executed = round(timing.counters["ohmma"])
    assert lines[1] == f"OHMMA executed {executed:,} of {dense:,} dense ({executed / dense:.2%})"
    encoding = expected.cycles - timing.cycles
    assert lines[2] == (
        f"{encoding:,} cycles of encoding, {timing.cycles:,} of the convolution, {expected.cycles:,} in all"
    )
    assert lines[3].startswith(expected.run.kernel)


@pytest.mark.parametrize("x", ["x.npy", "both.npz", "both.npz:x", "one.npz", "one.npz:anything"])
@pytest.mark.parametrize("w", ["w.npy", "both.npz", "model.safetensors:conv.weight", "one.safetensors"])
def test_where_arrays_come_from(x: str, w: str) -> None:
    assert main(["conv", x, w, "--groups", "2", "--functional", "-o", "y.npy"]) == 0
    np.testing.assert_array_equal(np.load("y.npy"), conv2d(X, W, groups=2, gpu=None).y)


@pytest.mark.parametrize("bias", ["b.npy", "both.npz", "model.safetensors:conv.bias"])
def test_where_the_bias_comes_from(bias: str) -> None:
    assert main(["conv", "x.npy", "w.npy", "--groups", "2", "--bias", bias, "--functional", "-o", "y.npy"]) == 0
    np.testing.assert_array_equal(np.load("y.npy"), conv2d(X, W, groups=2, bias=B, gpu=None).y)


def test_random_operands_without_time(capsys: pytest.CaptureFixture[str]) -> None:
    random_options = ["--random", "1,4,7,6,10,3,2", "--density-a", "0.7", "--density-w", "0.2", "--seed", "5"]
    assert main(["conv", *random_options, "--groups", "2", "--channels-last", "--functional", "-o", "y.npy"]) == 0
    x, w = random(5, 0.7, 1, 4, 7, 6), random(6, 0.2, 10, 2, 3, 2)
    np.testing.assert_array_equal(np.load("y.npy"), conv2d(x, w, groups=2, gpu=None).y)
    printed = capsys.readouterr().out
    assert printed.startswith("y (1x10x5x5) = x (1x4x7x6, density 0.")
    assert "cycles" not in printed
    assert "OHMMA executed" not in printed


def test_an_encoded_result() -> None:
    assert main(["conv", "x.npy", "w.npy", *OPTIONS, "--relu", "--encoded", "-o", "y.npy", "--json", "r.json"]) == 0
    stored = conv2d(X, W, relu=True, gpu=None, **SAME)  # type: ignore[arg-type]
    np.testing.assert_array_equal(np.load("y.npy"), stored.y.astype(np.float16))
    launches = document("r.json")["launches"]
    encode, convolve = (launch["kernel"] for launch in launches)
    assert encode.startswith("encode")
    assert convolve.startswith("spconv_encoded")


@pytest.mark.slow
def test_dense_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    dense = ["--kernel", "conv_dense", "--bias", "b.npy", "-o", "y.npy"]
    assert main(["conv", "x.npy", "w.npy", *OPTIONS, *dense]) == 0
    expected = conv2d(X, W, bias=B, kernel="conv_dense", **SAME)  # type: ignore[arg-type]
    np.testing.assert_array_equal(np.load("y.npy"), expected.y)
    sparse = conv2d(X, W, bias=B, gpu=None, **SAME)  # type: ignore[arg-type]
    np.testing.assert_allclose(expected.y, sparse.y, atol=1e-5)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("y (2x4x4x9) = x (2x6x9x8")
    assert lines[1].startswith("conv_dense")


def test_the_kernel_of_the_papers_instructions(capsys: pytest.CaptureFixture[str]) -> None:
    options = [*OPTIONS, "--kernel", "spconv_ohmma", "--skip", "weights", "--channels-last", "--relu", "-o", "y.npy"]
    assert main(["conv", "x.npy", "w.npy", *options]) == 0
    alike = {"relu": True, "skip": "weights", "gpu": None, "kernel": "spconv_ohmma"}
    expected = conv2d(X, W, **alike, **SAME)  # type: ignore[arg-type]
    np.testing.assert_array_equal(np.load("y.npy"), expected.y)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("OHMMA executed")
    assert lines[3].startswith("spconv_ohmma")


def test_hazards_of_all_kernels_are_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conv", "x.npy", "w.npy", "--groups", "2", "--check-hazards"]) == 0
    assert capsys.readouterr().err == ""


def test_without_the_package_safetensors(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    assert main(["conv", "x.npy", "one.safetensors"]) == 1
    assert "one.safetensors: needs the package safetensors: pip install safetensors" in capsys.readouterr().err


def test_a_type_that_numpy_lacks_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    header = json.dumps({"w": {"dtype": "BF16", "shape": [1, 1, 1, 1], "data_offsets": [0, 2]}}).encode()
    Path("bf16.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    assert main(["conv", "x.npy", "bf16.safetensors"]) == 1
    assert "bf16.safetensors: w is BF16, which NumPy does not have; convert it" in capsys.readouterr().err


def test_damaged_files(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("both.npz", "one.safetensors", "w.npy"):
        whole = Path(name).read_bytes()
        Path(name).write_bytes(whole[: len(whole) // 2])
        assert main(["conv", "x.npy", name]) == 1
        assert capsys.readouterr().err.startswith(f"dstc-emu: {name}: ")
    np.savez("object.npz", w=np.array([{}]))
    assert main(["conv", "x.npy", "object.npz"]) == 1
    assert "object.npz: not a .npz file of arrays" in capsys.readouterr().err


RANDOM = ["--random", "1,2,5,5,3,3,3"]


@pytest.mark.parametrize(
    ("status", "message", "arguments"),
    [
        (1, "x.npy has 6 channels, so w.npy must have 6 in dimension 1, not 3", ["x.npy", "w.npy"]),
        (1, "b.npy has 4 dimensions", ["b.npy", "w.npy"]),
        (
            1,
            "the output is empty: the height with padding is 9",
            ["x.npy", "w.npy", "--groups", "2", "--dilation", "5"],
        ),
        (2, "stride is at least 1, not 0", [*RANDOM, "--stride", "0"]),
        (2, "padding is one number, two (down, across) or four", [*RANDOM, "--padding", "1,2,3"]),
        (2, "2 groups do not divide 3 filters", [*RANDOM, "--groups", "2"]),
        (2, "rows is at least 1, not 0", ["--random", "1,2,5,5,3,0,3"]),
        (
            1,
            "x.npy has a number for each of the 4 filters; its shape is (2, 6, 9, 8)",
            ["x.npy", "w.npy", "--groups", "2", "--bias", "x.npy"],
        ),
        (1, "missing.npy: cannot be read", ["missing.npy", "w.npy"]),
        (1, "missing.npz: cannot be read", ["x.npy", "missing.npz"]),
        (1, "missing.safetensors: cannot be read", ["x.npy", "missing.safetensors"]),
        (1, "x.txt: expected a file name that ends in one of .npy, .npz, .safetensors", ["x.txt", "w.npy"]),
        (1, "both.npz: no array y in it; there is x, w, bias", ["both.npz:y", "w.npy"]),
        (1, "several arrays in it and none is w: write model.safetensors:NAME", ["x.npy", "model.safetensors"]),
        (2, "conv takes activations X and filters W, or --random", ["x.npy"]),
        (2, "either activations and filters or --random, not both", ["x.npy", "w.npy", *RANDOM]),
        (2, "--seed, --density-a and --density-w go with --random", ["x.npy", "w.npy", "--density-w", "0.5"]),
        (2, "--density-w is a fraction from 0 to 1, not 2.0", [*RANDOM, "--density-w", "2"]),
        (2, "--seed is 0 or more, not -1", [*RANDOM, "--seed=-1"]),
        (2, "--random takes 7 numbers, not 3", ["--random", "1,2,3"]),
        (2, "--stride takes 1 to 2 numbers, not 3", [*RANDOM, "--stride", "1,2,3"]),
        (2, "--padding takes whole numbers", [*RANDOM, "--padding", "same"]),
        (
            2,
            "--channels-last, --encoded and --skip go with a sparse kernel, not with conv_dense",
            [*RANDOM, "--kernel", "conv_dense", "--channels-last"],
        ),
        (
            2,
            "--encoded goes with --kernel spconv, not with spconv_ohmma",
            [*RANDOM, "--kernel", "spconv_ohmma", "--encoded"],
        ),
        (2, "--threads is 1 to 256, not 0", [*RANDOM, "--threads", "0"]),
        (2, "--gpu and --set go with a timed run", [*RANDOM, "--functional", "--gpu", "v100"]),
        (2, "ends in .npy", [*RANDOM, "-o", "y.txt"]),
    ],
)
def test_refused(status: int, message: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conv", *arguments]) == status
    assert message in capsys.readouterr().err


def test_a_value_beyond_fp16_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    large = X.astype(np.float32)
    large[1, 2, 3, 4] = 1e5
    np.save("large.npy", large)
    assert main(["conv", "large.npy", "w.npy", "--groups", "2"]) == 1
    assert (
        "large.npy: image 1, channel 2, row 3, column 4 (counted from 0): 100000.0 is beyond FP16's range"
        in capsys.readouterr().err
    )
