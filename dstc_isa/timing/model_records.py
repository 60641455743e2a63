"""Records of the timing model as they lie in memory: what Python fills in and compiled code works on."""

from enum import IntEnum

import numpy as np

from dstc_isa.engine.launch_records import LAUNCH, TRACE
from dstc_isa.engine.record_layout import RecordLayout, pointer
from dstc_isa.gpu.schema import MAXIMUM_PORTS, compiled_parameters
from dstc_isa.isa.control import NO_SCOREBOARD, SCOREBOARDS
from dstc_isa.isa.lanes import LANES
from dstc_isa.isa.unit import Cell
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


NO_COST = -1
"""The unit of an instruction that costs what its pipe's latency and interval say."""

INSTRUCTION_TIMING = RecordLayout(
    "instruction timing",
    {
        "port": Cell("its pipe's dispatch port", first=NO_PORT),
        "initiation": "cycles that it holds the port",
        "latency": "cycles to its result, or until another one may need it",
        "stall": Cell("cycles until the warp may issue again", first=1),
        "wait": "mask of scoreboards that it waits for",
        "write": Cell("scoreboard of its results", first=NO_SCOREBOARD),
        "read": Cell("scoreboard of its sources", first=NO_SCOREBOARD),
        "gate": "Gate",
        "yields": "1 if another warp has its turn then",
        "cost": Cell("number of the unit whose cost function it has", first=NO_COST),
        "reason": "Reason to wait for it",
        "accumulator": "first register that it accumulates in",
        "accumulators": "and how many",
        "vanishes": "1 if it takes no issue slot when its guard is false",
    },
    np.int32,
)
"""What the model must know of an instruction; at first, of a NOP."""

SUBCORE = RecordLayout(
    "subcore",
    {
        "next": Cell("cycle at which a warp may issue", first=FAR),
        "count": "warps it may hold",
        "greedy": Cell("warp that issued last, -1 for none", first=-1),
        "blocks": pointer("the state of units' blocks", np.int64, rows=True),
        "ready": Cell("cycle from which the warp at each position waits for nothing of its own", POSITIONS, FAR),
        "port": Cell("the port that its next instruction needs", POSITIONS, NO_PORT),
        "gate": Cell("and the Gate", POSITIONS),
        "age": Cell("which CTA of the SM it belongs to", POSITIONS),
        "warp": Cell("address of its record", POSITIONS),
        "clock": Cell("address of its clock record", POSITIONS),
        "port_free": Cell("cycle from which each port takes an instruction", PORTS),
        "port_busy": Cell("cycles that it was busy", PORTS),
        "port_reason": Cell("Reason why it is not free", PORTS),
    },
)

UNIT = RecordLayout(
    "unit",
    {
        "block": "offset of its block's state in a sub-core",
        "parameters": "address of its parameters",
        "counters": "offset of its block's counters in an SM",
        "held": "Reason why its port is held",
    },
)
"""A unit with a cost function."""

CHARGE = RecordLayout(
    "charge",
    {
        "cycle": "at which the instruction issues",
        "latency": "cycles to its result, as the unit's timing says",
        "place": "a number that tells its first accumulator register apart from all others of the SM",
        "accumulators": "registers from there on that it accumulates in, 0 if there are none",
        "busy": "cycles that the port is busy for the instruction itself: at first the initiation interval",
        "held": "cycle until which the block holds the port beyond that",
        "read": "cycle from which sources may be overwritten: at first the next one",
        "done": "cycle at which results are there: at first that behind the latency",
    },
)
"""What a unit's cost function is given, and what it may change: from ``busy`` on."""

PATIENCE = 100_000
"""Cycles that a warp may wait for the load and store unit while other sub-cores always come before it."""

AHEAD = 128
"""Instructions that a warp runs ahead of its time, at most, of those that nothing beyond it can tell."""

CLOCK = RecordLayout(
    "clock",
    {
        "pc": "the next instruction",
        "trace": pointer("room for a trace", TRACE, rows=True),
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
        "board": Cell("cycle at which each scoreboard is released", SCOREBOARDS),
        "board_reason": Cell("Reason to wait for it", SCOREBOARDS),
    },
)

SECTORS = 4
"""Sectors of a line of L1."""

