import bz2
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
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dstc_isa.sparse.bitmap import encode
from dstc_isa.sparse.matrix_files import MatrixFileError, load_matrix, save_matrix
from dstc_isa.sparse.matrix_market import DroppedValues

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
    error = caught.value
    place = "".join(f":{number}" for number in (error.line, error.column) if number)
    assert str(error) == f"{path}{place}: {error.reason}"
    assert "\n" not in error.reason
    return error.reason


def place_of_fault(path: Path) -> tuple[int, int]:
    """Line and column that the refusal of a file names."""
    with pytest.raises(MatrixFileError) as caught:
        load_matrix(path)
    return caught.value.line, caught.value.column


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
    assert refused(tmp_path / "o.npz").startswith("arr_0 in it holds Python objects")


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
        assert refused(tmp_path / name).endswith("one of .npy, .npz, .mtx, .mtx.gz, .mtx.bz2")


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
    assert "the file is truncated: (16777216, 16777216) values of float64" in refused(tmp_path / "m.npy")
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        archive.writestr("m.npy", text.getvalue() + b"\0" * 64)
    assert "m in it is truncated: (16777216, 16777216) values of float64" in refused(tmp_path / "m.npz")
    (tmp_path / "m.mtx").write_text("%%MatrixMarket matrix coordinate real general\n3 3 99999999999999\n1 1 1\n")
    assert "expected 99999999999999 entries, found 1" in refused(tmp_path / "m.mtx")


