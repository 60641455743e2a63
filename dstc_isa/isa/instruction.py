"""Declarations: one annotated function says mnemonic, operands, bits, unit and semantics of an instruction."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from attrs import frozen

from dstc_isa.errors import DstcError
from dstc_isa.isa.control import Control
from dstc_isa.isa.effects import MEMORY, RUNNING, Effect, effects_of
from dstc_isa.isa.fetch import Lane, functions_in
from dstc_isa.isa.field import Field
from dstc_isa.isa.modifier import Choice, Flag, Modifier
from dstc_isa.isa.operand import WIDEST_SOURCE, Form, Operand, bound
from dstc_isa.isa.symbolic import among
from dstc_isa.isa.unit import Unit
from dstc_isa.isa.values import RZ, Constant, Immediate, Predicate, Register, Value
from dstc_isa.isa.word_format import WordFormat

if TYPE_CHECKING:
    from dstc_isa.isa.instruction_set import Isa

PACKAGE = "dstc_isa."

U32 = Annotated[Any, Lane.U32]
S32 = Annotated[Any, Lane.S32]
F32 = Annotated[Any, Lane.F32]
U64 = Annotated[Any, Lane.U64]
Bool = Annotated[Any, Lane.BOOL]
Index = Annotated[int, Lane.INDEX]
Scalar = Annotated[int, Lane.SCALAR]
Warp = Annotated[Any, Lane.WARP]


Modified = Mapping[str, int]
"""Values of an instruction's modifiers, by name."""


@frozen
class Held:
    """Bits that have one value in every word of an instruction, because no operand or modifier of it is there."""

    at: Field
    value: int


@frozen(eq=False)
class Alias:
    """A word that is printed behind the mnemonic where the operands fit: what they make of the instruction.

    ``when``: they fit one of these, each with the numbers that operands may be, by name. A number is an immediate, and
    0 is also RZ, with any sign. ``unless``: the modifiers with each of which they do not fit. Where the word is written
    the operands must fit; ``meaning`` says what is demanded of them.
    """

    word: str
    when: tuple[Mapping[str, frozenset[int]], ...]
    meaning: str
    unless: tuple[str, ...] = ()


@frozen
class Derived:
    """Marks a scalar parameter that is computed from the instruction when it is decoded."""

    compute: Callable[["Instruction"], int]


@frozen
class Parameter:
    """One parameter of the semantics: an operand or modifier by index, a derived scalar, or the warp."""

    name: str
    lane: Lane
    operand: int = -1
    modifier: int = -1
    derived: Derived | None = None


BEYOND = MEMORY | RUNNING
"""What other warps can tell."""


