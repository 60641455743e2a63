"""How many threads the host has, on systems that say which cores a process may use and on others."""

import os

import pytest

from dstc_isa.host_threads import host_threads


def test_the_cores_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 8}, raising=False)
    assert host_threads() == 3


@pytest.mark.parametrize(("cores", "threads"), [(6, 6), (None, 1)])
def test_all_cores_where_the_system_does_not_say(
    cores: int | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert host_threads() == threads
