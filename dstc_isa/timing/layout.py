"""Records of the timing model as they lie in memory: what Python fills in and compiled code works on."""

from enum import IntEnum

from dstc_isa.engine.layout import offsets
from dstc_isa.gpu.schema import MAXIMUM_PORTS
from dstc_isa.isa.control import SCOREBOARDS
from dstc_isa.isa.masks import PLACES
from dstc_isa.timing.reasons import MOST

FAR = 1 << 62
"""A cycle that never comes."""

TICKS = 1024
"""Parts of a cycle in which bandwidth is counted."""

POSITIONS = 64
"""Warps a sub-core may hold, at most."""

CTA_SLOTS = 64
PORTS = MAXIMUM_PORTS + 1
REASONS = MOST

NO_PORT = PORTS - 1
"""The port of an instruction that needs none, or whose guard is false: always free."""


class Gate(IntEnum):
    """What beside its port must have room for an instruction."""

    NONE = 0
    UNIT = 1
    MEMORY = 2


class Row(IntEnum):
    """Words of an instruction's timing row."""

    PORT = 0
    INITIATION = 1
    LATENCY = 2
    STALL = 3
    WAIT = 4
    WRITE = 5
    READ = 6
    GATE = 7
    YIELDS = 8
    COST = 9
    REASON = 10
    ACCUMULATOR = 11
    ACCUMULATORS = 12
    VANISHES = 13


ROW_WORDS = len(Row)

NO_COST = -1
"""The unit of an instruction that costs what its pipe's latency and interval say."""

MACHINE_FIELDS = {
    "launch": "address of the launch record",
    "rows": "address of the timing rows",
    "sms": "address of the first SM record",
    "sm_count": "SM records",
    "next_sm": "next SM to be taken by a worker in this epoch",
    "epoch": "number of the epoch",
    "epoch_start": "cycle at which it starts",
    "epoch_end": "cycle at which it ends",
    "subcores": "sub-cores of an SM",
    "round_robin": "1 for loose round robin, 0 for greedy then oldest",
    "cta_launch": "cycles from the place for a CTA to its first instruction",
    "branch_latency": "cycles from a taken branch to the next instruction",
    "barrier_latency": "cycles from the last arrival to the release",
    "shared_latency": "cycles",
    "shared_banks": "banks of shared memory",
    "lsu_queue": "wavefronts that may wait in the load and store unit",
    "l1_latency": "cycles",
    "l1_sets": "sets of the L1 cache",
    "l1_ways": "ways of it",
    "l2_latency": "cycles",
    "l2_sets": "sets of the L2 cache",
    "l2_ways": "ways of it",
    "l2_tags": "address of the line in each way, -1 for none",
    "l2_sectors": "address of the mask of sectors that each way holds",
    "l2_stamps": "address of the epoch in which each way was used last",
    "memory_queue": "cycles of transfers that may wait for L2 or DRAM",
    "l2_ticks": "ticks that a sector takes of an SM's share of L2 bandwidth",
    "dram_latency": "cycles",
    "dram_ticks": "ticks that a sector takes of an SM's share of DRAM bandwidth",
    "atomic_latency": "cycles",
    "units": "address of an entry for each unit with a cost function",
    "foreign_costs": "address of the code of costs from files of the user's, 0 if the kernel has none",
    "log_capacity": "entries of an SM's log",
    "missed_sectors": "sectors that SMs loaded from DRAM in the last epoch, each counted by itself",
    "loaded_sectors": "sectors that DRAM moved for loads",
    "dram_sectors": "sectors that DRAM moved in the last epoch",
    "uses": "address of what each instruction reads and writes; 0 unless hazards are watched",
    "watch_bytes": "of a warp's watch record and its outstanding instructions",
}
MACHINE_OFFSETS = offsets(MACHINE_FIELDS, {})

