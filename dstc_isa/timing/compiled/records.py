"""The timing model's records as Numba sees them."""

from dstc_isa.engine.compiled.records import RecordType, record_view
from dstc_isa.isa.control import SCOREBOARDS
from dstc_isa.timing.layout import (
    CHARGE_OFFSETS,
    CLOCK_OFFSETS,
    MACHINE_OFFSETS,
    SM_OFFSETS,
    SUBCORE_OFFSETS,
    TASK_OFFSETS,
    WATCH_OFFSETS,
)

as_machine = record_view(RecordType("machine", MACHINE_OFFSETS, {}))
as_sm = record_view(RecordType("sm", SM_OFFSETS, {"live": 1, "cta": 1}))
as_subcore = record_view(
    RecordType(
        "subcore",
        SUBCORE_OFFSETS,
        dict.fromkeys(
            (
                "ready",
                "port",
                "gate",
                "age",
                "warp",
                "clock",
                "port_free",
                "port_busy",
                "port_reason",
            ),
            1,
        ),
    )
)
as_clock = record_view(RecordType("clock", CLOCK_OFFSETS, dict.fromkeys(("board", "board_reason"), SCOREBOARDS)))
as_charge = record_view(RecordType("charge", CHARGE_OFFSETS, {}))
as_task = record_view(RecordType("task", TASK_OFFSETS, {}))
as_watch = record_view(
    RecordType("watch", WATCH_OFFSETS, dict.fromkeys(("started", "producer", "lanes", "set_at", "setter"), 1))
)
