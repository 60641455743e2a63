"""Atomic operations on global and shared memory, and on what a generic address names."""

from enum import IntEnum
from typing import Annotated

from dstc_isa.isa.effects import Effect, primitive
from dstc_isa.isa.field import Field
from dstc_isa.isa.instruction import U32, U64, Held, Index, Warp
from dstc_isa.isa.lanes import FULL_MASK, LANES, f32, insert_lane, is_nan, lane_of, select, splat, u32
from dstc_isa.isa.modifier import Choice
from dstc_isa.isa.operand import Registers
from dstc_isa.isa.register_operand import Destination, Source
from dstc_isa.isa.values import RZ
from dstc_isa.isa.volta.float import canonical, flushed
from dstc_isa.isa.volta.instruction_set import instruction
from dstc_isa.isa.volta.memory_modifiers import (
    ORDINARY,
    AtomicOrder,
    AtomicOrdered,
    Done,
    Evicted,
    Extended,
    Global,
    Private,
    Shared,
)
from dstc_isa.isa.volta.units import LSU
from dstc_isa.isa.warp import (
    SPACES,
    Atomic,
    AtomicType,
    Space,
    compare_exchange,
    exchange,
    write_register,
)


class GenericOperation(IntEnum):
    """What becomes of the word."""

    ADD = 0
    MIN = 1
    MAX = 2
    INC = 3
    DEC = 4
    AND = 5
    OR = 6
    XOR = 7
    EXCH = 8


class GlobalOperation(IntEnum):
    """The same of global memory."""

    ADD = 0
    MIN = 1
    MAX = 2
    INC = 3
    DEC = 4
    AND = 5
    OR = 6
    XOR = 7
    EXCH = 8
    SAFEADD = 9


class Reduction(IntEnum):
    """The same where nothing is returned."""

    ADD = 0
    MIN = 1
    MAX = 2
    INC = 3
    DEC = 4
    AND = 5
    OR = 6
    XOR = 7


class SharedType(IntEnum):
    """Operand type in shared memory; Volta has no F32."""

    U32 = 0
    S32 = 1
    _64 = 2
    F32 = 3


class ComparedType(IntEnum):
    """Operand type of a comparison with what is there."""

    U32 = 0
    S32 = 1
    _64 = 2


class GlobalSwap(IntEnum):
    """Compare and swap, as one of several atomic operations."""

    CAS = 0


class GenericSwap(IntEnum):
    """Compare and swap, and whether it was done."""

    CAS = 0
    CAST = 1


class SharedSwap(IntEnum):
    """The same, and whether it is tried in a loop."""

    CAS = 0
    CAST = 1
    CAST__SPIN = 3


PAIRED = Registers("kind", {2: 2, 5: 2, 6: 2})
"""The types of 64 bits."""

HELD = (Held(Field(64, 8), 0xFF),)
"""The register of a second source, which there is not."""

_OPERATION = Field(87, 4)
_TYPE = Field(73, 3)
_COUNTS = frozenset({3, 4})
_WIDE = frozenset({2, 4, 5, 6})
OfGlobal = Annotated[int, Choice(GlobalOperation, _OPERATION, unmodelled=_COUNTS | {9})]
OfGeneric = Annotated[int, Choice(GenericOperation, _OPERATION)]
OfShared = Annotated[int, Choice(GenericOperation, _OPERATION, unmodelled=_COUNTS)]
OfReduction = Annotated[int, Choice(Reduction, Field(87, 3), unmodelled=_COUNTS)]
AtomicKind = Annotated[int, Choice(AtomicType, _TYPE, unmodelled=_WIDE)]
SharedKind = Annotated[int, Choice(SharedType, Field(73, 2), unmodelled=frozenset({2}))]
ComparedKind = Annotated[int, Choice(ComparedType, _TYPE, unmodelled=frozenset({2}))]
SharedCompared = Annotated[int, Choice(ComparedType, Field(73, 2), unmodelled=frozenset({2}))]


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
            return int(lane_of(u32(canonical(flushed(flushed(a, 1) + flushed(b, 1), 1))), 0))
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


Old = Annotated[Index, Destination(width=PAIRED)]
USUAL = AtomicOrder.STRONG__GPU


@instruction("ATOMG", 0x3A8, LSU, variable=True, held=HELD)
def atomg(
    warp: Warp,
    pu: Done,
    rd: Old,
    address: Global,
    rb: Annotated[U32, Source("b", width=PAIRED, reuse=None)],
    extended: Extended,
    operation: OfGlobal,
    evicted: Evicted = ORDINARY,
    kind: AtomicKind = AtomicType.U32,
    order: AtomicOrdered = USUAL,
    private: Private = 0,
) -> None:
    """Atomic operation on global memory, 32 bit; Rd = the old value. Lanes take turns, lane 0 first."""
    returned(warp, rd, atomic(warp, Space.GLOBAL, address, operation, kind, rb))


