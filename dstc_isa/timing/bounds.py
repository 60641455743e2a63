"""Lower bounds of a kernel's time: what each resource of the GPU needs for the work that was done."""

from attrs import frozen

from dstc_isa.timing.result import Timing

LOAD_STORE_UNIT = "load and store unit, shared memory"
PORT_NAMES = {"fp16": "tensor and FP16 pipe", "sfu": "special function pipe", "lsu": "load and store dispatch"}


@frozen
class Bound:
    """``cycles`` that ``resource`` needs if it is never idle and the work is spread evenly over the GPU.

    ``local``: each SM has its own.
    """

    resource: str
    cycles: float
    local: bool = True


def bounds(timing: Timing) -> list[Bound]:
    """All bounds, the highest first; the kernel cannot take fewer cycles, but for a last instruction's interval."""
    gpu = timing.gpu
    subcores = gpu.sm.count * gpu.sm.subcores
    sector = gpu.l1.sector_bytes
    counters = timing.counters
    dram_per_cycle = gpu.dram.bandwidth_gb_s * 1e3 / gpu.clock_mhz
    found = [
        Bound("issue slots", timing.issue_slots / subcores),
        *(
            Bound(PORT_NAMES.get(port, f"{port.upper()} pipe"), busy / subcores)
            for port, busy in timing.port_busy.items()
        ),
        Bound(LOAD_STORE_UNIT, counters["wavefronts"] / gpu.sm.count),
        *(
            Bound(block.title, block.bound(counters, gpu.blocks[block]) / subcores)
            for block in gpu.isa.blocks
            if block.bound is not None
        ),
        Bound("L2 bandwidth", (counters["l1_misses"] + counters["stored"]) * sector / gpu.l2.bandwidth, local=False),
        Bound("DRAM bandwidth", timing.dram_sectors * sector / dram_per_cycle, local=False),
    ]
    return sorted(found, key=lambda bound: -bound.cycles)
