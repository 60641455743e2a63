"""What the package asks of a system: a process without the calls that Windows lacks assembles, writes and reads."""

import subprocess
import sys
from pathlib import Path

import pytest

ELSEWHERE = """
import os, pathlib, sys
import filelock, platformdirs, psutil, subprocess, tempfile  # on another system, other code of theirs is imported

for module in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[module] = None
LACKING = ("geteuid getuid getegid getgid fchmod fchown chown pathconf statvfs ST_RDONLY sched_getaffinity mkfifo "
           "O_NOFOLLOW O_CLOEXEC O_DIRECTORY O_ACCMODE O_NONBLOCK")
for name in LACKING.split():
    delattr(os, name)
os.supports_fd = set()

opened, replaced = os.open, os.replace

def of_files(path, *rest, **named):
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied", str(path))
    return opened(path, *rest, **named)

def is_open(path):
    links = pathlib.Path("/proc/self/fd")
    return links.is_dir() and any(os.path.realpath(link) == os.path.realpath(path) for link in links.iterdir())

def closed(change):
    def changed(path, *rest, **named):
        if is_open(path):
            raise PermissionError(13, "The process cannot access the file because it is being used", str(path))
        return change(path, *rest, **named)
    return changed

os.open, os.replace, os.unlink, os.remove = of_files, closed(os.replace), closed(os.unlink), closed(os.remove)
"""

ASSEMBLES = """
import dstc_isa
from dstc_isa.cache_directory import clear, keep, kept_files, read_kept
from dstc_isa.host_memory import available
from dstc_isa.host_threads import host_threads
from dstc_isa.object import read_object, write_object
from dstc_isa.whole_file import append_line, whole_file, write_whole

program = dstc_isa.assemble(".kernel k\\n    MOV R1, 7\\n    EXIT\\n.endkernel\\n").program
for _ in range(2):
    write_whole("k.dobj", write_object(program))
assert read_object(pathlib.Path("k.dobj").read_bytes()).kernels[0].words == program.kernels[0].words
assert oct(os.stat("k.dobj").st_mode & 0o777) == oct(0o666 & ~os.umask(0o022))
os.chmod("k.dobj", 0o640)
write_whole("k.dobj", b"durable", durable=True)
assert os.stat("k.dobj").st_mode & 0o777 == 0o640
for end in (OSError, KeyboardInterrupt):
    try:
        with whole_file("k.dobj") as file:
            file.write(b"half")
            raise end
    except end:
        pass
assert pathlib.Path("k.dobj").read_bytes() == b"durable"
write_whole("-", b"ended\\n")
append_line(pathlib.Path("rows"), "one\\n")
assert sorted(os.listdir()) == ["cache", "k.dobj", "rows"], os.listdir()

keep("engine/a.code", b"code")
assert read_kept("engine/a.code") == b"code"
assert clear() and not kept_files()
assert host_threads() >= 1 and available() > 0
"""

REFUSED = """
from dstc_isa.cache_directory import keep
try:
    keep("engine/a.code", b"code")
except OSError as error:
    print(type(error).__name__)
"""


def ended(place: Path, program: str, cache: str = "cache") -> subprocess.CompletedProcess[str]:
    environment = {"DSTC_CACHE_DIR": str(place / cache), "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", ELSEWHERE + program]
    return subprocess.run(command, check=False, cwd=place, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.skipif(sys.platform == "win32", reason="takes away what only other systems have")
def test_calls_of_unix_are_not_needed(tmp_path: Path) -> None:
    done = ended(tmp_path, ASSEMBLES)
    assert (done.returncode, done.stdout) == (0, "ended\n"), done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="takes away what only other systems have")
def test_no_directory_is_trusted_that_may_be_anybodys(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    done = ended(tmp_path, REFUSED, "file")
    assert (done.returncode, done.stdout) == (0, "FileExistsError\n"), done.stderr
