"""What instructions touch beside their operands, collected from the primitives that their semantics call.

Each operation of ``isa.warp``, ``isa.lanes`` and ``isa.divergence`` states it by ``primitive``. What a semantics
function touches is the union over all that it names, its helpers at any depth included, and over the fields of the warp
that it uses itself. It is read off the source text, in which names stand for the objects they are bound to: what is
called the same and is something else does not count.
"""

import ast
import builtins
import inspect
import linecache
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache
from types import FunctionType, ModuleType
from typing import Any, TypeVar

from attrs import frozen

from dstc_isa.errors import DstcError

Function = TypeVar("Function", bound=Callable[..., Any])


class Effect(Enum):
    """What an instruction touches; the value is how the manual says it."""

    GLOBAL = "global memory"
    SHARED = "shared memory"
    CONSTANT = "constant memory"
    LOAD = "loads"
    STORE = "stores"
    ATOMIC = "atomic operations"
    JUMP = "goes to its target"
    INDIRECT = "goes to where only a run can tell"
    EXIT = "ends lanes"
    CONVERGENCE = "which lanes of the warp run"
    BARRIER = "barriers of the CTA"
    LANES = "other lanes"
    STATE = "the state of its unit"
    TIME = "time"


MEMORY = frozenset({Effect.GLOBAL, Effect.SHARED, Effect.CONSTANT, Effect.LOAD, Effect.STORE, Effect.ATOMIC})
CONTROL_FLOW = frozenset({Effect.JUMP, Effect.INDIRECT, Effect.EXIT})
RUNNING = frozenset({*CONTROL_FLOW, Effect.CONVERGENCE, Effect.BARRIER})
"""Which lanes run, and where."""

Chosen = Mapping[Any, Effect]


@frozen
class Primitive:
    """What a primitive states: effects, and those that the value of an argument chooses, all if it is not known."""

    effects: frozenset[Effect]
    chosen: Mapping[str, Chosen]


@frozen
class Field:
    """What it means to read and to write a field of the warp; an ``array`` that is handed on may be written.

    ``unit``: the one whose state it is, if it is one's.
    """

    read: frozenset[Effect] = frozenset()
    written: frozenset[Effect] = frozenset()
    array: bool = False
    unit: str = ""


FIELDS: dict[str, Field] = {}
"""Fields of the warp that mean anything, by name; ``isa.warp`` fills it in beside their declarations."""

PRIMITIVES: dict[Callable[..., Any], Primitive] = {}
"""What each primitive has stated."""

WARP = "warp"
"""What functions call the warp that they are given."""

_PURE = frozenset({abs, bool, enumerate, float, int, len, max, min, range, reversed, round, sum, tuple, zip})


_PLAIN = (bool, int, float, complex, str, bytes, tuple, list, Enum)
"""Values that compiled code can have taken from outside."""


class EffectError(DstcError, TypeError):
    """What a function touches cannot be told; ``file`` and ``line`` say where."""

    def __init__(self, reason: str, file: str, line: int) -> None:
        self.reason, self.file, self.line = reason, file, line
        super().__init__(f"{file}:{line}: {reason}")


def primitive(*effects: Effect, **chosen: Chosen) -> Callable[[Function], Function]:
    """State all that a function touches.

    ``chosen``: for an argument by name, the effect that each of its values adds.
    """

    def state(function: Function) -> Function:
        PRIMITIVES[function] = Primitive(frozenset(effects), chosen)
        return function

    return state


@cache
def effects_of(function: Callable[..., Any]) -> frozenset[Effect]:
    """What a function touches, it and all that it calls; raises EffectError if that cannot be told."""
    return frozenset(each for each in _collected(function, {}, set()) if isinstance(each, Effect))


def outside(function: Callable[..., Any]) -> dict[str, str]:
    """What a function and all that it calls take from outside, functions and classes apart: text -> value, as text.

    Compiled code has these values for good. Raises EffectError as ``effects_of`` does.
    """
    found: dict[str, str] = {}
    waiting, seen = [function], set()
    while waiting:
        current = waiting.pop()
        current = getattr(current, "py_func", current)
        if current in seen or current in PRIMITIVES:
            continue
        seen.add(current)
        body = _Body(current, {})
        found |= {f"{current.__module__}.{name}": value for name, value in body.values()}
        waiting += [called for called, _ in body.called()]
    return found


