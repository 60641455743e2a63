"""How machine state lies in memory: register rows, records of 64-bit fields, decoded instruction rows."""

from collections.abc import Mapping
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from dstc_isa.isa.lanes import LANES
from dstc_isa.isa.values import PT, RZ
from dstc_isa.isa.warp import ARRAYS, LONG_RUN_REGISTERS, SCALARS

ROW_BYTES = 4 * LANES
"""Bytes of one register of a warp."""

SINK_ROW = RZ + LONG_RUN_REGISTERS
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
    "last_allocation": "index of the allocation that was found last",
    "traffic": "Traffic of the last memory instruction",
    "access": "Access: how the addresses of the last memory instruction lie",
    "access_first": "address of its lowest lane; device address or offset in shared memory",
    "access_bytes": "bytes a lane",
    "addresses": "address of 256 bytes: its lane addresses if they are scattered",
}
WARP_ARRAYS = {name: length for name, (length, _) in ARRAYS.items()}
WARP_OFFSETS = offsets({**SCALARS, **WARP_POINTERS}, WARP_ARRAYS)

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
}
LAUNCH_OFFSETS = offsets(LAUNCH_FIELDS, {})

WORKER_FIELDS = {
    "launch": "address of the launch record",
    "warps": "address of the first warp record",
    "shared": "address of the shared memory",
    "issued": "address of the counts of issued instructions, one per instruction of the kernel",
    "skipped": "address of the counts of issued instructions whose guard held in no lane",
    "fault_cta": "linear number of the CTA that faulted, -1 for none",
    "fault_warp": "the warp that faulted",
}
WORKER_OFFSETS = offsets(WORKER_FIELDS, {})

CODE_ROW = 24
"""32-bit words of one decoded instruction: dispatch number, guard predicate, guard inversion, whether it must run in
its time, then operands."""

IN_TIME = 3
FIRST_SLOT = 4
TURN = 1 << 16
"""Instructions a warp issues before the next one of its CTA has its turn, so that one that waits in a loop for
another does not wait for ever."""

TRACED_OFF = 1
TRACED_PC = 1
TRACED_ROWS = 32
"""A trace's entry: whether the guard holds in no lane, above it the instruction, and the accumulator rows that the
outer product before it added to."""

STEP_ENTRY = 16
ALLOCATION_ENTRY = 24
BANK_ENTRY = 16


def record(fields: Mapping[str, int]) -> Record:
    """A zeroed record with these offsets."""
    return np.zeros(fields["size"] // 8, np.int64)


def put(target: Record, fields: Mapping[str, int], **values: int) -> None:
    """Set scalar fields of a record."""
    for name, value in values.items():
        target[fields[name] // 8] = value
