"""The generated interpreter: one branch per instruction, around the semantics functions."""

import ast

from dstc_isa.engine.compiled import generate
from dstc_isa.isa.volta import VOLTA


def run_warp() -> ast.FunctionDef:
    functions = [node for node in ast.parse(generate.source()).body if isinstance(node, ast.FunctionDef)]
    return next(f for f in functions if f.name == "run_warp")


def test_it_is_the_same_text_every_time() -> None:
    assert generate.source() == generate.source()


def test_every_instruction_that_does_something_is_called_once_and_in_registry_order() -> None:
    calls = [ast.unparse(node.func) for node in ast.walk(run_warp()) if isinstance(node, ast.Call)]
    executed = [declaration for declaration in VOLTA.declarations if not declaration.unmodelled]
    for declaration in executed:
        name = f"{generate.alias(declaration.function)}.{declaration.function.__name__}"
        assert calls.count(name) == (declaration.takes_warp or bool(declaration.results)), name
    tests = [ast.unparse(node.test) for node in ast.walk(run_warp()) if isinstance(node, ast.If)]
    numbers = [int(test.rpartition(" ")[2]) for test in tests if test.startswith("operation == ")]
    assert sorted(numbers) == list(range(len(executed)))


def test_nothing_it_reads_is_undefined() -> None:
    tree = ast.parse(generate.source())
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    known = {alias.asname or alias.name for node in imports for alias in node.names}
    known |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    function = run_warp()
    known |= {argument.arg for argument in function.args.args}
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    known |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    assert {node.id for node in names} <= known | {"range"}
