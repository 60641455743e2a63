import csv
import errno
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import onnx
import pytest
from onnx import helper

from dstc_isa.cli.emu import main
from dstc_isa.network import device
from dstc_isa.network.device import Device
from tests.network.fakes import convolve, multiply_dense, multiply_sparse
from tests.network.models import model, small_network, sparse
from tests.test_whole_file import largest_file

TABLE = """name = "Mine"
densities = "CHOSEN"
[[layer]]
name = "conv1"
operator = "conv"
input = [1, 3, 8, 8]
filters = 4
kernel = 3
density_x = 1
density_w = 0.5
count = 2
[[layer]]
name = "fc"
operator = "matmul"
m = 1
k = 16
n = 8
density_x = 0.5
density_w = 0.25
"""
WITH_TESTS = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
FILES = {"layers.csv", "layers.jsonl", "layers.png", "layers.svg", "network.json"}


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    Path("mine.toml").write_text(TABLE)
    onnx.save(small_network(), "net.onnx")
    np.save("x.npy", sparse(1, 2, 8, 8))


@pytest.fixture(autouse=True)
def kernels(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The fakes in place of the machine's kernels."""
    fakes: dict[str, Any] = {
        "dense_convolution": convolve,
        "sparse_convolution": convolve,
        "dense_product": multiply_dense,
        "sparse_product": multiply_sparse,
    }

    def with_fakes(**options: Any) -> Device:
        return Device(**{**options, **fakes})

    monkeypatch.setattr(device, "Device", with_fakes)
    return fakes


def names(path: str) -> set[str]:
    """Of the files that have results."""
    return {each.name for each in Path(path).iterdir()} - {".lock", "study.json"}


def content(path: str) -> dict[str, Any]:
    """What the files of a study say, but for how long the host took."""
    files: dict[str, Any] = {}
    for each in sorted(Path(path).iterdir()):
        data = each.read_bytes()
        if each.suffix in (".json", ".jsonl", ".csv"):
            data = re.sub(rb'("host_seconds": |(?<=,))[0-9.e-]+(?=\}|\n)', b"", data)
        files[each.name] = {**np.load(each)} if each.suffix == ".npz" else data
    return {name: str(data) if isinstance(data, dict) else data for name, data in files.items()}


def test_an_onnx_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["network", "net.onnx", "--input", "x.npy", "--prune", "0.5", "-o", "study"]) == 0
    out, err = capsys.readouterr()
    assert [line.partition(":")[0] for line in err.splitlines()] == ["1/3 first", "2/3 second", "3/3 last"]
    assert "\x1b" not in out + err
    lines = out.splitlines()
    assert "fused into convolutions: 1 BatchNormalization, 1 Relu" in lines
    assert "on the host, not timed: 1 Add, 1 Flatten, 1 MaxPool" in lines
    assert lines[-1].startswith("wrote study/layers.jsonl, study/layers.csv, study/network.json, study/outputs.npz")
    assert names("study") == FILES | {"outputs.npz"}
    assert matplotlib.image.imread("study/layers.png").shape[2] == 4
    report = json.loads(Path("study/network.json").read_text())
    assert (report["network"], report["gpu"], report["prune"], report["prune_scope"]) == (
        "net",
        "v100-dstc",
        0.5,
        "layer",
    )
    assert report["inputs"] == ["x.npy"]
    rows = [json.loads(line) for line in Path("study/layers.jsonl").read_text().splitlines()]
    assert rows == report["layers"]
    assert [row["layer"] for row in rows] == ["first", "second", "last"]
    assert all(row["density_w"] <= 0.5 for row in rows)
    assert np.load("study/outputs.npz")["y"].shape == (1, 5)


