"""Loads, stores and atomic operations on global, shared and constant memory."""

from typing import Annotated

from dstc_isa.isa.address_operand import AddressOperand
from dstc_isa.isa.effects import Effect, primitive
from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import U32, U64, Index, Warp
from dstc_isa.isa.lanes import FULL_MASK, LANES, f32, insert_lane, is_nan, lane_of, select, splat, u32
from dstc_isa.isa.modifier import Choice, Flag, Size
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.values import RZ
from dstc_isa.isa.volta.float import canonical
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.shorthand import DATA_B, Loaded
from dstc_isa.isa.volta.units import LSU
from dstc_isa.isa.warp import (
    SPACES,
    Atomic,
    AtomicType,
    Space,
    compare_exchange,
    exchange,
    load,
    store,
    write_register,
)

OFFSET = Field(40, 24, signed=True)
Extended = Annotated[int, Flag("E", Field(72, 1))]
Global = Annotated[U64, AddressOperand(OFFSET, wide="extended")]
Shared = Annotated[U32, AddressOperand(OFFSET)]
Bank = Annotated[U64, AddressOperand(Field(38, 16, signed=True), constant=True)]
Width = Annotated[int, Choice(Size, Field(73, 3))]
Stored = Annotated[Index, Source("b", width="size")]


@instruction("LDG", 0x381, LSU, variable=True)
def ldg(warp: Warp, rd: Loaded, address: Global, extended: Extended, size: Width = Size._32) -> None:
    """Load from global memory; with .E the base is a pair of registers, a 64-bit address.

    8 and 16 bit values are extended to 32 bits; .64 and .128 fill two and four registers. The address must
    be a multiple of the size.
    """
    load(warp, Space.GLOBAL, address, size, rd)


@instruction("STG", 0x386, LSU, variable=True)
def stg(warp: Warp, address: Global, rb: Stored, extended: Extended, size: Width = Size._32) -> None:
    """Store to global memory; with .E the base is a pair of registers. Of two lanes the higher one wins."""
    store(warp, Space.GLOBAL, address, size, rb)


@instruction("LDS", 0x984, LSU, variable=True)
def lds(warp: Warp, rd: Loaded, address: Shared, size: Width = Size._32) -> None:
    """Load from the CTA's shared memory; the address counts from its start."""
    load(warp, Space.SHARED, address, size, rd)


@instruction("STS", 0x388, LSU, variable=True)
def sts(warp: Warp, address: Shared, rb: Stored, size: Width = Size._32) -> None:
    """Store to the CTA's shared memory. Of two lanes that write one place the higher one wins."""
    store(warp, Space.SHARED, address, size, rb)


@instruction("LDC", 0xB82, LSU, variable=True)
def ldc(warp: Warp, rd: Loaded, address: Bank, size: Width = Size._32) -> None:
    """Load from a constant bank at an address that may differ between lanes.

    Bank 0 holds the launch (block size at 0x0, grid size at 0xc, parameters from 0x160 on), bank 3 the
    kernel file's .const data. The bank travels in the high word of the address.
    """
    load(warp, Space.CONSTANT, address, size, rd)


AtomicOp = Annotated[int, Choice(Atomic, Field(87, 4))]
AtomicKind = Annotated[int, Choice(AtomicType, Field(73, 3))]


def combine(operation: int, kind: int, old: int, value: int) -> int:
    """What an atomic operation leaves in a 32-bit word, as an unsigned integer."""
    if operation == Atomic.EXCH:
        return value
    if operation == Atomic.AND:
        return old & value
    if operation == Atomic.OR:
        return old | value
    if operation == Atomic.XOR:
        return old ^ value
    if kind == AtomicType.F32:
        a = f32(splat(old))
        b = f32(splat(value))
        if operation == Atomic.ADD:
            return int(lane_of(u32(canonical(a + b)), 0))
        first = a < b if operation == Atomic.MIN else a > b
        return int(lane_of(u32(canonical(select(first | is_nan(b), a, b))), 0))
    if operation == Atomic.ADD:
        return (old + value) & FULL_MASK
    bias = 0x80000000 if kind == AtomicType.S32 else 0
    less = (old ^ bias) < (value ^ bias)
    return old if less == (operation == Atomic.MIN) else value


