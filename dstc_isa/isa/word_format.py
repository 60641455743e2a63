"""The word of an instruction set: how long it is, and where it has what every instruction has."""

from collections.abc import Mapping
from functools import cached_property

from attrs import frozen

from dstc_isa.isa.control import ControlFields
from dstc_isa.isa.field import Field
from dstc_isa.isa.values import ALWAYS, PT, RZ, Predicate

BITS_A_BYTE = 8


@frozen
class SourceFields:
    """The bits of one physical source slot: register number, and what may be done to the register.

    ``select``: which half is taken twice, if one is. Instructions of a format without one of them cannot do it.
    """

    register: Field
    negate: Field | None = None
    absolute: Field | None = None
    reuse: Field | None = None
    select: Field | None = None


@frozen(eq=False, slots=False)
class WordFormat:
    """Places in the word that instructions of a set share.

    ``bits``: length, whole bytes. ``form_bits``: how many high bits of the opcode tell an instruction's forms from
    each other, ``register_form`` what they are in the form whose operands all are registers. ``sources``: by the name
    of the slot; ``packed``: those of operands that are two halves, where they differ. ``destination``, ``immediate``,
    ``constant_offset``, ``constant_bank`` and ``target``: where these operands are, unless an instruction says
    otherwise. The greatest register number of a field stands for RZ, the greatest of a predicate for PT.
    """

    bits: int
    opcode: Field
    guard: Field
    guard_negate: Field
    control: ControlFields
    sources: Mapping[str, SourceFields]
    destination: Field
    packed: Mapping[str, SourceFields] = {}
    form_bits: int = 0
    register_form: int = 0
    immediate: Field | None = None
    constant_offset: Field | None = None
    constant_bank: Field | None = None
    target: Field | None = None

    def __attrs_post_init__(self) -> None:
        """Raise ValueError if what the machine has does not fit the fields."""
        if self.bits % BITS_A_BYTE or self.bits <= 0:
            raise ValueError(f"a word is whole bytes, not {self.bits} bits")
        if self.registers > RZ or self.predicates > PT:
            raise ValueError(f"a warp has {RZ} registers and {PT} predicates: their fields are too wide")
        self.control.check()

    @cached_property
    def size(self) -> int:
        """Length in bytes."""
        return self.bits // BITS_A_BYTE

    @cached_property
    def registers(self) -> int:
        """General registers that an instruction can name, RZ not counted."""
        return self.destination.maximum

    @cached_property
    def predicates(self) -> int:
        """Predicates that a guard can name, PT not counted."""
        return self.guard.maximum

    @property
    def common(self) -> tuple[Field, ...]:
        """The fields of every instruction."""
        return (self.opcode, self.guard, self.guard_negate, *self.control.fields)

    @property
    def form_shift(self) -> int:
        """The opcode bit from which on forms are told apart."""
        return self.opcode.width - self.form_bits

    @cached_property
    def unguarded(self) -> int:
        """The bits of the guard PT."""
        return self.encode_guard(ALWAYS)

    def encode_guard(self, guard: Predicate) -> int:
        """The bits of a guard; ValueError for a predicate that it cannot name."""
        number = self.predicates if guard.index == PT else guard.index
        if number == self.predicates and guard.index != PT:
            raise ValueError(f"there are predicates P0 to P{self.predicates - 1}, not {guard}")
        return self.guard.insert(number) | (self.guard_negate.mask if guard.negate else 0)

    def decode_guard(self, word: int) -> Predicate:
        """The guard of a word."""
        number = self.guard.extract(word)
        return Predicate(PT if number == self.predicates else number, bool(word & self.guard_negate.mask))

    def split(self, code: bytes) -> tuple[int, ...]:
        """The words in a piece of code, the lowest byte of each first; ValueError for a part of one."""
        if len(code) % self.size:
            raise ValueError("not a whole number of instructions")
        return tuple(int.from_bytes(code[at : at + self.size], "little") for at in range(0, len(code), self.size))

    def digits(self, word: int) -> str:
        """A word in hexadecimal, zeros in front included."""
        return f"{word:0{2 * self.size}x}"

    def join(self, words: tuple[int, ...]) -> bytes:
        """The bytes of words."""
        return b"".join(word.to_bytes(self.size, "little") for word in words)
