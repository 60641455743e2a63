"""What instruction semantics may do to a warp beyond its lanes: registers, predicates, memory, faults.

``Warp`` state has one declaration here (``SCALARS``, ``ARRAYS``); the reference engine builds a Python object
from it and the compiled engine a record in memory. The functions below are the reference's; the compiled
engine gives the same names a second meaning (``engine.compiled.warp_functions``).
"""

from enum import IntEnum
from typing import Any

from dstc_isa.isa.effects import FIELDS, Effect, Field, primitive
from dstc_isa.isa.lanes import FULL_MASK, LANES, ballot, splat, spread
from dstc_isa.isa.modifier import SIZE_BYTES

AXES = 3
BARRIER_REGISTERS = 16
SYNC_SLOT = BARRIER_REGISTERS

SCALARS = {
    "pc": "index of the next instruction of the running lanes",
    "active": "mask of the running lanes",
    "turn": "the lane whose turn it last was: all that were ready at its place began to run",
    "mask": "lanes that execute the current instruction: active and guarded",
    "live": "lanes that have not exited",
    "blocked": "lanes that wait at a convergence or CTA barrier",
    "at_barrier": "lanes that wait at a CTA barrier",
    "barrier_id": "which CTA barrier they wait at",
    "barrier_threads": "how many threads it waits for, 0 for the whole CTA",
    "code_size": "instructions in the kernel",
    "issued": "instructions issued since launch of the CTA",
    "fault": "Fault that stopped the warp, 0 for none",
    "fault_pc": "instruction that faulted",
    "fault_lanes": "lanes that faulted",
    "fault_detail": "address or value that was refused",
    "fault_size": "bytes of the refused access",
    "index": "number of the warp in its CTA",
}
ARRAYS = {
    "lane_pc": (LANES, "where a lane that is not running goes on"),
    "participants": ((BARRIER_REGISTERS + 1) * LANES, "per convergence barrier and lane: the lanes it meets there"),
    "arrived": (BARRIER_REGISTERS + 1, "lanes that wait at a convergence barrier"),
    "identity": (10, "CTA coordinates, block size, grid size (x, y, z each) and the warp's number"),
}

_RUNS = Field(written=frozenset({Effect.CONVERGENCE}))
_WAITS = Field(written=frozenset({Effect.BARRIER}))
_ANYWHERE = Field(written=frozenset({Effect.INDIRECT, Effect.CONVERGENCE}))
FIELDS |= {
    "pc": _ANYWHERE,
    "lane_pc": Field(written=_ANYWHERE.written, array=True),
    **dict.fromkeys(("active", "turn", "live", "blocked"), _RUNS),
    "arrived": Field(written=_RUNS.written, array=True),
    **dict.fromkeys(("at_barrier", "barrier_id", "barrier_threads"), _WAITS),
    "issued": Field(read=frozenset({Effect.TIME})),
}


class Fault(IntEnum):
    """Why a kernel was stopped."""

    NONE = 0
    OUT_OF_BOUNDS = 1
    MISALIGNED = 2
    UNDEFINED = 3
    BARRIER = 4
    WATCHDOG = 5
    NON_UNIFORM = 6
    SHARED_BOUNDS = 7
    PARTIAL_WARP = 8
    BAD_TARGET = 9
    DEADLOCK = 10
    CONSTANT_BOUNDS = 11
    ENDLESS = 12
    LIVELOCK = 13
    SEMANTICS = 14
    REGISTER = 15
    PREDICATE = 16
    COST = 17


class Space(IntEnum):
    """Memory spaces; a constant bank b is CONSTANT + b."""

    GLOBAL = 0
    SHARED = 1
    CONSTANT = 2


SPACES = {Space.GLOBAL: Effect.GLOBAL, Space.SHARED: Effect.SHARED, Space.CONSTANT: Effect.CONSTANT}


class Atomic(IntEnum):
    """Atomic operations."""

    ADD = 0
    MIN = 1
    MAX = 2
    AND = 5
    OR = 6
    XOR = 7
    EXCH = 8


class AtomicType(IntEnum):
    """Operand type of an atomic operation."""

    U32 = 0
    S32 = 1
    F32 = 3