REAL = "%%MatrixMarket matrix coordinate real general\n"


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("", 1, 1, "expected a first line %%MatrixMarket"),
        ("1 2 3\n", 1, 1, "found 1 2 3"),
        ("\n  % note\n", 2, 1, "found % note"),
        (REAL, 2, 0, "found the end"),
        (f"{REAL}2 2 2\n1 1 1\n", 3, 0, "expected 2 entries, found 1"),
        (f"{REAL}2 2 1\n1 1 1\n\n 2 2 2\n", 5, 2, "expected 1 entries, found 2"),
        (f"{REAL}2 2 1\n3 1 1\n", 3, 1, "row 3, column 1 is outside a 2 x 2 matrix; both count from 1"),
        (f"{REAL}% note\n2 2 2\n\n1 1 1\n% note\n1 0 1\n", 7, 3, "entry 2: row 1, column 0 is outside"),
        (f"{REAL}2 2 1\n1 1 x\n", 3, 5, "expected a number, found x"),
        (f"{REAL}2 2 1\n1 1\t0x10", 3, 5, "expected a number, found 0x10"),
        (f"{REAL}2 2 1\n1 1 1_0", 3, 5, "expected a number, found 1_0"),
        (f"{REAL}2 2 1\n1 1 ******", 3, 5, "expected a number, found ******"),
        (f"{REAL}2 2 1\n1 1 -1e999", 3, 5, "-1e999 is beyond the range of a float64"),
        (f"{REAL}2 2 1\n1.5 1 1", 3, 1, "expected a whole number, found 1.5"),
        (f"{REAL}2 2 1\n1 1\n", 3, 4, "the value is missing behind 1 1"),
        (f"{REAL}2 2 1\n1 1 1 5\n", 3, 7, "5 is too much in 1 1 1 5"),
        (f"{REAL}2 2 1\n{'1 ' * 999}\n", 3, 7, "..."),
        (f"{REAL}2 2 1\n1 1 \0\x1b[31m\n", 3, 5, "found \\x00\\x1b[31m"),
        (f"{REAL}2 -2 1\n1 1 1\n", 2, 3, "expected the number of columns, found -2"),
        (f"{REAL}2 2 {10**19}\n1 1 1\n", 2, 5, "expected the number of entries, found 1"),
        ("%%MatrixMarket matrix coordinate integer general\n2 2 1\n1 1 7.5\n", 3, 5, "a whole number, found 7.5"),
        (f"%%MatrixMarket matrix coordinate integer general\n2 2 1\n1 1 {2**63}\n", 3, 5, "found 9223372036854775808"),
        ("%%MatrixMarket matrix coordinate unsigned-integer general\n1 1 1\n1 1 -1\n", 3, 5, "found -1"),
        ("%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 0\n", 1, 34, "real numbers"),
        ("%%MatrixMarket matrix coordinate real\n2 2 1\n1 1 1\n", 1, 1, "found 4 words"),
        ("%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n", 5, 0, "expected 4 entries, found 3"),
        ("%%MatrixMarket matrix array real general\n2 2\n1 2\n3 4\n", 3, 3, "column after column"),
        ("%%MatrixMarket vector coordinate real general\n2 1\n1 1\n", 1, 16, "expected a matrix, not a vector"),
        ("%%MatrixMarket matrix coordinate pattern general\n1 1 1\n1 1 x\n", 3, 5, "expected a number, found x"),
    ],
)
def test_matrix_market_faults_have_a_place(tmp_path: Path, text: str, line: int, column: int, reason: str) -> None:
    for name, data in (("m.mtx", text.encode()), ("m.mtx.gz", gzip.compress(text.encode()))):
        (tmp_path / name).write_bytes(data)
        assert reason in refused(tmp_path / name)
        assert len(refused(tmp_path / name)) < 250
        assert place_of_fault(tmp_path / name) == (line, column)


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_text_of_two_bytes_a_character(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "m.mtx").write_bytes(mark + REAL.encode("utf-16-le"))
    assert refused(tmp_path / "m.mtx") == "the text is UTF-16; write it as ASCII or UTF-8"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (REAL[1:] + "1 2 1\n1 2 3\n", [0, 3]),
        (REAL.upper() + "1 2 1\n1 2 3\n", [0, 3]),
        (f"\n\n  {REAL}1 2 1\n1 2 3\n", [0, 3]),
        (f"\ufeff{REAL}1 2 1\n1 2 3\n", [0, 3]),
        (f"{REAL}1 2 1\n1 2 3".replace("\n", "\r\n"), [0, 3]),
        (f"{REAL}1 2 1\n1 2 3".replace("\n", "\r"), [0, 3]),
        (f"{REAL} % note\n\t% note\n\n  \n 1\t2  1 \n % note\n  \n 1 2 3 % note\n \n", [0, 3]),
        (f"{REAL}1 2 1\n1 2 3\n\x1a", [0, 3]),
        (f"{REAL}1 2 2\n1 1 1.5D+01\n1 2 -2.5d-1\n", [15, -0.25]),
        (f"{REAL}1 2 2\n1 1 1.5-101\n1 2 -.25Q+002\n", [1.5e-101, -25]),
        (f"{REAL}1 2 2\n1 1 5.\n1 2 +.5\n", [5, 0.5]),
        (f"{REAL}1 2 2\n1 1 -Inf\n1 2 infinity\n", [-np.inf, np.inf]),
        (f"{REAL}1 2 2\n1 1 NaN\n1 2 1d0\n", [np.nan, 1]),
        (f"{REAL}1 2 3\n1 2 1\n1 1 4\n1 2 2\n", [4, 3]),
        (f"{REAL}+1 2 1\n+1 2 3\n", [0, 3]),
        ("%%MatrixMarket matrix coordinate pattern general\n1 2 1\n1 2 1.0\n", [0, 1]),
        ("%%MatrixMarket matrix coordinate integer general\n1 2 2\n1 1 7.0\n1 2 2e3\n", [7, 2000]),
        (f"%%MatrixMarket matrix coordinate integer general\n1 2 1\n1 2 {-(2**63)}\n", [0, -(2**63)]),
    ],
)
def test_matrix_market_as_it_is_found(tmp_path: Path, text: str, expected: list[float]) -> None:
    for name, data in (
        ("m.mtx", text.encode()),
        ("m.mtx.gz", gzip.compress(text.encode())),
        ("m.mtx.bz2", bz2.compress(text.encode())),
        ("gzip.mtx", gzip.compress(text.encode())),
        ("M.MTX.GZ", gzip.compress(text.encode())),
    ):
        (tmp_path / name).write_bytes(data)
        np.testing.assert_array_equal(dense(load_matrix(tmp_path / name)), [expected])