@instruction("ATOMG", 0x3A9, LSU, variable=True)
def atomg_cas(
    warp: Warp,
    pu: Done,
    rd: Old,
    address: Global,
    rb: Annotated[U32, Source("b", width=PAIRED, reuse=None, zero=False)],
    rc: Annotated[U32, Source("c", width=PAIRED, reuse=None)],
    extended: Extended,
    swapping: Annotated[int, Choice(GlobalSwap, Field(87, 0))],
    evicted: Evicted = ORDINARY,
    kind: ComparedKind = ComparedType.U32,
    order: AtomicOrdered = USUAL,
    private: Private = 0,
) -> None:
    """Compare and swap on global memory: where the word equals Rb it becomes Rc; Rd = the old value."""
    returned(warp, rd, swap(warp, Space.GLOBAL, address, rb, rc))


@instruction("ATOMS", 0x38C, LSU, variable=True, held=HELD)
def atoms(
    warp: Warp,
    rd: Old,
    address: Shared,
    rb: Annotated[U32, Source("b", width=PAIRED, reuse=None)],
    operation: OfShared,
    kind: SharedKind = SharedType.U32,
) -> None:
    """Atomic operation on shared memory, 32 bit; Rd = the old value. Lanes take turns, lane 0 first."""
    returned(warp, rd, atomic(warp, Space.SHARED, address, operation, kind, rb))


@instruction("ATOMS", 0x38D, LSU, variable=True)
def atoms_cas(
    warp: Warp,
    rd: Old,
    address: Shared,
    rb: Annotated[U32, Source("b", width=PAIRED, reuse=None)],
    rc: Annotated[U32, Source("c", width=PAIRED, reuse=None)],
    swapping: Annotated[int, Choice(SharedSwap, Field(87, 2), unmodelled=frozenset({1, 3}))],
    kind: SharedCompared = ComparedType.U32,
) -> None:
    """Compare and swap on shared memory: where the word equals Rb it becomes Rc; Rd = the old value."""
    returned(warp, rd, swap(warp, Space.SHARED, address, rb, rc))


@instruction("RED", 0x98E, LSU, variable=True)
def red(
    warp: Warp,
    address: Global,
    rb: Annotated[U32, Source("b", width=PAIRED, reuse=None)],
    extended: Extended,
    operation: OfReduction,
    evicted: Evicted = ORDINARY,
    kind: AtomicKind = AtomicType.U32,
    order: AtomicOrdered = USUAL,
    private: Private = 0,
) -> None:
    """Atomic operation on global memory that returns nothing. Lanes take turns, lane 0 first."""
    atomic(warp, Space.GLOBAL, address, operation, kind, rb)


def order_matters(operation: int, kind: int) -> bool:
    """Whether the outcome of concurrent reductions depends on their order."""
    floats = kind == AtomicType.F32 and operation in (Atomic.ADD, Atomic.MIN, Atomic.MAX)
    return operation == Atomic.EXCH or floats


_GENERIC = "generic addresses are not told apart"


@instruction("ATOM", 0x38A, LSU, variable=True, held=HELD, unmodelled=_GENERIC)
def atom(
    address: Global,
    rb: Annotated[U32, Source("b", width=PAIRED, reuse=None)],
    extended: Extended,
    operation: OfGeneric,
    evicted: Evicted = ORDINARY,
    kind: AtomicKind = AtomicType.U32,
    order: AtomicOrdered = USUAL,
    private: Private = 0,
) -> tuple[Done, Annotated[U32, Destination(width=PAIRED)]]:
    """Atomic operation at a generic address; Rd = the old value, and the predicate whether it was done."""


@instruction("ATOM", 0x38B, LSU, variable=True, unmodelled=_GENERIC)
def atom_cas(
    address: Global,
    rb: Annotated[U32, Source("b", width=PAIRED, reuse=None)],
    rc: Annotated[U32, Source("c", width=PAIRED, reuse=None)],
    extended: Extended,
    swapping: Annotated[int, Choice(GenericSwap, Field(87, 1))],
    evicted: Evicted = ORDINARY,
    kind: ComparedKind = ComparedType.U32,
    order: AtomicOrdered = USUAL,
    private: Private = 0,
) -> tuple[Done, Annotated[U32, Destination(width=PAIRED)]]:
    """Compare and swap at a generic address; with .CAST Rd = 1 where it was done."""
