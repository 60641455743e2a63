"""What the directives do that enclose statements: kernels, macros, loops, conditions."""

from dstc_isa.assembler.directives import count_arguments, declared_name
from dstc_isa.assembler.errors import ArgumentError
from dstc_isa.assembler.expand import BlockHandler, Expander
from dstc_isa.assembler.kernel import KernelBuilder
from dstc_isa.assembler.macros import define_macro
from dstc_isa.assembler.shared_offset import marked
from dstc_isa.syntax.tree import Block


def kernel(expander: Expander, block: Block) -> None:
    """``.kernel NAME`` ... ``.endkernel``."""
    if expander.kernel is not None:
        raise ArgumentError(1 << 30, "a kernel stands inside another")
    statement = block.opening
    name = "?"
    try:
        nodes = expander.nodes(statement)
        count_arguments(statement, nodes, 1, 1, "NAME")
        name = declared_name(0, nodes[0])
        if any(other.name == name for other in expander.kernels):
            raise ArgumentError(0, f"there is already a kernel {name}")
    except ArgumentError as error:
        expander.reporter.at_operand(statement, error.index, error.cause)
    with expander.block_scope() as scope:
        built = KernelBuilder(name, statement, scope, expander.isa)
        expander.kernels.append(built)
        expander.kernel = built
        try:
            expander.declare_labels(block.body)
            expander.execute(block.body)
        finally:
            built.release(scope)
            expander.kernel = None
    if not built.emitted and not expander.reporter.failed:
        raise ArgumentError(0, f"kernel {name} has no instructions")


def rept(expander: Expander, block: Block) -> None:
    """``.rept COUNT`` ... ``.endr``."""
    nodes = expander.nodes(block.opening)
    count_arguments(block.opening, nodes, 1, 1, "COUNT")
    count = expander.integer(0, nodes[0])
    if count < 0:
        raise ArgumentError(0, f"a block is repeated 0 times or more, not {count}")
    with expander.turning(block, count):
        for _ in range(count):
            _iteration(expander, block)


def for_(expander: Expander, block: Block) -> None:
    """``.for NAME, START, STOP[, STEP]`` ... ``.endfor``; STOP is exclusive."""
    nodes = expander.nodes(block.opening)
    count_arguments(block.opening, nodes, 3, 4, "NAME, START, STOP[, STEP]")
    name = declared_name(0, nodes[0])
    start, stop = expander.integer(1, nodes[1]), expander.integer(2, nodes[2])
    step = expander.integer(3, nodes[3]) if len(nodes) > 3 else 1
    if step == 0:
        raise ArgumentError(3, "the step is not 0")
    values = range(start, stop, step)
    with expander.turning(block, len(values)):
        for value in values:
            _iteration(expander, block, name, marked(value, "+", start, step))


def _iteration(expander: Expander, block: Block, name: str = "", value: int = 0) -> None:
    with expander.block_scope() as scope:
        if name:
            scope.names[name] = value
        if expander.kernel is not None:
            expander.declare_labels(block.body)
        expander.execute(block.body)


def if_(expander: Expander, block: Block) -> None:
    """``.if`` ... ``.elif`` ... ``.else`` ... ``.endif``: the first branch whose condition holds."""
    for branch in block.branches:
        if branch.opening.word == ".else":
            expander.execute(branch.body)
            return
        try:
            holds = expander.condition(branch.opening)
        except ArgumentError as error:
            expander.reporter.at_operand(branch.opening, error.index, error.cause, expander.uses)
            return
        if holds:
            expander.execute(branch.body)
            return


BLOCKS: dict[str, BlockHandler] = {
    ".kernel": kernel,
    ".macro": define_macro,
    ".rept": rept,
    ".for": for_,
    ".if": if_,
}
