"""Operands that are general registers: sources, which can also be immediates or constants, and destinations."""

from typing import Any

from attrs import evolve, frozen

from dstc_isa.isa import masks
from dstc_isa.isa.fetch import (
    ABSOLUTE,
    NEGATE,
    Base,
    Call,
    Fetched,
    Lane,
    Pooled,
    RegisterNumber,
    RegisterPlace,
    RowWord,
    Word,
)
from dstc_isa.isa.field import Field
from dstc_isa.isa.literal import Literal, format_literal, literal_bits, whole
from dstc_isa.isa.operand import WIDEST, Form, Modifiers, Operand, Part, Parts, Width, width_of
from dstc_isa.isa.values import (
    RZ,
    Complement,
    Constant,
    ConstantComplement,
    Immediate,
    Register,
    Value,
    Written,
    decorate,
)
from dstc_isa.isa.word_format import SourceFields, WordFormat

HALF_CODES = {-1: 0, 0: 2, 1: 3}
"""How the half that is taken twice, or -1 for both as they are, is stored."""


@frozen
class Source(Operand):
    """A general source: register, and where ``imm``/``const`` give a form code also an immediate or c[][].

    ``halves``: both 16-bit halves are used, and .H0_H0 or .H1_H1 repeats one. ``half``: the bit that names the
    one half used. ``several``: the declaration's ``forms`` say when this is an immediate, in ``literal_at``.
    ``raw``: the semantics handles the sign itself.
    """

    slot: str
    negate: bool = False
    absolute: bool = False
    width: Width = 1
    imm: int = 0
    const: int = 0
    literal: Literal = Literal.INTEGER
    halves: bool = False
    half: Field | None = None
    literal_at: Field | None = None
    several: bool = False
    raw: bool = False
    optional: bool = False
    default: Register | None = None

    @property
    def what(self) -> str:  # type: ignore[override]
        """The operand's kinds, for messages."""
        kinds = ["a register"]
        if self.half:
            kinds = ["a register half such as R4.H0"]
        if self.takes_literal:
            kinds.append(self.literal.value)
        if self.const:
            kinds.append("a constant c[bank][offset]")
        return " or ".join(kinds)

    @property
    def takes_literal(self) -> bool:
        """Whether it can be an immediate."""
        return bool(self.imm or self.several)

    @property
    def literal_field(self) -> Field:
        """Where an immediate is stored."""
        return needed(self.literal_at or self.word.immediate, "an immediate")

    def table(self, moved: bool) -> dict[type, Parts]:
        """See ``Operand``."""
        place = self.word.sources["c" if moved else self.slot]
        tables: dict[type, Parts] = {
            Register: (
                self._half_part(place, "register"),
                *self._signs(place),
                Part("index", place.register, refusal=not_a_register(self.word), top=RZ),
                Part("reuse", place.reuse, "reuse", flag=True, refusal="this operand is not kept for reuse"),
            )
        }
        if self.const:
            bank = Part("bank", needed(self.word.constant_bank, "a constant's bank"), "bank")
            offset = Part("offset", needed(self.word.constant_offset, "a constant's offset"), "offset")
            b = self.word.sources["b"]
            tables[Constant] = (self._half_part(b, "constant"), *self._signs(b), bank, offset)
        if self.takes_literal:
            role, range_ = "" if self.literal_at else "immediate", f"0 to {self.literal_field.maximum}"
            tables[Immediate] = (Part("value", self.literal_field, role, refusal=f"{{}} is outside {range_}"),)
        return tables

    def _half_part(self, place: SourceFields, what: str) -> Part:
        if self.half:
            return Part("half", self.half, "half", refusal="one half must be named: .H0 or .H1")
        if self.halves:
            return Part("half", place.select, "select", codes=HALF_CODES, undefined="half selector {} is not defined")
        return Part("half", None, fixed=-1, refusal=f"this operand is a whole {what}")

    def _signs(self, place: SourceFields) -> Parts:
        negate, absolute = place.negate if self.negate else None, place.absolute if self.absolute else None
        return (
            Part("negate", negate, "negate", flag=True, refusal="this operand cannot be negated"),
            Part("absolute", absolute, "absolute", flag=True, refusal="this operand has no absolute value"),
        )

    def kind_in(self, form: Form, index: int) -> type:
        """See ``Operand``."""
        if index not in form.special:
            return Register
        return Constant if form.constant else Immediate

    def forms(self, index: int, in_b: int) -> tuple[Form, ...]:
        """See ``Operand``."""
        moved = in_b if self.slot == "c" and self.literal_at is None else -1
        codes = ((self.imm, False), (self.const, True))
        return tuple(Form(code, (index,), constant, moved) for code, constant in codes if code)

    def misfit(self, value: Any, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        if not isinstance(value, Register):
            return None
        return misplaced(value.index, self.span(modifiers), self.word.registers)

    @property
    def written(self) -> frozenset[type]:  # type: ignore[override]
        """See ``Operand``."""
        constants = {Constant, ConstantComplement} if self.const else set()
        numbers = {int, float, Immediate} if self.takes_literal else set()
        return frozenset({Register, Complement, *constants, *numbers})

    def kind_of(self, written: type) -> type:
        """See ``Operand``."""
        if written in (Constant, ConstantComplement):
            return Constant
        return Immediate if written in (int, float, Immediate) else Register

    def parse(self, written: Written, modifiers: Modifiers, here: int) -> Value:
        """See ``Operand``; ValueError for a number that has no bits here, and for a complement of most operands."""
        if isinstance(written, Complement):
            if not (self.raw and modifiers.get("extended")):
                raise ValueError("~ stands before a source of IADD3.X only")
            if written.value.negate:
                raise ValueError("an operand is negated or complemented, not both")
            return evolve(written.value, negate=True)
        if isinstance(written, int | float):
            return Immediate(whole(written) if self.literal_at else literal_bits(written, self.literal))
        return written

    def show(self, value: Any) -> str:
        """See ``Operand``."""
        if isinstance(value, Immediate):
            return format_literal(value.value, self.literal)
        if self.halves and value.half >= 0:
            reuse = ".reuse" if isinstance(value, Register) and value.reuse else ""
            plain = evolve(value, half=-1, negate=False, absolute=False, **({"reuse": False} if reuse else {}))
            return decorate(f"{plain}.H{value.half}_H{value.half}{reuse}", value.negate, value.absolute)
        return str(value)

    def display(self, name: str) -> str:
        """See ``Operand``."""
        return register_name(name)

    def placeholder(self, name: str, form: Form, index: int) -> str:
        """See ``Operand``."""
        if index in form.special:
            return "c[bank][offset]" if form.constant else f"imm{self.literal_field.width}"
        return self.display(name) + (".Hx" if self.half else "")

    def accepts(self) -> str:
        """See ``Operand``."""
        text = self.what + consecutive(self.width)
        if self.takes_literal:
            text += f"; immediate 0 to 0x{self.literal_field.maximum:x}"
        signs = [sign for sign, there in (("`-`", self.negate), ("`|...|`", self.absolute)) if there]
        signs += ["`.H0_H0`, `.H1_H1`"] if self.halves else []
        return f"{text}; {', '.join(signs)}" if signs else text

    def span(self, modifiers: Modifiers) -> int:
        """See ``Operand``."""
        return width_of(self.width, modifiers)

    @property
    def widest(self) -> int:
        """See ``Operand``."""
        return self.width if isinstance(self.width, int) else WIDEST

    def touched(self, value: Any, modifiers: Modifiers) -> int:
        """See ``Operand``."""
        return masks.registers(value.index, self.span(modifiers)) if isinstance(value, Register) else 0

    @property
    def _signed(self) -> bool:
        """Whether signs are applied when it is fetched, and a word says which."""
        return (self.negate or self.absolute) and not self.raw

    @property
    def _halved(self) -> bool:
        """Whether a word says which half is fetched."""
        return self.halves or self.half is not None

    def row(self, value: Any, lane: Lane, modifiers: Modifiers) -> tuple[RowWord, ...]:
        """See ``Operand``."""
        register = isinstance(value, Register)
        if lane is Lane.INDEX:
            return (RegisterNumber(value.index),)
        words: list[RowWord] = [RegisterPlace(value.index) if register else Pooled(value, lane is Lane.U64)]
        if self._signed:
            words.append(0 if isinstance(value, Immediate) else ABSOLUTE * value.absolute + NEGATE * value.negate)
        if self._halved:
            words.append(-1 if isinstance(value, Immediate) else value.half)
        return tuple(words)

    def fetch(self, lane: Lane) -> Fetched:
        """See ``Operand``."""
        if lane is Lane.INDEX:
            return Word(0)
        place, half = Word(0, Base.REGISTERS), Word(1 + self._signed)
        if self._halved and lane is Lane.F32:
            return Call("half_f32", (place, half))
        fetched = Call(f"source_{lane.value}", (place,))
        if self._halved:
            fetched = Call("chosen_halves", (fetched, half))
        if self._signed:
            kind = "halves" if self.literal is Literal.HALVES else lane.value
            fetched = Call(f"signed_{kind}", (fetched, Word(1)))
        return fetched


@frozen
class Destination(Operand):
    """A general register that the instruction writes, ``width`` registers from it on."""

    width: Width = 1
    at: Field | None = None
    accumulates: bool = False
    optional: bool = False
    default: Register | None = None
    destination = True
    what = "a register"
    written = frozenset({Register})

    def table(self, moved: bool) -> dict[type, Parts]:
        """See ``Operand``."""
        plain = {"negate": False, "absolute": False, "half": -1, "reuse": False}
        refusal, at = "a destination is a plain register", self.at or self.word.destination
        others = tuple(Part(of, None, fixed=fixed, refusal=refusal) for of, fixed in plain.items())
        return {Register: (*others, Part("index", at, refusal=not_a_register(self.word), top=RZ))}

    def misfit(self, value: Any, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        width = self.span(modifiers)
        if self.accumulates and value.index == RZ:
            return f"an accumulator is {width} registers, not RZ"
        return misplaced(value.index, width, self.word.registers)

    def display(self, name: str) -> str:
        """See ``Operand``."""
        return register_name(name)

    def accepts(self) -> str:
        """See ``Operand``."""
        return self.what + consecutive(self.width) + (", not RZ" if self.accumulates else "")

    def span(self, modifiers: Modifiers) -> int:
        """See ``Operand``."""
        return width_of(self.width, modifiers)

    @property
    def widest(self) -> int:
        """See ``Operand``."""
        return self.width if isinstance(self.width, int) else WIDEST

    def touched(self, value: Any, modifiers: Modifiers) -> int:
        """See ``Operand``."""
        return masks.registers(value.index, self.span(modifiers))

    def row(self, value: Any, lane: Lane, modifiers: Modifiers) -> tuple[RowWord, ...]:
        """See ``Operand``."""
        word = RegisterNumber if lane is Lane.INDEX else RegisterPlace
        return (word(value.index, written=True),)


def needed(field: Field | None, what: str) -> Field:
    """A field that an operand cannot do without; ValueError, which says what for, if its word has none."""
    if field is None:
        raise ValueError(f"the word has no field for {what}: say where it is")
    return field


def not_a_register(word: WordFormat) -> str:
    """What is said of a register that words of a format cannot name."""
    return f"registers are R0 to R{word.registers - 1} and RZ"


def misplaced(first: int, width: int, registers: int) -> str | None:
    """Why ``width`` consecutive ones of so many registers cannot begin at one, or None if they can."""
    if first == RZ:
        return None
    if width in (2, 4) and first % width:
        return f"R{first} starts {width} registers here and must be a multiple of {width}"
    if first + width > registers:
        return f"{width} registers from R{first} go past R{registers - 1}"
    return None


def register_name(name: str) -> str:
    """The name of a register operand as descriptions use it: ``fa`` and ``ha`` are Ra."""
    return "R" + name[1] if len(name) == 2 else name


def consecutive(width: Width) -> str:
    """How the manual says that an operand is several registers."""
    if isinstance(width, str):
        return f", as many as the {width} modifier says"
    aligned = f", the first a multiple of {width}" if width in (2, 4) else ""
    return f", first of {width} consecutive ones{aligned}" if width > 1 else ""
