"""Files of further instructions that cannot be used."""

from pathlib import Path

import pytest

from dstc_isa.isa.extension import ExtensionError, load_extension
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
