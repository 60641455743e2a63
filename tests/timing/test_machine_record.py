"""The record of the modelled GPU: parameters of the GPU's file are fields of it."""

from dstc_isa.gpu import load_gpu
from dstc_isa.gpu.schema import compiled_parameters
from dstc_isa.timing.model_records import MACHINE


def test_parameters_are_fields_of_the_record() -> None:
    gpu = load_gpu("v100-dstc", ["sm.subcores=2", "dram.latency=777"])
    record = MACHINE.new(**gpu.compiled_parameters)
    assert record["sm_subcores"] == 2
    assert record["dram_latency"] == 777
    assert record["l2_atomic_latency"] == gpu.l2.atomic_latency


def test_no_other_field_has_the_name_of_a_parameter() -> None:
    named = compiled_parameters()
    assert [*MACHINE.fields][: len(named)] == [*named]
    assert all(MACHINE.fields[name].meaning.endswith(spec.meaning) for name, spec in named.items())
