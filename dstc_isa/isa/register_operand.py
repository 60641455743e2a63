"""Operands that are general registers: sources, which can also be immediates or constants, and destinations."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve, field, frozen

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
from dstc_isa.isa.operand import WIDEST, Condition, Form, Modifiers, Operand, Part, Parts, Width, width_of
from dstc_isa.isa.values import (
    HALVES,
    RZ,
    Complement,
    Constant,
    ConstantComplement,
    Immediate,
    Register,
    Value,
    Written,
)
from dstc_isa.isa.word_format import SourceFields, WordFormat

HALVES_TAKEN = {"": 0, "F32": 1, "H0_H0": 2, "H1_H1": 3}
"""How it is stored what of a register is taken as two halves: both as they are, a float, or one half twice."""

SIGNED = {Literal.HALVES: "halves", Literal.DOUBLE: "f64"}
"""What signs are of, where the lanes are integers that hold floats."""

ONE_HALF = {"H0": 0, "H1": 1}
"""How it is stored which half of a register is taken."""

_SAME = {"H0": "H0_H0", "H1": "H1_H1", "H0_H0": "H0", "H1_H1": "H1"}
"""The two ways to write a half, of which an operand knows one."""


@frozen
class Source(Operand):
    """A general source: register, and where ``imm``/``const`` give a form code also an immediate or c[][].

    ``negate`` and ``absolute``: whether it has a sign, where its slot has it or in a field of its own;
    ``unsigned_in_c``: not where it has moved there. ``halves``: both 16-bit halves are used, and .H0_H0 or .H1_H1
    repeats one. ``half``: the bit that names the one half used. ``suffixes``: the words that may stand behind it,
    nothing included, with their numbers, stored in ``select`` or where the slot has it, nowhere if there is one
    only; those in ``unmodelled`` are not executed, nor is a sign if ``-`` is in it. ``fits``: why a value cannot
    stand beside modifiers, None if it can. ``zero``: it may be RZ. ``reuse``: the slot whose reuse bit it has, if not
    its own; None if it is never kept. ``literals``: by the modifiers how an immediate is written, if not always as
    ``literal`` says. ``several``: the declaration's ``forms`` say when this is an immediate, in ``literal_at``.
    ``most``: it is executed with immediates up to it only. ``raw``: the semantics handles the sign itself.
    ``complements``: the modifier with which the sign is a complement and written ``~``, or that it always is one.
    """

    slot: str
    negate: bool | Field = False
    absolute: bool | Field = False
    unsigned_in_c: bool = False
    width: Width = 1
    imm: int = 0
    const: int = 0
    literal: Literal = Literal.INTEGER
    halves: bool = False
    half: Field | None = None
    suffixes: Mapping[str, int] = {}
    select: Field | None = None
    unmodelled: frozenset[str] = field(default=frozenset({"F32"}), repr=False)
    reuse: str | None = ""
    literal_at: Field | None = None
    most: int | None = None
    several: bool = False
    zero: bool = True
    raw: bool = False
    literals: Callable[[Modifiers], Literal] | None = field(default=None, repr=False)
    fits: Callable[[Value, Modifiers], str | None] | None = field(default=None, repr=False)
    complements: str | bool = False
    optional: bool = False
    shown: bool | Condition = False
    only: Condition = ""
    unless: tuple[str, ...] = ()
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
    def pairs(self) -> bool:
        """See ``Operand``."""
        return self.takes_literal and self.literal is Literal.HALVES

    @property
    def literal_field(self) -> Field:
        """Where an immediate is stored."""
        return needed(self.literal_at or self.word.immediate, "an immediate")

    def table(self, moved: bool) -> dict[type, Parts]:
        """See ``Operand``."""
        places = self.word.packed if self.halves and self.word.packed else self.word.sources
        place = places["c" if moved else self.slot]
        kept = None if self.reuse is None else places[self.reuse or self.slot].reuse
        tables: dict[type, Parts] = {
            Register: (
                self._suffix_part(place, "register"),
                *self._signs(place, there=not (moved and self.unsigned_in_c)),
                register_part(place.register, self.word, zero=self.zero),
                Part("reuse", kept, "reuse", flag=True, refusal="this operand is not kept for reuse"),
            )
        }
        if self.const:
            bank = Part("bank", needed(self.word.constant_bank, "a constant's bank"), "bank")
            offset = Part("offset", needed(self.word.constant_offset, "a constant's offset"), "offset")
            b = places["b"]
            tables[Constant] = (self._suffix_part(b, "constant"), *self._signs(b), bank, offset)
        if self.takes_literal:
            role, range_ = "" if self.literal_at else "immediate", f"0 to {self.literal_field.maximum}"
            tables[Immediate] = (Part("value", self.literal_field, role, refusal=f"{{}} is outside {range_}"),)
        return tables

    @property
    def words_behind(self) -> Mapping[str, int]:
        """The words that may stand behind it, nothing included, with their numbers; none if none may."""
        return HALVES_TAKEN if self.halves else ONE_HALF if self.half else self.suffixes

    def _suffix_part(self, place: SourceFields, what: str) -> Part:
        codes = self.words_behind
        if not codes:
            return Part("suffix", None, fixed="", refusal=f"this operand is a whole {what}")
        words = " or ".join(f".{word}" for word in codes if word)
        if len(codes) == 1:
            return Part("suffix", None, fixed=next(iter(codes)), refusal=f"{words} must stand behind this operand")
        refusal = f"this operand takes {words}" if "" in codes else f"one of {words} must stand behind it"
        return Part(
            "suffix",
            self.half or self.select or needed(place.select, "what is taken of a register"),
            "half" if self.half else "select",
            codes=codes,
            refusal=refusal,
            undefined="selector {} is not defined",
        )

    def _signs(self, place: SourceFields, there: bool = True) -> Parts:
        negate = _sign(there and self.negate, place.negate)
        absolute = _sign(there and self.absolute, place.absolute)
        return (
            Part("negate", negate, "negate", flag=True, refusal="this operand cannot be negated"),
            Part("absolute", absolute, "absolute", flag=True, refusal="this operand has no absolute value"),
        )

    def written_as(self, modifiers: Modifiers) -> Literal:
        """How an immediate is written beside modifiers."""
        return self.literal if self.literals is None else self.literals(modifiers)

    def stray(self, value: Value, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        if self.literals and isinstance(value, Immediate) and value.value >> 16:
            if self.written_as(modifiers) is Literal.HALF:
                return "a 16-bit float has 16 bits"
        reason = super().stray(value, modifiers)
        return self.fits(value, modifiers) if reason is None and self.fits is not None else reason

    def alternative(self, value: Value, modifiers: Modifiers) -> Value | None:
        """See ``Operand``: with another word behind it."""
        if isinstance(value, Register | Constant):
            for suffix, code in self.words_behind.items():
                other = evolve(value, suffix=suffix)
                if code == self.words_behind[value.suffix] and self.stray(other, modifiers) is None:
                    return other
        return None

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
            if not self._complemented(modifiers):
                raise ValueError("~ stands before a source of an instruction with .X only, such as IADD3.X")
            if written.value.negate:
                raise ValueError("an operand is negated or complemented, not both")
            return self._within(evolve(written.value, negate=True))
        if isinstance(written, int | float):
            return Immediate(whole(written) if self.literal_at else literal_bits(written, self.written_as(modifiers)))
        if isinstance(written, Register | Constant) and written.suffix and written.suffix not in self.words_behind:
            written = evolve(written, suffix=_SAME.get(written.suffix, written.suffix))
        return self._within(written)

    def _within(self, written: Value) -> Value:
        """A constant as it is stored, if it is written with a negative offset, which counts from a bank's end."""
        if isinstance(written, Constant) and -self._half_a_bank <= written.offset < 0:
            return evolve(written, offset=written.offset + 2 * self._half_a_bank)
        return written

    def show(self, value: Any, modifiers: Modifiers) -> str:
        """See ``Operand``."""
        if isinstance(value, Immediate):
            return format_literal(value.value, self.written_as(modifiers))
        if isinstance(value, Constant) and value.offset >= self._half_a_bank:
            value = evolve(value, offset=value.offset - 2 * self._half_a_bank)
        if value.negate and self._complemented(modifiers):
            return f"~{evolve(value, negate=False)}"
        return str(value)

    @property
    def _half_a_bank(self) -> int:
        """Bytes of half a constant bank: offsets from there on are printed as negative, which count from its end."""
        at = self.word.constant_offset if self.const else None
        return 0 if at is None else 1 << at.width + at.scale - 1

    def _complemented(self, modifiers: Modifiers) -> bool:
        """Whether the sign is a complement."""
        return bool(modifiers.get(self.complements) if isinstance(self.complements, str) else self.complements)

    def obstacle(self, value: Any, modifiers: Modifiers) -> str | None:
        """See ``Operand``."""
        if self.most is not None and not (isinstance(value, Immediate) and value.value <= self.most):
            return f"another {self.display('rb')} than 0x0 to 0x{self.most:x}"
        if not isinstance(value, Register | Constant):
            return None
        if value.suffix in self.unmodelled:
            return f"an operand with .{value.suffix}"
        return "a negated operand" if value.negate and "-" in self.unmodelled else None

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
        sign = "`~`" if self.complements is True else "`-`"
        signs = [text for text, there in ((sign, self.negate), ("`|...|`", self.absolute)) if there]
        signs += [", ".join(f"`.{word}`" for word in self.words_behind if word)] if self.words_behind else []
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
        return bool(self.negate or self.absolute) and not self.raw

    @property
    def _halved(self) -> bool:
        """Whether a word says which half is fetched."""
        return self.halves or self.half is not None

    def row(self, value: Any, lane: Lane, modifiers: Modifiers) -> tuple[RowWord, ...]:
        """See ``Operand``."""
        register = isinstance(value, Register)
        if lane is Lane.INDEX:
            return (RegisterNumber(value.index),)
        if self.literal is Literal.DOUBLE and isinstance(value, Immediate):
            value = Immediate(value.value << 32)
        words: list[RowWord] = [RegisterPlace(value.index) if register else Pooled(value, lane is Lane.U64)]
        if self._signed:
            words.append(0 if isinstance(value, Immediate) else ABSOLUTE * value.absolute + NEGATE * value.negate)
        if self._halved:
            words.append(-1 if isinstance(value, Immediate) else HALVES.get(value.suffix, -1))
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
            kind = SIGNED.get(self.literal, lane.value)
            fetched = Call(f"signed_{kind}", (fetched, Word(1)))
        return fetched


