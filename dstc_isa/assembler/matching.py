"""Which instruction a mnemonic with operands of certain kinds is, and which operand goes where."""

from collections.abc import Sequence

from attrs import Factory, define, field

from dstc_isa.assembler.values import STANDS_FOR
from dstc_isa.isa.codec import encode_fixed
from dstc_isa.isa.effects import Effect
from dstc_isa.isa.instruction import Declaration
from dstc_isa.isa.instruction_set import Isa
from dstc_isa.isa.operand import Form, Operand
from dstc_isa.isa.remembered import clear_when_changed
from dstc_isa.isa.resolve import resolve
from dstc_isa.isa.syntax_line import least_line, place, syntax
from dstc_isa.isa.values import Value

Kinds = tuple[type, ...]


class MatchError(Exception):
    """No declaration takes these operands; ``index`` is the written operand to blame."""

    def __init__(self, message: str, index: int, expected: str = "") -> None:
        super().__init__(message)
        self.index = index
        self.expected = expected


Contribution = tuple[int, int, int]
"""What one operand adds: bits of the word, mask of what it reads, mask of what it writes."""


@define(eq=False, repr=False)
class Place:
    """One declared operand of a plan; ``known`` remembers what the values seen so far contribute."""

    operand: Operand
    written: int
    default: Value | None
    known: dict[object, Contribution] = Factory(dict)


@define(eq=False, repr=False)
class OperandPlan:
    """How operands of certain kinds become an instruction: declaration, form, modifiers, order of operands."""

    declaration: Declaration
    form: Form
    modifiers: tuple[int, ...]
    names: dict[str, int]
    places: tuple[Place, ...]
    fixed: int = field(init=False)
    effects: frozenset[Effect] = field(init=False)
    partial: bool = field(init=False)
    slots: tuple[tuple[int, dict[object, Contribution], Place], ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Derive what every instruction of this plan shares.

        ``effects``: what the semantics touches; ``partial``: it may leave parts of what it writes as they were;
        ``slots`` repeats the places for the loop that emits.
        """
        self.slots = tuple((place.written, place.known, place) for place in self.places)
        self.fixed = encode_fixed(self.declaration, self.form, self.modifiers)
        self.effects = self.declaration.effects
        self.partial = any(operand.partial for operand in self.declaration.operands)


_operand_plans: dict[tuple[Isa, str, Kinds], OperandPlan] = {}
clear_when_changed(_operand_plans.clear)


def find_operand_plan(isa: Isa, mnemonic: str, kinds: Kinds) -> OperandPlan:
    """The plan for a mnemonic and the kinds of its operands; MnemonicError or MatchError if there is none."""
    plan = _operand_plans.get((isa, mnemonic, kinds))
    if plan is None:
        plan = _operand_plans[isa, mnemonic, kinds] = _make_operand_plan(isa, mnemonic, kinds)
    return plan


def _make_operand_plan(isa: Isa, mnemonic: str, kinds: Kinds) -> OperandPlan:
    best: MatchError | None = None
    for declaration, modifiers in resolve(isa, mnemonic):
        try:
            order = _arrange(declaration, mnemonic, kinds)
            form = _form(declaration, order, kinds)
        except MatchError as error:
            if best is None or error.index > best.index:
                best = error
            continue
        places = tuple(Place(o, w, o.default) for o, w in zip(declaration.operands, order, strict=True))
        return OperandPlan(declaration, form, modifiers, declaration.modifier_values(modifiers), places)
    assert best is not None
    raise best


def _form(declaration: Declaration, order: Sequence[int], kinds: Kinds) -> Form:
    """The encoding form that these kinds select; MatchError if they cannot stand together."""
    became: list[type] = []
    special = -1
    for operand, written in zip(declaration.operands, order, strict=True):
        kind = kinds[written] if written >= 0 else type(operand.default)
        became.append(operand.kind_of(STANDS_FOR.get(kind, kind)))
        if became[-1] is not operand.kinds[0]:
            special = written
    form = declaration.form_of_kinds(became)
    if form is None:
        raise MatchError("these operands cannot stand together: only one may be an immediate or a constant", special)
    return form


def _arrange(declaration: Declaration, mnemonic: str, kinds: Kinds) -> tuple[int, ...]:
    """For each declared operand the index of the written one, -1 for one left out; MatchError if none fits.

    Reads greedily from left to right, and gives an optional operand back when the rest does not fit.
    """
    operands = declaration.operands
    best = MatchError("", -1)

    def fit(declared: int, written: int) -> tuple[int, ...] | None:
        nonlocal best
        if declared == len(operands):
            if written == len(kinds):
                return ()
            if written > best.index:
                form = syntax(declaration, declaration.forms[0])
                message = f"too many operands: there are {len(kinds)}, and it is written {form}"
                best = MatchError(message, written, "the end of the line")
            return None
        operand = operands[declared]
        if written < len(kinds) and fits(operand, kinds[written]):
            rest = fit(declared + 1, written + 1)
            if rest is not None:
                return (written, *rest)
        if operand.optional:
            rest = fit(declared + 1, written)
            return None if rest is None else (-1, *rest)
        if written > best.index and written == len(kinds):
            name = place(declaration, declaration.forms[0], declared)
            message = f"operand {name} is missing: it is written {least_line(declaration, mnemonic)}"
            best = MatchError(message, written, operand.what)
        elif written > best.index and not fits(operand, kinds[written]):
            best = MatchError("this operand does not fit", written, operand.what)
        return None

    order = fit(0, 0)
    if order is None:
        raise best
    return order


def fits(operand: Operand, kind: type) -> bool:
    """Whether a value of this kind can be that operand at all."""
    return STANDS_FOR.get(kind, kind) in operand.written