COUNTERS = {
    "warp_cycles": "cycles that warps were resident",
    "ctas_done": "CTAs that have ended",
    "wavefronts": "passes through the load and store unit",
    "bank_conflicts": "passes that shared memory bank conflicts added",
    "l1_hits": "sectors found in L1",
    "l1_misses": "sectors loaded from L2",
    "stored": "sectors stored to L2",
    "l2_misses": "sectors that were not in L2",
}
SM_FIELDS = {
    **COUNTERS,
    "subcores": "address of the first sub-core record",
    "counters": "address of the counters of units' blocks",
    "clocks": "address of the first warp clock record",
    "slots": "CTAs that fit",
    "slot_warps": "address of the warp records of each CTA slot",
    "slot_shared": "address of the shared memory of each",
    "queue": "address of the CTAs to be run here",
    "queue_head": "next of them",
    "queue_tail": "behind the last of them",
    "age": "CTAs started here",
    "finished": "cycle at which the last CTA ended",
    "lsu_free": "cycle from which the load and store unit is idle",
    "l2_free": "tick from which the path to L2 is idle",
    "dram_free": "tick from which this SM's share of DRAM is idle",
    "l1_tags": "address of the line in each way, -1 for none",
    "l1_sectors": "address of the mask of sectors that each way holds",
    "l1_used": "address of when each way was used last",
    "l1_filled": "address of the cycles at which each way has all its sectors, and at which each of them",
    "l1_clock": "counts uses",
    "pending": "address of the table of this epoch's misses: line, epoch, sectors, cycle",
    "log": "address of the lines missed in this epoch: line, sectors",
    "log_count": "entries",
    "bank_words": "address of scratch for bank conflicts",
    "issued": "instructions that its ended warps have issued",
    "watches": "address of the watch records of all warps",
    "findings": "address of the hazards found",
    "finding_count": "hazards",
    "tracker": "address of the tracker record of the host thread that runs it, 0 if accesses are not tracked",
    "fault_cta": "CTA that faulted, -1 for none",
    "fault_slot": "slot of it",
    "fault_warp": "warp of it",
}
SM_OFFSETS = offsets(SM_FIELDS, {"live": CTA_SLOTS, "cta": CTA_SLOTS})

SUBCORE_FIELDS = {
    "next": "cycle at which a warp may issue",
    "count": "warps it may hold",
    "greedy": "warp that issued last, -1 for none",
    "blocks": "address of the state of units' blocks",
}
SUBCORE_OFFSETS = offsets(
    SUBCORE_FIELDS,
    {
        "ready": POSITIONS,
        "port": POSITIONS,
        "gate": POSITIONS,
        "age": POSITIONS,
        "warp": POSITIONS,
        "clock": POSITIONS,
        "port_free": PORTS,
        "port_busy": PORTS,
        "port_reason": PORTS,
    },
)

UNIT_ENTRY = 32
"""Bytes of what the machine knows of a unit with a cost function: offset of its block's state in a sub-core, address
of its parameters, offset of its block's counters in an SM, and the reason why its port is held."""

CHARGE_FIELDS = {
    "cycle": "at which the instruction issues",
    "latency": "cycles to its result, as the unit's timing says",
    "place": "a number that tells its first accumulator register apart from all others of the SM",
    "accumulators": "registers from there on that it accumulates in, 0 if there are none",
    "busy": "cycles that the port is busy for the instruction itself: at first the initiation interval",
    "held": "cycle until which the block holds the port beyond that",
    "read": "cycle from which sources may be overwritten: at first the next one",
    "done": "cycle at which results are there: at first that behind the latency",
}
"""What a unit's cost function is given, and what it may change: from ``busy`` on."""

CHARGE_OFFSETS = offsets(CHARGE_FIELDS, {})

AHEAD = 128
"""Instructions that a warp runs ahead of its time, at most, of those that nothing beyond it can tell."""