@frozen
class Destination(Operand):
    """A general register that the instruction writes, ``width`` registers from it on."""

    width: Width = 1
    at: Field | None = None
    accumulates: bool = False
    apart: bool = False
    optional: bool = False
    shown: bool | Condition = False
    only: Condition = ""
    default: Register | None = None
    destination = True
    what = "a register"
    written = frozenset({Register})

    def table(self, moved: bool) -> dict[type, Parts]:
        """See ``Operand``."""
        plain = {"negate": False, "absolute": False, "suffix": "", "reuse": False}
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
        accepted = self.what + consecutive(self.width) + (", not RZ" if self.accumulates else "")
        return accepted + (", apart from the sources" if self.apart else "")

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


def _sign(wanted: bool | Field, usual: Field | None) -> Field | None:
    """Where a sign is stored, None for an operand without one."""
    return wanted if isinstance(wanted, Field) else usual if wanted else None


def needed(field: Field | None, what: str) -> Field:
    """A field that an operand cannot do without; ValueError, which says what for, if its word has none."""
    if field is None:
        raise ValueError(f"the word has no field for {what}: say where it is")
    return field


def register_part(at: Field, word: WordFormat, of: str = "index", role: str = "", *, zero: bool = True) -> Part:
    """The part of a value that is the number of a register, of RZ, too, unless ``zero`` is false."""
    if zero:
        return Part(of, at, role, refusal=not_a_register(word), top=RZ)
    reason = "this operand cannot be RZ"
    return Part(of, at, role, end=word.registers, refusal=reason, undefined=reason)


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
    if not isinstance(width, int):
        return f", as many as the {width if isinstance(width, str) else width.modifier} modifier says"
    aligned = f", the first a multiple of {width}" if width in (2, 4) else ""
    return f", first of {width} consecutive ones{aligned}" if width > 1 else ""
