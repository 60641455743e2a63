"""Instructions that Volta does not have and that can be written all the same: they become what ptxas emits for them.

ptxas 12.9 compares and selects for a minimum, takes the high register of a wide product, and reads the extents of
blocks and grids from constant bank 0 (read off tools).
"""

from collections.abc import Callable, Sequence

from attrs import frozen

from dstc_isa.assembler.matching import MatchError
from dstc_isa.assembler.scope import Scope
from dstc_isa.assembler.values import Named, NamedPredicate, Operand, RegisterArray, negated
from dstc_isa.isa.values import PT, RZ, WARP_NUMBER, Constant, Immediate, Predicate, Register, SpecialRegister
from dstc_isa.isa.volta.communication import WARP_SHIFT
from dstc_isa.isa.warp import SpecialNumber
from dstc_isa.syntax.tree import Bits, Statement

ALWAYS = Predicate(PT)
ZERO = Register(RZ)
WORD_MASK = (1 << 32) - 1
MOST_WARPS, AND = 0x7F, 0xC0
"""The mask that ptxas applies to the number of a warp, and the table of a bitwise AND."""

SIGNS = frozenset({"U32", "S32"})


@frozen(eq=False, repr=False)
class Step:
    """An instruction that another one becomes: its mnemonic and operands."""

    mnemonic: str
    operands: tuple[Operand, ...]


@frozen(eq=False, repr=False)
class Temporaries:
    """Registers and predicates that the steps need for themselves, in ``scope``.

    ``marked``: a number among the operands counts from a shared array, and stays a number.
    """

    statement: Statement
    scope: Scope
    marked: bool

    def _new(self, width: int, predicate: bool) -> RegisterArray:
        name = "a predicate of " if predicate else "a register of "
        array = RegisterArray(
            f"{name}{self.statement.word}", width, 1, self.statement, alignment=width, predicate=predicate
        )
        self.scope.arrays.append(array)
        return array

    def predicate(self) -> NamedPredicate:
        """A predicate."""
        return NamedPredicate(self._new(1, True))

    def register(self, width: int) -> Named:
        """So many consecutive registers."""
        return Named(self._new(width, False), 0, width)


Expansion = Callable[[Temporaries, list[str], Sequence[Operand]], tuple[Step, ...] | None]


def _part(pair: Named, offset: int) -> Named:
    return Named(pair.array, pair.offset + offset, 1)


def _four(words: list[str], operands: Sequence[Operand], form: str) -> Sequence[Operand]:
    """The operands; MatchError if there are not four, or for other modifiers than signs."""
    if not set(words) <= SIGNS:
        raise MatchError(f"it is written {form}", len(operands))
    if len(operands) != 4:
        raise MatchError(f"it is written {form}", min(len(operands), 4), "four operands")
    return operands


def _minimum(new: Temporaries, words: list[str], operands: Sequence[Operand]) -> tuple[Step, ...] | None:
    """IMNMX: the first source where (it is less) XOR NOT the predicate."""
    rd, ra, rb, least = _four(words, operands, "IMNMX{.U32} Rd, Ra, Rb, Pp")
    greatest = negated(least) if isinstance(least, Predicate | NamedPredicate) else None
    if greatest is None:
        raise MatchError("this operand does not fit", 3, "a predicate: the lesser where it holds, else the greater")
    first = new.predicate()
    compare = ".".join(["ISETP.LT", *(word for word in words if word == "U32"), "XOR"])
    return (Step(compare, (first, ALWAYS, ra, rb, greatest)), Step("SEL", (rd, ra, rb, first)))


def _high(new: Temporaries, words: list[str], operands: Sequence[Operand]) -> tuple[Step, ...] | None:
    """IMAD.HI: the upper register of IMAD.WIDE."""
    rd, ra, rb, rc = _four(words, operands, "IMAD.HI{.U32} Rd, Ra, Rb, Rc")
    pair = new.register(2)
    wide = ".".join(["IMAD.WIDE", *words])
    product = _wide(new, words, (pair, ra, rb, rc)) or (Step(wide, (pair, ra, rb, rc)),)
    return (*product, Step("MOV", (rd, _part(pair, 1))))


def _wide(new: Temporaries, words: list[str], operands: Sequence[Operand]) -> tuple[Step, ...] | None:
    """IMAD.WIDE with a number as its last source: the number stands in registers."""
    if not set(words) <= SIGNS or len(operands) != 4:
        return None
    rd, ra, rb, rc = operands
    if isinstance(rc, bool) or not isinstance(rc, int | Bits | Immediate):
        return None
    number = rc if isinstance(rc, int) else rc.value
    if not -(1 << 31) <= number <= WORD_MASK:
        return None
    mnemonic = ".".join(["IMAD.WIDE", *words])
    if number == 0 and not new.marked:
        return (Step(mnemonic, (rd, ra, rb, ZERO)),)
    pair = new.register(2)
    sign = WORD_MASK if number & 1 << 31 else 0
    return (
        Step("MOV", (_part(pair, 0), number & WORD_MASK)),
        Step("MOV", (_part(pair, 1), sign)),
        Step(mnemonic, (rd, ra, rb, pair)),
    )


def _special(rd: Operand, what: Operand) -> tuple[Step, ...] | None:
    """S2R of what Volta has in a constant bank, or in a part of a special register."""
    if isinstance(what, Constant):
        return (Step("MOV", (rd, what)),)
    if what == WARP_NUMBER:
        return (
            Step("S2R", (rd, SpecialRegister(SpecialNumber.VIRTID))),
            Step("SHF.R.U32.HI", (rd, ZERO, WARP_SHIFT, rd)),
            Step("LOP3.LUT", (rd, rd, MOST_WARPS, ZERO, AND)),
        )
    return None


EXPANSIONS: dict[str, Expansion] = {"IMNMX": _minimum, "IMAD.HI": _high, "IMAD.WIDE": _wide}
"""Pseudo-instructions by their mnemonic without modifiers."""

FIRST_PARTS = frozenset({"S2R", *(name.partition(".")[0] for name in EXPANSIONS)})
"""First parts of the mnemonics that ``steps_of`` looks at."""


def steps_of(
    statement: Statement, mnemonic: str, operands: Sequence[Operand], scope: Scope, *, marked: bool
) -> tuple[Step, ...] | None:
    """What an instruction becomes that Volta does not have, or not in this form; None for any other one.

    S2R of the extents of blocks and grids copies a constant, which is what their names mean, and that of SR_WARPID
    takes a part of SR_VIRTID. ``marked``: see ``Temporaries``. ``scope`` gets the
    registers that the steps need. Raises MatchError for operands that it does not take.
    """
    for name, expansion in EXPANSIONS.items():
        if mnemonic == name or mnemonic.startswith(name + "."):
            words = mnemonic[len(name) + 1 :].split(".") if mnemonic != name else []
            return expansion(Temporaries(statement, scope, marked), words, operands)
    if mnemonic == "S2R" and len(operands) == 2:
        return _special(*operands)
    return None
