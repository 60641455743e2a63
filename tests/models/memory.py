"""Models of loads, stores and atomics on a bytearray."""

from collections.abc import Callable

from dstc_isa.isa.instruction import Instruction
from tests.models.numbers import F32, Kind, add, less, number
from tests.models.state import Operands, State, signed, warp_model

BYTES = {"U8": 1, "S8": 1, "U16": 2, "S16": 2, "32": 4, "64": 8, "128": 16}


def load(instruction: Instruction, state: State, data: bytes | bytearray, base: int) -> None:
    """Load into Rd and on; the addresses are read before anything is written."""
    places = {lane: Operands(instruction, state, lane).address - base for lane in state.executing()}
    for lane, place in places.items():
        x = Operands(instruction, state, lane)
        size = str(x.size)
        raw = bytes(data[place : place + BYTES[size]])
        assert len(raw) == BYTES[size]
        value = int.from_bytes(raw, "little", signed=size.startswith("S"))
        for word in range(max(1, len(raw) // 4)):
            state.write(x.first("rd") + word, lane, value >> 32 * word, x.first("rd"))


def store(instruction: Instruction, state: State, data: bytearray, base: int) -> None:
    """Store from Rb and on, lane 0 first."""
    for lane in state.executing():
        x = Operands(instruction, state, lane)
        width, first, place = BYTES[str(x.size)], x.first("rb"), x.address - base
        words = [state.register(first + word if first < 255 else 255, lane) for word in range(max(1, width // 4))]
        raw = b"".join(word.to_bytes(4, "little") for word in words)[:width]
        data[place : place + width] = raw


@warp_model("ldg")
def ldg(instruction: Instruction, state: State) -> None:
    load(instruction, state, state.memory, state.base)


@warp_model("stg")
def stg(instruction: Instruction, state: State) -> None:
    store(instruction, state, state.memory, state.base)


@warp_model("lds")
def lds(instruction: Instruction, state: State) -> None:
    load(instruction, state, state.shared, 0)


@warp_model("sts")
def sts(instruction: Instruction, state: State) -> None:
    store(instruction, state, state.shared, 0)


@warp_model("ldc")
def ldc(instruction: Instruction, state: State) -> None:
    _, address = Operands(instruction, state, 0).operand("address")
    load(instruction, state, state.banks[address.bank], 0)


def flushed(bits: int) -> int:
    """An FP32 number, zero of its sign if it is subnormal."""
    return bits if bits & 0x7F800000 else bits & 0x80000000


def combined(operation: str, kind: str, old: int, value: int) -> int:
    """The word an atomic operation leaves."""
    bitwise = {"EXCH": value, "AND": old & value, "OR": old | value, "XOR": old ^ value}
    if operation in bitwise:
        return bitwise[operation]
    if kind.startswith("F32"):
        if operation == "ADD":
            return flushed(add(number(flushed(old), F32), number(flushed(value), F32), F32))
        a, b = number(old, F32), number(value, F32)
        if Kind.NAN in (a.kind, b.kind):
            kept = [bits for bits, x in ((old, a), (value, b)) if x.kind is not Kind.NAN]
            return kept[0] if kept else F32.nan
        return old if (less(a, b) if operation == "MIN" else less(b, a)) else value
    if operation == "ADD":
        return (old + value) & 0xFFFFFFFF
    key = signed if kind == "S32" else int
    return min(old, value, key=key) if operation == "MIN" else max(old, value, key=key)


def in_turn(
    instruction: Instruction, state: State, data: bytearray, base: int, new: Callable[[Operands, int], int]
) -> None:
    """One lane after the other: the word becomes ``new`` of it; Rd, where there is one, gets the old words."""
    old: dict[int, int] = {}
    for lane in state.executing():
        x = Operands(instruction, state, lane)
        place = x.address - base
        old[lane] = int.from_bytes(data[place : place + 4], "little")
        data[place : place + 4] = new(x, old[lane]).to_bytes(4, "little")
    if "rd" in instruction.declaration.names:
        for lane, value in old.items():
            state.write(Operands(instruction, state, lane).first("rd"), lane, value)


def operated(x: Operands, old: int) -> int:
    return combined(str(x.operation), str(x.kind), old, x.rb)


def swapped(x: Operands, old: int) -> int:
    return int(x.rc) if old == x.rb else old


@warp_model("atomg")
def atomg(instruction: Instruction, state: State) -> None:
    in_turn(instruction, state, state.memory, state.base, operated)


@warp_model("red")
def red(instruction: Instruction, state: State) -> None:
    in_turn(instruction, state, state.memory, state.base, operated)


@warp_model("atoms")
def atoms(instruction: Instruction, state: State) -> None:
    in_turn(instruction, state, state.shared, 0, operated)


@warp_model("atomg_cas")
def atomg_cas(instruction: Instruction, state: State) -> None:
    in_turn(instruction, state, state.memory, state.base, swapped)


@warp_model("atoms_cas")
def atoms_cas(instruction: Instruction, state: State) -> None:
    in_turn(instruction, state, state.shared, 0, swapped)