@frozen(eq=False)
class Declaration:
    """An instruction as declared: everything the tools derive from.

    ``opcode`` is the code of the register form. ``results``: indices of the operands that the
    function's return values go to. ``public``: the opcode is the one public assemblers know for Volta.
    ``adds``: names of the sources whose sum, with whatever else is added to it, is the first result.
    ``shipped``: the package declares it, and not a file of the user's. ``held``: bits that are the same in every word.
    ``rule``: why modifiers cannot stand together, None if they can. ``unmodelled``: why it is not executed, if it is
    not; it is then read and written, and has no semantics. ``same``: the names of two operands that are one and are
    written twice.
    """

    isa: "Isa"
    mnemonic: str
    opcode: int
    unit: Unit
    function: Callable[..., Any]
    description: str
    names: tuple[str, ...]
    operands: tuple[Operand, ...]
    lanes: tuple[Lane, ...]
    modifiers: tuple[Modifier, ...]
    parameters: tuple[Parameter, ...]
    results: tuple[int, ...]
    forms: tuple[Form, ...]
    public: bool
    variable_latency: bool
    adds: tuple[str, ...] = ()
    shipped: bool = False
    held: tuple[Held, ...] = ()
    aliases: tuple[Alias, ...] = ()
    rule: Callable[[Modified], str | None] | None = None
    unmodelled: str = ""
    same: tuple[str, ...] = ()

    def fits(self, alias: Alias, modifiers: Modified, operands: Sequence[Value]) -> bool:
        """Whether operands are such that an alias is printed."""
        if any(modifiers[name] for name in alias.unless):
            return False
        return any(
            all(among(_number(operands[self.names.index(name)]), numbers) for name, numbers in each.items())
            for each in alias.when
        )

    @property
    def apart(self) -> bool:
        """Whether sources must lie apart from what it writes."""
        return any(operand.apart for operand in self.operands)

    @property
    def word(self) -> WordFormat:
        """What its word shares with those of other instructions."""
        return self.isa.word

    @property
    def takes_warp(self) -> bool:
        """Whether the semantics reads or changes warp state, and so may fault or branch."""
        return any(p.lane is Lane.WARP for p in self.parameters)

    @cached_property
    def fetchers(self) -> list[Callable[..., Any]]:
        """The functions with which its kinds of operands make what the semantics receives."""
        used = [(self.operands[p.operand], p.lane) for p in self.parameters if p.operand >= 0]
        return [function for operand, lane in used for function in functions_in(operand.fetch(lane))]

    @cached_property
    def effects(self) -> frozenset[Effect]:
        """What the semantics touches beside the operands; raises EffectError if that cannot be told.

        A jump of an instruction without a target goes to where only a run can tell.
        """
        effects = effects_of(self.function).union(*map(effects_of, self.fetchers))
        if Effect.JUMP in effects and not any(operand.relative for operand in self.operands):
            return effects - {Effect.JUMP} | {Effect.INDIRECT}
        return effects

    @property
    def keeps_to_warp(self) -> bool:
        """Whether nobody can tell when it runs: the semantics reaches nothing but its warp's registers and predicates.

        Its unit is left no more than a trace keeps.
        """
        return not self.unit.in_time and self.effects.isdisjoint(BEYOND)

    @property
    def family(self) -> str:
        """Name of the module that declares it."""
        return self.function.__module__.rpartition(".")[2]

    def code(self, form: Form) -> int:
        """The opcode in ``form``."""
        shift = self.word.form_shift
        return (self.opcode & ((1 << shift) - 1)) | form.code << shift

    @cached_property
    def codes(self) -> frozenset[int]:
        """The opcodes of all forms."""
        return frozenset(map(self.code, self.forms))

    def fields(self, form: Form) -> list[tuple[str, Field]]:
        """Every named field of the word in ``form``."""
        named = [(f.name, f) for f in self.word.common]
        for index, (name, operand) in enumerate(zip(self.names, self.operands, strict=True)):
            if name not in self.same[1:]:
                named += [(name, f) for f in operand.fields(form, index)]
        return named + [(m.name, m.kind.at) for m in self.modifiers] + [("", held.at) for held in self.held]

    def differing(self, values: Sequence[Any]) -> int:
        """The index of an operand that should be the same as another and is not, -1 if there is none."""
        places = [self.names.index(name) for name in self.same]
        return next((place for place in places if values[place] != values[places[0]]), -1)

    def modifier_values(self, values: tuple[int, ...]) -> dict[str, int]:
        """Modifier name -> stored value."""
        return {m.name: v for m, v in zip(self.modifiers, values, strict=True)}

    def form_of(self, operands: Sequence[Value]) -> Form | None:
        """The form that these operands select, or None if there is none."""
        return self.form_of_kinds(tuple(map(type, operands)))

    def form_of_kinds(self, kinds: Sequence[type]) -> Form | None:
        """The same of operands of these kinds: it tells which are immediates or constants instead of registers."""
        special = tuple(
            index
            for index, (operand, kind) in enumerate(zip(self.operands, kinds, strict=True))
            if kind in (Immediate, Constant) and kind is not operand.kinds[0]
        )
        constant = any(kinds[index] is Constant for index in special)
        for form in self.forms:
            if form.special == special and form.constant == constant:
                return form
        return None


