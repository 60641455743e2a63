import pytest

from dstc_isa.studies.validation import GROUPS, Check, published, validate

SOURCES = {"HW", "JIA", "SPEC", "DEEPBENCH", "FIG21", "RECALL"}


def rows(group: str) -> list[dict[str, object]]:
    entry = published()[group]
    return entry if isinstance(entry, list) else [entry]


def test_every_published_value_has_a_source() -> None:
    assert set(published()) == set(GROUPS)
    for group in GROUPS:
        for row in rows(group):
            assert row["source"] in SOURCES


def test_microbenchmarks_are_within_tolerance() -> None:
    told: list[str] = []
    checks = list(validate(("latency", "throughput", "wmma"), told.append))
    assert [check.name for check in checks if not check.passed] == []
    assert len(checks) == len(rows("latency")) + len(rows("throughput")) + 2
    assert {check.name for check in checks if check.group != "wmma"} <= set(told)


@pytest.mark.parametrize(("ours", "passed"), [(104.9, True), (105.1, False), (95.1, True), (94.9, False)])
def test_tolerance(ours: float, passed: bool) -> None:
    check = Check("latency", "x", "cycles", 100, ours, 0.05, "HW")
    assert check.passed == passed
    assert check.as_json()["error"] == pytest.approx(ours / 100 - 1)