class SpecialNumber(IntEnum):
    """Special registers by number; those from CTAID_X to WARPID are the fields of ``identity``, in order."""

    LANEID = 0x00
    CLOCKLO = 0x50
    CLOCKHI = 0x51
    TID_X = 0x21
    TID_Y = 0x22
    TID_Z = 0x23
    CTAID_X = 0x25
    CTAID_Y = 0x26
    CTAID_Z = 0x27
    NTID_X = 0x28
    NTID_Y = 0x29
    NTID_Z = 0x2A
    NCTAID_X = 0x2B
    NCTAID_Y = 0x2C
    NCTAID_Z = 0x2D
    WARPID = 0x2E
    SRZ = 0xFF


@primitive()
def fail(warp: Any, fault: int, lanes: int, detail: int, size: int) -> None:
    """Stop the warp with a fault; the first one counts."""
    if warp.fault == Fault.NONE:
        warp.fault = fault
        warp.fault_pc = warp.pc - 1
        warp.fault_lanes = lanes
        warp.fault_detail = detail
        warp.fault_size = size


def _there(warp: Any, index: int, count: int = 1) -> bool:
    """Whether a warp has so many rows of registers from one on; a fault if it has not."""
    if index >= 0 and index + count <= len(warp.registers):
        return True
    fail(warp, Fault.REGISTER, warp.mask, index, count)
    return False


def _predicate_there(warp: Any, index: int) -> bool:
    """Whether there is a predicate of that number; a fault if there is none."""
    if 0 <= index < len(warp.predicates):
        return True
    fail(warp, Fault.PREDICATE, warp.mask, index, 1)
    return False


@primitive()
def read_register(warp: Any, index: int) -> Any:
    """Register ``index`` of all lanes, u32; a fault for a number that there is not."""
    return warp.registers[index].copy() if _there(warp, index) else splat(0)


@primitive()
def write_register(warp: Any, index: int, value: Any) -> None:
    """Set register ``index`` (u32) in the executing lanes; a fault for a number that there is not."""
    if not _there(warp, index):
        return
    mask = spread(warp.mask)
    warp.registers[index][mask] = value[mask]


@primitive()
def write_whole_register(warp: Any, index: int, value: Any) -> None:
    """Set register ``index`` (u32) in all lanes; a fault for a number that there is not."""
    if _there(warp, index):
        warp.registers[index] = value


@primitive()
def predicate_lanes(warp: Any, index: int) -> Any:
    """Predicate ``index`` as bool lanes; a fault for a number that there is not."""
    return spread(warp.predicates[index]) if _predicate_there(warp, index) else spread(0)


@primitive()
def set_predicate_lanes(warp: Any, index: int, value: Any) -> None:
    """Set predicate ``index`` in the executing lanes; a fault for a number that there is not."""
    if not _predicate_there(warp, index):
        return
    warp.predicates[index] = (warp.predicates[index] & ~warp.mask & FULL_MASK) | (ballot(value) & warp.mask)


@primitive()
def thread_ids(warp: Any, axis: int) -> Any:
    """Thread coordinate of every lane along axis 0 (x), 1 (y) or 2 (z), modulo 3, u32."""
    return warp.thread_ids[axis % AXES].copy()


@primitive(Effect.LOAD, space=SPACES)
def load(warp: Any, space: int, address: Any, size: int, destination: int) -> None:
    """Load ``Size`` from u64 addresses into registers from ``destination`` on, in the executing lanes."""
    if _there(warp, destination, max(1, SIZE_BYTES[size] // 4)):
        warp.load(space, address, size, destination)


@primitive(Effect.STORE, space=SPACES)
def store(warp: Any, space: int, address: Any, size: int, source: int) -> None:
    """Store ``Size`` from registers from ``source`` on to u64 addresses, lane 0 first."""
    if _there(warp, source, max(1, SIZE_BYTES[size] // 4)):
        warp.store(space, address, size, source)


@primitive(Effect.ATOMIC, space=SPACES)
def exchange(warp: Any, space: int, lane: int, address: int, operation: int, kind: int, value: int) -> int:
    """One lane's atomic operation on a 32-bit word; returns what was there."""
    return int(warp.exchange(space, lane, address, operation, kind, value))


@primitive(Effect.ATOMIC, space=SPACES)
def compare_exchange(warp: Any, space: int, lane: int, address: int, expected: int, value: int) -> int:
    """One lane's compare-and-swap on a 32-bit word; returns what was there."""
    return int(warp.compare_exchange(space, lane, address, expected, value))
