import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dstc_isa.array_files import ArrayFileError, npz_names, read_npy, read_npz

IN_TMP_PATH = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
ARRAYS = hnp.arrays(
    st.sampled_from(["<f4", ">f8", "<f2", ">i2", "u1", "?", "<c8", "<U3"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


def saved(array: Any) -> bytes:
    data = io.BytesIO()
    np.lib.format.write_array(data, np.asarray(array))
    return data.getvalue()


@pytest.mark.slow
@IN_TMP_PATH
@given(ARRAYS, st.booleans(), st.sampled_from([(1, 0), (2, 0)]))
def test_what_numpy_wrote_comes_back(tmp_path: Path, array: Any, fortran: bool, version: tuple[int, int]) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, np.asfortranarray(array) if fortran and array.ndim else array, version)
    np.savez_compressed(tmp_path / "a.npz", first=array, second=array)
    assert npz_names(tmp_path / "a.npz") == ["first", "second"]
    for loaded in (read_npy(tmp_path / "a.npy"), read_npz(tmp_path / "a.npz", "second")):
        assert loaded.shape == array.shape
        assert loaded.dtype == array.dtype.newbyteorder("=")
        assert loaded.flags.c_contiguous
        assert loaded.flags.writeable
        np.testing.assert_array_equal(loaded, array)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"text, long enough", "the file does not begin as a .npy array does"),
        (saved(np.eye(4))[:-1], "the file is truncated: (4, 4) values of float64 are 128 bytes, and 127 are there"),
        (saved(np.eye(4))[:40], "the file is damaged: its header cannot be read"),
        (saved(np.eye(4))[:9], "the file is damaged: its header cannot be read"),
        (saved(np.eye(4)).replace(b"(4, 4)", b"(4,-4)"), "the file is damaged: its header claims the shape (4, -4)"),
        (saved(np.eye(4)).replace(b"<f8", b"<q8"), "the file is damaged: its header cannot be read"),
        (b"\x93NUMPY\x09\x00" + saved(np.eye(4))[8:], "the file is damaged: there is no version 9.0 of .npy"),
        (saved([None, {}]), "the file holds Python objects, not numbers; convert them and save it again"),
    ],
)
def test_a_file_without_an_array(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(ArrayFileError) as caught:
        read_npy(tmp_path / "a.npy")
    assert str(caught.value) == reason
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("one.npy", data)
    with pytest.raises(ArrayFileError) as caught:
        read_npz(tmp_path / "a.npz", "one")
    assert str(caught.value) == reason.replace("the file", "one in it")


def test_archives_that_are_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, one=np.random.default_rng(0).random((9, 9)))
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(ArrayFileError, match="truncated: its end is missing"):
        npz_names(path)
    path.write_bytes(b"text")
    with pytest.raises(ArrayFileError, match=r"not a zip archive, as \.npz is"):
        npz_names(path)
    start = struct.unpack("<HH", whole[26:30])
    place = 30 + sum(start) + 100
    path.write_bytes(whole[:place] + bytes(byte ^ 0xFF for byte in whole[place : place + 9]) + whole[place + 9 :])
    with pytest.raises(ArrayFileError, match="one in it is damaged: its content is not what the archive says of it"):
        read_npz(path, "one")
    with pytest.raises(ArrayFileError, match="two in it is not an array"):
        read_npz(path, "two")
