"""What an object says of the instructions it was made with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dstc_isa.assembler import assemble
from dstc_isa.isa.extension import load_extension
from dstc_isa.isa.identity import parts_of
from dstc_isa.isa.volta import VOLTA
from dstc_isa.object import ObjectError, read_object, write_object
from tests import extensions
from tests.assembler.build import in_kernel, program

SOURCE = '''
from typing import Annotated
from dstc_isa.isa.field import Field
from dstc_isa.isa.volta import instruction, units as core_units
from dstc_isa.isa.modifier import Flag
from dstc_isa.isa.volta.shorthand import Ra, Rd

@instruction("{name}", 0x2F4, core_units.{pipe}, public=False, variable={variable})
def twice(ra: Ra) -> Rd:
    """Twice."""
    return {value}
'''
GIVEN = {"name": "TWICE", "pipe": "ALU", "variable": "False", "value": "ra + ra"}


@pytest.fixture
def extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Loads the file ``NAME.py`` in place of those that were loaded before it."""
    before = VOLTA.contents()

    def load(stem: str = "identity_probe", **changes: str) -> None:
        forget()
        path = tmp_path / f"{stem}.py"
        path.write_text(SOURCE.format(**(GIVEN | changes)))
        load_extension(path)

    def forget() -> None:
        extensions.forget(before)

    load.forget = forget  # type: ignore[attr-defined]
    yield load
    forget()


def test_only_the_instructions_that_occur_count() -> None:
    (first,) = program(in_kernel("MOV R0, 1\nEXIT")).kernels
    (second,) = program(in_kernel("MOV R0, 2\nMOV R1, R0\nEXIT")).kernels
    (third,) = program(in_kernel("POPC R0, R1\nEXIT")).kernels
    assert parts_of(VOLTA, first.words) == parts_of(VOLTA, second.words)
    assert list(parts_of(VOLTA, first.words)) == ["volta"]
    assert parts_of(VOLTA, first.words) != parts_of(VOLTA, third.words)


def test_an_object_with_an_extension_is_read_with_the_same_one_only(extension) -> None:  # type: ignore[no-untyped-def]
    extension()
    data = write_object(program(in_kernel("TWICE R0, R1\nEXIT")))
    assert write_object(read_object(data)) == data
    made = parts_of(VOLTA, [0x2F4])["identity_probe"]
    extension.forget()
    with pytest.raises(
        ObjectError, match=rf"identity_probe \[{made}\], which is not loaded; .*--isa identity_probe.py"
    ):
        read_object(data)
    extension(stem="other_probe", name="THRICE", value="ra + ra + ra")
    with pytest.raises(ObjectError, match=r"identity_probe .* are instructions of other_probe here"):
        read_object(data)
    for changes in ({"name": "DOUBLE"}, {"pipe": "SFU"}, {"variable": "True"}, {"value": "ra"}):
        extension(**changes)
        other = parts_of(VOLTA, [0x2F4])["identity_probe"]
        with pytest.raises(ObjectError, match=rf"identity_probe \[{made}\].*identity_probe \[{other}\]"):
            read_object(data)
    extension()
    assert read_object(data).kernels[0].name == "k"


def test_an_object_without_it_is_read_unless_its_words_would_mean_something_else(extension) -> None:  # type: ignore[no-untyped-def]
    plain = write_object(program(in_kernel("MOV R0, R1\nEXIT")))
    raw = write_object(assemble(in_kernel(".word 0x2f4\nEXIT")).program)  # type: ignore[arg-type]
    extension()
    assert read_object(plain).kernels[0].name == "k"
    with pytest.raises(ObjectError, match="made without the instructions of identity_probe"):
        read_object(raw)


def test_digests_are_the_same_in_each_process() -> None:
    """No address of a function is in them, and no order that comes of hashing."""
    code = (
        "from dstc_isa.isa.identity import parts_of\n"
        "from dstc_isa.isa.volta import VOLTA\n"
        "print(parts_of(VOLTA, [d.code(form) for d in VOLTA.declarations for form in d.forms]))"
    )
    found = set()
    for seed in ("1", "2", "3"):
        found.add(subprocess.check_output([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}))
    assert len(found) == 1