@frozen
class Instruction:
    """One instruction of a program, resolved: a declaration with operand and modifier values."""

    declaration: Declaration
    form: Form
    operands: tuple[Value, ...]
    modifiers: tuple[int, ...]
    guard: Predicate
    control: Control


def is_shipped(function: Callable[..., Any]) -> bool:
    """Whether a function is the package's, and not a file's of the user's."""
    return function.__module__.startswith(PACKAGE)


class DeclarationError(DstcError, TypeError):
    """An instruction was declared inconsistently."""


def declare(
    isa: "Isa",
    mnemonic: str,
    opcode: int,
    unit: Unit,
    function: Callable[..., Any],
    public: bool,
    variable: bool,
    forms: dict[int, tuple[str, ...]],
    adds: tuple[str, ...] = (),
    held: tuple[Held, ...] = (),
    aliases: tuple[Alias, ...] = (),
    rule: Callable[[Modified], str | None] | None = None,
    unmodelled: str = "",
    same: tuple[str, ...] = (),
) -> Declaration:
    """Read a declaration off a function's annotations; raises DeclarationError if they say none."""
    names: list[str] = []
    operands: list[Operand] = []
    lanes: list[Lane] = []
    modifiers: list[Modifier] = []
    parameters: list[Parameter] = []

    def add(name: str, metadata: tuple[Any, ...]) -> int:
        names.append(name)
        operands.append(bound(next(m for m in metadata if isinstance(m, Operand)), isa.word))
        lanes.append(next(m for m in metadata if isinstance(m, Lane)))
        return len(operands) - 1

    signature = inspect.signature(function)
    results = [add(_result_name(m), m) for m in _results(signature.return_annotation)]
    for parameter in signature.parameters.values():
        metadata = _metadata(parameter.annotation)
        lane = next((m for m in metadata if isinstance(m, Lane)), Lane.SCALAR)
        kind = next((m for m in metadata if isinstance(m, Choice | Flag)), None)
        if kind is not None:
            absent = 0 if isinstance(kind, Flag) else kind.default
            default = absent if parameter.default is inspect.Parameter.empty else int(parameter.default)
            parameters.append(Parameter(parameter.name, Lane.SCALAR, modifier=len(modifiers)))
            modifiers.append(Modifier(parameter.name, kind, default))
        elif any(isinstance(m, Operand) for m in metadata):
            parameters.append(Parameter(parameter.name, lane, operand=add(parameter.name, metadata)))
        elif lane is Lane.WARP:
            parameters.append(Parameter(parameter.name, lane))
        elif any(isinstance(m, Derived) for m in metadata):
            derived = next(m for m in metadata if isinstance(m, Derived))
            parameters.append(Parameter(parameter.name, Lane.SCALAR, derived=derived))
        else:
            raise DeclarationError(f"{mnemonic}: parameter {parameter.name} is no operand, modifier or warp")
    description = inspect.cleandoc(_docstring(function))
    if not description:
        raise DeclarationError(f"{mnemonic}: the docstring is the manual's text and is missing")
    if not 0 <= opcode <= isa.word.opcode.maximum:
        raise DeclarationError(f"{mnemonic}: opcode {opcode} does not fit the {isa.word.opcode.width} bits there are")
    return Declaration(
        isa=isa,
        mnemonic=mnemonic,
        opcode=opcode,
        unit=unit,
        function=function,
        description=description,
        names=tuple(names),
        operands=tuple(operands),
        lanes=tuple(lanes),
        modifiers=tuple(modifiers),
        parameters=tuple(parameters),
        results=tuple(results),
        forms=_forms(isa.word, opcode, names, operands, forms),
        public=public,
        variable_latency=variable,
        adds=adds,
        shipped=isa.ships,
        held=held,
        aliases=aliases,
        rule=rule,
        unmodelled=unmodelled,
        same=same,
    )


