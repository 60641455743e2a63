"""Models of branches, convergence and exit: what becomes of each lane, whoever's turn it is."""

from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field, frozen

from dstc_isa.isa.instruction import Instruction
from tests.models.state import LANES, Operands, State

WORD_BYTES = 16


class BadTarget(Exception):
    """A lane jumps out of the kernel."""


class MixedBarriers(Exception):
    """Lanes of one warp wait at two CTA barriers."""


@frozen
class Lane:
    """Where a lane is: ``pc`` is its next instruction; ``waits`` says for what, if it does."""

    pc: int = 0
    waits: tuple[str, int] | None = None
    exited: bool = False


@define
class Flow:
    """Control state of a warp. ``awaited``: whom a lane meets at a convergence barrier, by (barrier, lane)."""

    size: int
    lanes: list[Lane] = field(factory=lambda: [Lane()] * LANES)
    awaited: dict[tuple[int, int], frozenset[int]] = field(factory=dict)

    def live(self) -> set[int]:
        return {i for i, lane in enumerate(self.lanes) if not lane.exited}

    def runnable(self) -> set[int]:
        return {i for i in self.live() if self.lanes[i].waits is None}

    def at(self, place: tuple[str, int]) -> set[int]:
        """Lanes that wait there."""
        return {i for i, lane in enumerate(self.lanes) if lane.waits == place}

    def go(self, lane: int, pc: int) -> None:
        if not 0 <= pc < self.size:
            raise BadTarget
        self.lanes[lane] = evolve(self.lanes[lane], pc=pc)

    def wait(self, lanes: set[int], place: tuple[str, int]) -> None:
        for lane in lanes:
            self.lanes[lane] = evolve(self.lanes[lane], waits=place)

    def settle(self) -> None:
        """Let go whoever waits for nobody any more."""
        for lane in self.live():
            place = self.lanes[lane].waits
            if place and place[0] == "sync":
                named = {i for i in range(LANES) if place[1] >> i & 1}
                if named & self.live() <= self.at(place):
                    self.free(self.at(place))
            if place and place[0] == "meet":
                whom = self.meets(place[1], lane)
                together = {i for i in self.at(place) if self.meets(place[1], i) == whom}
                if whom & self.live() <= together:
                    self.free(together)
                    self.awaited |= dict.fromkeys(((place[1], i) for i in together), frozenset())

    def meets(self, barrier: int, lane: int) -> frozenset[int]:
        """The lanes that a lane waits for at a convergence barrier."""
        return self.awaited.get((barrier, lane), frozenset())

    def free(self, lanes: set[int]) -> None:
        for lane in lanes:
            self.lanes[lane] = evolve(self.lanes[lane], waits=None)


FlowModel = Callable[[Flow, set[int], Callable[[int], Any]], None]
FLOW_MODELS: dict[str, FlowModel] = {}


def flow_model(name: str) -> Callable[[FlowModel], FlowModel]:
    """Register what an instruction does to the executing lanes; ``read(lane)`` gives a lane's operands."""

    def register(model: FlowModel) -> FlowModel:
        FLOW_MODELS[name] = model
        return model

    return register


def step(flow: Flow, instruction: Instruction, running: set[int], state: State) -> None:
    """One instruction issued by the running lanes, executed by those of ``state.mask``."""
    for lane in running:
        flow.lanes[lane] = evolve(flow.lanes[lane], pc=flow.lanes[lane].pc + 1)
    lanes = set(state.executing()) & running
    if lanes:
        FLOW_MODELS[instruction.declaration.function.__name__](
            flow, lanes, lambda lane: Operands(instruction, state, lane)
        )
        flow.settle()


@flow_model("bra")
def bra(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    for lane in sorted(lanes):
        if read(lane).pp:
            flow.go(lane, flow.lanes[lane].pc + read(lane).target.address // WORD_BYTES)


@flow_model("call")
def call(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    for lane in lanes:
        flow.go(lane, flow.lanes[lane].pc + read(lane).target.address // WORD_BYTES)


def to_address(flow: Flow, lane: int, address: int) -> None:
    if address % WORD_BYTES:
        raise BadTarget
    flow.go(lane, address // WORD_BYTES)


@flow_model("brx")
def brx(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    for lane in lanes:
        x = read(lane)
        to_address(flow, lane, (flow.lanes[lane].pc * WORD_BYTES + x.target.address + x.ra) & 0xFFFFFFFF)


@flow_model("ret")
def ret(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    for lane in lanes:
        x = read(lane)
        to_address(flow, lane, (flow.lanes[lane].pc * WORD_BYTES + x.target.address + x.ra) & 0xFFFFFFFF)


@flow_model("bssy")
def bssy(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    flow.awaited |= dict.fromkeys(((read(0).barrier.index, lane) for lane in lanes), frozenset(lanes))


@flow_model("bsync")
def bsync(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    flow.wait(lanes, ("meet", read(0).barrier.index))


@flow_model("break_")
def break_(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    barrier = read(0).barrier.index
    lanes = {lane for lane in lanes if read(lane).pp}
    flow.awaited = {key: whom - lanes if key[0] == barrier else whom for key, whom in flow.awaited.items()}


@flow_model("warpsync")
def warpsync(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    for lane in lanes:
        flow.wait({lane}, ("sync", read(lane).rb))


@flow_model("exit_")
def exit_(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    for lane in lanes:
        flow.lanes[lane] = Lane(exited=True)


@flow_model("bar_sync")
def bar_sync(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    place = ("barrier", read(0).barrier)
    if any(lane.waits and lane.waits[0] == "barrier" and lane.waits != place for lane in flow.lanes):
        raise MixedBarriers
    flow.wait(lanes, place)


@flow_model("nop")
def nop(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    """Nothing happens."""


@flow_model("membar")
def membar(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    """Nothing happens."""


@flow_model("yield_")
def yield_(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    """Nothing happens."""


@flow_model("nanosleep")
def nanosleep(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    """Nothing happens."""


@flow_model("errbar")
def errbar(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    """Nothing happens."""


@flow_model("cctl")
def cctl(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    """Nothing happens."""


@flow_model("cctll")
def cctll(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    """Nothing happens."""


@flow_model("cctlt")
def cctlt(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    """Nothing happens."""


@flow_model("cctlt_numbered")
def cctlt_numbered(flow: Flow, lanes: set[int], read: Callable[[int], Any]) -> None:
    """Nothing happens."""
