from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstc_isa.gpu import DEFAULT_GPU, GpuError, gpu_names, load_gpu
from dstc_isa.gpu.schema import SOURCES, Spec, is_optional, specs
from dstc_isa.isa.unit import Given
from dstc_isa.isa.volta import VOLTA

NUMBERS = {key: spec for key, spec in specs(VOLTA).items() if spec.kind is not str}
TIED = {"l1.", "l2.", "dram.", "sm.shared", "sm.l1", "shared.banks", "accumulation_buffer.banks"}
FREE = {key: spec for key, spec in NUMBERS.items() if not any(key.startswith(t) for t in TIED)}


def value_of(key: str, settings: list[str]) -> object:
    return next(row.value for row in load_gpu(DEFAULT_GPU, settings).rows if row.key == key)


def numbers(spec: Spec) -> st.SearchStrategy[float]:
    if spec.kind is int:
        return st.integers(int(spec.minimum), int(spec.maximum))
    return st.floats(spec.minimum, spec.maximum)


@pytest.mark.parametrize("name", gpu_names())
def test_every_parameter_has_a_value_and_a_source(name: str) -> None:
    gpu = load_gpu(name)
    assert gpu.name == name
    assert gpu.description
    assert {row.key for row in gpu.rows} >= {key for key in specs(VOLTA) if not is_optional(VOLTA, key)}
    for row in gpu.rows:
        assert row.source in SOURCES
        assert row.unit == specs(VOLTA)[row.key].unit
        assert specs(VOLTA)[row.key].meaning
        assert row.note or row.source not in ("CHOSEN", "INF"), f"{row.key} is ours and does not say why"
    assert set(gpu.pipes) == set(VOLTA.units)


def test_a_parameter_has_the_value_of_its_declaration_where_files_say_nothing(tmp_path: Path) -> None:
    key = "model.epoch_cycles"
    row = {row.key: row for row in load_gpu().rows}[key]
    assert specs(VOLTA)[key].given == Given(row.value, row.source, row.note)
    assert row.origin == "its declaration"
    path = tmp_path / "own.toml"
    path.write_text('extends = "v100"\n[model]\nepoch_cycles = { v = 128, src = "SIM" }\n')
    own = load_gpu(path)
    assert own.model.epoch_cycles == 128
    assert {row.key: row for row in own.rows}[key].source == "SIM"


@given(st.data())
def test_compiled_code_has_parameters_by_their_tables_and_names(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(key for key, spec in FREE.items() if spec.compiled)))
    value = data.draw(numbers(FREE[key]))
    name = key.replace(".", "_")
    assert load_gpu(DEFAULT_GPU, [f"{key}={value}"]).compiled_parameters[name] == value


@given(st.data())
def test_a_setting_in_range_takes_effect(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(FREE)))
    value = data.draw(numbers(FREE[key]))
    assert value_of(key, [f"{key}={value}"]) == value


@given(st.data())
def test_a_setting_out_of_range_is_refused_with_range_and_unit(data: st.DataObject) -> None:
    key, spec = data.draw(st.sampled_from(sorted(NUMBERS.items())))
    value = data.draw(st.sampled_from([spec.minimum - 1, spec.maximum + 1]))
    text = str(int(value)) if spec.kind is int else repr(float(value))
    with pytest.raises(GpuError) as caught:
        load_gpu(DEFAULT_GPU, [f"{key}={text}"])
    assert key in str(caught.value)
    assert spec.allowed in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("sm.count", "expected key=value"),
        ("pipes.FMA.latenc=4", "did you mean pipes.FMA.latency?"),
        ("scheduler.policy=gtoo", "one of gto, lrr, not 'gtoo'; did you mean gto?"),
        ("sm.count=2.5", "sm.count is an integer from 1 to 1024, not 2.5"),
        ("sm.count=true", "sm.count is an integer from 1 to 1024, not True"),
        ("sm.count=many", "not 'many'"),
        ("dram.bandwidth_gb_s=nan", "not nan"),
        ("accumulation_buffer.banks=3", "must be a power of two"),
        ("l2.bytes=1000000", "must be a multiple of l2.ways"),
        ("sm.shared_bytes=131072", "must leave L1 a part"),
        ("dram.latency=100", "command line: dram.latency = 100: is shorter than the 211 cycles of the level above"),
        ("l1.latency=500", "command line: with l1.latency = 500, l2.latency = 211: is shorter than the 500 cycles"),
        ("l2.ways=5", "command line: with l2.ways = 5, l2.bytes = 6291456: must be a multiple of l2.ways"),
    ],
)
def test_wrong_settings(setting: str, message: str) -> None:
    with pytest.raises(GpuError) as caught:
        load_gpu("v100", [setting])
    assert message in str(caught.value)


def test_a_file_extends_another(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'description = "mine"\nextends = "v100"\n[sm]\ncount = { v = 4, src = "CHOSEN", note = "small" }\n'
    )
    (tmp_path / "next.toml").write_text('extends = "mine.toml"\n[sm]\nctas = { v = 2, src = "SPEC" }\n')
    gpu = load_gpu(str(tmp_path / "next.toml"))
    assert (gpu.name, gpu.sm.count, gpu.sm.ctas, gpu.sm.warps) == ("next", 4, 2, 64)
    row = next(row for row in gpu.rows if row.key == "sm.count")
    assert (row.source, row.note, Path(row.origin).name) == ("CHOSEN", "small", "mine.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ': it does not say which instruction set it executes: state isa = "volta"'),
        ('isa = "vega"\n', ":1:1: there is no instruction set vega: there is volta; --isa FILE loads others"),
        ("isa = 3\n", ":1:1: isa is"),
        ('isa = "volta"\n[sm]\ncount = 4\n', ':3:1: sm.count: expected { v = VALUE, src = "SOURCE" }'),
        ('extends = "v100"\n[sm]\n  count = { v = 0, src = "HW" }\n', ":3:3: sm.count is an integer from 1 to 1024"),
        (
            'extends = "v100"\n[sm]\nwarp = { v = 1, src = "HW" }\n',
            ":3:1: no parameter is called sm.warp; did you mean",
        ),
        ('extends = "v100"\n[sm]\ncount = { v = 4, src = "GUESS" }\n', "src is one of HW"),
        ('extends = "v100"\n[sms]\ncount = { v = 4, src = "HW" }\n', ":2: no parameter is called sms"),
        ("[sm\n", "line 1"),
        ('extends = "v10"\n', "extends: no GPU is called v10; did you mean v100?"),
        ('extends = "self.toml"\n', "extends itself"),
        ("extends = 3\n", ":1:1: extends is the name of a GPU"),
        ('isa = "volta"\n[sm]\ncount = { v = 4, src = "HW" }\n', "has no value"),
    ],
)
def test_wrong_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "self.toml"
    path.write_text(text)
    with pytest.raises(GpuError) as caught:
        load_gpu(str(path))
    assert message in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for name, message in (("none.toml", "cannot be read"), ("v1000", "did you mean v100")):
        with pytest.raises(GpuError, match=message):
            load_gpu(name)
    (tmp_path / "directory.toml").mkdir()
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    for name in ("directory.toml", "bytes.toml"):
        with pytest.raises(GpuError, match=name):
            load_gpu(str(tmp_path / name))
