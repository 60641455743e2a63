"""The instruction set of the modelled machine, its instructions by family."""

from importlib import import_module

from dstc_isa.isa.volta.instruction_set import VOLTA, instruction

__all__ = ["VOLTA", "instruction"]

for _name in (
    "integer",
    "packed_integer",
    "bit_fields",
    "logic",
    "predicate",
    "condition_test",
    "float",
    "derivative",
    "half",
    "double",
    "convert",
    "convert_long",
    "communication",
    "barrier_register",
    "memory",
    "atomics",
    "generic_memory",
    "local_memory",
    "caches",
    "texture",
    "surface",
    "control_flow",
    "barriers",
    "warp_state",
    "tensor",
    "structured",
):
    import_module(f"{__name__}.{_name}")