def _number(value: Value) -> int | None:
    """The number that an operand is, None for another operand."""
    if isinstance(value, Register):
        return 0 if value.index == RZ else None
    return value.value if isinstance(value, Immediate) else None


def _docstring(function: Callable[..., Any]) -> str:
    """The docstring of a function; from its source where Python was told to leave docstrings out (-OO)."""
    if function.__doc__ is None and sys.flags.optimize >= 2:
        with suppress(OSError):
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
            if isinstance(tree, ast.FunctionDef):
                return ast.get_docstring(tree) or ""
    return function.__doc__ or ""


def check(declaration: Declaration, others: list[Declaration]) -> None:
    """Raise DeclarationError if bits overlap, a modifier does not fit, or two declarations decode alike."""
    for form in declaration.forms:
        taken = 0
        for name, field in declaration.fields(form):
            if taken & field.mask or field.mask >> declaration.word.bits:
                raise DeclarationError(f"{declaration.mnemonic}: field {name} at bit {field.lo} overlaps another")
            taken |= field.mask
        for index, (name, operand) in enumerate(zip(declaration.names, declaration.operands, strict=True)):
            for part in operand.parts(form, index):
                if part.at is not None and part.top is not None and part.at.maximum > part.top:
                    raise DeclarationError(
                        f"{declaration.mnemonic}: {name} is at most {part.top}: its field is too wide"
                    )
    for name, operand in zip(declaration.names, declaration.operands, strict=True):
        if not operand.destination and operand.widest > WIDEST_SOURCE:
            raise DeclarationError(f"{declaration.mnemonic}: source {name} has more than {WIDEST_SOURCE} registers")
    seen: dict[str, Modifier] = {}
    for modifier in declaration.modifiers:
        for word, value in modifier.kind.words().items():
            if word in seen and (modifier.default is not None or seen[word].default is not None):
                raise DeclarationError(
                    f"{declaration.mnemonic}: .{word} stands in two modifiers, so neither may be left out"
                )
            seen[word] = modifier
            if not modifier.kind.at.holds(value):
                raise DeclarationError(f"{declaration.mnemonic}: modifier {word} does not fit its field")
    codes = declaration.codes
    if len(codes) != len(declaration.forms):
        raise DeclarationError(f"{declaration.mnemonic}: two forms share an opcode")
    for other in others:
        if codes & other.codes:
            raise DeclarationError(f"{declaration.mnemonic} and {other.mnemonic} decode alike")


def _metadata(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()


def _results(annotation: Any) -> list[tuple[Any, ...]]:
    if annotation is None or annotation is inspect.Signature.empty:
        return []
    parts = get_args(annotation) if get_origin(annotation) is tuple else (annotation,)
    return [_metadata(part) for part in parts]


def _result_name(metadata: tuple[Any, ...]) -> str:
    return next((m for m in metadata if isinstance(m, str)), "rd")


def _forms(
    word: WordFormat, opcode: int, names: list[str], operands: list[Operand], several: dict[int, tuple[str, ...]]
) -> tuple[Form, ...]:
    in_b = next((index for index, operand in enumerate(operands) if operand.slot == "b"), -1)
    forms = [Form(opcode >> word.form_shift)]
    forms += [form for index, operand in enumerate(operands) for form in operand.forms(index, in_b)]
    for code, special in several.items():
        if not 0 <= code < 1 << word.form_bits:
            raise DeclarationError(
                f"form {code} does not fit the {word.form_bits} bits that tell forms from each other"
            )
        for name in special:
            if name not in names:
                raise DeclarationError(f"form {code} makes {name} an immediate, which is no operand")
            if Immediate not in operands[names.index(name)].kinds:
                raise DeclarationError(f"form {code} makes {name} an immediate, which it does not take")
        forms.append(Form(code, tuple(names.index(name) for name in special)))
    if len(forms) > 1 and forms[0].code != word.register_form:
        raise DeclarationError("an instruction with operand forms is declared by its register form's opcode")
    return tuple(forms)
