"""What each directive does: declarations, assignments, includes, checks."""

import re
import struct
from collections.abc import Callable, Sequence
from itertools import chain, count
from pathlib import Path

from dstc_isa.assembler.emit import Emitted
from dstc_isa.assembler.errors import ArgumentError
from dstc_isa.assembler.expand import Directive, Expander
from dstc_isa.assembler.kernel import KernelBuilder
from dstc_isa.assembler.reporting import split_operands
from dstc_isa.assembler.shared_offset import SharedOffset
from dstc_isa.assembler.values import Misdeclared, RegisterArray
from dstc_isa.isa.values import PT, Constant, Predicate
from dstc_isa.program import (
    CONSTANT_DATA_BANK,
    ELEMENT_SIZES,
    PARAMETER_BASE,
    PARAMETER_SIZES,
    ConstantArray,
    Frame,
    Parameter,
    SharedArray,
)
from dstc_isa.program_files import program_directory
from dstc_isa.rounded_once import before_rounding
from dstc_isa.syntax.names import builtin
from dstc_isa.syntax.reader import Tree, read_tree
from dstc_isa.syntax.source import read_source
from dstc_isa.syntax.tree import Bits, Builtin, Name, Node, Number, Statement, Text, TypeName

CONSTANT_CODES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "f32": "f"}
MAXIMUM_CONSTANTS = 1 << 16
MAXIMUM_SHARED = 96 * 1024
MAXIMUM_PARAMETERS = 4096 - PARAMETER_BASE
MAXIMUM_FILE = 16 << 20
CONTROL_MODES = ("auto", "manual")
_DECLARED = re.compile(r"(?:\.[\w.]+\s+)?([A-Za-z_$][A-Za-z0-9_$]*)")


def kernel_of(expander: Expander, statement: Statement) -> KernelBuilder:
    """The kernel at hand; ArgumentError outside one."""
    if expander.kernel is None:
        raise ArgumentError(1 << 30, f"{statement.word} stands inside a kernel")
    return expander.kernel


def declared_name(index: int, node: Node) -> str:
    """The plain name that an argument must be."""
    if not isinstance(node, Name) or node.indices or node.suffix:
        raise ArgumentError(index, "expected a plain name that is not one of the machine's")
    return node.text


def count_arguments(statement: Statement, nodes: list[Node], least: int, most: int, usage: str) -> None:
    """ArgumentError unless there are as many arguments as the directive takes."""
    if not least <= len(nodes) <= most:
        raise ArgumentError(min(len(nodes), most), f"it is written {statement.word} {usage}")