def test_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["network", "mine.toml", "--set", "sm.count=2", "-o", "study", "--no-plots"]) == 0
    out, err = capsys.readouterr()
    assert [line.partition(":")[0] for line in err.splitlines()] == ["1/2 conv1", "2/2 fc"]
    assert names("study") == FILES - {"layers.png", "layers.svg"}
    with Path("study/layers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["layer"], row["count"], row["x"]) for row in rows] == [("conv1", "2", "1x3x8x8"), ("fc", "1", "1x16")]
    report = json.loads(Path("study/network.json").read_text())
    assert (report["network"], report["set"], report["densities"], report["seed"]) == (
        "Mine",
        ["sm.count=2"],
        "CHOSEN",
        0,
    )
    total = sum(int(row["count"]) * float(row["dual_us"]) for row in rows)
    assert report["totals"]["dual_us"] == pytest.approx(total)
    assert f"{total:,.1f}" in out.splitlines()[-3]


def test_a_shipped_table_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["network", "bert-base", "--layers", "attention_*s", "-o", "study"]) == 0
    assert "1/1 attention_scores: " in capsys.readouterr().err


@pytest.mark.parametrize("apart", [False, True])
def test_layers_that_feed_each_other(apart: bool, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c"], "first", pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["c", "w2"], ["y"], "second"),
    ]
    onnx.save(model(nodes, {"w1": sparse(4, 2, 3, 3), "w2": sparse(2, 4, 1, 1)}, {"x": [1, 2, 8, 8]}), "two.onnx")
    arguments = ["network", "two.onnx", "--input", "x.npy", "--set", "sm.count=2", "-o", "study", "--no-plots"]
    assert main(arguments + ["--no-chain"] * apart) == 0
    assert any(line.split()[:2] == ["second", "encoded"] for line in capsys.readouterr().out.splitlines()) != apart
    report = json.loads(Path("study/network.json").read_text())
    assert report["chain"] != apart
    assert [row["input"] for row in report["layers"]] == ["host", "host" if apart else "encoded by first"]
    encoding = [row["dual_encode_cycles"] for row in report["layers"]]
    assert report["totals"]["dual_encode_cycles"] == sum(encoding)
    assert (encoding[1] == 0) != apart
    with Path("study/layers.csv").open() as file:
        assert [row["input"] for row in csv.DictReader(file)] == [row["input"] for row in report["layers"]]


