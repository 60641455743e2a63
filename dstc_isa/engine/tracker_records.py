"""Records of which CTA has used which memory, by which launches are found that depend on the order of CTAs."""

from enum import IntEnum

import numpy as np

from dstc_isa.engine.launch_records import LAUNCH
from dstc_isa.engine.record_layout import RecordLayout, pointer
from dstc_isa.isa.unit import Cell

REGION = RecordLayout("region", {"start": "host address", "size": "bytes", "granule": "number of its first granule"})
UNITS = 16
PAGE_SHIFT = 12
DETAIL = RecordLayout("detail", {"uses": Cell("Use of each unit, and the CTA", UNITS)}, np.uint32)
"""A granule that several CTAs use."""

TRACKER = RecordLayout(
    "tracker",
    {
        "launch": pointer("the launch record", LAUNCH),
        "stops": "1 if a conflict stops the launch",
        "unit": "log2 of the bytes of a unit, the least piece of memory that is told apart",
        "regions": pointer("the region of each allocation", REGION),
        "granules": pointer("the state of every granule of UNITS units", np.int64),
        "details": pointer("entries for granules that several CTAs use", DETAIL),
        "detail_limit": "such entries there is room for",
        "detail_count": "such entries in use; the first one is none",
        "pages": pointer("a 32-bit Page for each page of the regions", np.uint32),
        "saved": pointer("what was in the pages before", np.uint8),
        "conflict": "Conflict that was found first",
        "granule": "where: number of the granule",
        "place": "and the unit in it",
        "first_cta": "the CTA that came first, SEVERAL for more than one",
        "first_use": "what it did there, a value of Use",
        "second_cta": "the CTA that came then",
        "second_use": "what it did there, a value of Use",
        "second_pc": "and at which instruction",
    },
)
COMPARISON = RecordLayout(
    "comparison",
    {
        "trackers": pointer("the addresses of the trackers", np.int64),
        "count": "trackers",
        "first": "granule to begin with",
        "end": "granule behind the last one",
    },
)


class Page(IntEnum):
    """What is known of a page: untouched, being saved by a thread, all zero before, or saved."""

    UNTOUCHED = 0
    BUSY = 1
    ZERO = 2
    SAVED = 3


class Conflict(IntEnum):
    """Whether CTAs were found to depend on each other's order; POSSIBLE where there was no room to tell."""

    NONE = 0
    CERTAIN = 1
    POSSIBLE = 2


class Use(IntEnum):
    """How CTAs use a unit of memory; REDUCE and above are an integer reduction, by its operation."""

    NONE = 0
    READ = 1
    WRITE = 2
    REDUCE = 3


CTA_BITS = 26
SEVERAL = (1 << CTA_BITS) - 1
"""Stands for more than one CTA."""

TRACKED_CTAS = SEVERAL - 1
"""CTAs of a launch whose accesses can be tracked, at most."""