CLOCK_FIELDS = {
    "pc": "the next instruction",
    "trace": "address of room for a trace",
    "next": "address of its entry in the trace of what the warp has run ahead; at ``end`` if it has not run yet",
    "end": "address of the entry behind the last one that has run",
    "last": "cycle of the last issue",
    "started": "cycle at which the warp's CTA was launched",
    "stall_until": "end of the stall count",
    "fetch_until": "end of the wait for the instruction",
    "wait_until": "end of the wait for scoreboards or a barrier",
    "wait_reason": "reason of that wait",
    "slot": "CTA slot",
    "subcore": "address of the sub-core",
    "position": "place in the sub-core",
    "off": "1 if the guard of the next instruction holds in no lane",
}
CLOCK_OFFSETS = offsets(CLOCK_FIELDS, {"board": SCOREBOARDS, "board_reason": SCOREBOARDS})

PLACE_WORDS = -(-PLACES // 64)
"""64-bit words of a mask over registers and predicates."""


class Use(IntEnum):
    """64-bit words of what hazard checks know of an instruction; masks have ``PLACE_WORDS``.

    ``GUARD`` and ``READS``: what it reads if its guard holds in no lane, and else. ``LATE``: sources read late that
    the kernel overwrites. ``TILE``: accumulators that outer products keep in order, ``OUTER`` if there are any.
    ``ACCUMULATORS``: sources that wait ``ACCUMULATE`` cycles of their producer if its ``PIPE`` is the same.
    ``OUTSTANDING``: whether it stays under way until it is waited for; ``HAS_LATE``: whether it has late sources.
    """

    GUARD = 0
    READS = PLACE_WORDS
    WRITES = 2 * PLACE_WORDS
    LATE = 3 * PLACE_WORDS
    TILE = 4 * PLACE_WORDS
    ACCUMULATORS = 5 * PLACE_WORDS
    NOTHING = 6 * PLACE_WORDS
    LATENCY = 7 * PLACE_WORDS
    ACCUMULATE = LATENCY + 1
    PIPE = LATENCY + 2
    VARIABLE = LATENCY + 3
    OUTER = LATENCY + 4
    OUTSTANDING = LATENCY + 5
    HAS_LATE = LATENCY + 6
    WRITE = LATENCY + 7
    READ = LATENCY + 8
    WAIT = LATENCY + 9


USE_WORDS = Use.WAIT + 1

WATCHED_PLACES = 64 * PLACE_WORDS
WATCH_FIELDS = {
    "age": "which CTA of the SM the record is about",
    "count": "instructions under way until they are waited for",
}
WATCH_OFFSETS = offsets(
    WATCH_FIELDS,
    {
        "started": WATCHED_PLACES,
        "producer": WATCHED_PLACES,
        "lanes": WATCHED_PLACES,
        "set_at": SCOREBOARDS,
        "setter": SCOREBOARDS,
    },
)
OUTSTANDING_ENTRY = 24
"""Bytes of an instruction under way: its index, lanes whose results are not there, lanes whose sources are not read."""


class Danger(IntEnum):
    """Kinds of hazards."""

    RAW = 0
    WAW = 1
    WAR = 2
    WAIT = 3


class Finding(IntEnum):
    """64-bit words of a hazard found."""

    PRODUCER = 0
    CONSUMER = 1
    DANGER = 2
    PLACE = 3
    MISSING = 4
    CTA = 5
    WARP = 6
    CYCLE = 7


FINDING_WORDS = len(Finding)
FINDINGS = 64
"""Hazards that an SM remembers."""

TASK_FIELDS = {
    "machine": "address of the machine record",
    "tracker": "address of the tracker record, 0 if accesses are not tracked",
    "merge": "1 to merge the SMs' misses into L2, 0 to run an epoch",
    "issued": "address of the counts of issued instructions",
    "skipped": "address of the counts of those whose guard held in no lane",
    "kept": "address of room for a warp's state",
    "reasons": "address of stall cycles per instruction and reason",
    "free": "address of the counts of those that took no issue slot",
    "charge": "address of room for a charge",
}
TASK_OFFSETS = offsets(TASK_FIELDS, {})

SECTORS = 4
"""Of a line of L1."""

L1_FILL_BYTES = 8 * (1 + SECTORS)
LOG_ENTRY = 16
PENDING_ENTRY = 32
PENDING_ENTRIES = 4096
BANK_WORDS = 32
