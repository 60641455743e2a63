import gzip
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dstc_isa.sparse.bitmap import encode
from dstc_isa.sparse.matrix_files import MatrixFileError, load_matrix, save_matrix

IN_TMP_PATH = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DENSE = hnp.arrays(
    st.sampled_from([np.float16, np.float32, np.float64, np.int8, np.int64, np.uint16, np.bool_]),
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=6),
)
SMALL = np.array([[0, 1.5, 0], [-2, 0, 0.25]])


def dense(matrix: Any) -> np.ndarray:
    return matrix.toarray() if scipy.sparse.issparse(matrix) else matrix


def refused(path: Path) -> str:
    with pytest.raises(MatrixFileError) as caught:
        load_matrix(path)
    assert caught.value.path == path
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    assert "\n" not in caught.value.reason
    return caught.value.reason


@IN_TMP_PATH
@given(DENSE, st.booleans())
def test_npy_returns_what_was_saved(tmp_path: Path, array: np.ndarray, fortran: bool) -> None:
    path = tmp_path / "m.npy"
    save_matrix(path, np.asfortranarray(array) if fortran else array)
    loaded = load_matrix(path)
    assert type(loaded) is np.ndarray
    assert loaded.dtype == array.dtype
    assert loaded.shape == array.shape
    assert loaded.tobytes() == array.tobytes()


@IN_TMP_PATH
@given(DENSE.filter(lambda array: array.dtype != np.float16), st.sampled_from(["csr", "csc", "coo", "bsr", "dia"]))
def test_sparse_npz_returns_what_was_saved(tmp_path: Path, array: np.ndarray, format: str) -> None:
    path = tmp_path / "m.npz"
    scipy.sparse.save_npz(path, scipy.sparse.coo_array(array).asformat(format))
    loaded: Any = load_matrix(path)
    assert loaded.format == format
    np.testing.assert_array_equal(loaded.toarray(), array)


def test_npz_with_a_single_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", weights=SMALL)
    np.testing.assert_array_equal(load_matrix(tmp_path / "m.npz"), SMALL)
    np.savez_compressed(tmp_path / "m.npz", SMALL)
    np.testing.assert_array_equal(load_matrix(tmp_path / "m.npz"), SMALL)


@IN_TMP_PATH
@given(
    hnp.arrays(
        st.sampled_from([np.float64, np.int64]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.integers(-9, 9),
    ),
    st.sampled_from(["coordinate", "array"]),
    st.booleans(),
)
def test_matrix_market_round_trip(tmp_path: Path, array: np.ndarray, layout: str, compressed: bool) -> None:
    path = tmp_path / ("m.mtx.gz" if compressed else "m.mtx")
    text = io.BytesIO()
    scipy.io.mmwrite(text, scipy.sparse.coo_array(array) if layout == "coordinate" else array)
    path.write_bytes(gzip.compress(text.getvalue()) if compressed else text.getvalue())
    loaded = load_matrix(path)
    np.testing.assert_array_equal(dense(loaded), array)
    np.testing.assert_array_equal(encode(loaded, "a").decode(), array)


@pytest.mark.parametrize(
    ("header", "lines", "expected"),
    [
        ("real symmetric", ["1 1 1.5", "2 1 -2"], [[1.5, -2], [-2, 0]]),
        ("real skew-symmetric", ["2 1 3"], [[0, -3], [3, 0]]),
        ("pattern general", ["1 2", "2 2"], [[0, 1], [0, 1]]),
        ("pattern symmetric", ["2 1"], [[0, 1], [1, 0]]),
        ("integer general", ["1 1 7", "2 1 -3"], [[7, 0], [-3, 0]]),
        ("unsigned-integer general", ["1 1 7"], [[7, 0], [0, 0]]),
        ("real general", ["1 1 +7e0", "", "% between", "1 1 1."], [[8, 0], [0, 0]]),
    ],
)
def test_matrix_market_kinds(tmp_path: Path, header: str, lines: list[str], expected: list[list[float]]) -> None:
    path = tmp_path / "m.mtx"
    path.write_text(
        "\n".join(
            [
                f"%%MatrixMarket matrix coordinate {header}",
                "% note",
                f"2 2 {sum(line[:1].isdigit() for line in lines)}",
                *lines,
                "",
            ]
        )
    )
    assert encode(load_matrix(path), "b").decode().tolist() == expected


def test_complex_and_object_values_are_refused(tmp_path: Path) -> None:
    scipy.io.mmwrite(tmp_path / "m.mtx", scipy.sparse.coo_array(SMALL * 1j))
    assert "out of real, double, integer, unsigned-integer, pattern, not complex" in refused(tmp_path / "m.mtx")
    np.save(tmp_path / "c.npy", SMALL * 1j)
    assert "not complex128" in refused(tmp_path / "c.npy")
    scipy.sparse.save_npz(tmp_path / "c.npz", scipy.sparse.csr_array(SMALL * 1j))
    assert "not complex128" in refused(tmp_path / "c.npz")
    np.save(tmp_path / "o.npy", np.array([[None, {}]]))
    assert "Python objects" in refused(tmp_path / "o.npy")
    np.savez(tmp_path / "o.npz", np.array([[None, {}]]))
    assert "Object arrays" in refused(tmp_path / "o.npz")


def test_wrong_dimensions_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.zeros(3))
    assert "this array has 1: shape (3,)" in refused(tmp_path / "v.npy")
    np.savez(tmp_path / "t.npz", np.zeros((1, 2, 3)))
    assert "this array has 3" in refused(tmp_path / "t.npz")


