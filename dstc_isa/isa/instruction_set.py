"""An instruction set as an object: its word, its instructions and the units that they run on."""

import copyreg
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from attrs import define, field

from dstc_isa.errors import DstcError
from dstc_isa.isa.effects import FIELDS, Effect, sets, state_of
from dstc_isa.isa.effects import Field as Meaning
from dstc_isa.isa.instruction import Alias, Declaration, DeclarationError, Held, Modified, check, declare
from dstc_isa.isa.remembered import changed
from dstc_isa.isa.unit import Block, Unit, UnitError, check_beside
from dstc_isa.isa.values import Value
from dstc_isa.isa.word_format import WordFormat

Part = TypeVar("Part", Unit, Block)
Contents = tuple[int, int]
"""How many instructions and units an instruction set has."""


class IsaError(DstcError, ValueError):
    """There is no instruction set of that name, or there are two."""


def _as_list(units: Iterable[Unit]) -> list[Unit]:
    return list(units)


@define(eq=False, repr=False)
class Isa:
    """An instruction set, to which instructions are added one by one; ``name`` is what GPUs and objects call it.

    ``title``: how documents call it. ``word``: what its words have in common. ``units``: those of its machine; a unit
    that an instruction is the first to run on is added behind them. Raises IsaError for a name that is taken, UnitError
    for units that cannot stand beside each other. ``ships``: what is declared now comes with the package.
    """

    name: str
    title: str
    word: WordFormat
    units: list[Unit] = field(factory=list, converter=_as_list)
    declarations: list[Declaration] = field(factory=list, init=False)
    ships: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        """Enter it among the instruction sets."""
        if any(other.name == self.name for other in _KNOWN):
            raise IsaError(f"there is an instruction set {self.name} already")
        given, self.units = self.units, []
        _KNOWN.append(self)
        try:
            for unit in given:
                self.add(unit)
        except UnitError:
            forget_beyond([isa.contents() for isa in _KNOWN[:-1]])
            raise

    def __repr__(self) -> str:
        return f"Isa({self.name})"

    @property
    def blocks(self) -> list[Block]:
        """What its units work with, in their order."""
        return list(dict.fromkeys(unit.block for unit in self.units if unit.block is not None))

    def instruction(
        self,
        mnemonic: str,
        opcode: int,
        unit: Unit,
        *,
        public: bool = True,
        variable: bool = False,
        adds: tuple[str, ...] = (),
        forms: dict[int, tuple[str, ...]] | None = None,
        held: tuple[Held, ...] = (),
        aliases: tuple[Alias, ...] = (),
        rule: Callable[[Modified], str | None] | None = None,
        unmodelled: str = "",
        same: tuple[str, ...] = (),
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare an instruction by its semantics.

        The decorated function takes sources and modifiers and returns what its ``Annotated`` return type says;
        its docstring is the manual's paragraph. ``opcode`` is that of the register form where there are several;
        ``forms`` names form codes that have more than one immediate operand. ``public`` is False for an opcode of our
        own; ``variable`` marks a latency that a scoreboard must cover; ``adds`` names the sources that an address may
        be in and stay one: the first result is their sum with something else, or they are copied. ``held``,
        ``aliases``, ``rule``, ``unmodelled`` and ``same``: see ``Declaration``. Raises
        DeclarationError when bits overlap, a value does not fit, or another declaration decodes alike, and UnitError
        for a unit that cannot stand beside the others.
        """

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            declaration = declare(
                self,
                mnemonic,
                opcode,
                unit,
                function,
                public,
                variable,
                forms or {},
                adds,
                held,
                aliases,
                rule,
                unmodelled,
                same,
            )
            check(declaration, self.declarations)
            _check_words(declaration)
            if unit not in self.units:
                self.add(unit)
            self.declarations.append(declaration)
            changed()
            return function

        return register

    def add(self, unit: Unit) -> Unit:
        """Add a unit before an instruction runs on it; UnitError if it cannot stand beside the others."""
        if unit.isa:
            raise UnitError(f"unit {unit.name} is one of {unit.isa}: declare one for {self.name}")
        check_beside(unit, self.units)
        _check_reasons(unit)
        for each in (unit, unit.block):
            if each is not None:
                each.isa = self.name
        self.units.append(unit)
        touches = frozenset({Effect.STATE})
        FIELDS.update(dict.fromkeys(unit.state, Meaning(touches, touches, unit=unit.name)))
        changed()
        return unit

    @property
    def ending(self) -> str:
        """The mnemonic that ends lanes, of the first instruction that does."""
        return next((each.mnemonic for each in self.declarations if Effect.EXIT in each.effects), "EXIT")

    def contents(self) -> Contents:
        """How much has been declared."""
        return len(self.declarations), len(self.units)

    def forget(self, contents: Contents = (0, 0)) -> None:
        """Let there be no more than was declared then."""
        declarations, units = contents
        del self.declarations[declarations:]
        for unit in self.units[units:]:
            for name in unit.state:
                del FIELDS[name]
            for each in (unit, unit.block):
                if each is not None:
                    each.isa = ""
        del self.units[units:]
        changed()


_KNOWN: list[Isa] = []


def known() -> Sequence[Isa]:
    """All instruction sets, in the order of their declaration."""
    return tuple(_KNOWN)


def isa_named(name: str) -> Isa:
    """The instruction set of that name; IsaError if there is none."""
    for isa in _KNOWN:
        if isa.name == name:
            return isa
    raise IsaError(f"there is no instruction set {name}: there is {', '.join(isa.name for isa in _KNOWN)}")


def forget_beyond(contents: Sequence[Contents]) -> None:
    """Let there be no more than was declared then, of as many instruction sets as there were."""
    for isa in _KNOWN[len(contents) :]:
        isa.forget()
    del _KNOWN[len(contents) :]
    for isa, there in zip(_KNOWN, contents, strict=True):
        isa.forget(there)


def vocabulary() -> dict[str, Value]:
    """The words that operands add to the language, with what they mean in all instruction sets."""
    found: dict[str, Value] = {}
    for isa in _KNOWN:
        for declaration in isa.declarations:
            for operand in declaration.operands:
                found.update(operand.vocabulary())
    return found


def _check_words(declaration: Declaration) -> None:
    own = [item for operand in declaration.operands for item in operand.vocabulary().items()]
    known = vocabulary() if own else {}
    words = {value: word for word, value in known.items()}
    for word, value in own:
        if known.get(word, value) != value:
            raise DeclarationError(f"{declaration.mnemonic}: {word} means something else already")
        if words.get(value, word) != word:
            raise DeclarationError(f"{declaration.mnemonic}: what it calls {word} is {words[value]} already")


def check_use(declaration: Declaration) -> None:
    """Raise DeclarationError if an instruction and its unit do not go together.

    Neither may use the state of another unit, a block needs a cost function, and a cost function that says when results
    are there a scoreboard. Raises EffectError if it cannot be told what is touched.
    """
    unit = declaration.unit
    assert declaration.effects is not None
    costs = [] if unit.cost_function is None else [(f"the cost function of {unit.name}", unit.cost_function)]
    if unit.block is not None and not costs:
        raise DeclarationError(f"unit {unit.name} has block {unit.block.name} and no cost function for it")
    if costs and not declaration.variable_latency and sets(costs[0][1], 0, "done"):
        raise DeclarationError(
            f"{declaration.mnemonic}: the cost of unit {unit.name} sets charge.done, so variable=True must be stated"
        )
    for what, function in [(declaration.mnemonic, declaration.function), *costs]:
        for field_, owner in state_of(function).items():
            if owner != unit.name:
                raise DeclarationError(f"{what} uses {field_}, the state of {owner}: it has that of {unit.name} alone")


def _check_reasons(unit: Unit) -> None:
    """Raise UnitError if a stall reason has the name of another one in any instruction set."""
    known = [reason for isa in _KNOWN for block in isa.blocks for reason in (block.holds, block.awaits)]
    for reason in () if unit.block is None else (unit.block.holds, unit.block.awaits):
        others = [other for other in known if other is not None and reason is not None and other.name == reason.name]
        if any(other != reason for other in others):
            assert reason is not None
            raise UnitError(f"unit {unit.name}: stall reason {reason.name} means something else already")


def _named(those: Sequence[Part], name: str, isa: str) -> Part:
    for each in those:
        if each.name == name:
            return each
    raise IsaError(f"{isa} has no {name}: load the files that declare it")


def _unit(isa: str, name: str) -> Unit:
    return _named(isa_named(isa).units, name, isa)


def _block(isa: str, name: str) -> Block:
    return _named(isa_named(isa).blocks, name, isa)


# A copy in another process is what is declared there.
copyreg.pickle(Isa, lambda isa: (isa_named, (isa.name,)))
copyreg.pickle(Unit, lambda unit: (_unit, (unit.isa, unit.name)))
copyreg.pickle(Block, lambda block: (_block, (block.isa, block.name)))