def test_values_of_a_pattern_are_left_out_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "m.mtx"
    path.write_text("%%MatrixMarket matrix coordinate pattern symmetric\n2 2 2\n1 1 1\n2 1 7.5\n")
    with pytest.warns(DroppedValues, match=r"m.mtx:4: the first line says pattern, so values such as 7.5 are left out"):
        matrix = load_matrix(path)
    np.testing.assert_array_equal(dense(matrix), [[1, 1], [1, 0]])


@settings(IN_TMP_PATH, max_examples=60)
@given(
    hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.uint64]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=5),
        fill=st.just(0),
    ),
    st.sampled_from(["coordinate", "array"]),
    st.sampled_from(["general", "symmetric", "skew-symmetric"]),
    st.booleans(),
)
def test_matrix_market_as_scipy_writes_and_reads_it(
    tmp_path: Path, array: np.ndarray, layout: str, symmetry: str, pattern: bool
) -> None:
    if symmetry != "general":
        side = min(array.shape)
        array = np.tril(array[:side, :side])
        array = array + np.tril(array, -1).T if symmetry == "symmetric" else np.tril(array, -1)
    if symmetry == "skew-symmetric":
        assume(array.dtype != np.uint64 and (array.dtype != np.int64 or array.min() > -(2**63)))
        array = array - array.T
    field = {"field": "pattern"} if pattern and layout == "coordinate" and symmetry != "skew-symmetric" else {}
    matrix = scipy.sparse.coo_array(array) if layout == "coordinate" else array
    scipy.io.mmwrite(tmp_path / "m.mtx", matrix, symmetry=symmetry, **field)
    np.testing.assert_array_equal(dense(load_matrix(tmp_path / "m.mtx")), dense(scipy.io.mmread(tmp_path / "m.mtx")))


def test_gzip_that_is_none_or_cut_off(tmp_path: Path) -> None:
    path, text = tmp_path / "m.mtx.gz", io.BytesIO()
    path.write_text("plain text")
    assert "Not a gzipped file" in refused(path)
    scipy.io.mmwrite(text, np.random.default_rng(1).random((40, 40)))
    path.write_bytes(gzip.compress(text.getvalue())[:3000])
    assert "corrupted" in refused(path)
    path.write_bytes(gzip.compress(text.getvalue()) + b"junk")
    assert "or other bytes stand behind it" in refused(path)


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
    assert found == "2 dimensions" or found.startswith(f"{path}:")
    assert "\n" not in found


@pytest.mark.parametrize("value", ["1x", "2.5E-", "1e", "1.5.2", "0x1p3", "1 1"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_damaged_matrix_market_value_is_not_guessed(tmp_path: Path, value: str, end: str) -> None:
    (tmp_path / "m.mtx").write_text(f"%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 {value}{end}")
    assert refused(tmp_path / "m.mtx")
    assert place_of_fault(tmp_path / "m.mtx") == (3, 7 if " " in value else 5)


def test_matrix_market_integers_are_whole_and_exact(tmp_path: Path) -> None:
    text = "%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 "
    (tmp_path / "m.mtx").write_text(text + str(2**62 + 1))
    assert dense(load_matrix(tmp_path / "m.mtx")).tolist() == [[2**62 + 1]]
    (tmp_path / "m.mtx").write_text(text + "1.5")
    assert "expected a whole number, found 1.5" in refused(tmp_path / "m.mtx")


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
        (tmp_path / "none" / "m.npy", SMALL, "cannot be written: there is no directory"),
    ):
        with pytest.raises(MatrixFileError, match=reason):
            save_matrix(path, array)
        assert not path.exists()
