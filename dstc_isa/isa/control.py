"""Control codes: the scheduling bits that every instruction word carries, as Volta's do."""

import re

from attrs import frozen

from dstc_isa.isa.field import Field
from dstc_isa.isa.symbolic import text_of_numbers
from dstc_isa.listing import numbers

NO_SCOREBOARD, SCOREBOARDS = numbers.NO_SCOREBOARD, numbers.SCOREBOARDS
ALL_SCOREBOARDS = (1 << SCOREBOARDS) - 1
LEAST_BITS = 4
"""Bits in which a program keeps the least stall that its author asks for."""
AFTER_SETTING = 2
"""Cycles from setting a scoreboard to the first instruction that can wait for it (public assemblers)."""

_TEXT = re.compile(r"B([-0-5]{6}):R([-0-57]):W([-0-57]):([-Y]):S(\d{1,6})")


@frozen
class Control:
    """One instruction's scheduling bits.

    ``stall``: cycles to the warp's next issue, as many as its field holds. ``yields``: end the warp's turn, the oldest
    goes next. ``write`` and ``read``: scoreboard 0-5 signalled when the result is ready or the sources are consumed,
    7 for none. ``wait``: mask of scoreboards to wait for. (Operand reuse belongs to the operands.)
    """

    stall: int = 1
    yields: bool = False
    write: int = NO_SCOREBOARD
    read: int = NO_SCOREBOARD
    wait: int = 0

    def __str__(self) -> str:
        """Print as the control prefix: ``B01----:R-:W2:Y:S04`` (wait, read, write, yield, stall)."""
        return text_of_numbers(numbers.control_code, self.wait, self.read, self.write, self.yields, self.stall)

    @classmethod
    def parse(cls, text: str) -> "Control":
        """Read a control prefix as printed by ``str``; ValueError says what is wrong with it."""
        match = _TEXT.fullmatch(text)
        if not match:
            raise ValueError("a control prefix looks like B01----:R-:W2:Y:S04 (wait, read, write, yield, stall)")
        wait, read, write, yields, stall = match.groups()
        for place, character in enumerate(wait):
            if character not in ("-", str(place)):
                raise ValueError(f"place {place} of the wait mask holds '-' or '{place}', not '{character}'")
        return cls(
            stall=int(stall),
            yields=yields == "Y",
            write=NO_SCOREBOARD if write == "-" else int(write),
            read=NO_SCOREBOARD if read == "-" else int(read),
            wait=sum(1 << place for place, character in enumerate(wait) if character != "-"),
        )


OPEN = "?"
_OPEN_TEXT = re.compile(r"B([-0-5]{6}|\?):R([-0-57?]):W([-0-57?]):([-Y]):S(\d{1,6}\??|\?)")


@frozen
class Prefix:
    """A control prefix as written in a source: ``control``, with defaults for what is left to the assembler.

    ``B?``, ``R?``, ``W?`` and ``S?`` leave a part open; ``S04?`` asks for a stall of at least 4 cycles. The
    flags tell what is kept as it is.
    """

    control: Control
    wait: bool = True
    read: bool = True
    write: bool = True
    stall: bool = True

    @classmethod
    def parse(cls, text: str) -> "Prefix":
        """Read a control prefix; ValueError says what is wrong with it."""
        if OPEN not in text:
            return cls(Control.parse(text))
        match = _OPEN_TEXT.fullmatch(text)
        if not match:
            raise ValueError(
                "a control prefix with open parts looks like B?:R?:W3:-:S04? (wait, read, write, yield, least stall): "
                "B?, or B and 6 places; R and W with ?, - or 0 to 5; - or Y; S?, S04 or S04?"
            )
        wait, read, write, yields, stall = match.groups()
        least = stall.removesuffix(OPEN) or "1"
        if stall.endswith(OPEN) and int(least) >> LEAST_BITS:
            raise ValueError(f"the least stall is 0 to {(1 << LEAST_BITS) - 1} cycles, not {least}")
        whole = f"B{wait.replace(OPEN, '-' * SCOREBOARDS)}:R{read}:W{write}:{yields}:S{least}"
        return cls(
            Control.parse(whole.replace(OPEN, "-")), wait != OPEN, read != OPEN, write != OPEN, not stall.endswith(OPEN)
        )


DEFAULT = Control()


@frozen(eq=False)
class ControlFields:
    """Where a word has its control code; ``no_yield`` is 0 for an instruction that yields."""

    stall: Field
    no_yield: Field
    write: Field
    read: Field
    wait: Field

    @property
    def fields(self) -> tuple[Field, ...]:
        """All of them."""
        return (self.stall, self.no_yield, self.write, self.read, self.wait)

    @property
    def mask(self) -> int:
        """The bits of a control code."""
        return sum(field.mask for field in self.fields)

    def check(self) -> None:
        """Raise ValueError if a field does not have the values of the machine's scoreboards."""
        most = {"write": NO_SCOREBOARD, "read": NO_SCOREBOARD, "wait": ALL_SCOREBOARDS, "no_yield": 1}
        for name, maximum in most.items():
            field: Field = getattr(self, name)
            if field.minimum or field.scale or field.maximum != maximum:
                raise ValueError(f"{name} has the values 0 to {maximum}, not {field.minimum} to {field.maximum}")

    def encode(self, control: Control) -> int:
        """The word with only these bits; ValueError if one does not fit."""
        _check_scoreboards(control)
        if not self.stall.holds(control.stall):
            raise ValueError(f"a stall is 0 to {self.stall.maximum} cycles, not {control.stall}")
        return (
            self.stall.insert(control.stall)
            | self.no_yield.insert(0 if control.yields else 1)
            | self.write.insert(control.write)
            | self.read.insert(control.read)
            | self.wait.insert(control.wait)
        )

    def decode(self, word: int) -> Control:
        """Read the scheduling bits of a word; ValueError if they name a scoreboard that does not exist."""
        control = Control(
            stall=self.stall.extract(word),
            yields=not self.no_yield.extract(word),
            write=self.write.extract(word),
            read=self.read.extract(word),
            wait=self.wait.extract(word),
        )
        _check_scoreboards(control)
        return control


def _check_scoreboards(control: Control) -> None:
    if SCOREBOARDS in (control.write, control.read):
        raise ValueError(f"scoreboard {SCOREBOARDS} does not exist: there are 0 to {SCOREBOARDS - 1}")
