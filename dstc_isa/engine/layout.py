"""How machine state lies in memory: register rows, records of 64-bit fields, decoded instruction rows."""

from collections.abc import Mapping
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from dstc_isa.isa import unit
from dstc_isa.isa.lanes import LANES
from dstc_isa.isa.operand import WIDEST_SOURCE
from dstc_isa.isa.values import PT, RZ
from dstc_isa.isa.warp import ARRAYS, SCALARS

ROW_BYTES = 4 * LANES
"""Bytes of one register of a warp."""

SINK_ROW = RZ + WIDEST_SOURCE
"""Where writes to RZ go: RZ and 31 rows behind it read as zero, the widest operand included."""

POOL_ROW = SINK_ROW + 4
"""First row of the launch's immediates and constants, which sources address like registers."""

PREDICATE_SLOTS = PT + 2
PREDICATE_SINK = PT + 1
"""Where writes to PT go."""

Record = npt.NDArray[np.int64]


def offsets(scalars: Mapping[str, object], arrays: Mapping[str, int]) -> dict[str, int]:
    """Byte offset of every field of a record; scalars first, then arrays of that many 64-bit slots."""
    places = {name: 8 * index for index, name in enumerate(scalars)}
    end = 8 * len(places)
    for name, length in arrays.items():
        places[name] = end
        end += 8 * length
    places["size"] = end
    return places


class Access(IntEnum):
    """How the lane addresses of a memory instruction lie: all 32 alike, consecutive from lane 0 on, or neither."""

    UNIFORM = 1
    CONSECUTIVE = 2
    SCATTERED = 3


class Traffic(IntEnum):
    """Where a memory instruction goes."""

    NONE = 0
    SHARED = 1
    CONSTANT = 2
    GLOBAL_LOAD = 3
    GLOBAL_STORE = 4
    SHARED_ATOMIC = 5
    GLOBAL_ATOMIC = 6


WARP_POINTERS = {
    "registers": "address of the register rows",
    "predicates": "address of the predicate masks",
    "threads": "address of the three thread coordinate rows",
    "scratch": "address of 256 bytes for lane addresses",
    "shared": "address of the CTA's shared memory",
    "launch": "address of the launch record",
    "cta": "linear number of its CTA",
    "tracker": "address of a cell with the address of the tracker record, 0 if accesses are not tracked",
    "last_allocation": "index of the allocation that was found last",
    "traffic": "Traffic of the last memory instruction",
    "access": "Access: how the addresses of the last memory instruction lie",
    "access_first": "address of its lowest lane; device address or offset in shared memory",
    "access_bytes": "bytes a lane",
    "next_look": "instructions it has issued when it is looked at for an endless loop",
    "addresses": "address of 256 bytes: its lane addresses if they are scattered",
}
UNIT_STATE = "unit_state"
"""What an instruction tells its unit: the fields that the unit names, in words that all units use."""

WARP_ARRAYS = {**{name: length for name, (length, _) in ARRAYS.items()}, UNIT_STATE: unit.STATE_WORDS}
WARP_OFFSETS = offsets({**SCALARS, **WARP_POINTERS}, WARP_ARRAYS)


def unit_fields() -> dict[str, tuple[int, int]]:
    """Byte offset in a warp's record, and words, of each field by which instructions tell units what they did."""
    found: dict[str, tuple[int, int]] = {}
    for each in unit.UNITS:
        place = WARP_OFFSETS[UNIT_STATE]
        for name, cell in each.state.items():
            found[name] = (place, cell.words)
            place += 8 * cell.words
    return found


LAUNCH_FIELDS = {
    "code": "address of the decoded rows",
    "code_size": "instructions in the kernel",
    "grid_x": "CTAs",
    "grid_y": "CTAs",
    "grid_z": "CTAs",
    "block_threads": "threads of a CTA",
    "warps": "warps of a CTA",
    "registers": "general registers that the kernel uses",
    "shared_bytes": "shared memory of a CTA",
    "allocations": "address of the allocation table: start, end, host minus device address",
    "allocation_count": "allocations",
    "banks": "address of the constant bank table: host address, size",
    "cta_count": "CTAs to be run",
    "steps": "address of entries that tell their numbers: a place and what is added to it and all behind it",
    "step_count": "such entries; none if the numbers are 0, 1, 2 and so on",
    "next_cta": "how many of them workers have taken",
    "stop_cta": "no CTA from this one on is started",
    "cancelled": "set to stop all workers",
    "max_instructions": "instructions a warp may issue",
    "reaches": "address of the Reach of each instruction",
    "uncounted": "address of counts that nobody reads",
    "foreign": "address of the code of instructions from files of the user's, 0 if the kernel has none",
}
LAUNCH_OFFSETS = offsets(LAUNCH_FIELDS, {})

