"""One file under several names."""

from pathlib import Path

from dstc_isa.cli.used_files import used_twice


def test_names_and_links_of_one_file(tmp_path: Path) -> None:
    there, other = tmp_path / "a", tmp_path / "b"
    there.write_bytes(b"")
    (tmp_path / "soft").symlink_to(there)
    (tmp_path / "hard").hardlink_to(there)
    (tmp_path / "new").symlink_to(other)
    for alias in ("a", "soft", "hard"):
        assert used_twice([("the source", there)], [("the object", tmp_path / alias)])
        assert used_twice([], [("one", there), ("two", tmp_path / alias)])
    assert used_twice([], [("one", other), ("two", tmp_path / "new")]).endswith("name another file")
    assert used_twice([("one", there), ("two", there)], [("three", other), ("four", None)]) == ""


def test_standard_output_is_one_file_and_devices_are_not() -> None:
    assert used_twice([], [("one", "-"), ("two", "-")]).startswith("standard output is one and would be two too")
    assert used_twice([("the source", "-")], [("the object", "-")]) == ""
    assert used_twice([], [("one", "/dev/null"), ("one", "/dev/null")]) == ""
