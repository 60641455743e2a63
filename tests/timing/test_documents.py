"""docs/timing.md names every reason and every counter."""

from pathlib import Path

from dstc_isa.timing.layout import COUNTERS
from dstc_isa.timing.reasons import MEANING, Reason

TEXT = (Path(__file__).parents[2] / "docs" / "timing.md").read_text(encoding="utf-8")


def test_every_reason_is_explained() -> None:
    assert set(MEANING) == set(Reason)
    for reason in Reason:
        assert f"| {reason.name.lower().replace('_', ' ')} |" in TEXT


def test_every_counter_is_explained() -> None:
    table = TEXT[TEXT.index("| counter | unit |") :]
    named = {name.strip() for line in table.splitlines() if "|" in line for name in line.split("|")[1].split(",")}
    assert set(COUNTERS) <= named
