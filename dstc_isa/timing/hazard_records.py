"""Records of a run that looks for hazards: what instructions read and write, what is under way, what was found."""

from enum import IntEnum

from dstc_isa.engine.record_layout import RecordLayout
from dstc_isa.isa.control import SCOREBOARDS
from dstc_isa.isa.masks import PLACES
from dstc_isa.isa.unit import Cell

PLACE_WORDS = -(-PLACES // 64)
"""64-bit words of a mask over registers and predicates."""

REGISTER_USE = RecordLayout(
    "register use",
    {
        "guard": Cell("mask of what it reads if its guard holds in no lane", PLACE_WORDS),
        "reads": Cell("mask of what it reads else", PLACE_WORDS),
        "guards": Cell("mask of what it reads as guard or as condition of a branch", PLACE_WORDS),
        "writes": Cell("mask of what it writes", PLACE_WORDS),
        "late": Cell("mask of sources read late that the kernel overwrites", PLACE_WORDS),
        "tile": Cell("mask of accumulators that outer products keep in order", PLACE_WORDS),
        "accumulators": Cell("mask of sources that wait for a producer of the same pipe less long", PLACE_WORDS),
        "nothing": Cell("an empty mask", PLACE_WORDS),
        "latency": "cycles to its result, to those for whom no other latency holds",
        "kind": "its place among the users whose latencies differ",
        "accumulate": "cycles to its result as an accumulator of the same pipe",
        "longest": "the longest of the cycles to its result",
        "pipe": "number of its pipe, -1 for none",
        "variable": "1 if its latency is variable",
        "outer": "1 if it has accumulators in order",
        "outstanding": "1 if it stays under way until it is waited for",
        "has_late": "1 if it has late sources",
        "write": "scoreboard of its results",
        "read": "scoreboard of its sources",
        "wait": "mask of scoreboards that it waits for",
    },
)
"""What hazard checks know of an instruction; masks are over registers and predicates."""

WATCHED_PLACES = 64 * PLACE_WORDS
WATCH = RecordLayout(
    "watch",
    {
        "age": "which CTA of the SM the record is about",
        "count": "instructions under way until they are waited for",
        "parted": "results under way in lanes other than those that have written their places since",
        "started": Cell("cycle at which what has written each place with a fixed latency was issued", WATCHED_PLACES),
        "producer": Cell("that instruction", WATCHED_PLACES),
        "lanes": Cell("and its lanes", WATCHED_PLACES),
        "set_at": Cell("cycle at which each scoreboard was set", SCOREBOARDS),
        "setter": Cell("by which instruction", SCOREBOARDS),
    },
)
"""What hazard checks remember of a warp; behind it are its instructions under way, then its parted results."""

PARTED = RecordLayout(
    "parted",
    {
        "place": "register or predicate",
        "started": "cycle at which the instruction was issued",
        "producer": "its index",
        "lanes": "the lanes that nothing has written since",
    },
)
"""A result of fixed latency under way, in lanes that what wrote its place since leaves as they are."""

OUTSTANDING = RecordLayout(
    "outstanding",
    {
        "producer": "index of the instruction",
        "results": "lanes whose results are not there",
        "sources": "lanes whose sources are not read",
    },
)
"""An instruction under way."""


class Danger(IntEnum):
    """Kinds of hazards."""

    RAW = 0
    WAW = 1
    WAR = 2
    WAIT = 3


FINDING = RecordLayout(
    "finding",
    {
        "producer": "index of the instruction that is not done",
        "consumer": "index of the one that comes too early",
        "danger": "Danger",
        "place": "register or predicate, or scoreboard",
        "missing": "cycles that it comes too early, 0 where a wait is missing",
        "cta": "linear number of the CTA",
        "warp": "number of the warp in it",
        "cycle": "at which the consumer issued",
    },
)
"""A hazard found."""

FINDINGS = 64
"""Hazards that an SM remembers."""