def test_missing_file_directory_and_suffix(tmp_path: Path) -> None:
    for suffix in (".npy", ".npz", ".mtx", ".mtx.gz"):
        assert refused(tmp_path / f"m{suffix}") == "cannot be read: No such file or directory"
        (tmp_path / f"d{suffix}").mkdir()
        assert refused(tmp_path / f"d{suffix}") == "cannot be read: Is a directory"
        assert refused(tmp_path / f"{'long' * 99}{suffix}") == "cannot be read: File name too long"
    for name in ("m.csv", "m", "mtx", "m.gz"):
        assert refused(tmp_path / name).endswith("one of .npy, .npz, .mtx, .mtx.gz")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_file_without_permission(tmp_path: Path) -> None:
    save_matrix(tmp_path / "m.npy", SMALL)
    (tmp_path / "m.npy").chmod(0)
    assert "Permission denied" in refused(tmp_path / "m.npy")


def test_archives_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    np.savez(path, x=SMALL, y=SMALL)
    assert "found x, y" in refused(path)
    np.savez(path)
    assert "found none" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "no array")
    assert "readme in it is not an array" in refused(path)
    path.write_text("text")
    assert "not a zip archive" in refused(path)


@pytest.mark.parametrize(
    ("indices", "starts"),
    [([0, 1, 9], [0, 1, 3]), ([0, 1, -1], [0, 1, 3]), ([0, 1, 2], [0, 9, 3]), ([0, 1, 2], [0, 1])],
)
@pytest.mark.parametrize("format", ["csr", "csc", "coo"])
def test_sparse_archive_with_impossible_indices(
    tmp_path: Path, format: str, indices: list[int], starts: list[int]
) -> None:
    path, shape = tmp_path / "m.npz", (2, 3) if format == "csr" else (3, 2)
    places = {"row": indices, "col": starts} if format == "coo" else {"indices": indices, "indptr": starts}
    np.savez(path, format=format.encode(), shape=shape, data=np.ones(3), **{k: np.array(v) for k, v in places.items()})
    assert "corrupted" in refused(path)


def test_header_that_claims_more_than_the_file_holds(tmp_path: Path) -> None:
    text = io.BytesIO()
    np.lib.format.write_array_header_1_0(text, {"descr": "<f8", "fortran_order": False, "shape": (1 << 24, 1 << 24)})
    (tmp_path / "m.npy").write_bytes(text.getvalue() + b"\0" * 64)
    assert "corrupted" in refused(tmp_path / "m.npy")
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        archive.writestr("m.npy", text.getvalue() + b"\0" * 64)
    assert "corrupted" in refused(tmp_path / "m.npz")
    (tmp_path / "m.mtx").write_text("%%MatrixMarket matrix coordinate real general\n3 3 99999999999999\n1 1 1\n")
    assert "corrupted" in refused(tmp_path / "m.mtx")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 2 3\n",
        "%%MatrixMarket matrix coordinate real general\n",
        "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n",
        "%%MatrixMarket matrix coordinate real general\n2 2 1\n3 1 1\n",
        "%%MatrixMarket matrix coordinate real general\n2 2 1\n0 1 1\n",
        "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 x\n",
        "%%MatrixMarket matrix coordinate integer general\n2 2 1\n1 1 99999999999999999999999\n",
        "%%MatrixMarket matrix coordinate real general\n-2 2 1\n1 1 1\n",
        "%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n",
        "%%MatrixMarket vector coordinate real general\n2 1\n1 1\n",
    ],
)
def test_corrupted_matrix_market(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.mtx").write_text(text)
    assert "corrupted" in refused(tmp_path / "m.mtx")
    (tmp_path / "m.mtx.gz").write_bytes(gzip.compress(text.encode()))
    assert "corrupted" in refused(tmp_path / "m.mtx.gz")


def test_gzip_that_is_none_or_cut_off(tmp_path: Path) -> None:
    path, text = tmp_path / "m.mtx.gz", io.BytesIO()
    path.write_text("plain text")
    assert "Not a gzipped file" in refused(path)
    scipy.io.mmwrite(text, np.random.default_rng(1).random((40, 40)))
    path.write_bytes(gzip.compress(text.getvalue())[:3000])
    assert "corrupted" in refused(path)


def saved(tmp_path: Path, suffix: str) -> bytes:
    path = tmp_path / f"whole{suffix}"
    if suffix == ".npy":
        save_matrix(path, SMALL)
    elif suffix == ".npz":
        scipy.sparse.save_npz(path, scipy.sparse.csr_array(SMALL), compressed=False)
    else:
        text = io.BytesIO()
        scipy.io.mmwrite(text, scipy.sparse.coo_array(SMALL))
        path.write_bytes(text.getvalue() if suffix == ".mtx" else gzip.compress(text.getvalue(), mtime=0))
    return path.read_bytes()


@settings(IN_TMP_PATH, max_examples=150)
@given(
    st.sampled_from([".npy", ".npz", ".mtx", ".mtx.gz"]),
    st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 255)), max_size=4),
    st.none() | st.integers(0, 1500),
)
def test_damaged_files_load_as_a_matrix_or_give_one_error(
    tmp_path: Path, suffix: str, changes: list[tuple[int, int]], length: int | None
) -> None:
    content = bytearray(saved(tmp_path, suffix))
    for position, byte in changes:
        content[position % len(content)] = byte
    path = tmp_path / f"m{suffix}"
    path.write_bytes(content[:length])
    try:
        found = f"{len(load_matrix(path).shape)} dimensions"
    except MatrixFileError as error:
        found = str(error)
    assert found == "2 dimensions" or found.startswith(f"{path}: ")
    assert "\n" not in found


