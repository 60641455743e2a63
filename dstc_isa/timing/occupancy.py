"""How many CTAs of a kernel an SM holds at once, and what limits them."""

from attrs import frozen

from dstc_isa.gpu import Gpu
from dstc_isa.isa.lanes import LANES
from dstc_isa.timing.model_records import CTA_SLOTS, POSITIONS

CARVE_OUTS = (0, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 96 << 10)
"""Sizes that shared memory may take of the memory it has in common with L1 (CUDA C++ Programming Guide, Volta)."""


@frozen
class Occupancy:
    """``ctas`` per SM, the resource that allows no more, the bytes that remain for L1, and ``warps`` of a CTA."""

    ctas: int
    limit: str
    l1_bytes: int
    warps: int


def occupancy(gpu: Gpu, warps: int, registers: int, shared_bytes: int) -> Occupancy:
    """Occupancy of CTAs of ``warps`` warps with ``registers`` per thread; ``ctas`` is 0 if not even one fits."""
    unit = gpu.sm.register_unit
    per_warp = -(-max(1, registers) * LANES // unit) * unit
    fits = {
        "CTA slots": min(gpu.sm.ctas, CTA_SLOTS),
        "warp slots": min(gpu.sm.warps, POSITIONS * gpu.sm.subcores) // warps,
        "threads": gpu.sm.threads // (warps * LANES),
        "registers": gpu.sm.registers // (per_warp * warps),
    }
    if shared_bytes:
        fits["shared memory"] = gpu.sm.shared_bytes // shared_bytes
    limit = min(fits, key=lambda name: fits[name])
    taken = fits[limit] * shared_bytes
    carved = min((size for size in CARVE_OUTS if size >= taken), default=gpu.sm.shared_bytes)
    l1_bytes = max(gpu.l1.line_bytes * gpu.l1.ways, gpu.sm.l1_and_shared_bytes - carved)
    return Occupancy(fits[limit], limit, l1_bytes, warps)
