"""The Python interface: a launch in one call, objects that show themselves shortly, errors with one base."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import dstc_isa

CLASHES = ".kernel k\n.param .u32 threads\n.param .ptr grid\nMOV R0, threads\nMOV R2, grid\nMOV R3, grid+4\n"
CLASHES += "STG.E.32 [R2], R0\nEXIT\n.endkernel\n"
HELLO = Path(__file__).parent.parent / "programs" / "hello.dasm"


def program(source: str) -> dstc_isa.Program:
    assembly = dstc_isa.assemble(source)
    assert assembly.program is not None, assembly.diagnostics
    return assembly.program


def hello(**changes: object) -> dstc_isa.RunResult:
    x = np.arange(70, dtype=np.float32)
    given = {"grid": 3, "block": 32, "gpu": None, "x": x, "y": np.zeros(70, np.float32), "a": 2, "n": 70}
    return dstc_isa.run(HELLO, **(given | changes))


@pytest.mark.parametrize(
    "form", [str, Path, lambda path: dstc_isa.assemble_file(path).program], ids=["str", "Path", "Program"]
)
@pytest.mark.parametrize(
    "extent", [(3, 32), ((3,), (32, 1, 1)), ([3, 1], np.int64(32))], ids=["ints", "tuples", "others"]
)
def test_arrays_are_read_and_written_in_place(form, extent):
    x, y = np.arange(70, dtype=np.float32), np.zeros(70, np.float32)
    grid, block = extent
    result = dstc_isa.run(form(HELLO), grid=grid, block=block, gpu=None, x=x, y=y, a=np.float32(2.5), n=np.int64(70))
    assert np.array_equal(y, x * np.float32(2.5))
    assert result.arrays["y"] is y
    assert result.timing is None
    assert result.report.warp_instructions == result.execution.warp_instructions > 0


def test_a_timed_run_has_the_cycles_of_time_kernel():
    result = hello(gpu="v100-dstc", settings=["sm.count=1"])
    loaded = dstc_isa.assemble_file(HELLO).program
    gpu = dstc_isa.load_gpu("v100-dstc", ["sm.count=1"])
    arguments = {"x": np.arange(70, dtype=np.float32), "y": np.zeros(70, np.float32), "a": 2, "n": 70}
    _, timing = dstc_isa.time_kernel(loaded, loaded.kernels[0], (3,), (32,), arguments, gpu)
    assert result.timing.cycles == timing.cycles
    assert result.to_dict()["launches"][0]["timing"]["cycles"] == timing.cycles
    assert result.timing.sms == 1


def test_parameters_called_like_options_go_into_arguments():
    out = np.zeros(1, np.uint32)
    loaded = program(CLASHES)
    dstc_isa.run(loaded, grid=1, block=1, gpu=None, threads=1, arguments={"threads": 7, "grid": out})
    assert out[0] == 7
    with pytest.raises(dstc_isa.LaunchError, match=r"parameter threads, .* arguments=\{'threads'"):
        dstc_isa.run(loaded, grid=1, threads=1, gpu=None)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"x": [1.0, 2.0]}, "LaunchError", r"^x: .*takes an array, not a list.*np\.array"),
        ({"kernel": 3}, "ArgumentTypeError", r"^kernel is a kernel's name or None, not an int$"),
        ({"x": 3}, "LaunchError", r"^x: .*takes an array, not the number 3"),
        ({"x": "x.npy"}, "LaunchError", r"^x: .*takes an array, not a str"),
        ({"a": [1.0]}, "LaunchError", r"^a: .*takes a number, not a list"),
        ({"n": None}, "LaunchError", r"^n: .*takes a number, not None"),
        ({"n": 2.5}, "LaunchError", r"parameter n .*needs an integer, not 2\.5"),
        ({"n": np.zeros(3)}, "LaunchError", r"parameter n .*was given an array"),
        ({"yy": 1}, "OptionError", r"no parameter and run\(\) no option yy; did you mean y\?"),
        ({"threds": 1}, "OptionError", r"no option threds; did you mean threads\?"),
        ({"arguments": {"m": 1}}, "LaunchError", r"no parameter m; "),
        ({"arguments": {"n": 1}}, "LaunchError", r"n is given twice"),
        ({"grid": 2.5}, "LaunchError", r"^grid is a whole number"),
        ({"block": (32, "1")}, "LaunchError", r"^block is a whole number"),
        ({"grid": 0}, "LaunchError", r"grid size 0"),
        ({"kernel": "helo"}, "LaunchError", r"no kernel helo; there is \w+"),
        ({"gpu": "v101-dstc"}, "GpuError", r"v101-dstc"),
        ({"settings": ["sm.count=1"]}, "UsageError", r"settings go with a GPU's name"),
        ({"sample": 0.5}, "UsageError", r"^sample and check_hazards go with a timed run"),
        ({"threads": 257}, "UsageError", r"^threads is 1 to 256, not 257"),
        ({"x": np.ma.masked_equal(np.zeros(70, "f4"), 0)}, "LaunchError", r"masked array.*: x = x\.filled\(0\)"),
        ({"x": np.broadcast_to(np.float32(1), 1)}, "LaunchError", r"read-only.*: x = x\.copy\(\)"),
        ({"x": np.zeros((2, 70), np.float32).T}, "LaunchError", r"C-contiguous: x = np\.ascontiguousarray\(x\)"),
    ],
)
def test_wrong_arguments_are_named(changes, error, message):
    with pytest.raises(dstc_isa.DstcError, match=message) as caught:
        hello(**changes)
    assert isinstance(caught.value, getattr(dstc_isa, error))


def test_missing_parameters_are_listed():
    with pytest.raises(dstc_isa.LaunchError, match=r"also needs .*x"):
        dstc_isa.run(HELLO, gpu=None)


def test_a_source_with_errors(tmp_path):
    bad = tmp_path / "bad.dasm"
    bad.write_text(".kernel k\nFROB R1\n.endkernel\n")
    with pytest.raises(dstc_isa.AssemblyError, match=r"bad\.dasm:2") as caught:
        dstc_isa.run(bad)
    assert caught.value.diagnostics
    assert isinstance(caught.value, dstc_isa.DstcError)


OPERAND = np.ones((8, 8), np.float32)
CALLS = {
    "spgemm": lambda **given: dstc_isa.spgemm(OPERAND, OPERAND, **given),
    "gemm_dense": lambda **given: dstc_isa.gemm_dense(OPERAND, OPERAND, **given),
    "gemm_sparse24": lambda **given: dstc_isa.gemm_sparse24(OPERAND, OPERAND, **given),
    "conv2d": lambda **given: dstc_isa.conv2d(OPERAND[None, None], OPERAND[None, None], **given),
    "run_layers": lambda **given: dstc_isa.run_layers(OPERAND[None, None], [], **given),
    "run_kernel": lambda **given: dstc_isa.run_kernel(None, None, (1,), (1,), {}, **given),
    "time_kernel": lambda **given: dstc_isa.time_kernel(None, None, (1,), (1,), {}, None, **given),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_option_that_there_is_not_is_named_with_the_nearest(name):
    with pytest.raises(TypeError, match=rf"^{name}\(\) has no option threds; did you mean threads\?$") as caught:
        CALLS[name](threds=2)
    assert isinstance(caught.value, dstc_isa.DstcError)


def test_objects_show_themselves_in_a_line():
    gpu = dstc_isa.load_gpu("v100-dstc", ["sm.count=7"])
    loaded = dstc_isa.assemble_file(HELLO)
    a = np.ones((96, 96), np.float32)
    result = hello(gpu=gpu)
    product = dstc_isa.spgemm(a, a, gpu=None)
    dense = dstc_isa.gemm_dense(a, a, gpu=None)
    layer = dstc_isa.conv2d(a[None, None], np.ones((1, 1, 3, 3)), gpu=None)
    arguments = {"x": a, "y": a, "a": 1, "n": 9}
    launch, execution = dstc_isa.run_kernel(loaded.program, loaded.program.kernels[0], (1,), (32,), arguments)
    results = [result, result.report, result.report.timing, product, product.report, dense, layer]
    for each in [gpu, loaded, loaded.program, launch.kernel, launch, execution, result.timing, *results]:
        text = repr(each)
        assert text.startswith(type(each).__name__ + "(")
        assert len(text) < 500
        assert "\n" not in text
    assert "sm.count=7" in repr(gpu)
    assert "c=96x96 float32" in repr(product)
    assert str(result.timing.cycles) in repr(result)
    for each in results:
        assert re.fullmatch(r"<table>.*<th>[^<]+</th><td>[^<]*</td>.*</table>", each._repr_html_())
        assert json.loads(json.dumps(each.to_dict()))


def test_a_printed_report_is_the_terminals():
    result = hello(gpu="v100-dstc")
    lines = str(result.report).splitlines()
    assert lines[0].startswith("hello: ") or "warp instructions" in lines[0]
    assert any(line.split()[0] == "FMUL" or line.startswith("STG") for line in lines if line)
    assert any(f"{result.timing.cycles:,} cycles" in line for line in lines)


def test_names_are_listed_before_they_are_used():
    assert dir(dstc_isa) == sorted([*dstc_isa.__all__, "__version__"])
    assert re.match(r"\d+\.\d+", dstc_isa.__version__)


@pytest.mark.parametrize(
    "name", [name for name in dstc_isa.__all__ if name.endswith(("Error", "Fault", "OutOfMemory"))]
)
def test_errors_have_one_base(name):
    assert issubclass(getattr(dstc_isa, name), dstc_isa.DstcError)


@pytest.mark.parametrize("name", ["folder", "none.dobj"])
def test_a_program_that_cannot_be_read_is_an_error_of_the_package(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(dstc_isa.ObjectError, match=rf"{name}: (Is a directory|No such file)"):
        dstc_isa.run(tmp_path / name)
