"""A fault of a running kernel, told in full: which instruction, where, who, and what was wrong."""

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from dstc_isa.engine.launch import Launch
from dstc_isa.engine.loops import Reach
from dstc_isa.errors import DstcError
from dstc_isa.isa.codec import DecodeError, decode, obstacle
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.lanes import LANES
from dstc_isa.isa.text import format_instruction
from dstc_isa.isa.values import PT, RZ
from dstc_isa.isa.warp import Fault
from dstc_isa.program import Kernel


@frozen
class Waiting:
    """A group of lanes that wait: warp, mask of lanes, instruction index, and whether they have exited."""

    warp: int
    lanes: int
    pc: int
    what: str


@frozen
class FaultRecord:
    """What an engine knows of a fault; ``fault_address`` counts bytes, ``pc`` instructions."""

    kind: Fault
    cta: tuple[int, int, int]
    warp: int
    lanes: int
    pc: int
    detail: int
    size: int
    groups: tuple[Waiting, ...] = ()


class KernelFault(DstcError, RuntimeError):
    """A kernel stopped by a fault; the message names kernel, source line, instruction, CTA, warp and lanes."""

    def __init__(self, launch: Launch, record: FaultRecord) -> None:
        self.launch = launch
        self.record = record
        super().__init__(describe(launch, record))


def describe(launch: Launch, record: FaultRecord) -> str:
    """The whole message."""
    kernel = launch.kernel
    lines = [f"{_reason(launch, record)}"]
    inside = 0 <= record.pc < len(kernel.words)
    place = kernel.place(record.pc) if inside else "behind the last instruction"
    lines.append(f"  kernel {kernel.name}, {place}, address 0x{record.pc * kernel.isa.word.size:x}")
    if inside:
        lines.append(f"  {instruction_text(kernel.isa, kernel.words[record.pc])}")
    lines.append(f"  CTA ({', '.join(map(str, record.cta))}), warp {record.warp}, lanes {lane_list(record.lanes)}")
    for group in record.groups:
        where = f" at {kernel.place(group.pc)}" if 0 <= group.pc < len(kernel.words) else ""
        lines.append(f"  warp {group.warp}, lanes {lane_list(group.lanes)}: {group.what}{where}")
    return "\n".join(lines)


def instruction_text(isa: Isa, word: int) -> str:
    """Assembly text of a word, or what is wrong with it."""
    try:
        return format_instruction(decode(isa, word), control=False)
    except DecodeError as error:
        return f".word 0x{isa.word.digits(word)}  // {error}"


def lane_list(mask: int) -> str:
    """Lanes of a mask as ranges: ``0-3,16``."""
    parts = []
    lane = 0
    while lane < LANES:
        if mask >> lane & 1:
            first = lane
            while lane + 1 < LANES and mask >> (lane + 1) & 1:
                lane += 1
            parts.append(str(first) if first == lane else f"{first}-{lane}")
        lane += 1
    return ",".join(parts) or "none"


def _named(launch: Launch, record: FaultRecord) -> str:
    """The semantics of the instruction that faulted."""
    return f"the semantics of {decode(launch.kernel.isa, launch.kernel.words[record.pc]).declaration.mnemonic}"


def _undefined(launch: Launch, record: FaultRecord) -> str:
    """Why a word is not executed."""
    try:
        instruction = decode(launch.kernel.isa, launch.kernel.words[record.pc])
    except DecodeError:
        return "undefined instruction"
    return obstacle(instruction) or "undefined instruction"


def _rows(first: int, count: int) -> str:
    return f"register {first}" if count == 1 else f"{count} registers from {first} on"


