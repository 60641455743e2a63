"""Emits an instruction: operands, guard, control prefix."""

from functools import lru_cache

from dstc_isa.assembler.emit import Emitted, RejectedOperand, emit
from dstc_isa.assembler.errors import EvaluationError
from dstc_isa.assembler.evaluate import Environment, evaluate, pure_value
from dstc_isa.assembler.expand import Expander
from dstc_isa.assembler.guards import guard_of
from dstc_isa.assembler.macros import use_macro
from dstc_isa.assembler.matching import MatchError, find_operand_plan
from dstc_isa.assembler.other_modifiers import other_modifiers
from dstc_isa.assembler.other_names import other_name
from dstc_isa.assembler.printing import PRINT
from dstc_isa.assembler.prints import show
from dstc_isa.assembler.reporting import closest, split_operands
from dstc_isa.assembler.shared_offset import PLAIN, SharedOffset, array_of, joined
from dstc_isa.assembler.values import NamedAddress, NamedPredicate, Operand
from dstc_isa.isa.control import DEFAULT, ControlFields, Prefix
from dstc_isa.isa.masks import PREDICATE_SHIFT
from dstc_isa.isa.resolve import MnemonicError
from dstc_isa.isa.values import ALWAYS, PT, Address
from dstc_isa.isa.volta import VOLTA
from dstc_isa.syntax.parser import OperandProblem, parse_argument
from dstc_isa.syntax.tree import Statement

MAXIMUM_OPERANDS = 32
MAXIMUM_MNEMONIC = 64


def instruction(expander: Expander, statement: Statement) -> None:
    """Emit an instruction, or use a macro."""
    mnemonic = statement.word
    assert mnemonic is not None
    if mnemonic in expander.macros:
        expander.guarded(statement, use_macro, statement)
        return
    if mnemonic == PRINT:
        expander.guarded(statement, show, statement)
        return
    if len(mnemonic) > MAXIMUM_MNEMONIC:
        expander.error(statement, "this is no instruction")
        return
    kernel = expander.kernel
    if kernel is None:
        expander.error(statement, f"{mnemonic} is outside a kernel", expected=".kernel NAME before it")
        return
    here = kernel.here
    uses = kernel.address_uses.count
    values: list[Operand] = []
    keys: list[object] = []
    array = operands(expander, statement, values, keys)
    if array is None:
        return
    try:
        plan = find_operand_plan(expander.isa, mnemonic, tuple(map(type, values)))
        emitted = emit(plan, values, keys, here, statement, expander.location(statement))
    except MnemonicError as error:
        _report_mnemonic(expander, statement, error)
        return
    except (MatchError, RejectedOperand) as error:
        expander.reporter.at_operand(statement, error.index, error, expander.uses)
        return
    if kernel.address_uses.count > uses and any(p.operand.relative for p in plan.places):
        kernel.address_uses.count = uses
    emitted.array = array
    emitted.word |= control(expander, statement)
    guard(expander, statement, emitted)
    expander.append(kernel, emitted)


def _report_mnemonic(expander: Expander, statement: Statement, error: MnemonicError) -> None:
    """Say what is wrong with a mnemonic: a macro that comes too late, another assembler's name, or a slip."""
    mnemonic = str(statement.word)
    late = expander.definition_elsewhere(mnemonic)
    other = None
    if expander.isa is VOLTA:
        other = other_name(mnemonic) if error.unknown else other_modifiers(mnemonic)
    near = closest(mnemonic, expander.macros, 0.8)
    if late is not None:
        behind = late.source is not statement.source or late.line > statement.line
        why = "a macro is defined before it is used" if behind else "that part was left out"
        expander.error(statement, f"{error}: macro {mnemonic} is defined at {late.source.name}:{late.line}; {why}")
    elif other is None or near:
        expander.error(statement, str(error), suggestion=near or error.suggestion)
    elif other.example:
        expected = f"{other.example} ({other.why})"
        expander.error(statement, str(error), expected=expected, suggestion=other.suggestion)
    else:
        expander.error(statement, f"{error}: {other.why}")


def operands(expander: Expander, statement: Statement, values: list[Operand], keys: list[object]) -> int | None:
    """Append the values of an instruction's operands, and what to remember them by; the shared array that they name.

    That is the text of one that depends on no name. None if an operand has no value, which is reported.
    """
    text = statement.operands
    array = PLAIN
    if text is None:
        return array
    if text.count(",") >= MAXIMUM_OPERANDS:
        expander.error(statement, f"more than {MAXIMUM_OPERANDS} operands")
        return None
    environment: Environment | None = None
    complete = True
    for index, part in enumerate(text.split(",") if '"' not in text else [t for t, _ in split_operands(text)]):
        operand = part.strip()
        value = pure_value(operand)
        if value is not None:
            keys.append(operand)
        else:
            environment = environment or expander.environment
            try:
                value = evaluate(parse_argument(operand), environment)
            except (OperandProblem, EvaluationError) as error:
                expander.reporter.at_operand(statement, index, error, expander.uses)
                complete = False
                continue
            if isinstance(value, Address | NamedAddress):
                array = joined(array, array_of(value.offset))
            elif isinstance(value, SharedOffset):
                array = joined(array, value.array)
                value = int(value)
            keys.append(value)
        values.append(value)
    return array if complete else None


def control(expander: Expander, statement: Statement) -> int:
    """The scheduling bits of an instruction."""
    codes = expander.isa.word.control
    if statement.control is None:
        return _control_word(codes, None)
    try:
        return _control_word(codes, statement.control)
    except ValueError as error:
        expander.reporter.at_piece(statement, statement.control, str(error), expander.uses)
        return _control_word(codes, None)


def guard(expander: Expander, statement: Statement, emitted: Emitted) -> None:
    """Put the guard on an instruction."""
    if statement.guard is None:
        emitted.word |= expander.isa.word.unguarded
        return
    value = guard_of(expander, statement)
    if isinstance(value, NamedPredicate):
        value.array.read = True
        emitted.guard = value
        emitted.always = False
    elif value is not None:
        emitted.word |= expander.isa.word.encode_guard(value)
        emitted.always = value == ALWAYS
        if value.index != PT:
            emitted.reads |= 1 << PREDICATE_SHIFT + value.index


@lru_cache(maxsize=1 << 12)
def _control_word(codes: ControlFields, text: str | None) -> int:
    return codes.encode(DEFAULT if text is None else Prefix.parse(text).control)
