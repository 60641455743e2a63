"""Files of further instructions that cannot be used."""

import sys
from pathlib import Path

import pytest

from dstc_isa.isa.extension import LOADED, ExtensionError, load_extension
from dstc_isa.isa.volta import VOLTA

DECLARES = '''
from dstc_isa.isa.volta.units import ALU; from dstc_isa.isa.volta import instruction
from dstc_isa.isa.volta.shorthand import Ra, Rd

@instruction("COPY", {opcode}, ALU, public=False)
def copy(ra: Ra) -> Rd:
    """Copy."""
    return ra
'''


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("x = 1\n1 +", 2, "SyntaxError"),
        ("\n\nimport no_such_module", 3, "ModuleNotFoundError"),
        ("def f():\n    return 1 / 0\nf()", 2, "ZeroDivisionError"),
        ("import dstc_isa.isa as isa\nisa.nothing", 2, "AttributeError"),
        (DECLARES.format(opcode="0x210"), 5, "COPY and IADD3 decode alike"),
        (DECLARES.format(opcode="0x2F2") + "\nundefined", 10, "NameError"),
        ("x = '\udcff'", 1, "SyntaxError"),
    ],
)
def test_a_bad_file_names_line_and_reason(tmp_path: Path, source: str, line: int, reason: str) -> None:
    path = tmp_path / "bad.py"
    path.write_bytes(source.encode(errors="surrogateescape"))
    before = list(VOLTA.declarations)
    with pytest.raises(ExtensionError) as caught:
        load_extension(path)
    assert reason in caught.value.reason
    assert caught.value.line == line
    assert str(path) in str(caught.value)
    assert before == VOLTA.declarations


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.py", "cannot be read: No such file or directory"),
        ("missing", "cannot be read: No such file or directory"),
        ("folder.py", "cannot be read: Is a directory"),
        ("no\0name.py", "cannot be read: embedded null byte"),
        ("there.txt", r"expected the name of a \.py file"),
    ],
)
def test_no_python_file(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "there.txt").write_text("")
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(ExtensionError, match=reason):
        load_extension(tmp_path / name)


def test_a_file_is_loaded_once_and_two_of_one_name_are_refused(tmp_path: Path) -> None:
    first, second = tmp_path / "empty_extension.py", tmp_path / "other" / "empty_extension.py"
    second.parent.mkdir()
    for path in (first, second):
        path.write_text("")
    load_extension(first)
    load_extension(first)
    with pytest.raises(ExtensionError, match="rename one of them"):
        load_extension(second)


def test_a_file_that_ends_python_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "leaves.py"
    path.write_text("import sys\nsys.exit(0)\n")
    with pytest.raises(ExtensionError, match=r"leaves\.py:2: SystemExit: 0"):
        load_extension(path)


STATES = '''
from dstc_isa.isa.instruction import Warp
from dstc_isa.isa.unit import Cell, Given, Unit
from dstc_isa.isa.volta import instruction
from dstc_isa.isa.volta.shorthand import Ra, Rd
GIVEN = {{"latency": Given(4, "CHOSEN"), "initiation": Given(1, "CHOSEN"), "port": Given("own", "CHOSEN")}}
OWN = Unit("OWN", "own", GIVEN, state={{"own_tally": Cell("lanes")}})
OTHER = Unit("OTHER", "other", GIVEN, state={{"other_tally": Cell("lanes")}})


def helper(warp):
    warp.other_tally = 1


@instruction("FIRST", 0x2F0, OTHER, public=False)
def first(warp: Warp, ra: Ra) -> Rd:
    """First."""
    warp.other_tally = 2
    return ra


@instruction("SECOND", 0x2F2, OWN, public=False)
def second(warp: Warp, ra: Ra) -> Rd:
    """Second."""
    {body}
    return ra


@OWN.cost
def cost(charge, warp, block, parameters, counters):
    """Cost."""
    {cost}
'''


@pytest.mark.parametrize(
    ("body", "cost", "message"),
    [
        ("warp.other_tally = 1", "pass", "SECOND uses other_tally, the state of OTHER: it has that of OWN alone"),
        ("helper(warp)", "pass", "SECOND uses other_tally, the state of OTHER"),
        ("warp.own_tally = warp.merged[0]", "pass", "SECOND uses merged, the state of"),
        ("pass", "charge.held = warp.other_tally", "the cost function of OWN uses other_tally, the state of OTHER"),
    ],
)
def test_a_unit_has_its_own_state_alone(tmp_path: Path, body: str, cost: str, message: str) -> None:
    path = tmp_path / "states.py"
    path.write_text(STATES.format(body=body, cost=cost))
    before = VOLTA.contents()
    with pytest.raises(ExtensionError, match=message):
        load_extension(path)
    assert VOLTA.contents() == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "@OWN.cost",
            "def unused(f): return f\n@unused",
            "OWN has block own and no cost function for it",
        ),
        (
            "    pass\n    charge",
            "    charge.done = 7\n    charge",
            "SECOND: .* sets charge.done, so variable",
        ),
    ],
)
def test_a_unit_s_parts_go_together(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = STATES.format(body="pass", cost="pass\n    charge.busy = 3")
    text = text.replace('state={"own_tally"', 'block=Block("own", "own", "own"), state={"own_tally"')
    text = text.replace("import Cell", "import Block, Cell")
    path = tmp_path / "parts.py"
    path.write_text(text.replace(old, new))
    before = VOLTA.contents()
    with pytest.raises(ExtensionError, match=message):
        load_extension(path)
    assert VOLTA.contents() == before


def test_a_file_that_has_changed_is_not_taken_for_the_one_that_was_loaded(tmp_path: Path) -> None:
    path = tmp_path / "turns.py"
    path.write_text(DECLARES.format(opcode="0x2F2"))
    before = VOLTA.contents()
    try:
        load_extension(path)
        load_extension(path)
        path.write_text(DECLARES.format(opcode="0x2F3"))
        with pytest.raises(ExtensionError, match="it has changed since it was loaded: start Python anew"):
            load_extension(path)
    finally:
        VOLTA.forget(before)
        del sys.modules["dstc_isa_extension_turns"]
        LOADED.pop()


def test_what_a_bad_file_has_loaded_goes_with_it(tmp_path: Path) -> None:
    part = tmp_path / "part.py"
    part.write_text(DECLARES.format(opcode="0x2F2"), encoding="utf-8")
    whole = tmp_path / "whole.py"
    whole.write_text(f"from dstc_isa.isa.extension import load_extension\nload_extension({str(part)!r})\n1 / 0\n")
    loaded, declared = list(LOADED), len(VOLTA.declarations)
    with pytest.raises(ExtensionError, match="ZeroDivisionError"):
        load_extension(whole)
    assert (loaded, declared) == (LOADED, len(VOLTA.declarations))
    assert "dstc_isa_extension_part" not in sys.modules