@pytest.mark.parametrize("value", ["1x", "2.5E-", "1e", "1.5.2", "0x1p3", "1 1"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_damaged_matrix_market_value_is_not_guessed(tmp_path: Path, value: str, end: str) -> None:
    (tmp_path / "m.mtx").write_text(f"%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 {value}{end}")
    assert "corrupted" in refused(tmp_path / "m.mtx")


def test_matrix_market_integers_are_whole_and_exact(tmp_path: Path) -> None:
    text = "%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 "
    (tmp_path / "m.mtx").write_text(text + str(2**62 + 1))
    assert dense(load_matrix(tmp_path / "m.mtx")).tolist() == [[2**62 + 1]]
    (tmp_path / "m.mtx").write_text(text + "1.5")
    assert "corrupted" in refused(tmp_path / "m.mtx")


@pytest.mark.parametrize(
    ("header", "values", "expected"),
    [
        ("array real symmetric", "1 2 3 4 5 6", [[1, 2, 3], [2, 4, 5], [3, 5, 6]]),
        ("array real skew-symmetric", "1 2 3", [[0, -1, -2], [1, 0, -3], [2, 3, 0]]),
    ],
)
def test_matrix_market_triangles(tmp_path: Path, header: str, values: str, expected: list[list[float]]) -> None:
    path = tmp_path / "m.mtx"
    path.write_text("\n".join([f"%%MatrixMarket matrix {header}", "3 3", *values.split()]))
    assert dense(load_matrix(path)).tolist() == expected
    np.testing.assert_array_equal(dense(scipy.io.mmread(path)), expected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("coordinate real symmetric\n2 3 0\n", "a symmetric matrix is square, not 2 x 3"),
        ("coordinate real general\n2 3 1\n2 4 1\n", "entry 1: row 2, column 4 is outside a 2 x 3 matrix"),
        ("coordinate real general\n2 3\n", "a line of 3 sizes before the values, found 2 3"),
        ("coordinate real general\n2 3 2\n1 1 1\n", "expected 2 entries, found 1"),
        ("coordinate real general\n2 3 1\n1 1 1\n1 2 1\n", "expected 1 entries, found 2"),
        ("array pattern general\n1 1\n1\n", "a pattern has coordinates"),
        ("list real general\n1 1\n1\n", "expected a format out of coordinate, array, not list"),
        ("array real odd\n1 1\n1\n", "expected a symmetry out of general"),
    ],
)
def test_matrix_market_errors_say_what_was_expected(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "m.mtx").write_text(f"%%MatrixMarket matrix {text}")
    assert reason in refused(tmp_path / "m.mtx")


def test_saving_what_cannot_be_saved(tmp_path: Path) -> None:
    for path, array, reason in (
        (tmp_path / "m.txt", SMALL, "ends in .npy"),
        (tmp_path / "m.npy", np.zeros(3), "this array has 1"),
        (tmp_path / "m.npy", SMALL * 1j, "not complex128"),
        (tmp_path / "none" / "m.npy", SMALL, "cannot be written: No such file or directory"),
    ):
        with pytest.raises(MatrixFileError, match=reason):
            save_matrix(path, array)
        assert not path.exists()