def _reason(launch: Launch, record: FaultRecord) -> str:
    detail, size = record.detail, record.size
    match record.kind:
        case Fault.OUT_OF_BOUNDS:
            address = detail & (1 << 64) - 1
            return f"out-of-bounds access of {size} bytes at 0x{address:x}: {launch.memory.describe(address)}"
        case Fault.MISALIGNED:
            return f"misaligned access of {size} bytes at 0x{detail & (1 << 64) - 1:x}: not a multiple of {size}"
        case Fault.UNDEFINED:
            return _undefined(launch, record)
        case Fault.BARRIER:
            return f"barrier {detail} is reached by only part of the CTA: its other threads can no longer come"
        case Fault.WATCHDOG:
            return f"watchdog: the warp has issued {detail} instructions; --max-instructions raises the limit"
        case Fault.NON_UNIFORM:
            lane = first_of(record.lanes)
            return f"an operand that must be the same in all lanes is not (lane {lane} holds 0x{detail:x})"
        case Fault.SHARED_BOUNDS:
            return f"shared memory access of {size} bytes at 0x{detail:x}{_beyond(launch.kernel, record)}"
        case Fault.PARTIAL_WARP:
            return "a tensor instruction needs all 32 lanes of the warp"
        case Fault.BAD_TARGET:
            if record.pc >= len(launch.kernel.words):
                return f"control ran past the kernel's last instruction: an {launch.kernel.isa.ending} is missing"
            bytes_each = launch.kernel.isa.word.size
            last = (len(launch.kernel.words) - 1) * bytes_each
            wrong = f"jump to address 0x{detail & (1 << 64) - 1:x}"
            return f"{wrong}: instructions are at 0x0 to 0x{last:x}, {bytes_each} bytes each"
        case Fault.DEADLOCK:
            return "deadlock: lanes wait at a convergence barrier for lanes that wait elsewhere"
        case Fault.ENDLESS:
            return (
                f"endless loop: after {_counted(detail, 'instruction')} the warp is where it was, with the same "
                "registers and predicates, and has read nothing that can change"
            )
        case Fault.LIVELOCK:
            where = f"shared memory at 0x{detail:x}"
            if size & Reach.GLOBAL:
                where = f"memory at 0x{detail:x} ({launch.memory.describe(detail)})"
            return f"livelock: a loop waits for a change of {where}, and no other warp is left that could make it"
        case Fault.SEMANTICS:
            return f"{_named(launch, record)} raised an exception; the same run with --reference says which"
        case Fault.COST:
            unit = decode(launch.kernel.isa, launch.kernel.words[record.pc]).declaration.unit
            return f"the cost function of unit {unit.name} raised an exception"
        case Fault.REGISTER:
            return f"{_named(launch, record)} names {_rows(detail, size)}: there are R0 to R{RZ - 1}, and RZ is {RZ}"
        case Fault.PREDICATE:
            return f"{_named(launch, record)} names predicate {detail}: there are P0 to P{PT - 1}, and PT is {PT}"
        case Fault.CONSTANT_BOUNDS:
            return f"constant bank access of {size} bytes at 0x{detail:x} is outside the bank"
    return "no fault"


def _beyond(kernel: Kernel, record: FaultRecord) -> str:
    """What a shared memory access goes beyond: the array that it names, or all of the CTA's."""
    address = record.detail if record.detail >> 31 == 0 else record.detail - (1 << 32)
    array = kernel.array_at(record.pc)
    if array is None:
        return f": the kernel declares {kernel.shared_bytes} bytes"
    end = array.offset + array.size
    distance = f"it reaches {address + record.size - end} bytes behind its end"
    if address < array.offset:
        distance = f"it begins {array.offset - address} bytes before its start"
    hit = next((a.name for a in kernel.shared if a.offset < address + record.size and address < a.offset + a.size), "")
    return (
        f" through {array.name}, which has {array.size} bytes from 0x{array.offset:x} on: {distance}"
        f"{f', in {hit}' if hit not in ('', array.name) else ''}"
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def record_of(launch: Launch, warp: Any, warps: Sequence[Any]) -> FaultRecord:
    """The record of a warp's fault, from warps that have the fields of ``isa.warp`` as attributes."""
    kind = Fault(warp.fault)
    stuck = kind in (Fault.BARRIER, Fault.DEADLOCK)
    return FaultRecord(
        kind=kind,
        cta=(warp.identity[0], warp.identity[1], warp.identity[2]),
        warp=warp.index,
        lanes=warp.fault_lanes,
        pc=warp.fault_pc,
        detail=warp.fault_detail,
        size=warp.fault_size,
        groups=tuple(group for each in warps for group in waiting(launch, each)) if stuck else (),
    )


def waiting(launch: Launch, warp: Any) -> list[Waiting]:
    """Where the lanes of a warp stand that can go no further."""
    groups = []
    exited = (1 << min(LANES, launch.threads - warp.index * LANES)) - 1 & ~warp.live
    if exited:
        groups.append(Waiting(warp.index, exited, -1, "exited"))
    places: dict[tuple[int, str], int] = {}
    for lane in range(LANES):
        if warp.live >> lane & 1:
            what = "waits for other lanes" if warp.blocked >> lane & 1 else "ready"
            if warp.at_barrier >> lane & 1:
                what = f"waits at barrier {warp.barrier_id}"
            running = warp.active >> lane & 1
            place = (warp.fault_pc, "stands") if running else (warp.lane_pc[lane] - 1, what)
            places[place] = places.get(place, 0) | 1 << lane
    return groups + [Waiting(warp.index, lanes, pc, what) for (pc, what), lanes in places.items()]


def first_of(mask: int) -> int:
    """Lowest lane of a mask."""
    return (mask & -mask).bit_length() - 1
