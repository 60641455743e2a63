"""Files that are written whole or not at all."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstc_isa.whole_file import append_line, check_writable, whole_file, write_whole

resource = pytest.importorskip("resource")

OLD, NEW = b"the old result", b"a new result, which is longer" * 99


@pytest.fixture
def result(tmp_path: Path) -> Path:
    path = tmp_path / "result.npy"
    path.write_bytes(OLD)
    return path


def alone(path: Path) -> bool:
    """Whether nothing else was left beside a file."""
    return [each.name for each in path.parent.iterdir()] == [path.name]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow larger: a write ends short, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@settings(max_examples=30)
@given(old=st.none() | st.binary(), pieces=st.lists(st.binary()), durable=st.booleans())
def test_the_file_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, old: bytes | None, pieces: list[bytes], durable: bool
) -> None:
    path = tmp_path_factory.mktemp("files") / "file"
    if old is not None:
        path.write_bytes(old)
    with whole_file(path, durable=durable) as file:
        for piece in pieces:
            assert file.write(piece) == len(piece)
        assert (path.read_bytes() if path.exists() else None) == old
    assert path.read_bytes() == b"".join(pieces)
    assert alone(path)


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_the_old_file_stays_if_the_block_fails(result: Path, failure: type[BaseException]) -> None:
    def fail(path: Path) -> None:
        with whole_file(path) as file:
            file.write(NEW)
            raise failure

    with pytest.raises(failure):
        fail(result)
    with pytest.raises(failure):
        fail(result.with_name("fresh"))
    assert result.read_bytes() == OLD
    assert alone(result)


def test_an_error_of_the_block_keeps_its_own_name(result: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, whole_file(result):
        result.with_name("other").read_bytes()
    assert caught.value.filename == str(result.with_name("other"))


@pytest.mark.parametrize("size", [0, 1, 1000, len(NEW) - 1])
def test_no_room(result: Path, size: int) -> None:
    with largest_file(size), pytest.raises(OSError, match=r"cannot be written: File too large: .*result\.npy"):
        write_whole(result, NEW)
    assert result.read_bytes() == OLD
    assert alone(result)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("call", ["write", "fsync", "close", "replace"])
def test_reasons_are_named(result: Path, monkeypatch: pytest.MonkeyPatch, code: int, call: str) -> None:
    done: Callable[..., object] = getattr(os, call)
    failed: list[int] = []

    def fails(*arguments: object) -> object:
        if failed:
            return done(*arguments)
        if call == "close":
            done(*arguments)
        failed.append(code)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, fails)
    with pytest.raises(OSError, match=f"cannot be written: {os.strerror(code)}") as caught:
        write_whole(result, NEW, durable=True)
    monkeypatch.undo()
    assert (caught.value.errno, caught.value.filename) == (code, str(result))
    assert result.read_bytes() == OLD
    assert alone(result)


def test_a_short_write_goes_on(result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    write_whole(result, NEW)
    assert result.read_bytes() == NEW


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_the_renaming(result: Path, moment: str) -> None:
    """A reader finds the old or the new one, and the next write uses up what was left."""
    program = f"""if True:
        import os, signal
        from dstc_isa.whole_file import write_whole
        replace = os.replace
        def killed(*names):
            if {moment == "after"}:
                replace(*names)
            os.kill(os.getpid(), signal.SIGKILL)
        os.replace = killed
        write_whole({str(result)!r}, {NEW!r}, durable=True)
    """
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert result.read_bytes() == (NEW if moment == "after" else OLD)
    assert len(list(result.parent.iterdir())) <= 2
    write_whole(result, b"once more")
    assert result.read_bytes() == b"once more"
    assert alone(result)


def test_a_reader_keeps_the_file_that_it_opened(result: Path) -> None:
    with result.open("rb") as reader:
        write_whole(result, NEW)
        assert reader.read() == OLD


def calls(monkeypatch: pytest.MonkeyPatch, *names: str) -> list[str]:
    """The calls of functions of ``os`` from now on, and for what kind of file."""
    made: list[str] = []

    def recorded(name: str, done: Callable[..., object]) -> Callable[..., object]:
        def record(*arguments: object) -> object:
            first = arguments[0]
            kind = "directory" if isinstance(first, int) and stat.S_ISDIR(os.fstat(first).st_mode) else "file"
            made.append(f"{name} {kind}")
            return done(*arguments)

        return record

    for name in names:
        monkeypatch.setattr(os, name, recorded(name, getattr(os, name)))
    return made


@pytest.mark.parametrize("durable", [True, False])
def test_content_reaches_the_disk_before_the_name(result: Path, monkeypatch: pytest.MonkeyPatch, durable: bool) -> None:
    made = calls(monkeypatch, "write", "fsync", "replace")
    write_whole(result, NEW, durable=durable)
    synced = (["fsync file"], ["fsync directory"]) if durable else ([], [])
    assert made == ["write file", *synced[0], "replace file", *synced[1]]


def test_a_line_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = calls(monkeypatch, "write", "fsync")
    append_line(tmp_path / "rows", "one\n")
    assert made == ["write file", "fsync file", "fsync directory"]
    made.clear()
    append_line(tmp_path / "rows", "two\n")
    assert made == ["write file", "fsync file"]
    assert (tmp_path / "rows").read_text() == "one\ntwo\n"


def test_a_line_without_room_leaves_none(tmp_path: Path) -> None:
    append_line(tmp_path / "rows", "one\n")
    with largest_file(6), pytest.raises(OSError, match="rows") as caught:
        append_line(tmp_path / "rows", "two\n")
    assert caught.value.errno == errno.ENOSPC
    assert (tmp_path / "rows").read_text() == "one\n"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_mode_is_kept(result: Path, mode: int) -> None:
    result.chmod(mode)
    write_whole(result, NEW)
    assert stat.S_IMODE(result.stat().st_mode) == mode


def test_a_new_file_follows_the_mask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "new", NEW)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_one(result: Path, there: bool) -> None:
    (result.parent / "results").mkdir()
    target = result.parent / "results" / "last.npy"
    if there:
        target.write_bytes(OLD)
    result.unlink()
    result.symlink_to(Path("results", "last.npy"))
    write_whole(result, NEW)
    assert result.is_symlink()
    assert target.read_bytes() == NEW
    assert alone(target)


def test_links_in_a_circle(result: Path) -> None:
    result.unlink()
    result.symlink_to(result)
    with pytest.raises(OSError, match="cannot be written: Too many levels of symbolic links"):
        write_whole(result, NEW)


def test_pipes_and_devices(tmp_path: Path) -> None:
    write_whole("/dev/null", NEW)
    with pytest.raises(OSError, match="cannot be written: No space left on device: '/dev/full'"):
        write_whole("/dev/full", NEW)
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, NEW)
    reader.join()
    assert read == [NEW]
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_goes_on_where_it_was(tmp_path: Path, name: str) -> None:
    program = (
        "from dstc_isa.whole_file import write_whole; print('before')\n"
        f"write_whole({name!r}, b'within\\n'); print('behind')"
    )
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", program], stdout=out, check=True)
    assert (tmp_path / "out").read_text() == "before\nwithin\nbehind\n"


def test_two_at_once(result: Path) -> None:
    with whole_file(result) as first, whole_file(result) as second:
        first.write(b"first")
        second.write(b"second")
        assert result.read_bytes() == OLD
    assert result.read_bytes() == b"first"
    assert alone(result)


def test_names_as_long_as_they_may_be(tmp_path: Path) -> None:
    longest = tmp_path / ("x" * os.pathconf(tmp_path, "PC_NAME_MAX"))
    write_whole(longest, NEW)
    assert longest.read_bytes() == NEW
    with pytest.raises(OSError, match="cannot be written: File name too long"):
        write_whole(f"{longest}x", NEW)
    assert alone(longest)


def test_places_that_cannot_be_written(result: Path) -> None:
    for path, reason in (
        (result.parent, "it is a directory"),
        (result.parent / "none" / "x", f"there is no directory {result.parent / 'none'}"),
        (result / "x", "Not a directory"),
    ):
        for attempt in (check_writable, lambda place: write_whole(place, NEW)):
            with pytest.raises(OSError, match=f"cannot be written: {reason}") as caught:
                attempt(path)
            assert caught.value.filename == str(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_permissions(result: Path) -> None:
    result.chmod(0o400)
    with pytest.raises(PermissionError, match="cannot be written: permission denied"):
        write_whole(result, NEW)
    result.chmod(0o600)
    result.parent.chmod(0o500)
    with pytest.raises(PermissionError, match="takes no new file: permission denied"):
        write_whole(result, NEW)
    result.parent.chmod(0o700)
    assert result.read_bytes() == OLD


@pytest.mark.parametrize("array", [np.arange(12.0).reshape(3, 4).T, np.zeros((0, 3)), np.array(3, "i8")])
def test_arrays(result: Path, array: np.ndarray) -> None:
    with whole_file(result) as file:
        np.save(file, array)
    back = np.load(result)
    assert (back.shape, back.dtype) == (array.shape, array.dtype)
    assert np.array_equal(back, array)
