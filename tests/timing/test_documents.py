"""docs/timing.md names every reason and every counter, those of units included."""

from pathlib import Path

from dstc_isa.isa.volta import VOLTA
from dstc_isa.timing.blocks import counter_names
from dstc_isa.timing.model_records import COUNTERS
from dstc_isa.timing.reasons import CORE, Reason, reasons

TEXT = (Path(__file__).parents[2] / "docs" / "timing.md").read_text(encoding="utf-8")


def test_every_reason_is_explained() -> None:
    assert set(CORE) == set(Reason)
    for reason in reasons(VOLTA):
        assert f"| {reason.name.replace('_', ' ')} |" in TEXT


def test_every_counter_is_explained() -> None:
    table = TEXT[TEXT.index("| counter | unit |") :]
    named = {name.strip() for line in table.splitlines() if "|" in line for name in line.split("|")[1].split(",")}
    assert {*COUNTERS, *counter_names(VOLTA)} <= named
