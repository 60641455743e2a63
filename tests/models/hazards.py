"""The rules of control codes as a walk along one path: what a machine without interlocks would read too early.

Fixed latencies end at a cycle, until which a wait for their scoreboard lasts; a variable one never ends unless a wait
on its scoreboard has ended it.
"""

from collections.abc import Iterable

from attrs import define, field

from dstc_isa.gpu import Gpu
from dstc_isa.isa.address_operand import AddressOperand
from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.operand import width_of
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.unit import Unit
from dstc_isa.isa.values import PT, RZ, Address, Marker, Predicate, Register
from dstc_isa.isa.volta.units import LSU
from dstc_isa.units.outer.unit import BUFFER, OHMMA, SPWMMA

Place = tuple[str, int]


@define
class Walk:
    """``waits_last``: whether a wait for a fixed result takes its time; else the result is there and no cycle passed,
    so that cycles are those that stall counts say. ``ready``: issue, pipe and scoreboard of a fixed result.
    ``pending``: unfinished results and unread sources with their scoreboard and the instruction they belong to; one
    that has its result has read its sources.
    """

    gpu: Gpu
    waits_last: bool = True
    cycle: int = 0
    stall: int = 0
    ready: dict[Place, tuple[int, Unit, int]] = field(factory=dict)
    pending: list[tuple[set[Place], int, str, bool, int]] = field(factory=list)
    issued: int = 0
    ports: dict[str, int] = field(factory=dict)
    set_at: dict[int, int] = field(factory=dict)
    done_at: dict[int, int] = field(factory=dict)
    found: list[str] = field(factory=list)

    def step(self, index: int, instruction: Instruction, executes: bool, issues: bool | None = None) -> None:
        """Issue one instruction; ``executes`` is whether its guard holds, ``issues`` whether it does in some lane."""
        issues = executes if issues is None else issues
        pipe = self.gpu.pipes[instruction.declaration.unit]
        fastest = memory_latency(self.gpu, instruction.declaration.mnemonic)
        latency = max(1, pipe.latency if fastest is None else fastest)  # the next instruction is a cycle later
        accumulate = max(1, pipe.accumulate)
        control = instruction.control
        self.cycle += self.stall
        if issues:
            self.cycle = max(self.cycle, self.ports.get(pipe.port, 0))
        waited = {board for board in range(6) if control.wait >> board & 1}
        for board in waited:
            if self.cycle - self.set_at.get(board, -2) < 2:
                self.found.append(f"{index}: waits for scoreboard {board} too soon after it was set")
            if self.waits_last:
                self.cycle = max(self.cycle, self.done_at.get(board, 0))
        self.ready = {place: result for place, result in self.ready.items() if result[2] not in waited}
        finished = {item[4] for item in self.pending if item[1] in waited and item[2] == "result"}
        self.pending = [item for item in self.pending if item[1] not in waited and item[4] not in finished]
        self.issued += 1
        reads, accumulators, writes, tile = places(instruction)
        guard = instruction.guard
        if guard.index != PT:
            self._use(index, {("P", guard.index)}, set(), instruction.declaration.unit, "guard")
        self.stall = max(1, control.stall)
        if not issues and instruction.declaration.unit in (OHMMA, SPWMMA):
            self.stall -= self.gpu.blocks[BUFFER]["skipped"] == "none"
        if issues:
            self.ports[pipe.port] = self.cycle + pipe.initiation
            self.set_at |= {board: self.cycle for board in (control.write, control.read) if board < 6}
            if not instruction.declaration.variable_latency:
                done = self.cycle + max(latency, accumulate, *dict(pipe.to).values())
                self.done_at[control.write] = max(self.done_at.get(control.write, 0), done)
        if not executes:
            return
        unit = instruction.declaration.unit
        conditions = {place for place in reads if place[0] == "P" and unit.branches}
        self._use(index, reads - tile - conditions, accumulators, unit, unit.name)
        self._use(index, conditions, set(), unit, "guard")
        for place in tile:
            self._fixed(index, place, set(), unit, unit.name)
        for held, _, kind, outer, _ in self.pending:
            if kind == "result" and (reads | writes) & held - (tile if outer else set()):
                self.found.append(f"{index}: uses a result that is not waited for")
            if kind == "source" and writes & held:
                self.found.append(f"{index}: overwrites a source")
            if kind == "result" and tile & held and not outer:
                self.found.append(f"{index}: accumulates onto a result that is not waited for")
        for place in writes - tile:
            if place in self.ready and self.cycle + latency <= self._ready(place, unit.name):
                self.found.append(f"{index}: writes {place} before an earlier result")
        if instruction.declaration.variable_latency:
            if writes:
                self.pending.append((writes, control.write, "result", bool(tile), self.issued))
            if instruction.declaration.unit in (LSU, SPWMMA):
                sources = {place for place in reads - tile if place[0] == "R"}
                self.pending.append((sources, control.read, "source", False, self.issued))
                self.pending = [i for i in self.pending if i[0]]
        else:
            for place in writes:
                self.ready[place] = (self.cycle, unit, control.write)

    def _ready(self, place: Place, user: str) -> int:
        """The cycle from which somebody can use a fixed result."""
        issued, producer, _ = self.ready[place]
        timing = self.gpu.pipes[producer]
        return issued + max(1, dict(timing.to).get(user, timing.latency))

    def _use(self, index: int, reads: Iterable[Place], accumulators: set[Place], pipe: Unit, user: str) -> None:
        for place in reads:
            self._fixed(index, place, accumulators, pipe, user)
        for held, _, kind, _, _ in self.pending:
            if kind == "result" and held & set(reads) and next(iter(reads))[0] == "P":
                self.found.append(f"{index}: guarded by a predicate that is not waited for")

    def _fixed(self, index: int, place: Place, accumulators: set[Place], pipe: Unit, user: str) -> None:
        if place in self.ready:
            issued, producer, _ = self.ready[place]
            accumulated = issued + max(1, self.gpu.pipes[producer].accumulate)
            ready = accumulated if place in accumulators and producer is pipe else self._ready(place, user)
            if self.cycle < ready:
                self.found.append(f"{index}: reads {place} {ready - self.cycle} cycles early")