FILL = RecordLayout(
    "fill",
    {
        "whole": "cycle at which a way of L1 has all its sectors",
        "sectors": Cell("cycle at which it has each", SECTORS),
    },
)
LOGGED = RecordLayout("logged", {"line": "number of a line that was missed", "sectors": "mask of its sectors"})
PENDING = RecordLayout(
    "pending",
    {
        "line": "number of a line that was missed",
        "epoch": "in which",
        "sectors": "mask of its sectors",
        "cycle": "at which they are there",
    },
)
PENDING_ENTRIES = 4096
BANK_WORDS = RecordLayout(
    "bank words", {"count": "words that lanes want of a bank", "words": Cell("their numbers", LANES)}
)

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
SM = RecordLayout(
    "sm",
    {
        **COUNTERS,
        "subcores": pointer("the first sub-core record", SUBCORE),
        "counters": pointer("the counters of units' blocks", np.int64),
        "clocks": pointer("the first warp clock record", CLOCK),
        "slots": "CTAs that fit",
        "slot_warps": pointer("the address of the warp records of each CTA slot", np.int64),
        "slot_shared": pointer("the address of the shared memory of each", np.int64),
        "queue": pointer("the CTAs to be run here", np.int64),
        "queue_head": "next of them",
        "queue_tail": "behind the last of them",
        "age": "CTAs started here",
        "finished": "cycle at which the last CTA ended",
        "lsu_free": "cycle from which the load and store unit is idle",
        "l2_free": "tick from which the path to L2 is idle",
        "dram_free": "tick from which this SM's share of DRAM is idle",
        "l1_tags": pointer("the line in each way, -1 for none", np.int64),
        "l1_sectors": pointer("the mask of sectors that each way holds", np.int64),
        "l1_used": pointer("when each way was used last", np.int64),
        "l1_filled": pointer("the fill of each way", FILL),
        "l1_clock": "counts uses",
        "pending": pointer("the table of this epoch's misses", PENDING),
        "log": pointer("the log of lines missed in this epoch", LOGGED),
        "log_count": "entries",
        "bank_words": pointer("a bank's words for each bank of shared memory", BANK_WORDS),
        "issued": "instructions that its ended warps have issued",
        "longest": "most of them that one has issued",
        "watches": "address of the watch records of all warps",
        "findings": "address of the hazards found",
        "finding_count": "hazards",
        "tracker": "address of the tracker record of the host thread that runs it, 0 if accesses are not tracked",
        "first": "the sub-core that is asked first in a cycle",
        "takes_turns": "1 once a sub-core has starved: from then on each is the first one in turn",
        "fault_cta": Cell("CTA that faulted, -1 for none", first=-1),
        "fault_slot": "slot of it",
        "fault_warp": "warp of it",
        "live": Cell("warps that have not exited, of each CTA slot", CTA_SLOTS),
        "cta": Cell("the CTA in each", CTA_SLOTS),
    },
)

MACHINE = RecordLayout(
    "machine",
    {
        **{name: f"{spec.unit or 'number of'} {spec.meaning}" for name, spec in compiled_parameters().items()},
        "launch": pointer("the launch record", LAUNCH),
        "rows": pointer("the first timing row", INSTRUCTION_TIMING),
        "sms": pointer("the first SM record", SM),
        "sm_count": "SM records",
        "next_sm": "next SM to be taken by a worker in this epoch",
        "epoch": "number of the epoch",
        "epoch_start": "cycle at which it starts",
        "epoch_end": "cycle at which it ends",
        "round_robin": "1 for loose round robin, 0 for greedy then oldest",
        "branch_latency": "cycles from a taken branch to the next instruction",
        "l1_sets": "sets of the L1 cache",
        "l2_sets": "sets of the L2 cache",
        "l2_tags": pointer("the line in each way, -1 for none", np.int64),
        "l2_sectors": pointer("the mask of sectors that each way holds", np.int64),
        "l2_stamps": pointer("the epoch in which each way was used last", np.int64),
        "l2_ticks": "ticks that a sector takes of an SM's share of L2 bandwidth",
        "dram_ticks": "ticks that a sector takes of an SM's share of DRAM bandwidth",
        "units": pointer("the first unit record", UNIT),
        "foreign_costs": "address of the code of costs from files of the user's, 0 if the kernel has none",
        "log_capacity": "entries of an SM's log",
        "missed_sectors": "sectors that SMs loaded from DRAM in the last epoch, each counted by itself",
        "loaded_sectors": "sectors that DRAM moved for loads",
        "dram_sectors": "sectors that DRAM moved in the last epoch",
        "uses": "address of the register use of each instruction; 0 unless hazards are watched",
        "watch_bytes": "of a warp's watch record, its instructions under way and its parted results",
        "parted_at": "where in these the parted results begin",
        "latencies": "address of the cycles from each pipe's instructions to each kind of user of their results",
        "users": "kinds of users of a result, the last of them guards",
    },
)

TASK = RecordLayout(
    "task",
    {
        "machine": pointer("the machine record", MACHINE),
        "tracker": "address of the tracker record, 0 if accesses are not tracked",
        "merge": "1 to merge the SMs' misses into L2, 0 to run an epoch",
        "issued": pointer("the counts of issued instructions", np.int64),
        "skipped": pointer("the counts of those whose guard held in no lane", np.int64),
        "kept": pointer("room for a warp's state", np.int64),
        "stalls": pointer("stall cycles per instruction and reason", np.int64),
        "free": pointer("the counts of those that took no issue slot", np.int64),
        "charge": pointer("room for a charge", CHARGE),
    },
)
