"""Memory is asked for before the work: what there is, in words, and that large work is refused in one sentence."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa import host_memory
from dstc_isa.host_memory import OutOfMemory, address_space_room, available, in_words, require

resource = pytest.importorskip("resource")

GIB = 1 << 30


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KiB"), (5 * GIB // 2, "2.5 GiB")]
)
def test_sizes_in_words(size: int, words: str) -> None:
    assert in_words(size) == words


@given(st.integers(0, 1 << 70))
def test_words_are_near_the_number(size: int) -> None:
    number, unit = in_words(size).split()
    assert float(number) * 1024 ** host_memory.UNITS.index(unit) == pytest.approx(size, rel=1e-3)


def test_what_fits_is_taken_and_what_does_not_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_memory, "available", lambda: GIB)
    require(GIB, "as much as there is")
    with pytest.raises(OutOfMemory, match=r"^the lot: needs 1\.5 GiB of memory, and there are 1 GiB$"):
        require(3 * GIB // 2, "the lot")


def test_the_address_space_limit_counts() -> None:
    code = "from dstc_isa.host_memory import available; print(available())"
    limit = 3 * GIB
    child = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert 0 < int(child.stdout) < limit


@pytest.mark.parametrize(
    ("line", "files", "left"),
    [
        ("0::/a/b", {"a/memory.max": "4096", "a/memory.current": "1000"}, 3096),
        ("0::/a/b", {"a/b/memory.max": "max", "memory.max": "900", "memory.current": "1000"}, -100),
        ("4:memory:/job", {"memory/job/memory.limit_in_bytes": "500", "memory/job/memory.usage_in_bytes": "1"}, 499),
        (
            "0::/",
            {"memory.max": "100", "memory.current": "90", "memory.stat": "anon 20\ninactive_file 70\n"},
            80,
        ),
    ],
)
def test_the_limits_of_control_groups_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, files: dict[str, str], left: int
) -> None:
    groups = tmp_path / "cgroup"
    for name, text in files.items():
        (groups / name).parent.mkdir(parents=True, exist_ok=True)
        (groups / name).write_text(text)
    (tmp_path / "self").write_text(f"9:cpu:/elsewhere\n{line}\n")
    monkeypatch.setattr(host_memory, "CGROUPS", groups)
    monkeypatch.setattr(host_memory, "OWN_CGROUPS", tmp_path / "self")
    assert list(host_memory.cgroup_rooms()) == [left]
    assert available() == max(0, left)


def test_a_system_without_limits_of_address_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert address_space_room() == []