def memory_latency(gpu: Gpu, mnemonic: str) -> int | None:
    """Cycles that a load or an atomic operation takes at least, None for any other instruction."""
    match mnemonic.partition(".")[0]:
        case "LDS" | "LDC" | "ATOMS":
            return gpu.shared.latency
        case "LDG":
            return gpu.l1.latency
        case "ATOMG":
            return gpu.l2.atomic_latency
    return None


def places(instruction: Instruction) -> tuple[set[Place], set[Place], set[Place], set[Place]]:
    """What an instruction reads, reads as accumulator (slot c and nowhere else), writes, and keeps in order itself."""
    reads: set[Place] = set()
    others: set[Place] = set()
    accumulators: set[Place] = set()
    writes: set[Place] = set()
    tile: set[Place] = set()
    declaration = instruction.declaration
    names = declaration.modifier_values(instruction.modifiers)
    for operand, value in zip(declaration.operands, instruction.operands, strict=True):
        own: set[Place] = set()
        if operand.idle(names):  # of BAR.SYNC the predicate that BAR.RED reads
            continue
        if isinstance(value, Register) and value.index != RZ and isinstance(operand, Source | Destination):
            own = {("R", value.index + i) for i in range(width_of(operand.width, names))}
        elif isinstance(value, Predicate) and value.index != PT:
            own = {("P", value.index)}
        elif isinstance(value, Address) and isinstance(operand, AddressOperand) and value.register != RZ:
            own = {("R", value.register + i) for i in range(2 if operand.is_wide(names) else 1)}
        elif value == Marker("PR"):
            own = {("P", i) for i in range(PT)}
        if operand.destination:
            writes |= own
            if isinstance(operand, Destination) and operand.accumulates:
                reads |= own
                tile |= own
            continue
        reads |= own
        if isinstance(operand, Source) and operand.slot == "c":
            accumulators |= own
        else:
            others |= own
    return reads, accumulators - others, writes, tile