def test_chosen_layers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["network", "net.onnx", "--input", "x=x.npy", "--layers", " s* , last", "-o", "study"]) == 0
    out, err = capsys.readouterr()
    assert [line.partition(":")[0] for line in err.splitlines()] == ["1/2 second", "2/2 last"]
    assert "1 Conv" in out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["mine.toml", "--input", "x.npy"], 2, "--input goes with an ONNX network"),
        (["mine.toml", "--prune", "0.5"], 2, "--prune goes with an ONNX network"),
        (["mine.toml", "--prune-scope", "global"], 2, "--prune-scope goes with an ONNX network"),
        (["mine.toml", "--no-chain"], 2, "--no-chain goes with an ONNX network"),
        (["mine.toml", "--seed", "-1"], 2, "--seed is 0 or more, not -1"),
        (["mine.toml", "--sample", "2"], 2, "--sample is a share of the CTAs"),
        (["mine.toml", "--threads", "0"], 2, "--threads is 1 to 256, not 0"),
        (["mine.toml", "--layers", "conv2"], 2, "no layer is named conv2; there is conv1, fc"),
        (["mine.toml", "--layers", "conv1,"], 2, "--layers 'conv1,': expected names with a comma between each two"),
        (["mine.toml", "--gpu", "v10"], 2, "did you mean v100?"),
        (["mine"], 2, "mine: no network of that name"),
        (["vgg61"], 2, "did you mean vgg16?"),
        (["no.toml"], 1, "no.toml: cannot be read: No such file or directory"),
        (["no.onnx"], 1, "no.onnx: cannot be read: No such file or directory"),
        (["damaged.onnx"], 1, "damaged.onnx: not a"),
        (["net.onnx"], 2, "net.onnx: no array for input x; give float32 of shape (n, 2, 8, 8) with --input X.npy"),
        (["net.onnx", "--input", "x.npy", "--input", "x.npy"], 2, "there is one already"),
        (["net.onnx", "--input", "y=x.npy"], 2, "no input is named y"),
        (["net.onnx", "--input", "x="], 2, "--input x=: name a .npy file behind the ="),
        (["net.onnx", "--input", "no.npy"], 1, "no.npy: cannot be read: No such file"),
        (["net.onnx", "--input", "mine.toml"], 1, "mine.toml: not a .npy array of numbers"),
        (["net.onnx", "--input", "small.npy"], 1, "dimension 2 (counted from 0) must be 8"),
        (["net.onnx", "--input", "x.npy", "--prune", "1"], 2, "--prune is a share of the weights"),
        (["net.onnx", "--input", "x.npy", "--prune-scope", "global"], 2, "--prune-scope goes with --prune"),
        (["net.onnx", "--input", "x.npy", "--seed", "1"], 2, "--seed goes with a table of layers"),
        (["mine.toml", "-o", "mine.toml"], 1, "mine.toml: is a file; expected a directory"),
        (
            ["net.onnx", "--input", "x.npy", "--prune", "x"],
            2,
            "--prune is a share of the weights, such as 0.8, not 'x'",
        ),
        (["mine.toml", "-o", "no/study"], 1, "no/study: there is no directory no; make it"),
    ],
)
def test_wrong_input(arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("damaged.onnx").write_bytes(Path("net.onnx").read_bytes()[:300])
    np.save("small.npy", sparse(1, 2, 4, 8))
    assert main(["network", "-o", "study", *arguments]) == status
    out, err = capsys.readouterr()
    assert out == ""
    program, *usage = ("dstc-emu network", "  usage: dstc-emu network [options] ") if status == 2 else ("dstc-emu",)
    for line, begins in zip(err.splitlines(), [f"{program}: ", *usage], strict=True):
        assert line.startswith(begins)
    assert message in err


def test_no_layer_suits_the_machine(capsys: pytest.CaptureFixture[str]) -> None:
    onnx.save(model([helper.make_node("MatMul", ["x", "x"], ["y"])], {}, {"x": ["n", "n"]}), "empty.onnx")
    np.save("nothing.npy", np.zeros((0, 0), np.float32))
    assert main(["network", "empty.onnx", "--input", "nothing.npy", "--sample", "0.5", "-o", "study"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "no layer ran on the machine: the operands of those chosen are not of floats, or empty",
        "on the host, not timed: 1 MatMul",
        "wrote study/network.json, study/outputs.npz",
    ]
    assert err == ""
    assert json.loads(Path("study/network.json").read_text())["totals"]["dual_speedup"] is None


def test_an_operator_that_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "x"], ["m"], "product"),
        helper.make_node("Own", ["m"], ["y"], domain="there"),
    ]
    network = model(nodes, {}, {"x": ["n", "n"]})
    network.opset_import.append(helper.make_opsetid("there", 1))
    onnx.save(network, "own.onnx")
    np.save("eye.npy", np.eye(3, dtype=np.float32))
    assert main(["network", "own.onnx", "--input", "eye.npy", "-o", "study"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("dstc-emu: own.onnx: operator Own ")
    assert "ONNX Runtime cannot run it: " in last
    assert names("study") == {"layers.csv", "layers.jsonl"}


@pytest.mark.parametrize(
    ("library", "network", "message"),
    [
        ("onnx", "net.onnx", "pip install onnx onnxruntime, or the extra [onnx]"),
        ("onnxruntime", "net.onnx", "pip install onnx onnxruntime, or the extra [onnx]"),
    ],
)
def test_libraries_that_are_not_there(
    library: str, network: str, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert main(["network", network, "-o", "study"]) == 1
    assert message in capsys.readouterr().err
    assert not Path("study").exists()


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_without_matplotlib_there_is_no_picture(
    quiet: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main([*quiet, "network", "none.toml", "-o", "study"]) == 1
    assert "picture" not in capsys.readouterr().err
    assert main([*quiet, "network", "mine.toml", "-o", "study"]) == 0
    out, err = capsys.readouterr()
    (line,) = [line for line in (out + err).splitlines() if "picture" in line]
    assert "dstc-emu: no picture is drawn: no Matplotlib" in line
    assert "pip install matplotlib, or the extra [plot]" in line
    assert names("study") == FILES - {"layers.png", "layers.svg"}
    assert main([*quiet, "network", "mine.toml", "-o", "study", "--no-plots"]) == 0
    assert "picture" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("network", [["mine.toml"], ["net.onnx", "--input", "x.npy"]])
def test_an_earlier_study_outlives_a_layer_that_is_not_there(network: list[str]) -> None:
    assert main(["network", *network, "-o", "study"]) == 0
    earlier = {path: path.read_bytes() for path in Path("study").iterdir()}
    assert main(["network", *network, "--layers", "cnov1", "-o", "study"]) == 1
    assert {path: path.read_bytes() for path in Path("study").iterdir()} == earlier


def interrupted_after(layers: int, kernels: dict[str, Any]) -> dict[str, Any]:
    """The kernels, which are interrupted when one more layer is begun."""
    left = layers

    def counted(kernel: Any) -> Any:
        def run(*operands: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            return kernel(*operands, **options)

        return run

    return {name: counted(kernels[name]) for name in ("dense_convolution", "dense_product")}


CHAIN = [
    helper.make_node("Conv", ["x", "w1"], ["a"], "first", pads=[1, 1, 1, 1]),
    helper.make_node("Relu", ["a"], ["b"], "relu"),
    helper.make_node("Conv", ["b", "w2"], ["c"], "second"),
    helper.make_node("Conv", ["c", "w3"], ["d"], "third", strides=[2, 2]),
    helper.make_node("Flatten", ["d"], ["e"], "flat"),
    helper.make_node("MatMul", ["e", "w4"], ["y"], "last"),
]
CHAIN_WEIGHTS = {"w1": (4, 2, 3, 3), "w2": (4, 4, 1, 1), "w3": (4, 4, 1, 1), "w4": (64, 5)}


@pytest.mark.parametrize("network", ["mine.toml", "net.onnx", "chain.onnx"])
def test_a_run_goes_on_from_each_layer(
    network: str, kernels: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    weights = {name: sparse(*shape, seed=len(shape)) for name, shape in CHAIN_WEIGHTS.items()}
    onnx.save(model(CHAIN, weights, {"x": [1, 2, 8, 8]}), "chain.onnx")
    arguments = ["network", network, "--set", "sm.count=2", "-o"]
    arguments[2:2] = [] if network == "mine.toml" else ["--input", "x.npy", "--prune", "0.3"]
    assert main([*arguments, "whole"]) == 0
    count = len(Path("whole/layers.jsonl").read_text().splitlines())
    fakes = dict(kernels)
    for layers in range(1, count):
        kernels |= interrupted_after(layers, fakes)
        assert main([*arguments, f"study{layers}"]) == 130
        assert f"{layers} of {count} layers are kept in study{layers}; the same command goes on" in str(
            capsys.readouterr().err
        )
        kernels |= interrupted_after(count - layers, fakes)
        assert main([*arguments, f"study{layers}"]) == 0
        assert f"{layers} of {count} layers are there already" in capsys.readouterr().err
        assert content(f"study{layers}") == content("whole")
    kernels |= interrupted_after(0, fakes)
    before = content("whole")
    assert main([*arguments, "whole"]) == 0
    assert content("whole") == before


@pytest.mark.engine
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_a_process_that_a_signal_ends_in_its_second_layer(
    name: str, kernels: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same command runs the second layer alone, and leaves the files of a run without a break."""
    program = f"""if True:
        import os, signal, sys
        from functools import partial
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        from dstc_isa.cli.emu import main
        from dstc_isa.network import device
        from tests.network.fakes import convolve, multiply_sparse
        def ended(*operands, **options):
            os.kill(os.getpid(), signal.{name})
        device.Device = partial(
            device.Device,
            dense_convolution=convolve,
            sparse_convolution=convolve,
            dense_product=ended,
            sparse_product=multiply_sparse,
        )
        sys.exit(main(["network", "mine.toml", "-o", "study"]))
    """
    ended = subprocess.run([sys.executable, "-c", program], env=WITH_TESTS, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == (130 if name == "SIGINT" else -signal.SIGKILL)
    assert (b"1 of 2 layers are kept in study; the same command goes on" in ended.stderr) == (name == "SIGINT")
    assert [json.loads(line)["layer"] for line in Path("study/layers.jsonl").read_text().splitlines()] == ["conv1"]
    fakes = dict(kernels)
    kernels |= interrupted_after(1, fakes)
    assert main(["network", "mine.toml", "-o", "study"]) == 0
    assert "1 of 2 layers are there already" in capsys.readouterr().err
    kernels |= fakes
    assert main(["network", "mine.toml", "-o", "whole"]) == 0
    assert content("study") == content("whole")


def test_a_disk_that_is_full_keeps_the_layers_that_are_there(
    kernels: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["network", "net.onnx", "--input", "x.npy", "-o"]
    assert main([*run, "whole"]) == 0
    capsys.readouterr()
    rows = Path("whole/layers.jsonl").read_text().splitlines()
    # Rows have times, whose digits differ: there is room for half of the last one.
    with largest_file(Path("whole/layers.jsonl").stat().st_size - len(rows[-1]) // 2):
        assert main([*run, "study"]) == 1
    err = capsys.readouterr().err.splitlines()
    assert err[-2:] == [
        "2 of 3 layers are kept in study; the same command goes on",
        f"dstc-emu: study/layers.jsonl: cannot be written: {os.strerror(errno.ENOSPC)}",
    ]
    assert len(Path("study/layers.jsonl").read_text().splitlines()) == len(rows) - 1
    kernels |= interrupted_after(1, dict(kernels))
    assert main([*run, "study"]) == 0
    assert "2 of 3 layers are there already" in capsys.readouterr().err
    assert content("study") == content("whole")


def test_another_study_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    run = ["network", "-o", "study", "--no-plots", "net.onnx", "--input"]
    assert main([*run, "x.npy"]) == 0
    np.save("x2.npy", np.load("x.npy") * 2)
    other = small_network()
    other.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(sparse(8, 2, 3, 3, seed=9), "w1"))
    before = content("study")
    for change, difference in (
        ([*run, "x2.npy"], "content of input x is "),
        ([*run, "x.npy", "--prune", "0.5"], "prune is 0.0 there and 0.5 here"),
        ([*run, "x.npy", "--sample", "0.5"], "sample is None there and 0.5 here"),
        ([*run, "x.npy", "--set", "sm.count=2"], "sm.count is 80 there and 2 here"),
        ([*run, "x.npy", "--layers", "first"], "layers is [] there and ['first'] here"),
        ([*run, "x.npy", "--no-chain"], "chain is True there and False here"),
        (["network", "-o", "study", "mine.toml"], "network is net there and Mine here"),
    ):
        capsys.readouterr()
        assert main(change) == 1
        assert difference in capsys.readouterr().err
    onnx.save(other, "net.onnx")
    assert main([*run, "x.npy"]) == 1
    assert "content of the network is " in capsys.readouterr().err
    assert content("study") == before
    assert main([*run, "x.npy", "--overwrite"]) == 0
    assert content("study") != before


def test_random_numbers_are_not_drawn_twice(kernels: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], "first"),
        helper.make_node("RandomNormalLike", ["a"], ["b"], "noise"),
        helper.make_node("MatMul", ["b", "w"], ["y"], "last"),
    ]
    onnx.save(model(nodes, {"w": np.eye(8, dtype=np.float32)}, {"x": [1, 2, 8, 8]}), "noise.onnx")
    fakes = dict(kernels)
    kernels |= interrupted_after(1, fakes)
    run = ["network", "noise.onnx", "--input", "x.npy", "-o", "study", "--no-plots"]
    assert main(run) == 130
    kernels |= fakes
    assert main(run) == 1
    assert "RandomNormalLike without a seed draws other numbers than before" in capsys.readouterr().err
    assert main([*run, "--overwrite"]) == 0


def test_interrupt(capsys: pytest.CaptureFixture[str], kernels: dict[str, Any]) -> None:
    def interrupt(*operands: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    kernels["dense_product"] = interrupt
    assert main(["network", "mine.toml", "-o", "study"]) == 130
    assert "1 of 2 layers are kept in study" in capsys.readouterr().err
    assert len(Path("study/layers.jsonl").read_text().splitlines()) == 1
    assert names("study") == {"layers.csv", "layers.jsonl"}
    assert main(["network", "mine.toml", "--layers", "fc", "-o", "study", "--overwrite"]) == 130
    assert "no layer is done; study is as it was" in capsys.readouterr().err
    assert len(Path("study/layers.jsonl").read_text().splitlines()) == 1
