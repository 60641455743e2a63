"""The package's public names, and what importing it costs."""

import os
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

import dstc_isa


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", dstc_isa.__all__)
def test_public_names_are_importable(name):
    assert getattr(dstc_isa, name).__module__.startswith("dstc_isa.")


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'spgem'"):
        dstc_isa.spgem  # noqa: B018 - it raises


def test_importing_the_package_imports_no_library():
    assert not {"numpy", "numba", "scipy", "lark"} & modules_after("import dstc_isa")


def test_assembling_needs_neither_numba_nor_scipy():
    source = ".kernel k\\nEXIT\\n.endkernel"
    loaded = modules_after(f"import dstc_isa; assert dstc_isa.assemble('{source}').program")
    assert not {"numba", "scipy", "llvmlite"} & loaded


def test_timing_needs_neither_the_assembler_nor_its_grammar():
    loaded = modules_after("import dstc_isa.timing.time_launch, dstc_isa.timing.retarget, dstc_isa.timing.hazard_watch")
    assert "dstc_isa.schedule" in loaded
    assert not {"lark", "dstc_isa.assembler", "dstc_isa.syntax"} & loaded


def test_annotations_are_for_users_too():
    assert files("dstc_isa").joinpath("py.typed").is_file()


def test_citation_names_this_version():
    root = Path(__file__).parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    lines = (root / "CITATION.cff").read_text().splitlines()
    assert {f"version: {project['version']}", f"license: {project['license']}"} <= set(lines)


@pytest.mark.slow
@pytest.mark.parametrize("value", ["0", "abc", "", "-1", "00", "3"])
def test_a_number_of_threads_that_numba_refuses_is_left_out(value: str) -> None:
    probe = "import dstc_isa, os; print(os.environ.get('NUMBA_NUM_THREADS')); import numba"
    environment = {**os.environ, "NUMBA_NUM_THREADS": value, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", probe], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == ("3" if value == "3" else "None")