def param(expander: Expander, statement: Statement) -> None:
    """``.param .u32 n, m, .ptr.f32 x``: a name without a type has that of the one before."""
    kernel = kernel_of(expander, statement)
    if expander.scope is not kernel.scope:
        raise ArgumentError(1 << 30, ".param stands directly in the kernel, not in a macro or loop")
    nodes = expander.nodes(statement)
    count_arguments(statement, nodes, 1, len(nodes), ".u32 NAME")
    kind = element = ""
    for index, node in enumerate(nodes):
        if isinstance(node, TypeName):
            kind, _, element = node.type[1:].partition(".")
            name = node.name
            _check_type(index, node, kind, element)
        else:
            name = declared_name(index, node)
        if not name or not kind:
            raise ArgumentError(index, "a parameter is a type and a name, such as .u32 n")
        size = PARAMETER_SIZES[kind]
        offset = -(-kernel.parameter_bytes // size) * size
        if offset + size > MAXIMUM_PARAMETERS:
            raise ArgumentError(index, f"the parameters take more than {MAXIMUM_PARAMETERS} bytes")
        expander.declare(index, name, Constant(0, PARAMETER_BASE + offset))
        kernel.declared[name] = statement, index
        kernel.parameters.append(Parameter(name, kind, offset, element))
        kernel.parameter_bytes = offset + size


def _check_type(index: int, node: TypeName, kind: str, element: str) -> None:
    """ArgumentError unless it is a type that a parameter has."""
    if kind in ELEMENT_SIZES and not element and kind not in PARAMETER_SIZES:
        raise ArgumentError(index, f"no parameter is .{kind}; a pointer to such elements is .ptr.{kind}")
    if kind not in PARAMETER_SIZES:
        raise ArgumentError(index, f"parameter types are {', '.join('.' + t for t in PARAMETER_SIZES)}")
    if element and kind != "ptr":
        raise ArgumentError(index, f".{kind} has no elements; a pointer to such numbers is .ptr.{element}")
    if "." in node.type[1:] and element not in ELEMENT_SIZES:
        types = ", ".join(f".ptr.{t}" for t in ELEMENT_SIZES)
        raise ArgumentError(index, f"typed pointers are {types}, and .ptr points to anything")


def shared(expander: Expander, statement: Statement) -> None:
    """``.shared NAME, BYTES[, ALIGN]``."""
    kernel = kernel_of(expander, statement)
    nodes = expander.nodes(statement)
    count_arguments(statement, nodes, 2, 3, "NAME, BYTES[, ALIGN]")
    size = expander.integer(1, nodes[1])
    alignment = expander.integer(2, nodes[2]) if len(nodes) > 2 else 16
    if size <= 0:
        raise ArgumentError(1, f"the size is at least 1 byte, not {size}")
    if not 0 < alignment <= MAXIMUM_SHARED or alignment & (alignment - 1):
        raise ArgumentError(2, f"an alignment is a power of two, not {alignment}")
    offset = -(-kernel.shared_bytes // alignment) * alignment
    if offset + size > MAXIMUM_SHARED:
        raise ArgumentError(1, f"{offset + size} bytes of shared memory; a CTA has {MAXIMUM_SHARED}")
    name = declared_name(0, nodes[0])
    expander.declare(0, name, SharedOffset(offset, len(kernel.shared)))
    if expander.scope is kernel.scope:
        kernel.declared[name] = statement, 0
    kernel.shared.append(SharedArray(_in_object(name, kernel.shared), offset, size))
    kernel.shared_bytes = offset + size


def const(least_alignment: int) -> Directive:
    """``.const NAME, .u32, value, ...`` aligned to its elements, and to at least so many bytes."""

    def declare(expander: Expander, statement: Statement) -> None:
        nodes = expander.nodes(statement)
        count_arguments(statement, nodes, 3, len(nodes) + 3, "NAME, .u32, VALUE, ...")
        name = declared_name(0, nodes[0])
        kind = nodes[1].type[1:] if isinstance(nodes[1], TypeName) and not nodes[1].name else ""
        if kind not in CONSTANT_CODES:
            raise ArgumentError(1, f"constant types are {', '.join('.' + t for t in CONSTANT_CODES)}")
        data = b"".join(_constant(expander, index, node, kind) for index, node in enumerate(nodes[2:], 2))
        alignment = max(least_alignment, struct.calcsize("<" + CONSTANT_CODES[kind]))
        offset = -(-len(expander.constants) // alignment) * alignment
        if offset + len(data) > MAXIMUM_CONSTANTS:
            raise ArgumentError(2, f"bank {CONSTANT_DATA_BANK} holds {MAXIMUM_CONSTANTS} bytes of constants")
        expander.declare(0, name, offset)
        expander.constants += bytes(offset - len(expander.constants)) + data
        expander.constant_arrays.append(ConstantArray(_in_object(name, expander.constant_arrays), offset, len(data)))

    return declare


def _in_object(name: str, arrays: Sequence[SharedArray | ConstantArray]) -> str:
    """What an array is called in the object: its name, or with a number behind it where a macro or loop made others."""
    taken = {array.name for array in arrays}
    return next(each for each in chain([name], (f"{name}_{number}" for number in count(2))) if each not in taken)


def _constant(expander: Expander, index: int, node: Node, kind: str) -> bytes:
    code = CONSTANT_CODES[kind]
    value = expander.value(index, node)
    if isinstance(value, Bits) and kind in ("u32", "f32"):
        return value.value.to_bytes(4, "little")
    if not isinstance(value, int | float):
        raise ArgumentError(index, "expected a number")
    if code != "f":
        if not isinstance(value, int):
            raise ArgumentError(index, f"expected an integer, not {value}")
        bits = 8 * struct.calcsize("<" + code)
        if not -(1 << bits - 1) <= value < 1 << bits:
            raise ArgumentError(index, f"{value} does not fit {bits} bits")
        value %= 1 << bits
    try:
        return struct.pack("<" + code, before_rounding(value) if code == "f" else value)
    except OverflowError:
        raise ArgumentError(index, f"{value} is beyond the range of FP32") from None


def block(expander: Expander, statement: Statement) -> None:
    """``.block X[, Y[, Z]]``."""
    kernel = kernel_of(expander, statement)
    nodes = expander.nodes(statement)
    count_arguments(statement, nodes, 1, 3, "X[, Y[, Z]]")
    sizes = [expander.integer(index, node) for index, node in enumerate(nodes)] + [1, 1]
    threads = 1
    for index, size in enumerate(sizes[:3]):
        threads *= size
        limit = 64 if index == 2 else 1024
        if not 1 <= size <= limit or threads > 1024:
            raise ArgumentError(
                min(index, len(nodes) - 1), "a block has at most 1024 threads, 64 of them along z, and at least 1"
            )
    if kernel.block is not None:
        raise ArgumentError(1 << 30, "the block size is already declared")
    kernel.block = (sizes[0], sizes[1], sizes[2])


def control(expander: Expander, statement: Statement) -> None:
    """``.control manual``: instructions without a prefix have the default code; ``.control auto`` is the default."""
    nodes = expander.nodes(statement)
    count_arguments(statement, nodes, 1, 1, "manual")
    if not isinstance(nodes[0], Name) or nodes[0].text not in CONTROL_MODES:
        raise ArgumentError(0, f"expected {' or '.join(CONTROL_MODES)}")
    kernel_of(expander, statement).manual = nodes[0].text == "manual"


def registers(width: int) -> Directive:
    """``.reg a, b[4]`` for elements of ``width`` registers."""

    def declare(expander: Expander, statement: Statement) -> None:
        kernel_of(expander, statement)
        nodes = expander.nodes(statement)
        count_arguments(statement, nodes, 1, len(nodes), "NAME[, ARRAY[COUNT], ...]")
        for index, node in enumerate(nodes):
            if not isinstance(node, Name) or node.suffix or len(node.indices) > 1:
                raise ArgumentError(index, "expected a name or NAME[COUNT]")
            count = expander.integer(index, node.indices[0]) if node.indices else 1
            if not 1 <= count * width <= expander.isa.word.registers:
                raise ArgumentError(
                    index, f"{node.text} takes {count * width} registers; there are {expander.isa.word.registers}"
                )
            array = RegisterArray(node.text, width, count, statement, alignment=width)
            expander.declare(index, node.text, array)
            expander.scope.arrays.append(array)

    return declare


def pred(expander: Expander, statement: Statement) -> None:
    """``.pred NAME[, ...]``; one of the machine's own is kept for this block alone."""
    kernel_of(expander, statement)
    nodes = expander.nodes(statement)
    count_arguments(statement, nodes, 1, len(nodes), "NAME[, ...]")
    if len(nodes) > expander.isa.word.predicates:
        most = expander.isa.word.predicates
        raise ArgumentError(most, f"there are {most} predicates")
    for index, node in enumerate(nodes):
        machine = node.value if isinstance(node, Builtin) and not node.suffix else None
        if isinstance(machine, Predicate) and machine.index < PT:
            array = RegisterArray(str(machine), 1, 1, statement, predicate=True, start=machine.index, kept=True)
        else:
            if not isinstance(node, Name) or node.indices or node.suffix:
                raise ArgumentError(index, "expected a plain name or P0 to P6")
            name = node.text
            array = RegisterArray(name, 1, 1, statement, predicate=True)
            expander.declare(index, name, array)
        expander.scope.arrays.append(array)


def word(expander: Expander, statement: Statement) -> None:
    """``.word VALUE``: an instruction word as it is."""
    kernel = kernel_of(expander, statement)
    nodes = expander.nodes(statement)
    count_arguments(statement, nodes, 1, 1, "VALUE")
    literal = nodes[0].value if isinstance(nodes[0], Number) else None
    value = literal if isinstance(literal, int) else expander.integer(0, nodes[0])
    bits = expander.isa.word.bits
    if not 0 <= value < 1 << bits:
        raise ArgumentError(0, f"an instruction word is an integer of {bits} bits")
    expander.append(kernel, Emitted(statement, None, expander.location(statement), value, 0, 0, True))


def set_(expander: Expander, statement: Statement) -> None:
    """``.set NAME, expression``."""
    nodes = expander.nodes(statement)
    count_arguments(statement, nodes, 2, 2, "NAME, EXPRESSION")
    name = declared_name(0, nodes[0])
    expander.refuse_reserved(0, name)
    value = expander.value(1, nodes[1])
    if not isinstance(value, int | float | Bits):
        raise ArgumentError(1, "expected a number that is known here")
    if expander.scope.assign(name, value) is not None:
        raise ArgumentError(0, f"{name} is a register or label")


def assert_(expander: Expander, statement: Statement) -> None:
    """``.assert expression[, "message"]``."""
    nodes = expander.nodes(statement)
    count_arguments(statement, nodes, 1, 2, 'EXPRESSION[, "MESSAGE"]')
    message = _message(1, nodes[1]) if len(nodes) > 1 else "the assertion does not hold"
    if not expander.number(0, nodes[0]):
        raise ArgumentError(0, message)


def error(expander: Expander, statement: Statement) -> None:
    """``.error "message"``."""
    nodes = expander.nodes(statement)
    count_arguments(statement, nodes, 1, 1, '"MESSAGE"')
    expander.error(statement, _message(0, nodes[0]))


def _message(index: int, node: Node) -> str:
    if not isinstance(node, Text):
        raise ArgumentError(index, "expected a message in quotes")
    return node.value


def include(expander: Expander, statement: Statement) -> None:
    """``.include "file"``."""
    tree = expander.load(statement)
    for problem in tree.problems:
        expander.reporter.add(problem)
    with expander.nested(statement, None):
        expander.execute(tree.body)


def load_include(expander: Expander, statement: Statement) -> Tree:
    """Read the file that ``.include`` names; ArgumentError if there is none that can be read."""
    nodes = expander.nodes(statement)
    count_arguments(statement, nodes, 1, 1, '"FILE"')
    if not isinstance(nodes[0], Text):
        raise ArgumentError(0, "expected a file name in quotes")
    beside = Path(statement.source.name).parent
    path = find_file(nodes[0].value, [beside, *expander.include, program_directory() / "include"])
    frames = (Frame(statement.source.name, statement.line), *statement.source.included_from)
    if str(path) in [frame.file for frame in frames]:
        raise ArgumentError(0, f"{path} includes itself")
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise ArgumentError(0, f"cannot read {path}: {problem.strerror}") from None
    source, problems = read_source(data, str(path), frames)
    tree = read_tree(source)
    return Tree(source, tree.body, [*problems, *tree.problems])


def find_file(name: str, places: list[Path]) -> Path:
    """The first file of that name in the places; ArgumentError with the places if there is none."""
    for place in places:
        path = place / name
        try:
            if path.is_file() and path.stat().st_size <= MAXIMUM_FILE:
                return path
        except (OSError, ValueError):
            break
    raise ArgumentError(0, f"there is no file {name!r} in {', '.join(str(place) for place in places)}")


def declaring(directive: Directive, *, several: bool) -> Directive:
    """A directive that declares a name, or ``several``: where it is refused, they count as declared all the same."""

    def declare(expander: Expander, statement: Statement) -> None:
        try:
            directive(expander, statement)
        except ArgumentError:
            parts = split_operands(statement.operands or "")
            for text, _ in parts if several else parts[:1]:
                match = _DECLARED.match(text)
                if match is not None and expander.scope.find(match[1]) is None and builtin(match[1]) is None:
                    expander.scope.names[match[1]] = Misdeclared()
            raise

    return declare


DIRECTIVES: dict[str, Callable[[Expander, Statement], None]] = {
    ".param": declaring(param, several=True),
    ".shared": declaring(shared, several=False),
    ".const": declaring(const(1), several=False),
    ".const.64": declaring(const(8), several=False),
    ".const.128": declaring(const(16), several=False),
    ".block": block,
    ".reg": declaring(registers(1), several=True),
    ".reg.64": declaring(registers(2), several=True),
    ".reg.128": declaring(registers(4), several=True),
    ".pred": declaring(pred, several=True),
    ".control": control,
    ".word": word,
    ".set": declaring(set_, several=False),
    ".assert": assert_,
    ".error": error,
    ".include": include,
}