WORKER_FIELDS = {
    "launch": "address of the launch record",
    "tracker": "address of the tracker record, 0 if accesses are not tracked",
    "slots": "address of the CTA slots: first warp record, shared memory, number of the CTA or a value of Slot",
    "slot_count": "slots there are",
    "slot_limit": "slots there may be",
    "wants_slots": "1 if it stopped because it wants more of them",
    "drained": "1 when there is no further CTA to start",
    "cursor": "the slot whose CTA ran last",
    "kept": "address of room for a warp's state",
    "issued": "address of the counts of issued instructions, one per instruction of the kernel",
    "skipped": "address of the counts of issued instructions whose guard held in no lane",
    "fault_cta": "linear number of the CTA that faulted, -1 for none",
    "fault_slot": "its slot",
    "fault_warp": "the warp that faulted",
    "fault_by_watchdog": "1 if its fault is that it ran for too long",
    "watchdogs": "warps that the watchdog stopped, whatever fault is reported",
}
WORKER_OFFSETS = offsets(WORKER_FIELDS, {})

KEPT_BYTES = WARP_OFFSETS["size"] + 8 * PREDICATE_SLOTS + RZ * ROW_BYTES
"""A warp's state, kept while it is run ahead: its record, predicates and registers."""

CODE_ROW = 24
"""32-bit words of one decoded instruction: dispatch number, guard predicate, guard inversion, whether it must run in
its time, then operands, and last what of shared memory it may access."""

IN_TIME = 3
FIRST_SLOT = 4
SHARED_FIRST = CODE_ROW - 2
SHARED_END = CODE_ROW - 1
"""The bytes of shared memory that the instruction may access: the first one, and the one behind the last."""

TURN = 1 << 16
"""Instructions a warp issues before the next one of its CTA has its turn, so that one that waits in a loop for
another does not wait for ever."""

QUANTUM = 4 * TURN
"""Instructions that the warps of a CTA issue together before another CTA has its turn, so that one that waits for
another does not wait for ever."""

OPEN_CTAS = 80 * 32
OPEN_WARPS = 80 * 64
"""CTAs and warps that have begun and not ended, at most: what the 80 SMs of a V100 hold (CUDA C++ Programming Guide,
technical specifications, compute capability 7.0)."""


def open_ctas(warps: int) -> int:
    """How many CTAs of so many warps may be open."""
    return max(1, min(OPEN_CTAS, OPEN_WARPS // warps))


class Slot(IntEnum):
    """What a CTA slot holds in place of a CTA."""

    FREE = -1
    FAULTED = -2


SLOT_ENTRY = 24
SLOT_SHARED = 8
SLOT_CTA = 16

TRACE_ENTRY = 24
TRACED_OFF = 1
TRACED_PC = 1
TRACED_STATE = 8
TRACED_MASK = 16
"""A trace's entry: whether the guard holds in no lane, above it the instruction; then the first word of what the
instruction before it told its unit, and the lanes in which that one executed."""

STEP_ENTRY = 16
ALLOCATION_ENTRY = 24
BANK_ENTRY = 16

TRACKER_FIELDS = {
    "launch": "address of the launch record",
    "stops": "1 if a conflict stops the launch",
    "unit": "log2 of the bytes of a unit, the least piece of memory that is told apart",
    "regions": "address of a row per allocation: host address, bytes and first granule of its region",
    "granules": "address of the state of every granule of UNITS units",
    "details": "address of entries for granules that several CTAs use",
    "detail_limit": "such entries there is room for",
    "detail_count": "such entries in use; the first one is none",
    "pages": "address of a 32-bit Page for each page of the regions",
    "saved": "address of what was in the pages before",
    "conflict": "Conflict that was found first",
    "granule": "where: number of the granule",
    "place": "and the unit in it",
    "first_cta": "the CTA that came first, SEVERAL for more than one",
    "first_use": "what it did there, a value of Use",
    "second_cta": "the CTA that came then",
    "second_use": "what it did there, a value of Use",
    "second_pc": "and at which instruction",
}
TRACKER_OFFSETS = offsets(TRACKER_FIELDS, {})
COMPARISON_FIELDS = {
    "trackers": "address of the addresses of the trackers",
    "count": "trackers",
    "first": "granule to begin with",
    "end": "granule behind the last one",
}
COMPARISON_OFFSETS = offsets(COMPARISON_FIELDS, {})
REGION_ENTRY = 24
UNITS = 16
PAGE_SHIFT = 12
DETAIL_ENTRY = 4 * UNITS


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


def record(fields: Mapping[str, int]) -> Record:
    """A zeroed record with these offsets."""
    return np.zeros(fields["size"] // 8, np.int64)


def put(target: Record, fields: Mapping[str, int], **values: int) -> None:
    """Set scalar fields of a record."""
    for name, value in values.items():
        target[fields[name] // 8] = value