def sets(function: Callable[..., Any], place: int, name: str) -> bool:
    """Whether a function's own text assigns to the attribute ``name`` of its argument at ``place``."""
    body = _Body(getattr(function, "py_func", function), {})
    argument = body.node.args.args[place].arg
    stores = (n for n in ast.walk(body.node) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store))
    return any(n.attr == name and isinstance(n.value, ast.Name) and n.value.id == argument for n in stores)


def state_of(function: Callable[..., Any]) -> dict[str, str]:
    """The fields of units that a function and all that it calls use, each with the unit's name."""
    touched = _collected(function, {}, set())
    return {each: FIELDS[each].unit for each in sorted(each for each in touched if isinstance(each, str))}


def _collected(function: Callable[..., Any], known: Mapping[str, int], under_way: set[Any]) -> set[Effect | str]:
    """What a function touches whose arguments have these values; the state of units by the names of its fields too."""
    function = getattr(function, "py_func", function)
    said = PRIMITIVES.get(function)
    if said is not None:
        effects: set[Effect | str] = set(said.effects)
        for name, choice in said.chosen.items():
            effects |= {choice[known[name]]} if known.get(name) in choice else set(choice.values())
        return effects
    key = (function, *sorted(known.items()))
    if key in under_way:
        return set()
    under_way.add(key)
    body = _Body(function, known)
    effects = body.fields() | body.state()
    for called, arguments in body.called():
        effects |= _collected(called, arguments, under_way)
    return effects


