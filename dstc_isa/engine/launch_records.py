"""Records of a launch: its warps, its instructions, the host threads that work on it, and what they have open."""

from enum import IntEnum

import numpy as np

from dstc_isa.engine.record_layout import RecordLayout, pointer
from dstc_isa.engine.register_rows import PREDICATE_SLOTS, ROW_BYTES
from dstc_isa.isa.instruction_set import known
from dstc_isa.isa.unit import STATE_WORDS, Cell
from dstc_isa.isa.values import RZ
from dstc_isa.isa.warp import ARRAYS, SCALARS


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


CODE = RecordLayout(
    "code",
    {
        "operation": "dispatch number: position in the registry",
        "guard": "number of the predicate that guards it",
        "inversion": "lanes of the guard that are turned round: all or none",
        "in_time": "1 if it must run in its time",
        "operands": Cell("what its operands need to be fetched or put", 18),
        "shared_first": "first byte of shared memory that it may access",
        "shared_end": "the byte behind the last",
    },
    np.int32,
)
"""A decoded instruction."""

CODE_BYTES = CODE.nbytes

ALLOCATION = RecordLayout(
    "allocation",
    {"start": "first device address", "end": "the one behind the last", "host": "host minus device address"},
)
BANK = RecordLayout("bank", {"start": "host address", "size": "bytes"})

LAUNCH = RecordLayout(
    "launch",
    {
        "code": pointer("the decoded rows", CODE),
        "code_size": "instructions in the kernel",
        "grid_x": "CTAs",
        "grid_y": "CTAs",
        "grid_z": "CTAs",
        "block_threads": "threads of a CTA",
        "warps": "warps of a CTA",
        "registers": "general registers that the kernel uses",
        "shared_bytes": "shared memory of a CTA",
        "allocations": pointer("the first allocation", ALLOCATION),
        "allocation_count": "allocations",
        "banks": pointer("the first constant bank", BANK),
        "cta_count": "CTAs to be run",
        "steps": "address of the steps that tell their numbers",
        "step_count": "such steps; none if the numbers are 0, 1, 2 and so on",
        "next_cta": "how many of them workers have taken",
        "stop_cta": "no CTA from this one on is started",
        "cancelled": "set to stop all workers",
        "max_instructions": "instructions a warp may issue",
        "reaches": pointer("the Reach of each instruction", np.int64),
        "uncounted": pointer("counts that nobody reads", np.int64),
        "foreign": "address of the code of instructions from files of the user's, 0 if the kernel has none",
    },
)

UNIT_STATE = "unit_state"

WARP = RecordLayout(
    "warp",
    {
        **SCALARS,
        "registers": pointer("the register rows", np.uint32, rows=True),
        "predicates": pointer("the predicate masks", np.int64, rows=True),
        "threads": pointer("the three thread coordinate rows", np.uint32, rows=True),
        "scratch": pointer("256 bytes for lane addresses", np.uint8, rows=True),
        "shared": pointer("the CTA's shared memory", np.int64),
        "launch": pointer("the launch record", LAUNCH),
        "cta": "linear number of its CTA",
        "tracker": "address of a cell with the address of the tracker record, 0 if accesses are not tracked",
        "last_allocation": "index of the allocation that was found last",
        "traffic": "Traffic of the last memory instruction",
        "access": "Access: how the addresses of the last memory instruction lie",
        "access_first": "address of its lowest lane; device address or offset in shared memory",
        "access_bytes": "bytes a lane",
        "next_look": "instructions it has issued when it is looked at for an endless loop",
        "addresses": pointer("256 bytes: its lane addresses if they are scattered", np.uint8, rows=True),
        **{name: Cell(meaning, words) for name, (words, meaning) in ARRAYS.items()},
        UNIT_STATE: Cell(
            "what an instruction tells its unit: the fields that the unit names, in words that all units use",
            STATE_WORDS,
        ),
    },
)


def unit_fields() -> dict[str, tuple[int, int]]:
    """Byte offset in a warp's record, and words, of each field by which instructions tell units what they did."""
    found: dict[str, tuple[int, int]] = {}
    for each in (unit for isa in known() for unit in isa.units):
        place = WARP.offset(UNIT_STATE)
        for name, cell in each.state.items():
            found[name] = (place, cell.words)
            place += 8 * cell.words
    return found


WORKER = RecordLayout(
    "worker",
    {
        "launch": pointer("the launch record", LAUNCH),
        "tracker": "address of the tracker record, 0 if accesses are not tracked",
        "slots": "address of the CTA slots",
        "slot_count": "slots there are",
        "slot_limit": "slots there may be",
        "wants_slots": "1 if it stopped because it wants more of them",
        "drained": "1 when there is no further CTA to start",
        "cursor": "the slot whose CTA ran last",
        "kept": pointer("room for a warp's state", np.int64),
        "issued": pointer("the counts of issued instructions, one per instruction of the kernel", np.int64),
        "skipped": pointer("the counts of issued instructions whose guard held in no lane", np.int64),
        "longest": "most instructions that a warp of a CTA that has ended issued",
        "fault_cta": Cell("linear number of the CTA that faulted, -1 for none", first=-1),
        "fault_slot": "its slot",
        "fault_warp": "the warp that faulted",
        "fault_by_watchdog": "1 if its fault is that it ran for too long",
        "watchdogs": "warps that the watchdog stopped, whatever fault is reported",
    },
)

KEPT_BYTES = WARP.nbytes + 8 * PREDICATE_SLOTS + RZ * ROW_BYTES
"""A warp's state, kept while it is run ahead: its record, predicates and registers."""

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


SLOT = RecordLayout(
    "slot",
    {
        "warps": "address of the first warp record",
        "shared": "address of shared memory",
        "cta": Cell("number of the CTA, or a value of Slot", first=Slot.FREE),
    },
)
"""Room for a CTA."""

TRACED_OFF = 1
TRACED_PC = 1
TRACE = RecordLayout(
    "trace",
    {
        "place": "the instruction, shifted by TRACED_PC, and TRACED_OFF if its guard holds in no lane",
        "state": "first word of what the instruction before it told its unit",
        "mask": "the lanes in which that one executed",
    },
)
"""An instruction that a warp has run ahead of its time."""

RANGE_STEP = RecordLayout(
    "range step", {"first": "a place among the CTAs to be run", "more": "what is added to the numbers from there on"}
)
