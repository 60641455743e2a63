"""Models of shuffles, votes and special registers."""

from dstc_isa.isa.instruction import Instruction
from dstc_isa.isa.values import PT, Predicate, Register
from dstc_isa.isa.volta.communication import SPECIAL_NAMES
from tests.models.state import LANES, Operands, State, lane_model, warp_model


@lane_model("shfl")
def shfl(x: Operands) -> tuple[bool, int]:
    """The pseudocode of shfl.sync in the PTX ISA."""
    lane, distance, clamp, segment = x.lane, x.rb & 31, x.rc & 31, x.rc >> 8 & 31
    last = lane & segment | clamp & ~segment & 31
    first = lane & segment
    j, inside = {
        "UP": (lane - distance, lane - distance >= last),
        "DOWN": (lane + distance, lane + distance <= last),
        "BFLY": (lane ^ distance, lane ^ distance <= last),
        "IDX": (first | distance & ~segment, (first | distance & ~segment) <= last),
    }[str(x.how)]
    source = Operands(x.instruction, x.state, j % LANES if inside else lane)
    return inside, source.ra


@warp_model("vote")
def vote(instruction: Instruction, state: State) -> None:
    lanes = state.executing()
    votes = {lane: bool(Operands(instruction, state, lane).pp) for lane in lanes}
    how = Operands(instruction, state, 0).how
    answers = {"ALL": all(votes.values()), "ANY": any(votes.values()), "EQ": len(set(votes.values())) == 1}
    rd, pu = instruction.operands[:2]
    assert isinstance(rd, Register)
    assert isinstance(pu, Predicate)
    for lane in lanes:
        state.write(rd.index, lane, sum(1 << other for other in lanes if votes[other]))
        if pu.index != PT:
            state.predicates[pu.index][lane] = answers[str(how)]


def special(x: Operands) -> int:
    name = SPECIAL_NAMES[x.number.number]
    return 0 if name == "SRZ" else x.state.special[name][x.lane]


@lane_model("s2r")
def s2r(x: Operands) -> int:
    return special(x)


@warp_model("cs2r")
def cs2r(instruction: Instruction, state: State) -> None:
    (rd, _), (width,) = instruction.operands, instruction.modifiers
    assert isinstance(rd, Register)
    for lane in state.executing():
        state.write(rd.index, lane, special(Operands(instruction, state, lane)))
        if width:
            state.write(rd.index + 1, lane, 0, rd.index)


@warp_model("match")
def match(instruction: Instruction, state: State) -> None:
    wide = Operands(instruction, state, 0).wide
    first = Operands(instruction, state, 0).first("ra")
    rd = Operands(instruction, state, 0).first("rd")
    lanes = state.executing()
    held = {lane: [state.register(first + i, lane) for i in range(1 + wide)] for lane in lanes}
    for lane in lanes:
        state.write(rd, lane, sum(1 << other for other in lanes if held[other] == held[lane]))