@primitive(Effect.ATOMIC, space=SPACES)
def atomic(warp: Warp, space: int, address: U64, operation: int, kind: int, data: U32) -> U32:
    """Perform one lane's operation after the other, lane 0 first; the old values, u32."""
    old = splat(0)
    for lane in range(LANES):
        if warp.mask >> lane & 1 and warp.fault == 0:
            before = exchange(warp, space, lane, lane_of(address, lane), operation, kind, lane_of(data, lane))
            old = insert_lane(old, lane, before)
    return old


@primitive(Effect.ATOMIC, space=SPACES)
def swap(warp: Warp, space: int, address: U64, expected: U32, data: U32) -> U32:
    """Compare and swap one lane after the other; the old values, u32."""
    old = splat(0)
    for lane in range(LANES):
        if warp.mask >> lane & 1 and warp.fault == 0:
            before = compare_exchange(
                warp, space, lane, lane_of(address, lane), lane_of(expected, lane), lane_of(data, lane)
            )
            old = insert_lane(old, lane, before)
    return old


def returned(warp: Warp, rd: int, old: U32) -> None:
    """Deliver the old values unless the operation faulted or nobody wants them."""
    if warp.fault == 0 and rd != RZ:
        write_register(warp, rd, old)


Old = Annotated[Index, Destination()]


@instruction("ATOMG", 0x3A8, LSU, variable=True)
def atomg(
    warp: Warp,
    rd: Old,
    address: Global,
    rb: DATA_B,
    extended: Extended,
    operation: AtomicOp,
    kind: AtomicKind = AtomicType.U32,
) -> None:
    """Atomic operation on global memory, 32 bit; Rd = the old value. Lanes take turns, lane 0 first."""
    returned(warp, rd, atomic(warp, Space.GLOBAL, address, operation, kind, rb))


@instruction("ATOMG.CAS", 0x3A9, LSU, variable=True)
def atomg_cas(
    warp: Warp, rd: Old, address: Global, rb: DATA_B, rc: Annotated[U32, Source("c")], extended: Extended
) -> None:
    """Compare and swap on global memory: where the word equals Rb it becomes Rc; Rd = the old value."""
    returned(warp, rd, swap(warp, Space.GLOBAL, address, rb, rc))


@instruction("ATOMS", 0x38C, LSU, variable=True)
def atoms(
    warp: Warp, rd: Old, address: Shared, rb: DATA_B, operation: AtomicOp, kind: AtomicKind = AtomicType.U32
) -> None:
    """Atomic operation on shared memory, 32 bit; Rd = the old value. Lanes take turns, lane 0 first."""
    returned(warp, rd, atomic(warp, Space.SHARED, address, operation, kind, rb))


@instruction("ATOMS.CAS", 0x38D, LSU, variable=True)
def atoms_cas(warp: Warp, rd: Old, address: Shared, rb: DATA_B, rc: Annotated[U32, Source("c")]) -> None:
    """Compare and swap on shared memory: where the word equals Rb it becomes Rc; Rd = the old value."""
    returned(warp, rd, swap(warp, Space.SHARED, address, rb, rc))


@instruction("RED", 0x98E, LSU, variable=True)
def red(
    warp: Warp,
    address: Global,
    rb: DATA_B,
    extended: Extended,
    operation: AtomicOp,
    kind: AtomicKind = AtomicType.U32,
) -> None:
    """Atomic operation on global memory that returns nothing. Lanes take turns, lane 0 first."""
    atomic(warp, Space.GLOBAL, address, operation, kind, rb)


def order_matters(operation: int, kind: int) -> bool:
    """Whether the outcome of concurrent reductions depends on their order."""
    floats = kind == AtomicType.F32 and operation in (Atomic.ADD, Atomic.MIN, Atomic.MAX)
    return operation == Atomic.EXCH or floats