class _Body:
    """The text of a function, and what its names are bound to."""

    def __init__(self, function: Callable[..., Any], known: Mapping[str, int]) -> None:
        assert isinstance(function, FunctionType)
        self.function = function
        self.known = known
        self.file = function.__code__.co_filename
        self.node = _definition(self.file, function.__code__.co_firstlineno)
        self.within = {n.name for n in ast.walk(self.node) if isinstance(n, ast.FunctionDef) and n is not self.node}
        code = function.__code__
        self.local = {*code.co_varnames, *code.co_cellvars, *_locals_within(self.node)}
        self.closure = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))

    def state(self) -> set[Effect | str]:
        """The fields of units that are used here: of what is called warp, as semantics and cost functions do."""
        uses = [each for each in ast.walk(self.node) if isinstance(each, ast.Attribute)]
        warps = [each for each in uses if isinstance(each.value, ast.Name) and each.value.id == WARP]
        return {each.attr for each in warps if each.attr in FIELDS and FIELDS[each.attr].unit}

    def fields(self) -> set[Effect | str]:
        """What the fields of the warp mean that are read and written here."""
        found: set[Effect | str] = set()
        subscripted = {id(n.value) for n in ast.walk(self.node) if isinstance(n, ast.Subscript)}
        for node in (each for statement in self.node.body for each in ast.walk(statement)):
            written = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
            place = node.value if written else node  # type: ignore[attr-defined]
            if not isinstance(place, ast.Attribute) or place.attr not in FIELDS or self.bound(place.value) is not None:
                continue
            field = FIELDS[place.attr]
            handed_on = field.array and not written and id(place) not in subscripted
            found |= field.written if written or handed_on or isinstance(place.ctx, ast.Store) else field.read
        return found

    def values(self) -> Iterator[tuple[str, str]]:
        """Names, and attributes of modules and classes, that stand for values, with these as text."""
        for node in (each for statement in self.node.body for each in ast.walk(statement)):
            value: Any = self.bound(node) if isinstance(node, ast.Name | ast.Attribute) else None
            if hasattr(value, "tolist") and not isinstance(value, type):
                # An array's text leaves most of it out.
                value = value.tolist()
            if isinstance(value, _PLAIN):
                yield ast.unparse(node), repr(value)

    def called(self) -> Iterator[tuple[Callable[..., Any], dict[str, int]]]:
        """Functions that are named here, with the values of those arguments that are known."""
        for part in self.node.body:
            yield from self._called(part)

    def _called(self, node: ast.AST) -> Iterator[tuple[Callable[..., Any], dict[str, int]]]:
        if isinstance(node, ast.Call):
            function = self._callee(node)
            if function is not None:
                yield function, self._arguments(function, node)
            for part in (*node.args, *node.keywords):
                yield from self._called(part)
            return
        if isinstance(node, ast.Name | ast.Attribute):
            function = self.bound(node)
            if isinstance(function, FunctionType) or hasattr(function, "py_func"):
                yield function, {}
                return
        for child in ast.iter_child_nodes(node):
            yield from self._called(child)

    def _callee(self, call: ast.Call) -> Callable[..., Any] | None:
        """What is called; None for what touches nothing."""
        function = self.bound(call.func)
        if isinstance(call.func, ast.Name) and call.func.id in self.within and not isinstance(function, FunctionType):
            return None
        if function is None:
            raise EffectError(
                f"what {ast.unparse(call.func)}() touches cannot be told: call a function by its own name",
                self.file,
                call.lineno,
            )
        if isinstance(function, type) or (isinstance(function, type(len)) and function in _PURE):
            return None
        if not isinstance(getattr(function, "py_func", function), FunctionType):
            raise EffectError(f"what {ast.unparse(call.func)}() touches is not known here", self.file, call.lineno)
        return function  # type: ignore[no-any-return]

    def _arguments(self, function: Callable[..., Any], call: ast.Call) -> dict[str, int]:
        names = list(inspect.signature(getattr(function, "py_func", function)).parameters)
        if any(isinstance(argument, ast.Starred) for argument in call.args):
            return {}
        given = dict(zip(names, call.args, strict=False))
        given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
        values = {name: self._value(argument) for name, argument in given.items()}
        return {name: value for name, value in values.items() if value is not None}

    def _value(self, node: ast.expr) -> int | None:
        """The integer that an expression is, if it is a constant."""
        if isinstance(node, ast.Name) and node.id in self.known and self._assigned_once(node.id):
            return self.known[node.id]
        value = node.value if isinstance(node, ast.Constant) else self.bound(node)
        return int(value) if isinstance(value, int) else None

    def _assigned_once(self, name: str) -> bool:
        """Whether a parameter keeps its value."""
        own = {id(argument) for argument in ast.walk(self.node.args)}
        for node in ast.walk(self.node):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
                return False
            if isinstance(node, ast.arg) and node.arg == name and id(node) not in own:
                return False
        return True

    def bound(self, node: ast.expr) -> Any:
        """What a name, or an attribute of one, is bound to outside the function; None if it is not."""
        if isinstance(node, ast.Attribute):
            base = self.bound(node.value)
            return getattr(base, node.attr, None) if isinstance(base, ModuleType | type) else None
        if not isinstance(node, ast.Name) or node.id in self.local:
            return None
        if node.id in self.closure:
            return self.closure[node.id].cell_contents
        return self.function.__globals__.get(node.id, getattr(builtins, node.id, None))


def _locals_within(node: ast.FunctionDef) -> set[str]:
    """Names that are local to functions within a function, or to comprehensions."""
    stores = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return stores | {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}


def _definition(file: str, line: int) -> ast.FunctionDef:
    """The definition that begins on a line of a file, decorators included."""
    linecache.checkcache(file)
    found = _definitions(file, tuple(linecache.getlines(file))).get(line)
    if found is None:
        raise EffectError("what a function touches is read off its source, which is not there", file, line)
    return found


@cache
def _definitions(file: str, lines: tuple[str, ...]) -> dict[int, ast.FunctionDef]:
    tree = ast.parse("".join(lines), file)
    return {
        min(n.lineno, *(d.lineno for d in n.decorator_list), n.lineno): n
        for n in ast.walk(tree)
        if isinstance(n, ast.FunctionDef)
    }
