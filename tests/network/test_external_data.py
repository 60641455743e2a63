import os
from pathlib import Path

import numpy as np
import onnx
import pytest

from dstc_isa.network.errors import NetworkError
from dstc_isa.network.graph import load_graph
from tests.network.models import small_network


def save(path: Path) -> None:
    """The network in ``path``, and its weights in NAME.data beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(small_network(), path, save_as_external_data=True, location=f"{path.name}.data", size_threshold=0)


def hub(root: Path, folder: str = "") -> Path:
    """A model in a hub's cache: a snapshot's names are links to blobs named by their hash."""
    blobs, snapshot = root / "blobs", root / "snapshots" / "c0ffee" / folder
    save(root / "made" / "model.onnx")
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    for name, blob in (("model.onnx", "aaaa"), ("model.onnx.data", "bbbb")):
        (root / "made" / name).rename(blobs / blob)
        (snapshot / name).symlink_to(os.path.relpath(blobs / blob, snapshot))
    return snapshot / "model.onnx"


def move_to(model: Path, location: str) -> None:
    """Let all weights be in another file."""
    network = onnx.load(model, load_external_data=False)
    for tensor in network.graph.initializer:
        next(entry for entry in tensor.external_data if entry.key == "location").value = location
    model.write_bytes(network.SerializeToString())


def check(model: Path) -> None:
    expected = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in small_network().graph.initializer}
    found = load_graph(model).constants
    assert all(np.array_equal(found[name], value) for name, value in expected.items())


@pytest.mark.parametrize("folder", ["", "onnx", "onnx/quantized"])
def test_links_of_a_snapshot_to_blobs(folder: str, tmp_path: Path) -> None:
    check(hub(tmp_path, folder))


def test_a_model_that_was_copied_into_a_snapshot(tmp_path: Path) -> None:
    model = hub(tmp_path)
    data = model.read_bytes()
    model.unlink()
    model.write_bytes(data)
    check(model)


def test_links_within_the_directory_and_to_a_model(tmp_path: Path) -> None:
    model = tmp_path / "models" / "net.onnx"
    save(model)
    (model.parent / "deep").mkdir()
    (model.parent / "net.onnx.data").rename(model.parent / "deep" / "weights")
    (model.parent / "net.onnx.data").symlink_to("deep/weights")
    check(model)
    move_to(model, "deep/weights")
    check(model)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link.onnx").symlink_to(model)
    check(tmp_path / "here" / "link.onnx")


def test_links_out_of_the_directory_are_not_followed(tmp_path: Path) -> None:
    model = tmp_path / "models" / "net.onnx"
    save(model)
    (model.parent / "net.onnx.data").rename(tmp_path / "weights")
    (model.parent / "net.onnx.data").symlink_to("../weights")
    with pytest.raises(NetworkError, match=r"tensor w1 are in .*net\.onnx\.data, a link to .*weights; .*copy the file"):
        load_graph(model)
    (model.parent / "net.onnx.data").unlink()
    (model.parent / "net.onnx.data").symlink_to("net.onnx.data")
    with pytest.raises(NetworkError, match="which cannot be read"):
        load_graph(model)


def test_blobs_that_lead_out_of_the_hub_are_not_followed(tmp_path: Path) -> None:
    model = hub(tmp_path / "hub")
    (tmp_path / "hub" / "blobs" / "bbbb").rename(tmp_path / "elsewhere")
    (tmp_path / "hub" / "blobs" / "bbbb").symlink_to("../../elsewhere")
    with pytest.raises(NetworkError, match=r"a link to .*elsewhere"):
        load_graph(model)


@pytest.mark.parametrize("location", ["../weights", "deep/../../weights", "/weights", "C:\\weights", "..\\weights", ""])
def test_names_that_lead_out_are_refused_whatever_is_there(location: str, tmp_path: Path) -> None:
    model = tmp_path / "models" / "net.onnx"
    save(model)
    (model.parent / "deep").mkdir()
    (model.parent / "net.onnx.data").rename(tmp_path / "weights")
    move_to(model, location)
    with pytest.raises(NetworkError, match=r"net\.onnx: the values of tensor w1 are in .*own directory and below"):
        load_graph(model)


def test_files_that_do_not_hold_the_values(tmp_path: Path) -> None:
    model = tmp_path / "net.onnx"
    save(model)
    data = (tmp_path / "net.onnx.data").read_bytes()
    (tmp_path / "net.onnx.data").write_bytes(data[: len(data) // 2])
    with pytest.raises(NetworkError, match=rf"tensor \w+ are bytes \d+ to \d+ of .*, which has {len(data) // 2}: cut"):
        load_graph(model)
    (tmp_path / "net.onnx.data").unlink()
    with pytest.raises(NetworkError, match=r"tensor w1 are in .*net\.onnx\.data, which cannot be read: No such file"):
        load_graph(model)
    (tmp_path / "net.onnx.data").mkdir()
    with pytest.raises(NetworkError, match="which is no regular file"):
        load_graph(model)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [("length", "4", "are 4 bytes of .* need 576"), ("offset", "-8", "offset is a number of bytes, not '-8'")],
)
def test_entries_that_are_wrong(key: str, value: str, message: str, tmp_path: Path) -> None:
    model = tmp_path / "net.onnx"
    save(model)
    network = onnx.load(model, load_external_data=False)
    entry = next(entry for entry in network.graph.initializer[0].external_data if entry.key == key)
    entry.value = value
    model.write_bytes(network.SerializeToString())
    with pytest.raises(NetworkError, match=f"tensor w1.* {message}"):
        load_graph(model)
